"""The interface of types/stream/value.pyx."""

from typing import Any

from redracer.types.stream.entry_log import Entry, EntryLog
from redracer.types.stream.group import Consumer, Group
from redracer.types.stream.stream_id import StreamId

class Stream(EntryLog):
    """A stream: entries, and the consumer groups that read them."""

    encoding: bytes
    groups: dict[bytes, Group] | None  # None until there is one

    def __init__(self) -> None: ...
    def group(self, name: bytes) -> Group | None: ...
    def sorted_groups(self) -> list[Group]:
        """The groups by name. O(n log n)"""

    def add_group(self, name: bytes, last_id: StreamId, entries_read: int) -> Group | None:
        """A new group; None if there is one of that name."""

    def remove_group(self, name: bytes) -> Group | None:
        """Takes a group out; the caller may free it in steps."""

    def deliver(
        self, group: Group, consumer: Consumer, count: int, acknowledged: bool, now: int
    ) -> list[Entry]:
        """Gives a consumer up to `count` (0: all) of the entries that the group has not been given: it moves on, and
        they are pending.

        `acknowledged`: they need no acknowledgement and do not become pending. `now`: Unix time in ms.
        O(log n + result)
        """

    def history(self, consumer: Consumer, after: StreamId, count: int, now: int) -> list[list[Any]]:
        """Up to `count` (0: all) pending entries of a consumer after an ID, as delivered once more.

        An entry that is deleted has NULL_ARRAY in place of its fields. O(result * log n)
        """

    def lag(self, group: Group) -> int | None:
        """The entries that the group has still to read; None where deletions have made that unknown. O(1)"""

    def release(self, id: StreamId, policy: int) -> bool:
        """Whether the policy allows to delete an entry; DELETE_REFERENCES removes what is pending of it.

        O(groups * log n)
        """

    def copy(self) -> Stream:
        """An independent one. O(bytes)"""

    def memory_usage(self) -> int:
        """The bytes that the stream takes, estimated from some of its nodes where there are many."""

    def free_some(self, budget: int) -> bool:
        """Frees up to `budget` nodes or pending entries of a stream that nobody will use again; whether all is free."""
