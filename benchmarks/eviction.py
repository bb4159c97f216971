"""How well memory limits work: `python -m benchmarks.eviction hits|storm|tracking`, with redis-server beside ours.

hits: the hit rate on a Zipf trace with memory for a tenth of the keys, by policy.
storm: the most memory that was resident while values of all sizes are written under `maxmemory 256mb`.
tracking: the growth of `used_memory` as a share of the growth of the resident memory, by type of value.
"""

import argparse
import random
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path

from benchmarks.memory import plain
from benchmarks.servers import Cores, Program, choose_cores, default_programs, resident_bytes, running
from benchmarks.wire import Connection, ErrorReply, encode

KEYS = 1_000_000
SHARE = 10  # memory for one key in ten
SKEW = 1.0  # the exponent of the Zipf distribution
SEED = 12345
BATCH = 100  # accesses at a time
STORM_LIMIT = 256 << 20  # bytes
STORM_SIZES = (16, 8192)  # bytes of a value: the logarithm is uniform
STORM_BATCH = 200
EVERY_POLICY = (
    *("noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random"),
    *("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"),
)
HIT_POLICIES = ("allkeys-lru", "allkeys-lfu", "allkeys-random")


def used_memory(connection: Connection) -> int:
    return int(field(connection, "memory", "used_memory"))


def field(connection: Connection, section: str, name: str) -> str:
    text = connection.call("INFO", section)
    assert isinstance(text, bytes)
    for line in text.decode().splitlines():
        if line.startswith(f"{name}:"):
            return line.partition(":")[2]
    raise RuntimeError(f"INFO tells no {name}")


# --- hit rate


def zipf_trace(keys: int, accesses: int) -> list[int]:
    """Numbers of keys; the ranks are shuffled, so that a number says nothing about its popularity."""
    chance = random.Random(SEED)
    ranks = list(range(keys))
    chance.shuffle(ranks)
    weights = list(accumulate(1 / (rank + 1) ** SKEW for rank in range(keys)))
    return chance.choices(ranks, cum_weights=weights, k=accesses)


