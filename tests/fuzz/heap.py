"""How much is allocated in this process, and whether that grows with what it is given."""

from __future__ import annotations

import ctypes
import gc
import sys

WARM_UP = 0.2  # of the steps, before the heap is measured: caches fill
GROWTH_LIMIT = 4 << 20  # bytes that the heap may grow from there to the end


def heap_bytes() -> int:
    """Bytes allocated now: exact under AddressSanitizer, else the number of Python's blocks."""
    process = ctypes.CDLL(None)
    count = getattr(process, "__sanitizer_get_current_allocated_bytes", None)
    if count is None:
        return sys.getallocatedblocks()
    count.restype = ctypes.c_size_t
    return int(count())


class HeapGrowth:
    """Watches the heap over a run of `total` steps."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.warm = 0  # heap after the warm-up
        self.growth = 0

    def look(self, done: int) -> int:
        """The heap after so many steps."""
        gc.collect()
        heap = heap_bytes()
        if not self.warm and done >= self.total * WARM_UP:
            self.warm = heap
        self.growth = heap - self.warm if self.warm else 0
        return heap

    def failures(self) -> list[str]:
        """The complaint, if it grew too much."""
        return [f"the heap grew by {self.growth} bytes"] if self.growth > GROWTH_LIMIT else []
