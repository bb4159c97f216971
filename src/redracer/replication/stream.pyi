"""The interface of replication/stream.pyx."""

from collections.abc import Mapping
from typing import Final

from redracer.core.resp_write import ReplyBuffer

BLOCK: Final[int]
NO_ID: Final[bytes]

def new_id() -> bytes:
    """An id that no other history has."""

def database_of(fields: Mapping[bytes, bytes]) -> int:
    """The database in which the stream goes on behind a snapshot with these fields in its header."""

class Reader:
    """Reads the stream from a place on, and has the bytes from there kept until it is closed.

    ValueError if the place is not kept.
    """

    def __init__(self, stream: Stream, place: int) -> None: ...
    @property
    def place(self) -> int:
        """How many bytes of the history come before what is read next."""

    @property
    def behind(self) -> int:
        """How many bytes are there to be read."""

    def move(self, out: ReplyBuffer, most: int) -> int:
        """Writes the next bytes to `out`, at most so many; returns how many. O(bytes)."""

    def close(self) -> None:
        """Nothing more will be read."""

class Stream:
    """The history of this server.

    `end` is its place; `limit` the bytes of the backlog (repl-backlog-size); `second_end` the place up to which
    `second_id` names the same history, or -1.
    """

    id: bytes
    second_id: bytes
    second_end: int
    end: int
    limit: int

    def __init__(self, limit: int) -> None: ...
    @property
    def active(self) -> bool:
        """Whether there is a backlog."""

    @property
    def first(self) -> int:
        """The first place from which a reader can go on: of all that is kept, be it for slow readers only."""

    @property
    def kept(self) -> int:
        """Bytes that are kept, for the backlog or for readers."""

    def open(self) -> None:
        """From now on the stream is kept."""

    def drop(self) -> None:
        """Forgets the backlog, and closes its readers."""

    def append(self, data: bytes) -> None:
        """Adds bytes at the end. Amortised O(bytes). ValueError if the stream is not kept."""

    def trim(self) -> None:
        """Drops the blocks that neither the backlog nor a reader needs. O(readers) for each."""

    def can_resume(self, replication_id: bytes, place: int) -> bool:
        """Whether somebody who knows the history of that name up to `place` can go on from there."""

    def rename(self) -> None:
        """Starts a history of our own at this place; what came before is still known by its old name."""

    def follow(self, replication_id: bytes) -> None:
        """From this place on the history has another name, given by us or by our primary."""

    def restart(self, replication_id: bytes, place: int) -> None:
        """The data set is another now, that of this history at this place; nothing of the old one is kept."""

    def forget_second(self) -> None:
        """The name of the history before is good for nobody any more."""
