"""MIGRATE's connection to another server: the port `migration`.

It is a socket that blocks, with a timeout, since nobody is served while keys move: a key is at no time at two servers,
or at none. A connection is kept for some seconds, for who moves one key after the other.
https://redis.io/docs/latest/commands/migrate/
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, NamedTuple

from redracer.core.errors import CommandError
from redracer.core.resp_write import ReplyBuffer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedReader

    from redracer.engine.engine import Engine

KEPT = 10.0  # s that a connection is kept unused
MOST = 64  # connections that are kept
CONNECTING = b"IOERR error or timeout connecting to the client"
TALKING = b"IOERR error or timeout %s to target instance"


class Connection(NamedTuple):
    """One that is kept."""

    socket: socket.socket
    reader: BufferedReader
    used: float  # time.monotonic()


class Migration:
    """The connections of one engine, by host and port."""

    def __init__(self, engine: Engine) -> None:
        self.kept: dict[tuple[str, int], Connection] = {}
        engine.at_tick.append(self._close_unused)
        engine.info.provide("migrate_cached_sockets", lambda: len(self.kept))

    def exchange(
        self, target: tuple[str, int], timeout: float, requests: Sequence[list[bytes]]
    ) -> Iterator[bytes]:
        """Sends the requests to a server, and yields the line that each is answered with, without its end. No step may
        take longer than `timeout` seconds. Raises CommandError where the server cannot be reached or does not answer.
        """
        encoder = ReplyBuffer()
        for request in requests:
            encoder.write(request, 2)
        data = encoder.take()
        first, connection = self._first_line(target, timeout, data)
        try:
            yield first
            for _ in requests[1:]:
                yield self._line(connection)
        except BaseException:
            connection.socket.close()
            raise
        if len(self.kept) >= MOST:
            self._close(next(iter(self.kept)))
        self.kept[target] = connection._replace(used=time.monotonic())

    def _first_line(self, target: tuple[str, int], timeout: float, data: bytes) -> tuple[bytes, Connection]:
        """Sends everything. A connection that was kept may have been closed at the other end: then over a new one."""
        kept = self.kept.pop(target, None)
        if kept is not None:
            try:
                kept.socket.settimeout(timeout)
                kept.socket.sendall(data)
                line = kept.reader.readline()
                if line.endswith(b"\n"):
                    return line.strip(), kept
            except TimeoutError:
                kept.socket.close()
                raise CommandError(TALKING % b"reading") from None
            except OSError:
                pass
            kept.socket.close()
        try:
            new = socket.create_connection(target, timeout)
        except OSError:
            raise CommandError(CONNECTING) from None
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(new, new.makefile("rb"), 0.0)
        try:
            new.sendall(data)
        except OSError:
            new.close()
            raise CommandError(TALKING % b"writing") from None
        return self._line(connection), connection

    @staticmethod
    def _line(connection: Connection) -> bytes:
        try:
            line = connection.reader.readline()
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            connection.socket.close()
            raise CommandError(TALKING % b"reading")
        return line.strip()

    def _close(self, target: tuple[str, int]) -> None:
        self.kept.pop(target).socket.close()

    def _close_unused(self) -> None:
        """Called with the engine's tick."""
        if self.kept:
            now = time.monotonic()
            for target in [target for target, one in self.kept.items() if now - one.used > KEPT]:
                self._close(target)
