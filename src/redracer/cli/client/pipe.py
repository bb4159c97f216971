"""--pipe: the standard input to the server, as fast as both go, while the replies are counted.

One thread does both: the reader of replies pulls bytes through `Pump.receive`, which sends as long as nothing can be
read. What ends the transfer is a last command with a reply that nothing else has.
"""

from __future__ import annotations

import os
import select
import sys
import time

from redracer.cli.client.connection import CHUNK, ConnectionLost
from redracer.cli.client.options import Exit, complain, fail
from redracer.cli.client.progress import Progress
from redracer.cli.client.protocol import STRING, ProtocolError, encoded
from redracer.cli.client.session import connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.connection import Connection
    from redracer.cli.client.options import Options

MAGIC = 20  # bytes of the last command's argument
TICK = 1.0  # s between two looks at the clock


class _Silence(Exception):
    """There was no reply for too long."""


class Pump:
    """Moves bytes between the standard input and the server."""

    def __init__(self, connection: Connection, timeout: float, progress: Progress) -> None:
        self.connection = connection
        self.timeout = timeout  # s without a reply after the last byte; 0: none
        self.progress = progress
        self.magic = os.urandom(MAGIC)
        self.at_end = False  # of the standard input
        self.sent = 0  # bytes
        self.heard = time.monotonic()
        self._waiting = b""  # to be sent
        connection.socket.setblocking(False)

    def receive(self) -> bytes:
        """Some bytes from the server; sends meanwhile. Raises ConnectionLost, _Silence."""
        while True:
            if self.connection.has_pending:
                data = self._received()
                if data:
                    return data
            wants_to_send = bool(self._waiting) or not self.at_end
            ready, writable, _ = select.select(
                [self.connection], [self.connection] if wants_to_send else [], [], TICK
            )
            if ready:
                data = self._received()
                if data:
                    return data
            if writable:
                self._send()
            elif self.at_end and self.timeout > 0 and time.monotonic() - self.heard > self.timeout:
                raise _Silence

    def _received(self) -> bytes:
        """What is there; nothing if TLS needs more before there is something."""
        try:
            data = self.connection.socket.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as error:
            if _wants_more(error):
                return b""
            raise ConnectionLost(str(error)) from None
        if not data:
            raise ConnectionLost("Server closed the connection")
        self.heard = time.monotonic()
        return data

    def _send(self) -> None:
        if not self._waiting:
            self._waiting = self._next()
        try:
            count = self.connection.socket.send(self._waiting)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            if _wants_more(error):
                return
            raise fail(f"Error writing to the server: {error.strerror}\n") from None
        self._waiting = self._waiting[count:]
        self.sent += count
        self.progress.update(self.sent)

    def _next(self) -> bytes:
        """More of the standard input, or after its end the last command."""
        data = os.read(0, CHUNK)
        if data:
            return data
        self.at_end = True
        self.heard = time.monotonic()
        self.progress.print(b"All data transferred. Waiting for the last reply...")
        # The line end in front ends whatever may be left open in the input.
        return b"\r\n" + encoded([b"ECHO", self.magic])


def _wants_more(error: OSError) -> bool:
    """Whether it only says that TLS waits for the other side."""
    return type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")


def pipe(options: Options) -> None:
    """Sends the standard input; ends the program with code 1 if there was an error among the replies."""
    session = connected(options)
    connection = session.connection
    assert connection is not None
    with Progress("bytes", _input_size()) as progress:
        pump = Pump(connection, options.pipe_timeout, progress)
        connection.reader.receive = pump.receive
        errors, replies = _count(connection, pump, options)
    print(f"errors: {errors}, replies: {replies}")
    if errors:
        raise Exit(1)


def _count(connection: Connection, pump: Pump, options: Options) -> tuple[int, int]:
    """Reads replies to the last; how many were errors, and how many there were."""
    errors = replies = 0
    while True:
        try:
            reply = connection.reply()
        except (ConnectionLost, ProtocolError):
            raise fail("Error reading replies from server\n") from None
        except _Silence:
            complain(f"No replies for {options.pipe_timeout} seconds: exiting.\n")
            return errors + 1, replies
        if reply.is_error:
            complain(reply.value, b"\n")
            errors += 1
        elif pump.at_end and reply.kind == STRING and reply.value == pump.magic:
            pump.progress.print(b"Last reply received from server.")
            return errors, replies
        replies += 1


def _input_size() -> int:
    """The size of the standard input, 0 if it is not a file."""
    try:
        return os.fstat(sys.stdin.fileno()).st_size
    except (OSError, ValueError):
        return 0
