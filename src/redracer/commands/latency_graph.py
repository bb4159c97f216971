"""LATENCY GRAPH: samples as columns of characters, the oldest to the left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redracer.engine.latency import EventHistory

COLUMNS = 80
ROWS = 4
TOPS = "_o#"  # a column's top cell by how much of it is filled, in thirds
BODY = "|"
UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def age(seconds: int) -> str:
    """How long ago, in the largest unit that is not zero."""
    for size, letter in UNITS:
        if seconds >= size:
            return f"{seconds // size}{letter}"
    return "0s"


def column(value: int, lowest: int, highest: int) -> str:
    """The cells of one sample, from the top row down; its height is its place between lowest and highest."""
    span = highest - lowest or 1
    thirds = round((value - lowest) / span * (ROWS * len(TOPS) - 1))
    full, top = divmod(thirds, len(TOPS))
    return (TOPS[top] + BODY * full).rjust(ROWS)


def graph(event: str, history: EventHistory, now: int) -> str:
    """The graph of an event's samples with their ages below, read downwards. `now`: Unix time in s."""
    samples = list(history.samples)[-COLUMNS:]
    values = [milliseconds for _, milliseconds in samples]
    lowest, highest = min(values), max(values)
    columns = [column(value, lowest, highest) for value in values]
    labels = [age(max(now - time, 0)) for time, _ in samples]
    depth = max(map(len, labels))
    rows = ["".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    rows += [""]
    rows += ["".join(label[row : row + 1] or " " for label in labels).rstrip() for row in range(depth)]
    title = f"{event} - high {highest} ms, low {lowest} ms (all time high {history.worst} ms)"
    return "\n".join([title, "-" * COLUMNS, *rows]) + "\n"
