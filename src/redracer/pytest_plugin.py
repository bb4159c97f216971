"""The pytest plugin: stores, clients and servers as fixtures, for each test a fresh one.

pytest loads this module in every run where redracer is installed, so that it imports nothing but pytest itself until
a fixture is used. What fixtures give are the parts of redracer.testing, which work without pytest too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import redis
    import redis.asyncio

    from redracer.embedded.server import Server
    from redracer.embedded.snapshot import Snapshot
    from redracer.embedded.store import Store
    from redracer.testing import Clock, Faults, Recorder
    from redracer.testing.servers import Servers

MARKER = (
    "redracer(data=..., client={...}, **options): for this test's store or server: data is a dict of keys or the path "
    "of an RDB file (relative to the test's file), client has options of redis-py's client, the others are options of "
    "redis.conf with underscores"
)


class Options:
    """What the markers of a test say; the nearest one wins, option by option."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        merged: dict[str, Any] = {}
        for marker in request.node.iter_markers("redracer"):
            if marker.args:
                raise pytest.UsageError("@pytest.mark.redracer takes keyword arguments alone")
            merged = {**marker.kwargs, **merged}
        self.data: Mapping[Any, Any] | Any = merged.pop("data", None)
        self.client: dict[str, Any] = merged.pop("client", {})
        self.config = merged
        if self.data is not None and not isinstance(self.data, dict):
            self.data = request.path.parent / self.data


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker."""
    config.addinivalue_line("markers", MARKER)


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: Any, right: Any) -> list[str] | None:
    """What differs between two snapshots that should be equal."""
    if op != "==" or type(left).__name__ != "Snapshot" or type(left) is not type(right):
        return None
    from redracer.embedded.snapshot import Snapshot, difference

    if not isinstance(left, Snapshot):
        return None
    return ["the snapshots are equal: from the right to the left one", *difference(right, left).lines()]


@pytest.fixture
def redracer_options(request: pytest.FixtureRequest) -> Options:
    """What @pytest.mark.redracer says for this test."""
    return Options(request)


@pytest.fixture
def redracer(redracer_options: Options) -> Iterator[Store]:
    """A fresh store in this process, closed at the end of the test."""
    import redracer as package

    with package.open(**redracer_options.config) as store:
        if redracer_options.data is not None:
            store.load(redracer_options.data)
        yield store


@pytest.fixture
def redracer_client(redracer: Store, redracer_options: Options) -> Iterator[redis.Redis]:
    """redis-py's client of the store `redracer`."""
    with redracer.redis(**redracer_options.client) as client:
        yield client


@pytest.fixture
def redracer_async_client(redracer: Store, redracer_options: Options) -> Iterator[redis.asyncio.Redis]:
    """redis-py's asyncio client of the store `redracer`; needs no asynchronous fixture, so it goes with any loop."""
    client = redracer.async_redis(**redracer_options.client)
    yield client
    _forget_connections(client)


@pytest.fixture
def redracer_clock(redracer: Store) -> Clock:
    """The time of the store `redracer`: `tick(hours=2)`."""
    from redracer.testing import Clock

    return Clock(redracer)


@pytest.fixture
def redracer_faults(redracer: Store) -> Iterator[Faults]:
    """Failures of the store `redracer`, ended with the test."""
    from redracer.testing import Faults

    faults = Faults(redracer)
    yield faults
    faults.clear()


@pytest.fixture
def redracer_recorder(redracer: Store) -> Iterator[Recorder]:
    """Records what clients ask the store `redracer` from here on."""
    from redracer.testing import Recorder

    with Recorder(redracer) as recorder:
        yield recorder


@pytest.fixture
def redracer_unchanged(redracer: Store) -> Iterator[Snapshot]:
    """A snapshot of the store `redracer`; the test fails at its end if a key has changed since."""
    before = redracer.snapshot()
    yield before
    difference = redracer.diff(before)
    if difference:
        pytest.fail(f"keys have changed:\n{difference!r}", pytrace=False)


@pytest.fixture(scope="session")
def redracer_servers() -> Iterator[Servers]:
    """The servers of this process, which tests take turns with."""
    from redracer.testing.servers import Servers

    servers = Servers()
    yield servers
    servers.close()


@pytest.fixture
def redracer_server(redracer_options: Options, redracer_servers: Servers) -> Iterator[Server]:
    """A server in a process of its own, with nothing in it but the marker's data."""
    if redracer_options.data is None:
        server = redracer_servers.take(redracer_options.config)
        yield server
        redracer_servers.give_back(server)
        return
    from redracer.testing.servers import LoadedServer

    loaded = LoadedServer(redracer_options.data, redracer_options.config)
    yield loaded.server
    loaded.close()


@pytest.fixture
def redracer_server_client(redracer_server: Server, redracer_options: Options) -> Iterator[redis.Redis]:
    """redis-py's client of `redracer_server`."""
    import redis

    with redis.Redis.from_url(redracer_server.url, **redracer_options.client) as client:
        yield client


@pytest.fixture
def redracer_server_async_client(
    redracer_server: Server, redracer_options: Options
) -> Iterator[redis.asyncio.Redis]:
    """redis-py's asyncio client of `redracer_server`."""
    import redis.asyncio

    client = redis.asyncio.Redis.from_url(redracer_server.url, **redracer_options.client)
    yield client
    _forget_connections(client)


def _forget_connections(client: redis.asyncio.Redis) -> None:
    """Closes what the test left open, whose event loop is gone by now."""
    from contextlib import suppress

    pool: Any = client.connection_pool
    for connection in [*pool._available_connections, *pool._in_use_connections]:
        with suppress(RuntimeError):  # the loop is closed
            connection._close()
