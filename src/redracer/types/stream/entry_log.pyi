"""The interface of types/stream/entry_log.pyx."""

from typing import Any, Final

from redracer.types.stream.stream_id import StreamId

# What a deletion does about entries that consumer groups still refer to.
KEEP_REFERENCES: Final = 1
DELETE_REFERENCES: Final = 2
ACKNOWLEDGED: Final = 3  # deletes only what no group refers to

# An entry as a reply: [id, [field, value, ...]].
Entry = list[Any]

class NodeLimits:
    """How much a node takes: stream-node-max-bytes and stream-node-max-entries (0: no limit)."""

    max_bytes: int
    max_entries: int
    def __init__(self, max_bytes: int, max_entries: int) -> None: ...

class EntryLog:
    """The entries of a stream in the order of their IDs."""

    length: int
    entries_added: int  # ever
    first_id: StreamId  # of the entries that are there; 0-0 if there is none
    last_id: StreamId  # the highest ever used
    highest_deleted_id: StreamId  # by XDEL and its kin, not by trimming

    @property
    def node_count(self) -> int: ...
    @property
    def chunk_count(self) -> int:
        """The blocks of the nodes' index."""

    def append(
        self,
        args: list[bytes],
        first_field: int,
        wanted: StreamId | None,
        sequence_given: bool,
        now: int,
        limits: NodeLimits,
    ) -> bytes:
        """Adds an entry of the fields and values from args[first_field] on. Returns its ID as text.

        The ID is `wanted`; without `sequence_given`, one of its time; None: one of `now` (Unix time in ms).
        Amortised O(fields).
        Raises CommandError: STREAM_ID_TOO_SMALL, STREAM_IDS_EXHAUSTED, STREAM_ENTRY_TOO_LARGE.
        """

    def contains(self, id: StreamId) -> bool:
        """Whether the entry is there. O(log n + entries of a node)"""

    def last_entry_id(self) -> StreamId | None:
        """The ID of the last entry that is there."""

    def entries_after(self, id: StreamId, count: int) -> list[Entry]:
        """Up to `count` (0: all) entries after `id`. O(log n + result)"""

    def oldest_id(self) -> StreamId:
        """The ID of the first entry, even if it is deleted but still in its node; without any the highest ID of all."""

    def range(self, start: StreamId, end: StreamId, count: int = 0, reverse: bool = False) -> list[Entry]:
        """The entries from `start` to `end`, both included, at most `count` (0: all). O(log n + result)"""

    def entry(self, id: StreamId) -> Entry | None:
        """One entry. O(log n + entries of a node)"""

    def delete(self, id: StreamId) -> bool:
        """Deletes an entry; whether it was there. After the last of several, `refresh_first` must follow."""

    def refresh_first(self) -> None:
        """Brings `first_id` up to date. O(log n)"""

    def trim(
        self,
        max_length: int,
        minimum: StreamId | None,
        approximate: bool,
        limit: int,
        policy: int = KEEP_REFERENCES,
    ) -> int:
        """Deletes the oldest entries down to `max_length` (-1: no such limit), or those before `minimum`.

        `approximate` deletes whole nodes only; `limit` is the most entries to delete (0: any number). Returns how
        many it deleted. O(deleted)
        """

    def nodes_as_bytes(self) -> list[tuple[StreamId, bytes]]:
        """The nodes, each the ID that its entries count from and the listpack. O(bytes)"""

    def load_node(self, master: StreamId, data: bytes) -> None:
        """Adds a node behind the others, as it was saved. Raises ValueError unless it is one. O(bytes)"""
