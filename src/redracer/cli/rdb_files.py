"""`redracer rdb stats FILE` and `redracer rdb export FILE`: what is in an RDB file, without a server.

Exit codes: 0 done, 1 the file is damaged or cannot be read, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import os
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from redracer.engine.config import Config
from redracer.parts import load_commands
from redracer.persistence.rdb_scan import NO_EXPIRY, CorruptRdb, Record, Scan, matches, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FAILED, WRONG_USAGE = 1, 2
BAR_WIDTH = 32  # characters
BIGGEST = 10
PREFIXES = 20
MORE = "(other prefixes)"
MOST_PREFIXES = 100_000  # counted one by one: what keys are called is not bounded


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `stats` or `export`; the exit code."""
    parser = argparse.ArgumentParser(prog="redracer rdb", description="What is in an RDB file.")
    commands = parser.add_subparsers(required=True, metavar="stats|export")
    stats = commands.add_parser("stats", help="keys and bytes by type and by prefix, and the biggest keys")
    stats.add_argument("file")
    stats.add_argument("--separator", default=":", help="ends a key's prefix (default: a colon)")
    stats.add_argument("--top", type=int, default=BIGGEST, metavar="N", help="how many of the biggest keys")
    stats.add_argument("--json", action="store_true", help="for programs")
    stats.set_defaults(run=run_stats)
    export = commands.add_parser(
        "export", help="keys as JSON, a line each, or as commands for redis-cli --pipe"
    )
    export.add_argument("file")
    export.add_argument("--format", choices=("json", "resp"), default="json")
    export.add_argument(
        "--match", action="append", metavar="PATTERN", help="only keys like this; may be repeated"
    )
    export.add_argument("--db", type=int, metavar="N", help="only this database")
    export.add_argument(
        "--output", default="-", metavar="PATH", help="a file in place of the standard output"
    )
    export.set_defaults(run=run_export)
    options = parser.parse_args(list(sys.argv[1:] if arguments is None else arguments))
    load_commands()
    try:
        code: int = options.run(options)
        return code
    except CorruptRdb as error:
        sys.stderr.write(f"redracer rdb: {options.file} is damaged: {error}\n")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on; say no more
    except OSError as error:
        sys.stderr.write(f"redracer rdb: {error.filename or options.file}: {error.strerror}\n")
    return FAILED


def records(path: str) -> Iterator[Record]:
    """The keys of a file. Raises CorruptRdb and OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for part in Scan(descriptor, Config().values).parts():
            if isinstance(part, Record):
                yield part
    finally:
        os.close(descriptor)


# --- stats


@dataclass
class Statistics:
    """What is counted. Sizes are bytes of the file."""

    keys: int = 0
    size: int = 0
    expiring: int = 0
    keys_by_type: Counter[str] = field(default_factory=Counter)
    size_by_type: Counter[str] = field(default_factory=Counter)
    keys_by_prefix: Counter[str] = field(default_factory=Counter)
    size_by_prefix: Counter[str] = field(default_factory=Counter)
    biggest: list[tuple[int, int, bytes, str]] = field(default_factory=list)  # size, database, key, type

    def add(self, record: Record, separator: bytes, top: int) -> None:
        """Counts a key."""
        kind = record.spec.name.decode() if record.spec is not None else "module"
        head, found, _ = record.key.partition(separator)
        prefix = text(head + separator) if found else "(none)"
        if prefix not in self.keys_by_prefix and len(self.keys_by_prefix) >= MOST_PREFIXES:
            prefix = MORE
        self.keys += 1
        self.size += record.size
        self.expiring += record.expire_at != NO_EXPIRY
        self.keys_by_type[kind] += 1
        self.size_by_type[kind] += record.size
        self.keys_by_prefix[prefix] += 1
        self.size_by_prefix[prefix] += record.size
        entry = (record.size, record.database, record.key, kind)
        if len(self.biggest) < top:
            heapq.heappush(self.biggest, entry)
        elif top and entry > self.biggest[0]:
            heapq.heapreplace(self.biggest, entry)


def run_stats(options: argparse.Namespace) -> int:
    """Count, and print."""
    found = Statistics()
    separator = options.separator.encode() or b":"
    for record in records(options.file):
        found.add(record, separator, max(options.top, 0))
    if options.json:
        print(json.dumps(as_json(found), indent=2))
    else:
        print_statistics(found)
    return 0


def as_json(found: Statistics) -> dict[str, Any]:
    """The statistics for programs."""

    def table(keys: Counter[str], sizes: Counter[str]) -> dict[str, dict[str, int]]:
        return {name: {"keys": keys[name], "bytes": size} for name, size in sizes.most_common()}

    return {
        "keys": found.keys,
        "bytes": found.size,
        "expiring": found.expiring,
        "types": table(found.keys_by_type, found.size_by_type),
        "prefixes": table(found.keys_by_prefix, found.size_by_prefix),
        "biggest": [
            {"key": text(key), "db": database, "type": kind, "bytes": size}
            for size, database, key, kind in sorted(found.biggest, reverse=True)
        ],
    }


def print_statistics(found: Statistics) -> None:
    """The statistics for people: tables with bars."""
    print(f"{found.keys:,} keys, {human(found.size)} in the file, {found.expiring:,} keys expire")
    print_table("By type", found.keys_by_type, found.size_by_type, len(found.size_by_type))
    print_table("By prefix", found.keys_by_prefix, found.size_by_prefix, PREFIXES)
    if found.biggest:
        print("\nBiggest keys")
        for size, database, key, kind in sorted(found.biggest, reverse=True):
            print(f"  {human(size):>10}  {kind:<7} db{database:<3} {text(key)}")


def print_table(title: str, keys: Counter[str], sizes: Counter[str], rows: int) -> None:
    """One table, the largest first."""
    total = max(sum(sizes.values()), 1)
    print(f"\n{title}")
    for name, size in sizes.most_common(rows):
        bar = "█" * round(size / total * BAR_WIDTH)
        print(f"  {name:<20.40} {keys[name]:>12,}  {human(size):>10} {size / total:>6.1%} {bar}")
    if len(sizes) > rows:
        print(f"  and {len(sizes) - rows:,} more")


def human(size: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


# --- export


def run_export(options: argparse.Namespace) -> int:
    """Write the keys that are asked for."""
    patterns = [pattern.encode() for pattern in options.match or ()]
    with output(options.output) as file:
        database = -1
        for record in records(options.file):
            if options.db is not None and record.database != options.db:
                continue
            if patterns and not any(matches(pattern, record.key) for pattern in patterns):
                continue
            if record.spec is None:
                sys.stderr.write(f"redracer rdb: key '{text(record.key)}' is a module's, and is left out\n")
            elif record.value is None:
                continue
            elif options.format == "json":
                file.write(json.dumps(described(record)).encode() + b"\n")
            else:
                if record.database != database:
                    database = record.database
                    file.write(encoded([b"SELECT", b"%d" % database]))
                file.writelines(encoded(argv) for argv in commands_of(record))
    return 0


@contextmanager
def output(path: str) -> Iterator[BinaryIO]:
    """The file to write to."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with open(path, "wb") as file:
            yield file


