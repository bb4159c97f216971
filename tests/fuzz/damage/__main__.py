"""python -m tests.fuzz.damage: has damaged payloads of DUMP, RDB files and append-only files loaded.

    python -m tests.fuzz.damage --inputs 100000 --seed 1

Meant to run under AddressSanitizer (`make damage`), which ends the process at the first bad access. An input must be
refused with a clear error or be loaded and of use, within a limit of CPU time, and of memory also at its peak; and the
heap must not grow with their number. Which input is in work stands in `--note`, so that the one that ended the process
can be run again: `--only rdb --first N --inputs 1` with the same seed.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

from redracer.engine import log
from tests.fuzz.damage.kinds import KINDS, Kind
from tests.fuzz.heap import HeapGrowth

HANG = 60  # s of CPU after which an input is taken to hang
PEAK_LIMIT = 64 << 20  # bytes that one input may add to the most that the process ever held
FAILURES = 10  # of a kind, after which it gives up
REPORTS = 20  # of a kind


def peak_bytes() -> int:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


class Run:
    """The inputs of one kind, one after another."""

    def __init__(self, kind: Kind, seed: int, note: int) -> None:
        self.kind = kind
        self.seed = seed
        self.note = note
        self.inputs = self.loaded = 0
        self.failures: list[str] = []

    def all(self, first: int, count: int) -> None:
        """Runs `count` inputs, and tells now and then how far it is."""
        growth = HeapGrowth(count)
        for number in range(first, first + count):
            self.one(number)
            if self.inputs % max(count // REPORTS, 1) == 0 or self.inputs == count:
                heap = growth.look(self.inputs)
                self.tell(f"heap {heap}, peak {peak_bytes() >> 20} MB, {time.process_time():.0f} s of CPU")
            if len(self.failures) == FAILURES:
                break
        self.failures += growth.failures()

    def one(self, number: int) -> None:
        """Runs one input and notes how it went."""
        os.pwrite(self.note, f"{self.kind.name} {number}".ljust(40).encode(), 0)
        signal.setitimer(signal.ITIMER_PROF, HANG)
        peak = peak_bytes()
        try:
            self.loaded += self.kind.one(Random(f"{self.seed} {self.kind.name} {number}"))
            if self.inputs:
                assert peak_bytes() - peak < PEAK_LIMIT, f"{peak_bytes() - peak} bytes more than ever before"
        except Exception:
            self.failures.append(f"{self.kind.name} {number}: {traceback.format_exc()}")
            print("FAILED", self.failures[-1], flush=True)
        self.inputs += 1

    def tell(self, more: str) -> None:
        """Prints how far it is."""
        refused = self.inputs - self.loaded - len(self.failures)
        print(
            f"{self.kind.name}: {self.inputs} inputs, {self.loaded} loaded, {refused} refused, "
            f"{len(self.failures)} failures; {more}",
            flush=True,
        )


def main() -> int:
    """Runs as the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.damage", description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="of each kind")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds of input")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--note", default="damage.note", help="the file that tells which input is in work")
    options = parser.parse_args()
    faulthandler.enable()
    faulthandler.register(signal.SIGPROF, chain=True)  # then it ends the process
    log.configure("nothing")
    note = os.open(options.note, os.O_RDWR | os.O_CREAT, 0o644)
    runs = []
    with tempfile.TemporaryDirectory() as directory:
        for name in options.only.split(","):
            place = Path(directory, name)
            place.mkdir()
            os.chdir(place)  # whatever is written by mistake goes there
            runs.append(Run(KINDS[name](place), options.seed, note))
            runs[-1].all(options.first, options.inputs)
        os.chdir("/")
    inputs, failures = sum(run.inputs for run in runs), [text for run in runs for text in run.failures]
    print(f"{inputs} inputs, {len(failures)} failures, seed {options.seed}")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
