"""The same tests over three fronts: our server's socket, the store inside a process, and a real redis-server.

A module that is not about sockets or processes says `pytestmark = every_front`; what one of its tests cannot ask of a
front it says with `not_on`, and why. The embedded front goes through the store's sessions, whose values are encoded
again, so that tests see bytes.
"""

import shutil
from collections.abc import Callable

import pytest

import redracer
from redracer.embedded.encoded import EncodedSession

TCP, EMBEDDED, REAL = "tcp", "embedded", "redis"
PATIENCE = 30  # s
every_front = pytest.mark.fronts(TCP, EMBEDDED, REAL)


def not_on(front: str, reason: str) -> pytest.MarkDecorator:
    """Leaves a test out on a front."""
    return pytest.mark.not_on(front, reason)


def parameters(metafunc: pytest.Metafunc) -> list[object]:
    """The fronts of a test, those that it leaves out as skipped with the reason."""
    marker = metafunc.definition.get_closest_marker("fronts")
    left_out = dict(mark.args for mark in metafunc.definition.iter_markers("not_on"))
    found: list[object] = []
    for front in marker.args if marker is not None else ():
        reason = left_out.get(front)
        if front == REAL and shutil.which("redis-server") is None:
            reason = "needs redis-server"
        found.append(pytest.param(front, marks=pytest.mark.skip(reason=reason) if reason else ()))
    return found


class ReadableSession(EncodedSession):
    """A session that is also the file from which WireClient reads."""

    def __init__(self, store: redracer.Store) -> None:
        self.encoded = b""  # of replies that nobody has read
        super().__init__(store, self._keep)

    def _keep(self, data: bytes) -> None:
        self.encoded += data

    def _take(self, measure: Callable[[bytes], int]) -> bytes:
        """The first `measure(what is there)` bytes, once that is positive; nothing when the connection has ended."""
        with self.changed:
            self.changed.wait_for(lambda: measure(self.encoded) > 0 or self.closed, PATIENCE)
            count = measure(self.encoded)
            found, self.encoded = self.encoded[:count], self.encoded[count:]
        return found

    def readline(self) -> bytes:
        """A line with its end."""
        return self._take(lambda there: there.find(b"\n") + 1)

    def read(self, count: int) -> bytes:
        """That many bytes."""
        return self._take(lambda there: count if len(there) >= count else 0)

    def has_ended(self) -> bool:
        """Waits for the end."""
        with self.changed:
            return bool(self.changed.wait_for(lambda: self.closed, PATIENCE))
