"""The interface of types/stream/group.pyx. Times are Unix time in ms."""

from redracer.types.stream.stream_id import StreamId

class Consumer:
    """One consumer of a group. Made by `Group.add_consumer` alone."""

    name: bytes
    seen_at: int  # the last attempt to read or claim
    active_at: int  # the last one that got something; -1: never
    @property
    def pending_count(self) -> int: ...

class Group:
    """A consumer group: what it has read, and its pending entries, which were delivered and not acknowledged."""

    name: bytes
    entries_read: int  # of all entries ever added, those up to `last_id`; -1: unknown
    consumers: dict[bytes, Consumer]
    last_id: StreamId

    def __init__(self, name: bytes, last_id: StreamId, entries_read: int = -1) -> None: ...
    @property
    def pending_count(self) -> int: ...
    def sorted_consumers(self) -> list[Consumer]:
        """The consumers by name. O(n log n)"""

    def add_consumer(self, name: bytes, now: int) -> Consumer | None:
        """A new consumer; None if there is one of that name. O(1)"""

    def remove_consumer(self, name: bytes) -> int:
        """Removes a consumer and its pending entries. Returns how many; -1 if there is no such consumer."""

    def acknowledge(self, id: StreamId) -> bool:
        """Removes a pending entry; whether there was one. O(log n)"""

    def add_pending(self, id: StreamId, consumer: Consumer, delivered_at: int, deliveries: int) -> bool:
        """Adds a pending entry as it is; False if there is one already. O(log n)"""

    def claim(
        self, id: StreamId, consumer: Consumer, delivered_at: int, deliveries: int, increment: int
    ) -> int:
        """Gives a pending entry to a consumer, as delivered at that time. One is made where there is none.

        `deliveries` is set if it is not negative, else `increment` is added. Returns the deliveries. O(log n)
        """

    def delivered_at(self, id: StreamId) -> int | None:
        """When a pending entry was last delivered; None if there is none. O(log n)"""

    def describe(self, id: StreamId) -> tuple[bytes, int, int]:
        """A pending entry: (consumer's name, delivered at, deliveries). Raises KeyError. O(log n)"""

    def pending_edges(self) -> tuple[StreamId, StreamId] | None:
        """The lowest and the highest ID of the pending entries; None without any. O(1)"""

    def pending_range(
        self, start: StreamId, end: StreamId, count: int, consumer: Consumer | None, delivered_until: int
    ) -> list[tuple[StreamId, bytes, int, int]]:
        """Up to `count` pending entries of the group, or of one consumer: (ID, consumer, delivered at, deliveries).

        Entries that were delivered after `delivered_until` are passed over. O(log n + entries looked at)
        """

    def next_pending(self, start: StreamId) -> StreamId | None:
        """The ID of the first pending entry from `start` on. O(log n)"""

    def free_some(self, budget: int) -> bool:
        """Frees up to `budget` pending entries of a group that nobody will use again; whether none is left."""
