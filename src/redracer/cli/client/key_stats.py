"""--keystats: the largest keys by bytes and by elements, and how sizes and lengths of names are distributed."""

from __future__ import annotations

import math
import os
import sys

from redracer.cli.client.key_sizes import Totals, TypeTotals, key_types, sizes
from redracer.cli.client.progress import Progress
from redracer.cli.client.scan import Scan, database_size
from redracer.cli.client.session import connected
from redracer.cli.client.stat import human
from redracer.cli.client.words import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.cli.client.options import Options

BANNER = """
# Scanning the entire keyspace to find the biggest keys and distribution information.
# Use -i 0.1 to sleep 0.1 sec per 100 SCAN commands (not usually needed).
# Use --cursor <n> to start the scan at the cursor <n> (usually after a Ctrl-C).
# Use --top <n> to display <n> top key sizes (default is 10).
# Ctrl-C to stop the scan.

"""
BAR = 60  # characters
EXACT_BITS = 15  # sizes are told apart to so many bits, which is better than 0.01 %
NAME_LENGTHS = (1 << 5, 1 << 8, 1 << 16, 1 << 20, 1 << 24, 1 << 27, 1 << 29)


class Distribution:
    """How often which size was met."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.count = self.total = self.squares = 0

    def add(self, size: int) -> None:
        """Counts one; sizes that differ by less than 0.01 % are the same."""
        shift = max(size.bit_length() - EXACT_BITS, 0)
        kept = size | (1 << shift) - 1
        self.counts[kept] = self.counts.get(kept, 0) + 1
        self.count += 1
        self.total += size
        self.squares += size * size

    def percentiles(self) -> Iterator[tuple[int, float, int]]:
        """Size, percentile and number of keys up to it: at 0 %, 50 %, 75 %, and so on by halves."""
        percentile = 0.0
        reached = 0
        for size in sorted(self.counts):
            reached += self.counts[size]
            if reached == self.count:
                yield size, 100.0, reached
            elif 100 * reached / self.count >= percentile:
                yield size, percentile, reached
                while 100 * reached / self.count >= percentile:
                    percentile += (100 - percentile) / 2

    @property
    def mean(self) -> float:
        """The average size."""
        return self.total / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation."""
        return math.sqrt(max(self.squares / self.count - self.mean**2, 0.0)) if self.count else 0.0


class Statistics:
    """All that is found out."""

    def __init__(self, top: int) -> None:
        self.top = top
        self.by_memory = Totals()
        self.by_elements = Totals()
        self.largest: list[tuple[int, bytes, bytes]] = []  # size, type, key; descending
        self.sizes = Distribution()
        self.name_lengths = [0] * (len(NAME_LENGTHS) + 1)
        self.longest_name = self.names = 0  # bytes

    def add(self, key: bytes, kind: TypeTotals, elements: int, memory: int) -> None:
        """Counts a key."""
        kind.add(key, elements)
        other = self.by_memory.of(kind.name)
        assert other is not None
        other.add(key, memory)
        self.sizes.add(memory)
        self.names += len(key)
        self.longest_name = max(self.longest_name, len(key))
        self.name_lengths[sum(len(key) > limit for limit in NAME_LENGTHS)] += 1
        self._rank(memory, kind.name, key)

    def _rank(self, memory: int, kind: bytes, key: bytes) -> None:
        ranking = self.largest
        if self.top and len(ranking) == self.top and memory <= ranking[-1][0]:
            return
        at = len(ranking)
        while at and ranking[at - 1][0] < memory:
            at -= 1
        ranking.insert(at, (memory, kind, key))
        if self.top and len(ranking) > self.top:
            ranking.pop()


def key_stats(options: Options) -> None:
    """Goes through the keys and prints the statistics at the end, or when it is interrupted."""
    session = connected(options)
    total = database_size(session)
    way = Scan(session, options.cursor)
    print(BANNER, end="", flush=True)
    found = Statistics(options.top)
    with Progress("keys", total) as progress:
        for keys in way:
            types = [found.by_elements.of(name) for name in key_types(session, keys)]
            memory = sizes(session, keys, types, memory=True)
            elements = sizes(session, keys, types, memory=False)
            for key, kind, size, count in zip(keys, types, memory, elements, strict=True):
                if kind is not None:
                    found.add(key, kind, count, size)
            progress.update(found.sizes.count)
    for block in (_progress(found, total), _top(found), _per_type(found), _elements_per_type(found)):
        _print(block)
    _print(_size_table(found.sizes))
    _print(_name_table(found))
    _print(_type_table(found), last=way.cursor == b"0")
    if way.cursor != b"0":
        cursor = way.cursor.decode()
        print(
            "Scan interrupted:\n"
            f"Use 'redracer cli --keystats --cursor {cursor}' to restart from the last cursor."
        )


