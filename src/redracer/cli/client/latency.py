"""--latency, --latency-history, --latency-dist, --intrinsic-latency: how long things take."""

from __future__ import annotations

import math
import time

from redracer.cli.client.clock import milliseconds
from redracer.cli.client.formats import CSV, JSON, QUOTED_JSON, RAW, STANDARD
from redracer.cli.client.interrupt import Interruptible
from redracer.cli.client.reconnecting import Reconnecting
from redracer.cli.client.session import connected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.options import Options

SAMPLE_PAUSE = 0.01  # s
HISTORY_PERIOD = 15_000  # ms
PERIOD = 1000  # ms; of --latency where the output is no terminal, of --latency-dist
CLEAR_LINE = "\x1b[0G\x1b[2K"

LINES = {
    STANDARD: "min: {}, max: {}, avg: {:.2f} ({} samples)",
    CSV: "{},{},{:.2f},{}\n",
    RAW: "{} {} {:.2f} {}\n",
    JSON: '{{"min": {}, "max": {}, "avg": {:.2f}, "count": {}}}\n',
    QUOTED_JSON: '{{"min": {}, "max": {}, "avg": {:.2f}, "count": {}}}\n',
}

# Up to so many microseconds: the character that shows it; the last is for all above.
BUCKETS = [
    (10, "."),
    (125, "-"),
    (250, "*"),
    (500, "#"),
    *((1000 * number, str(number)) for number in range(1, 10)),
    *((10_000 * (at + 1), name) for at, name in enumerate("ABCDE")),
    *((100_000 * (at + 1), name) for at, name in enumerate("FGHIJ")),
    (1_000_000, "K"),
    (2_000_000, "L"),
    (4_000_000, "M"),
    (8_000_000, "N"),
    (16_000_000, "O"),
    (30_000_000, "P"),
    (60_000_000, "Q"),
    (0, "?"),
]
COLOURS = (0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 144, 143, 142, 184, 226, 214, 208, 202, 196)
GREYS = (0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253)
LINES_PER_LEGEND = 20
LEGEND = """\
---------------------------------------------
. - * #          .01 .125 .25 .5 milliseconds
1,2,3,...,9      from 1 to 9     milliseconds
A,B,C,D,E        10,20,30,40,50  milliseconds
F,G,H,I,J        .1,.2,.3,.4,.5       seconds
K,L,M,N,O,P,Q,?  1,2,4,8,16,30,60,>60 seconds
From 0 to 100%: """


class _Figures:
    def __init__(self) -> None:
        self.least = self.most = self.total = self.count = 0

    def add(self, latency: int) -> None:
        self.least = min(self.least, latency) if self.count else latency
        self.most = max(self.most, latency)
        self.total += latency
        self.count += 1

    def show(self, output: str) -> None:
        print(
            LINES[output].format(self.least, self.most, self.total / self.count, self.count),
            end="",
            flush=True,
        )


def latency(options: Options) -> None:
    """Pings a hundred times a second; prints figures in milliseconds."""
    link = Reconnecting(connected(options))
    period = int(options.interval * 1000) or (HISTORY_PERIOD if options.history else PERIOD)
    began = milliseconds()
    figures = _Figures()
    while True:
        before = milliseconds()
        link.ask(b"PING")
        figures.add(milliseconds() - before)
        elapsed = milliseconds() - began
        if options.output == STANDARD:
            print(CLEAR_LINE, end="")
            figures.show(STANDARD)
        elif options.history:
            if elapsed > period:
                figures.show(options.output)
        elif elapsed > period:
            figures.show(options.output)
            return
        if options.history and elapsed > period:
            print(f" -- {elapsed / 1000:.2f} seconds range")
            began, figures = milliseconds(), _Figures()
        time.sleep(SAMPLE_PAUSE)


def distribution(options: Options) -> None:
    """Pings a hundred times a second; prints how often which latency was met, as colours."""
    link = Reconnecting(connected(options))
    palette = GREYS if options.mono else COLOURS
    period = int(options.interval * 1000) or PERIOD
    counts = [0] * len(BUCKETS)
    lines = 0
    began = milliseconds()
    while True:
        before = time.perf_counter_ns()
        link.ask(b"PING")
        counts[_bucket((time.perf_counter_ns() - before) // 1000)] += 1
        if milliseconds() - began > period:
            if lines % LINES_PER_LEGEND == 0:
                print(_legend(palette))
            lines += 1
            print(_spectrum(counts, palette), flush=True)
            counts = [0] * len(BUCKETS)
            began = milliseconds()
        time.sleep(SAMPLE_PAUSE)


def _bucket(microseconds: int) -> int:
    for at, (limit, _) in enumerate(BUCKETS):
        if microseconds <= limit:
            return at
    return len(BUCKETS) - 1


def _legend(palette: tuple[int, ...]) -> str:
    colours = "".join(f"\x1b[48;5;{colour}m " for colour in palette)
    return f"{LEGEND}{colours}\x1b[0m\n---------------------------------------------"


def _spectrum(counts: list[int], palette: tuple[int, ...]) -> str:
    """A character for each bucket, the brighter the more of all samples are in it."""
    total = sum(counts)
    shown = ["\x1b[38;5;0m"]
    for count, (_, character) in zip(counts, BUCKETS, strict=True):
        colour = palette[math.ceil(count / total * (len(palette) - 1))]
        shown.append(f"\x1b[48;5;{colour}m{character}")
    return "".join(shown) + "\x1b[0m"


def intrinsic(options: Options) -> None:
    """Computes without a pause, and prints the longest time that one step took: what the system took away."""
    interruptible = Interruptible()
    run_time = options.seconds * 1_000_000
    began = time.perf_counter_ns()
    worst = runs = 0
    while True:
        start = time.perf_counter_ns()
        _compute()
        end = time.perf_counter_ns()
        runs += 1
        took = (end - start) // 1000
        if took > worst:
            worst = took
            print(f"Max latency so far: {worst} microseconds.", flush=True)
        if interruptible.stopped or (end - began) // 1000 > run_time:
            break
    average = run_time / runs
    print(
        f"\n{runs} total runs (avg latency: {average:.4f} microseconds / {average * 1000:.2f} nanoseconds per run)."
    )
    times = worst / average if average else math.inf
    print(f"Worst run took {times:.0f}x longer than the average latency.")


def _compute() -> int:
    """Something that takes some microseconds and waits for nothing."""
    total = 0
    for number in range(100):
        total += number * number
    return total
