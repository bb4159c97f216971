"""A snapshot as a primary sends it to a replica.

It is announced by its size, or by a mark of 40 bytes that follows it. Before that come the answer to PSYNC, and empty
lines as a sign of life while the snapshot is made.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.cli.client.protocol import Reader

MARK = 40  # bytes of the mark
PIECE = 1 << 16  # bytes


class SnapshotRefused(Exception):
    """There is none to come; `reply` is the line that says so."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(reply.lstrip(b"-").decode("utf-8", "replace"))
        self.reply = reply


class Snapshot:
    """A snapshot on its way."""

    def __init__(self, reader: Reader, announcement: bytes) -> None:
        """`announcement`: the line before it. Raises SnapshotRefused if that announces none."""
        self.reader = reader
        self.size = 0  # not known where there is a mark
        self.mark = b""
        self.received = 0
        kind, rest = announcement[:1], announcement[1:]
        if kind == b"$" and rest.isdigit():
            self.size = int(rest)
        elif kind == b"$" and rest.startswith(b"EOF:") and len(rest) == len(b"EOF:") + MARK:
            self.mark = rest[len(b"EOF:") :]
        else:
            raise SnapshotRefused(announcement)

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, without the mark."""
        return self._until_mark() if self.mark else self._of_size()

    def _of_size(self) -> Iterator[bytes]:
        while self.received < self.size:
            piece = self.reader.some(min(PIECE, self.size - self.received))
            self.received += len(piece)
            yield piece

    def _until_mark(self) -> Iterator[bytes]:
        held = b""  # its end may be the mark's beginning
        while (end := held.find(self.mark)) < 0:
            sure = held[:-MARK]
            self.received += len(sure)
            if sure:
                yield sure
            held = held[-MARK:] + self.reader.some(PIECE)
        self.received += end
        self.reader.put_back(held[end + MARK :])
        yield held[:end]


def announced(reader: Reader) -> Snapshot:
    """The snapshot that was asked for. Raises SnapshotRefused, and what the reader raises."""
    line = b""
    while not line or line.startswith(b"+FULLRESYNC"):
        line = b""
        byte = reader.some(1)
        while byte != b"\n":
            line += byte
            byte = reader.some(1)
        line = line.strip(b"\r")
    return Snapshot(reader, line)
