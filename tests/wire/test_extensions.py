"""Extensions: commands, hooks and jobs of Python modules that the configuration names."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import ServerProcess, WireClient, free_port

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PATIENCE = 30  # s

MODULE = """
from redracer import extension as ex


@ex.command("BROKEN", arity=1, group=ex.MODULE, since="1.0.0")
def broken(ctx, args):
    \'\'\'Raises what no command should.\'\'\'
    raise KeyError("nothing there")


@ex.on_key_event("set", "watched:*")
def count(session, key, event):
    session.call("INCR", "seen")
    session.call("RPUSH", "names", key)


@ex.on_key_event("set", "bad")
def fail(session, key, event):
    raise ValueError("a hook that fails")


@ex.every(0.01)
def tick(session):
    session.call("INCR", "ticks")
"""


@pytest.fixture(scope="module")
def server(
    start_server: Callable[..., ServerProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("modules")
    (directory / "shop_extension.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{EXAMPLES}:{directory}")
        yield start_server(
            "--extension", "rate_limiter", "--extension", "shop_extension", "--appendonly", "yes"
        )


def wait_for(client: WireClient, request: tuple[str, ...], wanted: bytes) -> None:
    deadline = time.monotonic() + PATIENCE
    while client.request(*request) != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_rate_limiter(client: WireClient) -> None:
    replies = [client.request("RATELIMIT", "bob", 3, 100_000) for _ in range(5)]
    assert replies == [b":1\r\n"] * 3 + [b":0\r\n"] * 2
    assert client.request("RATELIMIT", "ann", 1, 1) == b":1\r\n"
    wait_for(client, ("RATELIMIT", "ann", "1", "1"), b":1\r\n")
    assert client.request("RATELIMIT", "bob", 0, 1) == b"-ERR limit and window must be positive integers\r\n"


def test_a_command_of_an_extension_is_told_of_like_any(client: WireClient) -> None:
    assert b"sliding window" in client.request("COMMAND", "DOCS", "RATELIMIT")
    assert client.request("COMMAND", "GETKEYS", "RATELIMIT", "k", "1", "1") == b"*1\r\n$1\r\nk\r\n"
    assert b"ratelimit" in client.request("ACL", "CAT", "write")
    assert b"cmdstat_ratelimit" in client.request("INFO", "commandstats")
    assert b"extension:name=rate_limiter" in client.request("INFO", "extensions")


def test_an_error_of_an_extension_harms_nothing(server: ServerProcess, client: WireClient) -> None:
    assert client.request("BROKEN") == b"-ERR internal error in 'broken': KeyError\r\n"
    assert client.request("SET", "bad", "1") == b"+OK\r\n"
    assert client.request("PING") == b"+PONG\r\n"
    assert "nothing there" in server.log.read_text()
    deadline = time.monotonic() + PATIENCE
    while "a hook that fails" not in server.log.read_text():
        assert time.monotonic() < deadline


def test_hooks_and_jobs(client: WireClient) -> None:
    client.request("SET", "watched:1", "x")
    client.request("SET", "other", "x")
    wait_for(client, ("GET", "seen"), b"$1\r\n1\r\n")
    assert client.request("LRANGE", "names", 0, -1) == b"*1\r\n$9\r\nwatched:1\r\n"
    wait_for(client, ("EXISTS", "ticks"), b":1\r\n")


def test_nothing_on_the_wire_loads_one(client: WireClient) -> None:
    assert client.request("CONFIG", "SET", "extension", "os").startswith(b"-ERR CONFIG SET failed")


def test_a_module_that_cannot_be_loaded_ends_the_start() -> None:
    command = [str(Path(sys.prefix) / "bin" / "redracer-server"), "--port", str(free_port())]
    result = subprocess.run(
        [*command, "--extension", "no_such_module"], capture_output=True, timeout=PATIENCE
    )
    assert result.returncode == 1
    assert b"The extension 'no_such_module' cannot be loaded" in result.stdout
