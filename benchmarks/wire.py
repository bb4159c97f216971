"""A raw RESP2 client that is fast enough to fill a server: it counts replies and does not build them."""

import socket
from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType

READ_SIZE = 1 << 16
BATCH = 500  # commands that are sent before their replies are awaited


class ErrorReply(Exception):
    """An error reply; the text is the server's."""


def encode(*words: bytes | str | int) -> bytes:
    """A command as an array of bulk strings."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def batches(commands: Iterable[bytes], size: int) -> Iterator[tuple[int, bytes]]:
    """The encoded commands joined to chunks of at most `size`, each with its number of commands."""
    iterator = iter(commands)
    while chunk := list(islice(iterator, size)):
        yield len(chunk), b"".join(chunk)


class Connection:
    """A blocking connection. Not to be used by two threads at once."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=600)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def call(self, *words: bytes | str | int) -> object:
        """Sends a command and returns its reply: bytes, int, list or None. Raises ErrorReply."""
        self._socket.sendall(encode(*words))
        return self._reply()

    def call_many(self, commands: Iterable[bytes]) -> list[object]:
        """Sends encoded commands together and returns their replies in order. Raises ErrorReply."""
        chunks = list(commands)
        self._socket.sendall(b"".join(chunks))
        return [self._reply() for _ in chunks]

    def close(self) -> None:
        """Closes the connection; a second call changes nothing."""
        self._socket.close()

    def fill(self, commands: Iterable[bytes], batch: int = BATCH, lines: int = 1) -> int:
        """Sends encoded commands whose replies have `lines` lines each, in batches; returns how many.

        Raises ErrorReply where one of the replies is an error.
        """
        sent = 0
        for count, chunk in batches(commands, batch):
            self._socket.sendall(chunk)
            self._skip_lines(count * lines)
            sent += count
        return sent

    def _skip_lines(self, count: int) -> None:
        tail = b"\n"  # the last byte before `data`: an error reply is a line that begins with a minus sign
        while count > 0:
            data = self._receive()
            count -= data.count(b"\n")
            at = (tail + data).find(b"\n-")
            if at >= 0:
                raise ErrorReply(
                    (tail + data)[at + 2 : at + 200].partition(b"\r")[0].decode(errors="replace")
                )
            tail = data[-1:]
        if count < 0:
            raise RuntimeError("more replies than commands")

    def _receive(self) -> bytes:
        data = self._socket.recv(READ_SIZE)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._buffer += self._receive()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _reply(self) -> object:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            raise ErrorReply(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        raise RuntimeError(f"unexpected reply {line!r}")

    def _bulk(self, length: int) -> bytes | None:
        if length < 0:
            return None
        while len(self._buffer) < length + 2:
            self._buffer += self._receive()
        data, self._buffer = self._buffer[:length], self._buffer[length + 2 :]
        return data
