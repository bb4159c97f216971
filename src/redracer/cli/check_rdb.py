"""`redracer check-rdb FILE`, also `redracer-check-rdb`: is this RDB file whole? Prints what redis-check-rdb prints.

Exit codes: 0 it is, 1 it is not, or cannot be read; 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from redracer.engine.config import Config
from redracer.parts import load_commands
from redracer.persistence.rdb_format import type_name
from redracer.persistence.rdb_scan import NO_EXPIRY, CorruptRdb, Record, Scan, text

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = "Usage: redracer-check-rdb <rdb-file-name>\n"
BROKEN, WRONG_USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a file; the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) != 1 or words[0] in ("-h", "--help"):
        sys.stderr.write(USAGE)
        return 0 if words[:1] in (["-h"], ["--help"]) else WRONG_USAGE
    load_commands()
    try:
        descriptor = os.open(words[0], os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        sys.stderr.write(f"Cannot open file {words[0]}: {error.strerror}\n")
        return BROKEN
    try:
        return check(words[0], descriptor)
    finally:
        os.close(descriptor)


def check(path: str, descriptor: int) -> int:
    """Look through the file and print what is found; the exit code."""
    return examine(path, descriptor)[0]


def examine(path: str, descriptor: int) -> tuple[int, int]:
    """The same; the exit code, and where the RDB file ends: in an append-only file, commands follow it."""
    print(f"[offset 0] Checking RDB file {path}")
    scan = Scan(descriptor, Config().values)
    now = int(time.time() * 1000)
    expired = empty = 0
    problem = ""
    try:
        for part in scan.parts():
            if isinstance(part, Record):
                expired += part.expire_at != NO_EXPIRY and part.expire_at < now
                empty += part.spec is not None and part.value is None
            elif part.kind == "field":
                print(f"[offset {part.offset}] AUX FIELD {part.name} = '{part.value}'")
            elif part.kind == "database":
                print(f"[offset {part.offset}] Selecting DB ID {part.value}")
            elif part.kind == "module":
                print(f"[offset {part.offset}] MODULE AUX for: {part.name}")
            elif part.kind == "checksum":
                print(f"[offset {part.offset}] Checksum {part.name}")
    except CorruptRdb as error:
        problem = str(error)
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        report(scan, problem)
    else:
        print(f"[offset {scan.reader.offset}] \\o/ RDB looks OK! \\o/")
    print(f"[info] {scan.keys} keys read")
    print(f"[info] {scan.expires} expires")
    print(f"[info] {expired} already expired")
    if empty:
        print(f"[info] {empty} empty keys")
    return BROKEN if problem else 0, scan.reader.offset


def report(scan: Scan, problem: str) -> None:
    """Print what is wrong, and all that is known of where."""
    print("--- RDB ERROR DETECTED ---")
    print(f"[offset {scan.reader.offset}] {problem}")
    print(f"[additional info] While doing: {scan.doing}")
    if scan.key is not None:
        print(f"[additional info] Reading key '{text(scan.key)}'")
    if scan.doing in ("read-key", "read-object-value"):
        print(f"[additional info] Reading type {scan.rdb_type} ({type_name(scan.rdb_type)})")


if __name__ == "__main__":
    sys.exit(main())
