"""Resident bytes per key, or per element of a collection: how much the server's resident memory grows while it is
filled."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from benchmarks.servers import Cores, Program, Server, resident_bytes, running
from benchmarks.wire import Connection, encode

SETTLE = 3.0  # seconds after filling, for a hash table that is still being resized
FIRST_COUNTER = 1_000_000  # above the small integers that Redis shares between keys


def plain(number: int) -> bytes:
    """A 16-byte key with a value of 64 bytes."""
    return b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$64\r\nv%063d\r\n" % (number, number)


def counter(number: int) -> bytes:
    """A 16-byte key with an integer of 7 digits."""
    return encode("INCRBY", b"cnt:%012d" % number, FIRST_COUNTER + number)


def expiring(number: int) -> bytes:
    """A 16-byte key with a value of 32 bytes and an expiry far away."""
    return encode("SET", b"ttl:%012d" % number, b"v%031d" % number, "EX", 86400)


def small_hash(number: int) -> bytes:
    """A hash of 5 fields, in a listpack."""
    parts = [part for field in range(5) for part in (b"field:%d" % field, b"value:%08d" % (number + field))]
    return encode("HSET", b"hash:%011d" % number, *parts)


def small_list(number: int) -> bytes:
    """A list of 10 items, in a listpack."""
    return encode("RPUSH", b"list:%011d" % number, *(b"item:%08d" % (number + item) for item in range(10)))


def small_set(number: int) -> bytes:
    """A set of 10 integers, in an intset."""
    return encode("SADD", b"set:%012d" % number, *(number + 1000 * member for member in range(10)))


def small_sorted_set(number: int) -> bytes:
    """A sorted set of 20 members, in a listpack."""
    parts = [part for member in range(20) for part in (number + member, b"member:%06d" % (number + member))]
    return encode("ZADD", b"zset:%011d" % number, *parts)


def stream_entry(number: int) -> bytes:
    """An entry of 3 fields, the same names in each."""
    fields = ("sensor", number % 100, "temperature", 20 + number % 15, "pressure", 1000 + number % 37)
    return encode("XADD", "stream:000000001", f"{1_700_000_000_000 + number}-0", *fields)


def large_sorted_set(number: int) -> bytes:
    """A member of one sorted set, in no order of scores."""
    return encode("ZADD", "zset:00000000001", number * 7919 % 1_000_003, b"member:%09d" % number)


def large_hash(number: int) -> bytes:
    """A field of one hash."""
    return encode("HSET", "hash:00000000001", b"field:%010d" % number, b"value:%010d" % number)


@dataclass(frozen=True)
class Filling:
    """What a server is filled with: the command of each number, and how many elements it adds.

    `total` is the number of elements where the measured size is part of the question, else the run decides. With
    `one_key` everything goes into the same key. A reply has `lines` lines.
    """

    command: Callable[[int], bytes]
    elements: int = 1
    total: int = 0
    one_key: bool = False
    lines: int = 1


FILLINGS = {
    "string key (16 B key, 64 B value)": Filling(plain),
    "counter key (16 B key, 7 digits)": Filling(counter),
    "key with TTL (16 B key, 32 B value)": Filling(expiring),
    "field of a 5-field hash": Filling(small_hash, 5),
    "item of a 10-item list": Filling(small_list, 10),
    "member of a 10-integer set": Filling(small_set, 10),
    "member of a 20-member sorted set": Filling(small_sorted_set, 20),
    "stream entry of 3 fields": Filling(stream_entry, one_key=True, lines=2),
    "member of a sorted set of 200,000": Filling(large_sorted_set, total=200_000, one_key=True),
    "field of a hash of 300,000": Filling(large_hash, total=300_000, one_key=True),
}


def measure(
    programs: Sequence[Program], elements: int, base_port: int, cores: Cores
) -> dict[str, dict[str, object]]:
    """Returns {filling: {server: resident bytes per element}}; each filling has a fresh server."""
    found: dict[str, dict[str, object]] = {}
    for title, filling in FILLINGS.items():
        for program in programs:
            with running(program, base_port, cores.server) as server:
                grown = fill(server, filling, elements)
            found.setdefault(title, {})[program.name] = round(grown, 1)
            print(f"{title}: {program.name} {grown:.1f} bytes", flush=True)
    return found


def fill(server: Server, filling: Filling, elements: int) -> float:
    """Fills a server; returns the resident bytes per element. Raises RuntimeError where it does not hold them all."""
    commands = (filling.total or elements) // filling.elements
    with Connection(server.port) as connection:
        # The first keys make both servers allocate what they need once.
        connection.fill(warm_up())
        before = resident_bytes(server.pid)
        connection.fill((filling.command(number) for number in range(commands)), lines=filling.lines)
        time.sleep(SETTLE)
        grown = resident_bytes(server.pid) - before
        held = connection.call("DBSIZE")
    if held != (1 if filling.one_key else commands):
        raise RuntimeError(f"{server.program.name} holds {held} keys after {commands} commands")
    return grown / commands / filling.elements


def warm_up() -> Iterator[bytes]:
    """Writes and deletes a few keys."""
    return chain((plain(number) for number in range(1000)), [encode("FLUSHALL")])