def encoded(argv: list[bytes]) -> bytes:
    """A command as it is sent."""
    return b"*%d\r\n" % len(argv) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in argv)


def commands_of(record: Record) -> Iterator[list[bytes]]:
    """The commands that make the key where there is none."""
    assert record.spec is not None
    yield from record.spec.commands(record.key, record.value)
    if record.expire_at != NO_EXPIRY:
        yield [b"PEXPIREAT", record.key, b"%d" % record.expire_at]


def described(record: Record) -> dict[str, Any]:
    """The key for JSON. Bytes that are no UTF-8 become lone surrogates, as Python's `surrogateescape` has them."""
    assert record.spec is not None
    kind = record.spec.name.decode()
    found: dict[str, Any] = {"db": record.database, "key": unicode(record.key), "type": kind}
    if record.expire_at != NO_EXPIRY:
        found["expire_at_ms"] = record.expire_at
    if kind == "string":
        found["value"] = unicode(record.value)
        return found
    commands = list(record.spec.commands(record.key, record.value))
    if kind == "stream":
        entries = [argv for argv in commands if is_entry(argv)]
        found["value"] = [stream_entry(argv) for argv in entries]
        found["state"] = [[unicode(part) for part in argv] for argv in commands if not is_entry(argv)]
        return found
    parts = [unicode(part) for argv in commands if argv[0] in MAKERS for part in argv[2:]]
    if kind == "hash":
        found["value"] = dict(zip(parts[::2], parts[1::2], strict=True))
        expiries = {unicode(argv[-1]): int(argv[2]) for argv in commands if argv[0] == b"HPEXPIREAT"}
        if expiries:
            found["fields_expire_at_ms"] = expiries
    elif kind == "zset":
        pairs = zip(parts[::2], parts[1::2], strict=True)
        found["value"] = {member: score_of(score) for score, member in pairs}
    else:
        found["value"] = parts
    return found


MAKERS = (b"RPUSH", b"SADD", b"ZADD", b"HSET", b"HMSET")  # commands whose arguments are the elements


def is_entry(argv: list[bytes]) -> bool:
    """Whether a command adds an entry that stays to a stream."""
    return argv[0] == b"XADD" and argv[2] != b"MAXLEN"


def score_of(words: str) -> float | str:
    """A score; JSON has no infinite numbers, so these stay text."""
    score = float(words)
    return score if math.isfinite(score) else words


def stream_entry(argv: list[bytes]) -> dict[str, Any]:
    """An entry out of its XADD."""
    parts = [unicode(part) for part in argv[3:]]
    return {"id": unicode(argv[2]), "fields": list(zip(parts[::2], parts[1::2], strict=True))}


def unicode(part: bytes) -> str:
    return part.decode("utf-8", "surrogateescape")
