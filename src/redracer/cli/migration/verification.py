"""Is the same in two servers? Key by key, by what any server and any client can read.

DEBUG DIGEST-VALUE would be shorter, but is switched off in most servers; payloads of DUMP differ between versions. So
each value is read with its type's own commands and digested here. Times to live may differ a little, since the two
servers are asked one after the other. O(bytes of all values), with one value at a time in memory.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redracer.verify.connection import Connection

BATCH = 500  # keys between two words of progress
TTL_TOLERANCE = 5000  # ms
GONE = b"none"
READERS: dict[bytes, Callable[[bytes], tuple[object, ...]]] = {
    b"string": lambda key: ("GET", key),
    b"list": lambda key: ("LRANGE", key, 0, -1),
    b"set": lambda key: ("SMEMBERS", key),
    b"hash": lambda key: ("HGETALL", key),
    b"zset": lambda key: ("ZRANGE", key, 0, -1, "WITHSCORES"),
    b"stream": lambda key: ("XRANGE", key, "-", "+"),
}
UNORDERED = {
    b"set": 1,
    b"hash": 2,
    b"zset": 2,
}  # values whose parts, of so many items each, have no order that counts


class Difference(NamedTuple):
    """A key that is not the same."""

    database: int
    key: bytes
    what: str


def databases_of(connection: Connection) -> dict[int, int]:
    """How many keys each database has. Raises ServerError, Unreachable."""
    found = {}
    for line in connection.ask("INFO", "keyspace").decode().splitlines():
        name, _, fields = line.partition(":keys=")
        if fields:
            found[int(name.removeprefix("db"))] = int(fields.split(",")[0])
    return found


def compare(source: Connection, target: Connection, progress: Callable[[int], None]) -> Iterator[Difference]:
    """Yields what differs, of the keys of the source and then of those that the target alone has. `progress` is told
    how many keys have been looked at. Raises ServerError, Unreachable."""
    compared = 0
    here, there = databases_of(source), databases_of(target)
    for database in sorted(here.keys() | there.keys()):
        source.ask("SELECT", database)
        target.ask("SELECT", database)
        for key in keys_of(source):
            compared += 1
            if compared % BATCH == 0:
                progress(compared)
            what = difference(source, target, key)
            if what:
                yield Difference(database, key, what)
        if there.get(database, 0) > here.get(database, 0):
            for key in keys_of(target):
                if source.ask("TYPE", key) == GONE and target.ask("TYPE", key) != GONE:
                    yield Difference(database, key, "only the target has it")
    progress(compared)


def keys_of(connection: Connection) -> Iterator[bytes]:
    """The keys of the selected database; one may come twice."""
    cursor = b"0"
    while True:
        cursor, keys = connection.ask("SCAN", cursor, "COUNT", BATCH)
        yield from keys
        if cursor == b"0":
            return


def difference(source: Connection, target: Connection, key: bytes) -> str:
    """What differs in a key, or "". One that has expired meanwhile is the same everywhere."""
    kinds = source.ask("TYPE", key), target.ask("TYPE", key)
    if kinds[0] != kinds[1]:
        return "" if source.ask("TYPE", key) == GONE else f"{kinds[0].decode()} became {kinds[1].decode()}"
    if kinds[0] == GONE:
        return ""
    if digest(source, kinds[0], key) != digest(target, kinds[0], key):
        return "" if source.ask("TYPE", key) == GONE else "another value"
    before, after = source.ask("PTTL", key), target.ask("PTTL", key)
    if (before < 0) != (after < 0) or abs(before - after) > TTL_TOLERANCE:
        return (
            "" if source.ask("TYPE", key) == GONE else f"a time to live of {after} ms in place of {before} ms"
        )
    return ""


def digest(connection: Connection, kind: bytes, key: bytes) -> bytes:
    """Of the value, and of a stream also of its groups."""
    reader = READERS.get(kind)
    if reader is None:
        return b"a value of a module is not looked at"
    value = connection.ask(*reader(key))  # type: ignore[arg-type]
    size = UNORDERED.get(kind)
    if size:
        value = sorted(value[at : at + size] for at in range(0, len(value), size))
        if kind == b"zset":  # servers of different versions write the same double in different ways
            value = [[member, float(score)] for member, score in value]
    if kind == b"stream":
        groups = connection.ask("XINFO", "GROUPS", key)
        value = [value, [group[:8] for group in groups]]  # name, consumers, pending, last id: since 5.0
    return hashlib.sha256(_flat(value)).digest()


def _flat(value: Any) -> bytes:
    if isinstance(value, list):
        return b"[%d:" % len(value) + b"".join(map(_flat, value)) + b"]"
    if isinstance(value, bytes):
        return b"%d:" % len(value) + value
    return repr(value).encode()
