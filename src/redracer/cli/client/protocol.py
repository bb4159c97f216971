"""RESP2 and RESP3 as a client reads them.

The reader pulls bytes through a function that blocks until there are some, so that a reply that comes in pieces is
parsed once, in time linear in its size; who has something else to do meanwhile (--pipe) does it in that function.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

# Kinds of reply: the byte that announces them.
STATUS, ERROR, INTEGER, STRING, NIL = "+", "-", ":", "$", "_"
DOUBLE, BOOLEAN, BIG_NUMBER, VERBATIM, BULK_ERROR = ",", "#", "(", "=", "!"
ARRAY, MAP, SET, PUSH, ATTRIBUTE = "*", "%", "~", ">", "|"
LISTS = (ARRAY, SET, PUSH)
VERBATIM_HEADER = 4  # bytes before the text: its format and a colon


class ProtocolError(Exception):
    """What came is no RESP."""


class Reply:
    """One reply: its kind, and its value.

    The value is bytes for texts and numbers as they were sent, None for nil, a list of replies for what has elements:
    of a map its keys and values in turn.
    """

    __slots__ = ("kind", "value")

    def __init__(self, kind: str, value: Any) -> None:
        self.kind = kind
        self.value = value

    @property
    def is_error(self) -> bool:
        """Whether the server refused."""
        return self.kind == ERROR


def encoded(words: Iterable[bytes]) -> bytes:
    """A request: an array of bulk strings."""
    parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"*%d\r\n%s" % (len(parts), b"".join(parts))


class Reader:
    """Replies out of a stream of bytes."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        """`receive` returns some bytes, and raises whatever it likes when there will be none."""
        self.receive = receive
        self._data = b""
        self._at = 0  # what is before it has been read

    @property
    def has_data(self) -> bool:
        """Whether bytes were received that have not been read."""
        return self._at < len(self._data)

    def read(self) -> Reply:
        """The next reply. Raises ProtocolError, and what `receive` raises."""
        try:
            return self._read()
        except RecursionError:
            raise ProtocolError("Protocol error, too deep a nesting of replies") from None

    def some(self, limit: int) -> bytes:
        """At least one byte and at most `limit` of them, as they come."""
        if not self.has_data:
            self._data, self._at = self.receive(), 0
        piece = self._data[self._at : self._at + limit]
        self._at += len(piece)
        return piece

    def put_back(self, data: bytes) -> None:
        """Makes bytes that were got the next to be read."""
        self._data, self._at = data + self._data[self._at :], 0

    def line(self) -> bytes:
        """The bytes up to the next line end, without it."""
        start = self._at
        end = self._data.find(b"\r\n", start)
        while end < 0:
            self._data = self._data[start:] + self.receive()
            self._at = start = 0
            end = self._data.find(b"\r\n")
        self._at = end + 2
        return self._data[start:end]

    def _read(self) -> Reply:
        line = self.line()
        kind, rest = chr(line[0]) if line else "", line[1:]
        if kind in "+-:,(" and kind:
            return Reply(kind, rest)
        if kind in (STRING, VERBATIM, BULK_ERROR):
            return self._bulk(kind, _length(rest))
        if kind == BOOLEAN:
            return Reply(kind, rest)
        if kind == NIL:
            return Reply(NIL, None)
        if kind in LISTS or kind == MAP:
            return self._elements(kind, _length(rest))
        if (
            kind == ATTRIBUTE
        ):  # says something about the reply that follows it, which a terminal does not show
            self._elements(MAP, _length(rest))
            return self._read()
        shown = chr(line[0]) if line and 32 <= line[0] < 127 else f"\\x{line[0]:02x}" if line else "\\r"
        raise ProtocolError(f'Protocol error, got "{shown}" as reply type byte')

    def _bulk(self, kind: str, size: int) -> Reply:
        if size < 0:
            return Reply(NIL, None)
        text = self._exactly(size + 2)[:-2]
        if kind == VERBATIM:
            text = text[VERBATIM_HEADER:]
        return Reply(ERROR if kind == BULK_ERROR else kind, text)

    def _elements(self, kind: str, count: int) -> Reply:
        if count < 0:
            return Reply(NIL, None)
        read = self._read
        return Reply(kind, [read() for _ in range(count * 2 if kind == MAP else count)])

    def _exactly(self, size: int) -> bytes:
        have = len(self._data) - self._at
        if have < size:
            pieces = [self._data[self._at :]]
            while have < size:
                piece = self.receive()
                pieces.append(piece)
                have += len(piece)
            self._data, self._at = b"".join(pieces), 0
        start = self._at
        self._at += size
        return self._data[start : self._at]


def _length(digits: bytes) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ProtocolError("Protocol error, a length that is no number") from None
