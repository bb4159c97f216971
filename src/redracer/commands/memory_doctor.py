"""MEMORY DOCTOR: what is odd about the server's memory, in words. The thresholds are Redis's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redracer.engine.memory_report import MemoryReport

MB = 1 << 20
SMALL = 5 * MB  # with less data than this nothing can be said
HIGH_PEAK = 1.5  # times what is used now
HIGH_FRAGMENTATION = 1.4  # resident memory (without the program's), times what is used
FRAGMENTATION_FLOOR = 10 * MB
BIG_CLIENT = 200 * 1024  # bytes, on average
BIG_REPLICA = 10 * MB

NOTHING_TO_SAY = "This server holds too little data for a diagnosis. Come back when there is more of it.\n"
HEALTHY = "No memory problem found. Everything looks as it should.\n"
INTRODUCTION = "This is what looks odd about this server's memory:\n\n"
PEAK = (
    " * High peak: at its peak the server used more than 150% of the memory that it uses now. What was freed "
    "since then may still be held by the allocator, so that the resident set looks too big; it will be used "
    "before the kernel is asked for more. MEMORY PURGE gives back what can be given back; the rest needs a "
    "restart.\n\n"
)
FRAGMENTATION = (
    " * High fragmentation: the allocators hold more than 1.4 times as much memory as is used. Deleting "
    "many values of mixed sizes leaves holes that only values of the same sizes can fill. If the peak is "
    "high too, that is the reason, and MEMORY PURGE may help.\n\n"
)
REPLICAS = (
    " * Big replica buffers: each replica's connection takes more than 10 MB on average. Its link may be too slow "
    "for what is written here, or it stands still; client-output-buffer-limit says when it is cut off.\n\n"
)
CLIENTS = (
    " * Big clients: the connections take more than 200 KB each on average. Look in CLIENT LIST for clients "
    "that do not read their replies (omem), or that send very large requests (qbuf).\n\n"
)


def diagnosis(report: MemoryReport, clients: int, replicas: int) -> str:
    """The report in words. `clients`, `replicas`: the number of connections of each. O(1)."""
    if report.net < SMALL:
        return NOTHING_TO_SAY
    found = []
    if report.peak > HIGH_PEAK * report.used:
        found.append(PEAK)
    if report.heap_fragmentation > HIGH_FRAGMENTATION and report.heap - report.used > FRAGMENTATION_FLOOR:
        found.append(FRAGMENTATION)
    if replicas and report.clients.replicas // replicas > BIG_REPLICA:
        found.append(REPLICAS)
    if clients and report.clients.normal // clients > BIG_CLIENT:
        found.append(CLIENTS)
    return INTRODUCTION + "".join(found) if found else HEALTHY