def hit_rate(program: Program, policy: str, trace: list[int], port: int, cores: Cores) -> float:
    """Reads the keys of the trace in order, and writes those that are not there: a cache before a slow source."""
    with running(program, port, cores.server) as server, Connection(server.port) as connection:
        connection.fill(plain(number) for number in range(KEYS // SHARE))
        limit = used_memory(connection)
        connection.call("FLUSHALL")
        for name, value in (("maxmemory-policy", policy), ("maxmemory", limit)):
            connection.call("CONFIG", "SET", name, value)
        connection.call("CONFIG", "RESETSTAT")
        for start in range(0, len(trace), BATCH):
            access(connection, trace[start : start + BATCH])
        hits = int(field(connection, "stats", "keyspace_hits"))
        misses = int(field(connection, "stats", "keyspace_misses"))
        if not int(field(connection, "stats", "evicted_keys")):
            raise RuntimeError("nothing was evicted")
    return 100 * hits / (hits + misses)


def access(connection: Connection, numbers: list[int]) -> None:
    replies = connection.call_many(b"*2\r\n$3\r\nGET\r\n$16\r\nkey:%012d\r\n" % number for number in numbers)
    missing = [number for number, reply in zip(numbers, replies, strict=True) if reply is None]
    connection.fill(plain(number) for number in dict.fromkeys(missing))


def measure_hits(programs: list[Program], policies: list[str], scale: float, port: int, cores: Cores) -> None:
    trace = zipf_trace(KEYS, int(5_000_000 * scale))
    for policy in policies:
        for program in programs:
            rate = hit_rate(program, policy, trace, port, cores)
            print(f"{policy}: {program.name} {rate:.2f} %", flush=True)


# --- write storm


def storm_writes(count: int) -> Iterator[bytes]:
    """Strings of all sizes, with and without expiry as every policy needs it, and small collections."""
    chance = random.Random(SEED)
    lowest, highest = STORM_SIZES
    for number in range(count):
        size = int(lowest * (highest / lowest) ** chance.random())
        key = b"key:%d" % chance.randrange(count)
        kind = number % 10
        if kind == 0:
            yield encode("HSET", b"h" + key, "field", b"x" * size)
        elif kind == 1:
            yield encode("RPUSH", b"l" + key, b"x" * size)
        elif kind == 2:
            yield encode("SADD", b"s" + key, *range(size // 16))
        else:
            yield encode("SET", key, b"x" * size, "EX", 10_000 + number)
            continue
        yield encode("EXPIRE", key[:0] + b"hls"[kind : kind + 1] + key, 10_000 + number)


def storm(program: Program, policy: str, writes: int, port: int, cores: Cores) -> str:
    options = ["--maxmemory", str(STORM_LIMIT), "--maxmemory-policy", policy]
    with (
        running(program, port, cores.server, options=options) as server,
        Connection(server.port) as connection,
    ):
        refused = 0
        writing = storm_writes(writes)
        while True:
            try:
                connection.fill(writing, STORM_BATCH)
                break
            except ErrorReply:  # noeviction: what is over the limit is refused
                refused += 1
                connection.close()
                connection = Connection(server.port)
        most = peak_resident_bytes(server.pid)
        evicted = field(connection, "stats", "evicted_keys")
        used = used_memory(connection)
        connection.close()
    return f"{most / STORM_LIMIT:.3f} of the limit resident at most; used {used >> 20} MB, {evicted} evicted"


def peak_resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM")


def measure_storm(
    programs: list[Program], policies: list[str], scale: float, port: int, cores: Cores
) -> None:
    for policy in policies:
        for program in programs:
            result = storm(program, policy, int(1_000_000 * scale), port, cores)
            print(f"{policy}: {program.name} {result}", flush=True)


# --- tracking


def string_values(number: int) -> bytes:
    return encode("SET", b"key:%d" % number, b"x" * (number * 7 % 600))


def big_strings(number: int) -> bytes:
    return encode("SET", b"key:%d" % number, b"x" * (1000 + number * 97 % 3000))


def small_hashes(number: int) -> bytes:
    return encode("HSET", b"h:%d" % (number // 5), b"field:%d" % number, b"value:%d" % number)


def large_hashes(number: int) -> bytes:
    return encode("HSET", b"H:%d" % (number // 50_000), b"field:%d" % number, b"value:%d" % number)


def lists(number: int) -> bytes:
    return encode("RPUSH", b"l:%d" % (number // 300), b"element:%d" % number)


def sets(number: int) -> bytes:
    return encode("SADD", b"s:%d" % (number // 1000), b"member:%d" % number)


def sorted_sets(number: int) -> bytes:
    return encode("ZADD", b"z:%d" % (number // 1000), number, b"member:%d" % number)


def streams(number: int) -> bytes:
    return encode(
        "XADD", b"x:%d" % (number // 1000), "*", "sensor", number, "temperature", b"%d" % (number % 50)
    )


KINDS: dict[str, Callable[[int], bytes]] = {
    "strings": string_values,
    "strings of 1 to 4 KB": big_strings,
    "small hashes": small_hashes,
    "large hashes": large_hashes,
    "lists": lists,
    "sets": sets,
    "sorted sets": sorted_sets,
    "streams": streams,
}


def measure_tracking(
    programs: list[Program], kinds: list[str], scale: float, port: int, cores: Cores
) -> None:
    count = int(1_000_000 * scale)
    for kind in kinds:
        for program in programs:
            with running(program, port, cores.server) as server, Connection(server.port) as connection:
                connection.fill(plain(number) for number in range(1000))
                connection.call("FLUSHALL")
                used, resident = used_memory(connection), resident_bytes(server.pid)
                for start in range(0, count, BATCH):
                    connection.call_many(KINDS[kind](number) for number in range(start, start + BATCH))
                time.sleep(1)
                used = used_memory(connection) - used
                resident = resident_bytes(server.pid) - resident
            print(
                f"{kind}: {program.name} used {used >> 20} MB, {used / resident:.3f} of resident", flush=True
            )


PARTS: dict[str, tuple[Callable[[list[Program], list[str], float, int, Cores], None], tuple[str, ...]]] = {
    "hits": (measure_hits, HIT_POLICIES),
    "storm": (measure_storm, EVERY_POLICY),
    "tracking": (measure_tracking, tuple(KINDS)),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eviction", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--only", help="comma-separated policies or types of value")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of accesses or writes")
    parser.add_argument("--ours", action="store_true", help="without redis-server")
    parser.add_argument("--base-port", type=int, default=28_400)
    opts = parser.parse_args()
    programs = default_programs()
    if opts.ours or shutil.which("redis-server") is None:
        programs = programs[:1]
    measure, every = PARTS[opts.part]
    measure(
        programs,
        opts.only.split(",") if opts.only else list(every),
        opts.scale,
        opts.base_port,
        choose_cores(),
    )


if __name__ == "__main__":
    main()
