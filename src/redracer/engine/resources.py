"""What the process takes of the machine, by the kernel's count. Read when somebody asks, on no hot path."""

from __future__ import annotations

import os
import resource

PAGE = resource.getpagesize()  # bytes


def resident_bytes() -> int:
    """The process's resident set; 0 where the platform has no /proc."""
    return _statm()[0]


def private_bytes() -> int:
    """The resident memory that is the process's own: neither file pages nor shared ones."""
    resident, shared = _statm()
    return resident - shared


def _statm() -> tuple[int, int]:
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            fields = file.read(256).split()
    except OSError:
        return 0, 0
    return int(fields[1]) * PAGE, int(fields[2]) * PAGE


def machine_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * PAGE


def processor_seconds(who: int) -> tuple[float, float]:
    """(in the kernel, in user space), of one of the constants of `resource`."""
    usage = resource.getrusage(who)
    return usage.ru_stime, usage.ru_utime
