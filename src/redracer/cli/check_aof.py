"""`redracer check-aof`, also `redracer-check-aof`: are the files of this append-only file good? Cuts off what is not.

Takes what redis-check-aof takes, and prints what it prints. Exit codes: 0 they are good, or are now; 1 they are not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from redracer.cli import check_rdb
from redracer.parts import load_commands
from redracer.persistence.aof_check import CheckFailed, Options, check

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = "Usage: redracer-check-aof [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>"
BROKEN = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, and repair if that is asked for; the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = Options(say=say, confirm=confirm, check_rdb=check_snapshot)
    if len(words) == 2 and words[0] == "--fix":
        options.fix = True
    elif len(words) == 3 and words[0] == "--truncate-to-timestamp":
        if not words[1].isdigit() or not int(words[1]):
            print("Invalid timestamp, aborting...")
            return BROKEN
        options.timestamp = int(words[1])
    elif len(words) != 1 or words[0] in ("-h", "--help"):
        print(USAGE)
        return BROKEN
    load_commands()
    try:
        check(words[-1], options)
    except CheckFailed as problem:
        print(problem)
        return BROKEN
    return 0


def say(line: str) -> None:
    """Print a line at once: who waits for a question wants to see what it is about."""
    print(line, flush=True)


def confirm() -> bool:
    """Ask whether to go on."""
    print("Continue? [y/N]: ", end="", flush=True)
    return sys.stdin.readline()[:1].lower() == "y"


def check_snapshot(file: BinaryIO, name: str) -> int:
    """Check the RDB file at the start of a file; returns the bytes that it takes. Raises CheckFailed."""
    code, size = check_rdb.examine(name, file.fileno())
    if code:
        raise CheckFailed("RDB preamble of AOF file is not sane, aborting.")
    return size


if __name__ == "__main__":
    sys.exit(main())
