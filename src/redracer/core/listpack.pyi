"""The interface of core/listpack.pyx to Python code; core/listpack.pxd has positions, for compiled code."""

from typing import Self

class Listpack:
    """A sequence of byte strings in one block, in Redis's format. Negative indices count from the end.

    What looks like an integer is stored as one, and comes back as the same text. O(n) but for both ends.
    Every method that adds raises MemoryError, and ValueError where the block would exceed 1 GiB.
    """

    def __init__(self) -> None: ...
    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A listpack of the bytes that Redis writes (in RDB and DUMP).

        Raises ValueError unless the header fits, every entry lies within the block and has the right back
        length, and they are as many as the header says. O(n).
        """

    def to_bytes(self) -> bytes: ...
    def copy(self) -> Self:
        """An independent one of the same class. O(n)."""

    def __len__(self) -> int:
        """The number of entries. O(1); O(n) from 65,535 on."""

    def count(self) -> int: ...
    @property
    def size(self) -> int:
        """The block's bytes, as the thresholds in the configuration mean it."""

    def memory_usage(self) -> int:
        """The bytes that block and object take."""

    def append(self, value: bytes) -> int: ...
    def prepend(self, value: bytes) -> int: ...
    def insert(self, index: int, value: bytes) -> int:
        """Puts `value` before the entry at `index`; `len()` is the end. Raises IndexError."""

    def replace(self, index: int, value: bytes) -> bool:
        """Returns whether there is such an entry."""

    def delete(self, index: int, count: int = 1) -> int:
        """Deletes up to `count` entries from `index` on. Returns how many."""

    def get(self, index: int) -> bytes | None: ...
    def find(self, value: bytes, start: int = 0, skip: int = 0) -> int:
        """The index of the first entry from `start` on that equals `value`, or -1.

        After each compared entry, `skip` entries are passed over (1: the fields of pairs).
        """

    def values(self, start: int, count: int) -> list[bytes]:
        """Up to `count` entries from `start` on."""

    def values_at(self, indices: list[int]) -> list[bytes]:
        """The entries at these indices (ascending, repeats allowed), in one walk. Raises IndexError."""

    def to_list(self) -> list[bytes]: ...
    def draw(self, count: int, width: int = 1) -> list[bytes]:
        """`count` random groups of `width` entries (1: members, 2: pairs), flat, with repeats."""

    def draw_distinct(self, count: int, width: int = 1) -> list[bytes]:
        """Up to `count` different groups, each choice with equal chances, in the listpack's order. O(n)."""

    def merge(self, other: Listpack) -> int:
        """Appends all entries of `other`, which stays as it is."""
