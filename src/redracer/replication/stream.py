"""The replication stream: what changed, as a history that has a name and a length.

The history is named by an id of 40 hexadecimal digits; a place in it is the number of bytes that come before.
Two servers whose data sets come from the same history differ by the bytes between their places, and the one
that is ahead can send just those, if it still has them: the backlog. A server that is promoted starts a
history of its own, and keeps the name of the one before with the place up to which both are the same, so that
its former siblings can go on from there.

The bytes are kept once, in blocks, for the backlog and for every replica that has not been sent them yet: a
replica is a Reader, a place in the blocks. A block is dropped when the blocks behind it make up the backlog
and nobody has to read it any more.
https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 16384  # bytes of a block, but for
BLOCKS = 16  # parts of the backlog at least, into which what is larger is divided
NO_ID = b"0" * 40
NOWHERE = -1


def new_id() -> bytes:
    """An id that no other history has."""
    return os.urandom(20).hex().encode()


def database_of(fields: Mapping[bytes, bytes]) -> int:
    """The database in which the stream goes on behind a snapshot with these fields in its header."""
    number = fields.get(b"repl-stream-db", b"")
    return int(number) if number.isdigit() else 0


class Block:
    """Bytes of the stream from the place `start`; `number` counts the blocks."""

    __slots__ = ("data", "number", "start")

    def __init__(self, number: int, start: int) -> None:
        self.number = number
        self.start = start
        self.data = bytearray()


class Reader:
    """Reads the stream from a place on, which must be in the backlog. While it is `attached` its bytes are kept."""

    def __init__(self, stream: Stream, place: int) -> None:
        self.stream = stream
        self.block, self.at = stream.find(place)
        stream.readers.add(self)

    @property
    def place(self) -> int:
        """How many bytes of the history come before what is read next."""
        return self.block.start + self.at

    @property
    def behind(self) -> int:
        """How many bytes are there to be read."""
        return self.stream.end - self.place

    def read(self, most: int) -> bytes:
        """The next bytes, at most so many; nothing at the end. O(bytes)."""
        if self.at == len(self.block.data) and self.block is not self.stream.blocks[-1]:
            self.block, self.at = self.stream.blocks[self.block.number + 1 - self.stream.blocks[0].number], 0
            self.stream.trim()
        data = bytes(self.block.data[self.at : self.at + most])
        self.at += len(data)
        return data

    def close(self) -> None:
        """Nothing more will be read."""
        self.stream.readers.discard(self)
        self.stream.trim()


class Stream:
    """The history of this server. `end` is its place; `limit` the bytes of the backlog (repl-backlog-size)."""

    def __init__(self, limit: int) -> None:
        self.id = new_id()
        self.second_id = NO_ID
        self.second_end = NOWHERE  # the place up to which `second_id` names the same history
        self.end = 0
        self.limit = limit
        self.blocks: deque[Block] = deque()  # none: there is no backlog
        self.readers: set[Reader] = set()

    @property
    def active(self) -> bool:
        """Whether there is a backlog."""
        return bool(self.blocks)

    @property
    def first(self) -> int:
        """The first place from which a reader can go on: of all that is kept, be it for slow readers only."""
        return self.blocks[0].start if self.blocks else self.end

    @property
    def kept(self) -> int:
        """Bytes that are kept, for the backlog or for readers."""
        return self.end - self.blocks[0].start if self.blocks else 0

    def open(self) -> None:
        """From now on the stream is kept."""
        if not self.blocks:
            self.blocks.append(Block(0, self.end))

    def drop(self) -> None:
        """Forgets the backlog. There must be no readers."""
        self.blocks.clear()

    def append(self, data: bytes) -> None:
        """Adds bytes at the end. Amortised O(bytes)."""
        most = max(
            self.limit // BLOCKS, BLOCK
        )  # or a large value would be kept long after the backlog is past it
        for at in range(0, len(data), most):
            self._append(data[at : at + most])
        self.trim()

    def _append(self, data: bytes) -> None:
        block = self.blocks[-1]
        if len(block.data) + len(data) > BLOCK and block.data:
            block = Block(block.number + 1, self.end)
            self.blocks.append(block)
        block.data += data
        self.end += len(data)

    def trim(self) -> None:
        """Drops the blocks that neither the backlog nor a reader needs. O(readers) for each."""
        blocks = self.blocks
        while len(blocks) > 1 and blocks[1].start <= self.end - self.limit:
            if any(reader.block is blocks[0] for reader in self.readers):
                return
            blocks.popleft()

    def find(self, place: int) -> tuple[Block, int]:
        """The block that holds a place, and where in it. ValueError if it is not kept. O(log blocks)."""
        if not self.blocks or not self.blocks[0].start <= place <= self.end:
            raise ValueError(f"place {place} of the stream is not kept")
        low, high = 0, len(self.blocks) - 1
        while low < high:  # bisect would need a list of the starts
            middle = (low + high + 1) // 2
            if self.blocks[middle].start <= place:
                low = middle
            else:
                high = middle - 1
        block = self.blocks[low]
        return block, place - block.start

    def can_resume(self, replication_id: bytes, place: int) -> bool:
        """Whether somebody who knows the history of that name up to `place` can go on from there."""
        known = replication_id == self.id or (replication_id == self.second_id and place <= self.second_end)
        return known and self.active and self.first <= place <= self.end

    def rename(self) -> None:
        """Starts a history of our own at this place; what came before is still known by its old name."""
        self.follow(new_id())

    def follow(self, replication_id: bytes) -> None:
        """From this place on the history has another name, given by us or by our primary."""
        self.second_id, self.second_end = self.id, self.end
        self.id = replication_id

    def restart(self, replication_id: bytes, place: int) -> None:
        """The data set is another now, that of this history at this place; nothing of the old one is kept."""
        self.id, self.end = replication_id, place
        self.forget_second()
        for reader in list(self.readers):
            reader.close()
        self.blocks.clear()
        self.open()

    def forget_second(self) -> None:
        """The name of the history before is good for nobody any more."""
        self.second_id, self.second_end = NO_ID, NOWHERE
