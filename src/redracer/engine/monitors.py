"""MONITOR: every request that is executed, told to those who watch, in Redis's format.

Dispatch calls `feed` after a command was executed, EXEC's and scripts' included, while GATE_MONITORED is set; of a
script before it runs.
Secrets are hidden. https://redis.io/docs/latest/commands/monitor/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine.client import MONITOR, UNIX_SOCKET
from redracer.engine.flags import ADMIN
from redracer.engine.gates import GATE_MONITORED
from redracer.engine.slowlog import redacted

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

ESCAPES = {
    ord("\\"): b"\\\\",
    ord('"'): b'\\"',
    ord("\n"): b"\\n",
    ord("\r"): b"\\r",
    ord("\t"): b"\\t",
    7: b"\\a",
    8: b"\\b",
}
SHOWN = [ESCAPES.get(byte, bytes([byte]) if 32 <= byte < 127 else b"\\x%02x" % byte) for byte in range(256)]
MICROSECONDS = 1_000_000  # per second


def quoted(argument: bytes) -> bytes:
    """An argument in double quotes, with escapes for what is no printable ASCII."""
    return b'"%b"' % b"".join([SHOWN[byte] for byte in argument])


class Monitors:
    """Who watches the requests of one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clients: dict[Client, None] = {}

    def add(self, client: Client) -> None:
        """From now on the client is told of every request."""
        client.flags |= MONITOR
        self.clients[client] = None
        self.engine.dispatcher.gates |= GATE_MONITORED

    def forget(self, client: Client) -> None:
        """The client is told nothing more (RESET, or it is gone)."""
        if client in self.clients:
            client.flags &= ~MONITOR
            del self.clients[client]
            if not self.clients:
                self.engine.dispatcher.gates &= ~GATE_MONITORED

    def feed(self, client: Client, command: Command, argv: list[bytes]) -> None:
        """Tells of a request; nothing of administrators' commands."""
        if command.flags & ADMIN:
            return
        seconds, microseconds = divmod(self.engine.unix_microseconds(), MICROSECONDS)
        line = b"+%d.%06d [%d %b] %b\r\n" % (
            seconds,
            microseconds,
            client.db.index,
            self._source(client),
            b" ".join([quoted(argument) for argument in redacted(command, argv)]),
        )
        for monitor in list(self.clients):
            self.engine.dispatcher.send(monitor, line)

    def _source(self, client: Client) -> bytes:
        if client.flags & UNIX_SOCKET:
            return b"unix:" + str(self.engine.config["unixsocket"]).encode("utf-8", "surrogateescape")
        return client.address.encode("utf-8", "surrogateescape")
