"""The interface of core/member_table.pyx. Times are Unix time in ms."""

class ElementTable:
    """What MemberTable, FieldTable and SortedMembers share."""

    def __len__(self) -> int: ...
    def contains(self, member: bytes) -> bool: ...
    def free_some(self, budget: int) -> bool:
        """Empties the table, and frees up to `budget` of what it held; call again until it returns True.

        The first call makes it empty for every other method. What is left when the object goes is freed then.
        O(budget).
        """

    def memory_usage(self) -> int:
        """The exact bytes that table, elements and object take."""

    def table_stats(self) -> dict[str, int | float]:
        """The state of the hash table, for DEBUG HTSTATS-KEY. O(n)."""

class MemberTable(ElementTable):
    """The members of a large set: all O(1), none pauses for a rehash."""

    def __init__(self) -> None: ...
    def add(self, member: bytes) -> bool:
        """Returns whether it is new. Raises MemoryError."""

    def remove(self, member: bytes) -> bool: ...
    def random(self) -> bytes | None:
        """A member drawn with equal chances."""

    def pop(self) -> bytes | None:
        """Removes a random member, and returns it."""

    def draw(self, count: int) -> list[bytes]:
        """`count` random members; a member may come more than once. Empty if the table is."""

    def draw_distinct(self, count: int) -> list[bytes]:
        """Up to `count` different members, each subset with equal chances. O(count)."""

    def members(self) -> list[bytes]: ...
    def scan(self, cursor: int, count: int, pattern: bytes | None = None) -> tuple[int, list[bytes]]:
        """One step of SSCAN, with the promises of Keyspace.scan: (next cursor, members)."""

    def copy(self) -> MemberTable: ...

class FieldTable(ElementTable):
    """The fields and values of a large hash. A field may have an expiry.

    The table has no clock: a field whose expiry is at or before `now` is skipped by the methods that take
    `now` (-1: none is), and stays in `len()` until it is removed.
    """

    def __init__(self) -> None: ...
    def set(self, field: bytes, value: bytes, keep_expiry: bool = False) -> bool:
        """Returns whether the field is new. Its expiry goes unless `keep_expiry`. Raises MemoryError."""

    def get(self, field: bytes, now: int = -1) -> bytes | None: ...
    def has(self, field: bytes, now: int = -1) -> bool: ...
    def remove(self, field: bytes) -> bool: ...
    def value_length(self, field: bytes, now: int = -1) -> int:
        """0 without the field."""

    def expiry_of(self, field: bytes) -> int:
        """-1: it has none; -2: there is no such field."""

    def set_expiry(self, field: bytes, expire_at: int) -> bool:
        """Returns whether the field exists. O(log expiring). Raises MemoryError, ValueError below 0."""

    def persist(self, field: bytes) -> bool:
        """Returns whether the field had an expiry."""

    def next_expiry(self) -> int:
        """The earliest expiry of all fields, or -1. O(1)."""

    def expiring(self) -> int:
        """The number of fields that have an expiry."""

    def take_expired(self, now: int, limit: int) -> list[bytes]:
        """Removes up to `limit` fields whose expiry is at or before `now`, the earliest first.

        Returns them. O(limit log expiring).
        """

    def fields(self, now: int = -1) -> list[bytes]: ...
    def values(self, now: int = -1) -> list[bytes]: ...
    def items(self, now: int = -1) -> list[bytes]:
        """Flat: field, value, field, value."""

    def draw(self, count: int, with_values: bool = False, now: int = -1) -> list[bytes]:
        """`count` random fields, each with its value after it if asked for; a field may come more than once.
        Empty if no field lives."""

    def draw_distinct(self, count: int, with_values: bool = False, now: int = -1) -> list[bytes]:
        """Up to `count` different fields, each subset with equal chances. O(count)."""

    def scan(
        self, cursor: int, count: int, pattern: bytes | None = None, with_values: bool = True, now: int = -1
    ) -> tuple[int, list[bytes]]:
        """One step of HSCAN, with the promises of Keyspace.scan: (next cursor, flat list)."""

    def copy(self) -> FieldTable:
        """With its fields' expiries."""
