"""Frees what was deleted in bounded slices, so that no deletion stalls the server.

There is no second thread: freeing touches reference counts, which belong to the thread that executes
commands. Values and whole key tables are queued, and `run` frees for a share of its time.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from redracer.engine.timing import monotonic_nanoseconds

SMALL = 64  # items of a value that is freed at once: queuing it would cost more
# Between two looks at the clock. Items that were allocated together are the last of their part of the heap to go
# together too, and giving such a part back to the kernel takes as long as freeing hundreds of items.
ITEMS_PER_STEP = 8


class LazyFree:
    """The queue of what is still to be freed."""

    def __init__(self) -> None:
        self.queue: deque[Any] = deque()
        self.freed_objects = 0

    @property
    def pending(self) -> int:
        """Objects (values, tables) waiting to be freed."""
        return len(self.queue)

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self.freed_objects = 0

    def add(self, value: Any) -> None:
        """Frees `value` later if it is large and can be freed in steps (it has `free_some`); else at once."""
        if hasattr(value, "free_some") and not value.free_some(SMALL):
            self.queue.append(value)

    def run(self, nanoseconds: int) -> bool:
        """Frees for at most about `nanoseconds`; returns whether anything is left."""
        end = monotonic_nanoseconds() + nanoseconds
        while self.queue:
            if self.queue[0].free_some(ITEMS_PER_STEP):
                self.queue.popleft()
                self.freed_objects += 1
            if monotonic_nanoseconds() >= end:
                break
        return bool(self.queue)
