"""The interface of core/intset.pyx."""

from typing import Self

class Intset:
    """A set of signed 64-bit integers, ascending, each of 2, 4 or 8 bytes: as the widest ever added needs.

    The value object of a small set of integers. `add` and `remove` are O(n), the lookups O(log n).
    """

    def __init__(self) -> None: ...
    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """An intset of the bytes that Redis writes.

        Raises ValueError unless the header fits and the values ascend. O(n).
        """

    def to_bytes(self) -> bytes: ...
    def copy(self) -> Self: ...
    def __len__(self) -> int: ...
    def count(self) -> int: ...
    def add(self, value: int) -> bool:
        """Returns whether it is new. Raises MemoryError; OverflowError (from the call) outside 64 bits."""

    def remove(self, value: int) -> bool:
        """Returns whether it was there."""

    def contains(self, value: int) -> bool: ...
    def get(self, index: int) -> int:
        """The value at `index` of the ascending order (negative: from the end). Raises IndexError."""

    def random(self) -> int:
        """A value drawn with equal chances. Raises IndexError if there is none."""

    def draw(self, count: int) -> list[int]:
        """`count` random values; a value may come more than once."""

    def draw_distinct(self, count: int) -> list[int]:
        """Up to `count` different values, each subset with equal chances. O(n)."""

    @property
    def minimum(self) -> int:
        """Raises IndexError if there is none, as `maximum` does."""

    @property
    def maximum(self) -> int: ...
    def values(self) -> list[int]: ...
    def members(self) -> list[bytes]:
        """The values as text."""

    @property
    def size(self) -> int:
        """The block's bytes."""

    def memory_usage(self) -> int:
        """The bytes that block and object take."""
