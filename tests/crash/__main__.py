"""The long crash test: python -m tests.crash [--kills 540] [--seed 1] [--only WORDS]. `make crash` runs it.

Prints a line per mode, and at the end how often the server was killed and what was found. Exit code 1 after a
violation, with the directory kept for a look.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.crash.episode import MODES, Victim, Violation, build_library, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--kills", type=int, default=540, help="how often the server is killed while it is written to"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="modes whose names contain these words")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="redracer-crash-"))
    library = build_library(directory)
    if library is None:
        print("gcc is needed to build the library that makes faults")
        return 1
    modes = [mode for mode in MODES if options.only in mode.name]
    kills, violations = 0, 0
    for place, mode in enumerate(modes):
        count = options.kills // len(modes) + (place < options.kills % len(modes))
        home = directory / f"{place}"
        home.mkdir()
        victim = Victim(home, library, random.Random(f"{options.seed} {place}"))
        gone = done = 0
        try:
            for number in range(count):
                done += 1
                gone += run(victim, mode, number, 1.0)
        except Violation as violation:
            violations += 1
            print(f"VIOLATION in {mode.name!r}, {home}: {violation}", flush=True)
        finally:
            victim.kill()
        kills += done
        note = f", {gone} acknowledged writes gone within what it promises" if gone else ""
        print(f"{mode.name}: {done} kills{note}", flush=True)
    print(f"{kills} kills, {violations} broken promises")
    if not violations:
        shutil.rmtree(directory)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
