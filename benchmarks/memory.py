"""Resident bytes per key: how much the server's resident memory grows while it is filled."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from benchmarks.servers import Cores, Program, resident_bytes, running
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


FILLINGS: dict[str, Callable[[int], bytes]] = {
    "string key (16 B key, 64 B value)": plain,
    "counter key (16 B key, 7 digits)": counter,
    "key with TTL (16 B key, 32 B value)": expiring,
}


def measure(
    programs: Sequence[Program], keys: int, base_port: int, cores: Cores
) -> dict[str, dict[str, object]]:
    """Returns {filling: {server: resident bytes per key}}; each filling has a fresh server."""
    found: dict[str, dict[str, object]] = {}
    for title, command in FILLINGS.items():
        for program in programs:
            with running(program, base_port, cores.server) as server, Connection(server.port) as connection:
                # The first keys make both servers allocate what they need once.
                connection.fill(warm_up())
                before = resident_bytes(server.pid)
                connection.fill(command(number) for number in range(keys))
                time.sleep(SETTLE)
                grown = resident_bytes(server.pid) - before
                held = connection.call("DBSIZE")
            if held != keys:
                raise RuntimeError(f"{program.name} holds {held} keys of {keys}")
            found.setdefault(title, {})[program.name] = round(grown / keys, 1)
            print(f"{title}: {program.name} {grown / keys:.1f} bytes", flush=True)
    return found


def warm_up() -> Iterator[bytes]:
    """Writes and deletes a few keys."""
    return chain((plain(number) for number in range(1000)), [encode("FLUSHALL")])
