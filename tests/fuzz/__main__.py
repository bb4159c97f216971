"""python -m tests.fuzz: feeds random and mutated protocol inputs to a server in this process.

    python -m tests.fuzz --inputs 10000000 --seed 1

Meant to run under AddressSanitizer (`make fuzz`), which ends the process at the first bad access; then the
heap is counted to the byte, and must not grow with the number of inputs. An episode that fails is named,
so that `--first N --episodes 1` with the same seed runs it again.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import os
import sys
import tempfile
import time
from pathlib import Path

from redracer.engine import log
from redracer.parts import load_commands
from tests.fuzz.episode import Episode, Failure
from tests.fuzz.heap import HeapGrowth

INPUTS_PER_EPISODE = 10_000
HANG = 120  # s after which an episode is taken to hang
FAILURES = 10  # after which it gives up
STACK = 30  # lines of the log shown with a failure


class Run:
    """Episodes one after another until the number of inputs is reached."""

    def __init__(self, seed: int, directory: str) -> None:
        self.seed = seed
        self.log = Path(directory) / "log"
        self.inputs = 0
        self.replies = 0
        self.failures: list[str] = []

    def episode(self, index: int, inputs: int) -> None:
        """Runs one episode and notes how it went."""
        faulthandler.dump_traceback_later(HANG, exit=True)
        gc.collect()  # the server of the episode before, whose data would be counted
        self.log.write_bytes(b"")
        log.configure("warning", str(self.log))
        episode = Episode(self.seed, index)
        try:
            episode.run(inputs)
        except Failure as failure:
            lines = self.log.read_text(errors="replace").splitlines()
            self.failures.append(f"episode {index}: {failure}\n" + "\n".join(lines[-STACK:]))
            print("FAILED", self.failures[-1], flush=True)
        self.inputs += episode.inputs
        self.replies += episode.replies
        faulthandler.cancel_dump_traceback_later()

    def all(self, first: int, episodes: int, inputs: int) -> None:
        """Runs the episodes and reports every hundredth of them."""
        each = max(inputs // episodes, 1)
        growth = HeapGrowth(episodes)
        for i in range(episodes):
            self.episode(first + i, each)
            if i % max(episodes // 100, 1) == 0 or i == episodes - 1:
                print(
                    f"episode {first + i}: {self.inputs} inputs, {self.replies} replies, heap {growth.look(i)}, "
                    f"{time.process_time():.0f} s of CPU",
                    flush=True,
                )
            if len(self.failures) == FAILURES:
                break
        self.failures += growth.failures()


def main() -> int:
    """Runs as the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first episode")
    parser.add_argument("--episodes", type=int, help="how many (default: one per ten thousand inputs)")
    options = parser.parse_args()
    episodes = options.episodes or -(-options.inputs // INPUTS_PER_EPISODE)
    faulthandler.enable()
    load_commands()
    gc.collect()
    gc.freeze()
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)  # whatever is written by mistake goes there
        run = Run(options.seed, directory)
        inputs = options.inputs if not options.episodes else episodes * INPUTS_PER_EPISODE
        run.all(options.first, episodes, inputs)
    print(f"{run.inputs} inputs, {run.replies} replies, {len(run.failures)} failures, seed {options.seed}")
    for failure in run.failures:
        print(failure)
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
