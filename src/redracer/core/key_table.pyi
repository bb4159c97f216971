"""The interface of core/key_table.pyx."""

from collections.abc import Callable
from typing import Any, Self

from redracer.core.clock import Clock

class DetachedKeys:
    """The keys that `KeyTable.detach` took out."""

    def free_some(self, budget: int) -> bool: ...

class KeyTable:
    """Entries by key: what every database has under it."""

    index: int
    clock: Clock
    on_expired: Callable[[Any, bytes], object] | None
    notify_miss: Callable[[bytes], object] | None
    hits: int
    misses: int

    def __init__(self, index: int, clock: Clock) -> None: ...
    @property
    def size(self) -> int: ...
    @property
    def expires(self) -> int: ...
    def __len__(self) -> int: ...
    def clear(self) -> int: ...
    def detach(self) -> DetachedKeys: ...
    def swap_with(self, other: Self) -> None: ...
    def table_stats(self) -> dict[str, int | float]: ...
