"""How much is allocated in this process."""

from __future__ import annotations

import ctypes
import sys


def heap_bytes() -> int:
    """Bytes allocated now: exact under AddressSanitizer, else the number of Python's blocks."""
    process = ctypes.CDLL(None)
    count = getattr(process, "__sanitizer_get_current_allocated_bytes", None)
    if count is None:
        return sys.getallocatedblocks()
    count.restype = ctypes.c_size_t
    return int(count())
