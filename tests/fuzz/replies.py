"""Reads a stream of replies back, strictly: what is no well-formed reply is an error of the server's."""

from __future__ import annotations

RESP3_ONLY = b"%~>_,#(=|!"
AGGREGATES = b"*~>%|"
STRINGS = b"$=!"
NULLS = (b"$-1", b"*-1", b"_")
LONG = 4096  # bytes of an unfinished reply


class Malformed(Exception):
    """The server sent something that is no reply."""


class Incomplete(Exception):
    """The reply goes on beyond the bytes at hand."""


class ReplyStream:
    """The replies to one client, as they come. `resp3` says whether it may get types of RESP3."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.resp3 = False
        self.expected = 0  # bytes of `data` without which the first reply cannot be whole
        self.replies = 0
        self.last = b""
        self.internal_errors: list[bytes] = []

    def feed(self, data: bytes | memoryview) -> None:
        """Takes further bytes and reads the replies that are now whole. Raises Malformed."""
        self.data += data
        if len(self.data) < self.expected:
            return
        whole = bytes(self.data)
        self.expected = 0
        at = 0
        try:
            while at < len(whole):
                end = self._skip(whole, at)
                self.last = whole[at:end]
                at = end
                self.replies += 1
        except Incomplete:
            if len(whole) - at > LONG:  # not to read what there is of a long reply again and again
                self.expected = 2 * (len(whole) - at)
        del self.data[:at]

    @property
    def unfinished(self) -> bytes:
        """The bytes behind the last whole reply."""
        self.expected = 0
        self.feed(b"")
        return bytes(self.data)

    def _skip(self, data: bytes, at: int) -> int:
        """Where the reply that starts at `at` ends. O(its size)."""
        end = data.find(b"\r\n", at)
        if end < 0:
            if len(data) - at > 1 << 20:
                raise Malformed(f"an endless line: {data[at : at + 80]!r}")
            raise Incomplete
        kind = data[at]
        if kind in b"+:":
            if kind == 43:
                return end + 2
            self._integer(data[at + 1 : end])
            return end + 2
        if kind == 45:
            if data.startswith(b"-ERR internal error", at):
                self.internal_errors.append(data[at:end])
            if b"\n" in data[at:end] or b"\r" in data[at:end]:
                raise Malformed(f"an error of several lines: {data[at:end]!r}")
            return end + 2
        if kind in RESP3_ONLY and not self.resp3:
            raise Malformed(f"RESP3 to a client of RESP2: {data[at : at + 80]!r}")
        line = data[at:end]
        if line in NULLS:
            return end + 2
        if kind in STRINGS:
            stop = end + 2 + self._length(line)
            if stop + 2 > len(data):
                raise Incomplete
            if data[stop : stop + 2] != b"\r\n":
                raise Malformed(f"a string of another length than {line!r}: {data[at : stop + 20][:200]!r}")
            return stop + 2
        if kind in AGGREGATES:
            count = self._length(line) * (2 if kind in b"%|" else 1) + (kind == 124)
            at = end + 2
            for _ in range(count):
                at = self._skip(data, at)
            return at
        return self._scalar(line, end)

    def _scalar(self, line: bytes, end: int) -> int:
        kind, rest = line[:1], line[1:]
        if kind == b",":
            try:
                float(rest)
            except ValueError:
                raise Malformed(f"no double: {line!r}") from None
        elif kind == b"(":
            self._integer(rest)
        elif line not in (b"#t", b"#f"):
            raise Malformed(f"no reply: {line[:80]!r}")
        return end + 2

    def _length(self, line: bytes) -> int:
        rest = line[1:]
        if not rest.isdigit() or (rest[0] == 48 and len(rest) > 1):
            raise Malformed(f"no length: {line[:80]!r}")
        return int(rest)

    def _integer(self, text: bytes) -> None:
        digits = text.removeprefix(b"-")
        if not digits.isdigit():
            raise Malformed(f"no integer: {text[:80]!r}")
