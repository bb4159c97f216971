"""LATENCY DOCTOR: what the recorded events say, in words, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.engine.latency import EventHistory

SLOW_DISK = (
    "Writing to the append-only file waited for the disk: use a faster one, or appendfsync no or everysec, or "
    "no-appendfsync-on-rewrite yes if that is during snapshots."
)
SLOW_NAMES = (
    "Renaming or looking up a file of the append-only file took long: is the disk busy, or over a network?"
)
# By event: what helps against it.
ADVICE = {
    "command": "Look at SLOWLOG GET for the commands that took long: prefer SCAN to KEYS, and work on "
    "large collections in parts. Deleting large values with UNLINK does not block.",
    "fast-command": "Commands of constant time were slow, so the machine was: look for other busy "
    "processes, swapping, or an overcommitted virtual machine.",
    "expire-cycle": "Many keys expired at the same moment: spread their expiry times.",
    "aof-write-pending-fsync": SLOW_DISK,
    "aof-write-active-child": "Writing to the append-only file waited for the disk that a child process writes a "
    "snapshot to: a faster disk helps, or one of its own for the append-only file.",
    "aof-write-alone": SLOW_DISK,
    "aof-fsync-always": "With appendfsync always every write waits for the disk: use a faster one, or everysec.",
    "aof-rename": SLOW_NAMES,
    "aof-fstat": SLOW_NAMES,
    "rdb-unlink-temp-file": "Deleting the unfinished file of a snapshot whose child was killed took long: is the "
    "disk busy, or the file system over a network?",
    "fork": "The fork for a snapshot took long: it grows with the memory. Look at transparent huge pages, and at what "
    "the virtual machine's fork costs.",
    "eviction-cycle": "Eviction took long: give the server more memory, or its keys an expiry.",
}
ALL_WELL = "No latency spike has been recorded: nothing is wrong that the monitor could see.\n"
MONITOR_OFF = (
    "The latency monitor is off. Enable it with "
    '"CONFIG SET latency-monitor-threshold <milliseconds>", and ask again when there was something to '
    "record.\n"
)


def _described(event: str, history: EventHistory, now: int) -> str:
    values = [milliseconds for _, milliseconds in history.samples]
    mean = sum(values) / len(values)
    deviation = sum(abs(value - mean) for value in values) / len(values)
    seconds = max(now - history.samples[0][0], 1)
    return (
        f"{event}: {len(values)} latency spikes (average {mean:.0f} ms, mean deviation {deviation:.0f} ms, "
        f"one every {seconds / len(values):.2f} s). Worst of all time: {history.worst} ms."
    )


def report(engine: Engine, now: int) -> str:
    """The report over all events. `now`: Unix time in s."""
    events = engine.latency.events
    if not events:
        return ALL_WELL if engine.config["latency-monitor-threshold"] else MONITOR_OFF
    lines = ["Latency spikes have been recorded in this server:", ""]
    lines += [
        f"{number}. {_described(event, history, now)}"
        for number, (event, history) in enumerate(events.items(), 1)
    ]
    advice = [f"- {ADVICE[event]}" for event in events if event in ADVICE]
    if advice:
        lines += ["", "What may help:", "", *advice]
    return "\n".join(lines) + "\n"