def _print(lines: list[bytes], last: bool = False) -> None:
    sys.stdout.buffer.write(b"\n".join(lines) + (b"\n" if last else b"\n\n"))
    sys.stdout.buffer.flush()


def _bytes(size: float) -> bytes:
    return human(int(size)).encode()


def _progress(found: Statistics, total: int) -> list[bytes]:
    sampled = found.sizes.count
    share = min(sampled / total, 1.0) if total else 0.0
    bar = b"keys scanned"
    if sys.stdout.isatty() or "FAKETTY" in os.environ:
        done = round(BAR * share)
        bar = b"\x1b[32m%s\x1b[31m%s\x1b[39m" % (b"|" * done, b"-" * (BAR - done))
    return [
        b"%6.2f%% %s" % (100 * share, bar),
        b"Keys sampled: %d" % sampled,
        b"Keys size:    %s" % _bytes(found.sizes.total),
    ]


def _top(found: Statistics) -> list[bytes]:
    lines = [b"--- Top %d key sizes ---" % found.top]
    for rank, (size, kind, key) in enumerate(found.largest, 1):
        lines.append(b"%3d %8s %-10s %s" % (rank, _bytes(size), kind, quoted(key)))
    return lines


def _per_type(found: Statistics) -> list[bytes]:
    lines = [b"--- Top size per type ---"]
    for kind in found.by_memory.values():
        if kind.largest_key is not None:
            lines.append(b"%-10s %s is %s" % (kind.name, kind.largest_key, _bytes(kind.largest)))
    return lines


def _elements_per_type(found: Statistics) -> list[bytes]:
    lines = [b"--- Top length and cardinality per type ---"]
    for kind in found.by_elements.values():
        if kind.largest_key is not None:
            lines.append(b"%-10s %s has %s" % (kind.name, kind.largest_key, _amount(kind, kind.largest)))
    return lines


def _amount(kind: TypeTotals, number: int) -> bytes:
    """So many bytes, or so many elements."""
    return _bytes(number) if kind.unit == b"bytes" else b"%d %s" % (number, kind.unit)


def _size_table(distribution: Distribution) -> list[bytes]:
    lines = [b"Key size Percentile Total keys", b"-------- ---------- -----------"]
    for size, percentile, count in distribution.percentiles():
        lines.append(b"%8s %9.4f%% %11d" % (_bytes(size), percentile, count))
    mean, deviation = _bytes(distribution.mean), _bytes(distribution.deviation)
    lines.append(b"Note: 0.01%% size precision, Mean: %s, StdDeviation: %s" % (mean, deviation))
    return lines


def _name_table(found: Statistics) -> list[bytes]:
    lines = [b"Key name length Percentile Total keys", b"--------------- ---------- -----------"]
    count = found.sizes.count
    reached = 0
    for limit, number in zip((*NAME_LENGTHS, None), found.name_lengths, strict=True):
        reached += number
        if number:
            size = b"inf" if limit is None else _bytes(min(limit, found.longest_name))
            lines.append(b"%15s %9.4f%% %11d" % (size, 100 * reached / count, reached))
    average = _bytes(found.names // count) if count else b"0"
    lines.append(b"Total key length is %s (%s avg)" % (_bytes(found.names), average))
    return lines


def _type_table(found: Statistics) -> list[bytes]:
    lines = [
        b"Type        Total keys  Keys % Tot size Avg size  Total length/card Avg ln/card",
        b"--------- ------------ ------- -------- -------- ------------------ -----------",
    ]
    for name, memory in found.by_memory.items():
        if not memory.count:
            continue
        elements = found.by_elements[name]
        length, average = b" - ", b" - "
        if elements.command is not None:
            mean = elements.size / elements.count
            length = _amount(elements, elements.size)
            average = _bytes(round(mean)) if elements.unit == b"bytes" else b"%.2f" % mean
        share = 100 * memory.count / found.sizes.count
        sizes_shown = (_bytes(memory.size), _bytes(memory.size // memory.count))
        row = (name, memory.count, share, *sizes_shown, length, average)
        lines.append(b"%-10s %11d %6.2f%% %8s %8s %18s %11s" % row)
    return lines
