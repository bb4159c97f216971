"""What the append-only file costs: CPU and throughput of writes by `appendfsync`, loading it, the stall of a rewrite.

A write is redis-benchmark's SET with 50 clients. The CPU is that of all threads of the server: a sync in the background
counts too. What a load costs is the CPU of a start with the file less that of a start without one. A stall is the CPU
that goes by until the next answer during a rewrite.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.rounds import Row, medians_of_rounds
from benchmarks.servers import Cores, Program, cpu_clock, cpu_time, running
from benchmarks.throughput import REQUESTS, run_load
from benchmarks.wire import Connection, encode
from benchmarks.workloads import choose

POLICIES = ("everysec", "always")
WITHOUT = "without"
NO_REWRITE = ("--auto-aof-rewrite-percentage", "0")
ALWAYS_SHARE = 0.1  # of the requests: each round waits for the disk
PIPELINES = (1, 16, 64)
KEYSPACE = 100_000
COMMANDS = 1_000_000
KEYS = 1_000_000
PROBE = 20  # SETs of a batch


def measure(
    programs: Sequence[Program], rounds: int, scale: float, base_port: int, cores: Cores
) -> dict[str, Row]:
    """Returns {figure: {server: median}}; rounds alternate."""

    def one(place: int, program: Program) -> dict[str, float]:
        where = program, scale, base_port + place, cores
        return writes(*where) | load(*where) | stall(*where)

    return medians_of_rounds(programs, rounds, one)


def writes(program: Program, scale: float, port: int, cores: Cores) -> dict[str, float]:
    """CPU microseconds per SET, and requests per second, in percent of those without the file."""
    figures = {}
    for pipeline in PIPELINES:
        name = f"SET P={pipeline}"
        requests = int(REQUESTS[pipeline] * scale)
        cpu, before = write(program, WITHOUT, pipeline, requests, port, cores)
        figures[f"{name}, {WITHOUT}, CPU µs"] = cpu
        for policy in POLICIES:
            count = int(requests * ALWAYS_SHARE) if policy == "always" else requests
            cpu, rate = write(program, policy, pipeline, count, port, cores)
            figures[f"{name}, {policy}, CPU µs"] = cpu
            figures[f"{name}, {policy}, percent of the throughput without"] = 100 * rate / before
    return figures


def write(
    program: Program, policy: str, pipeline: int, requests: int, port: int, cores: Cores
) -> tuple[float, float]:
    """CPU microseconds per SET, and requests per second."""
    options = () if policy == WITHOUT else ("--appendonly", "yes", "--appendfsync", policy, *NO_REWRITE)
    workload = choose("SET")[0]
    with running(program, port, cores.server, options=options) as server:
        run_load(server, workload, pipeline, max(requests // 10, 50 * pipeline), KEYSPACE, cores.load)
        before = cpu_time(server.pid).all_threads
        found = run_load(server, workload, pipeline, requests, KEYSPACE, cores.load)
        return (cpu_time(server.pid).all_threads - before) / requests / 1000, found.rps


def mixed_commands(count: int) -> Iterator[bytes]:
    """Writes of several types."""
    yield encode("SELECT", 0)
    for number in range(count):
        kind = number % 10
        if kind < 6:
            yield encode("SET", f"key:{number % 300_000}", "x" * 40)
        elif kind < 8:
            yield encode("HSET", f"hash:{number % 5000}", f"field:{number % 97}", number)
        elif kind < 9:
            yield encode("RPUSH", f"list:{number % 5000}", number)
        else:
            yield encode("INCR", f"counter:{number % 5000}")


def load(program: Program, scale: float, port: int, cores: Cores) -> dict[str, float]:
    """The CPU of loading commands."""
    count = int(COMMANDS * scale)
    data = b"".join(mixed_commands(count))
    cost = _start(program, port, cores, data) - _start(program, port, cores, b"")
    return {f"loading {count:,} commands ({len(data) >> 20} MB), CPU s": cost}


def _start(program: Program, port: int, cores: Cores, data: bytes) -> float:
    """The CPU seconds of a start with these commands in the file."""
    with tempfile.TemporaryDirectory(prefix="redracer-bench-") as directory:
        folder = Path(directory, "appendonlydir")
        folder.mkdir()
        (folder / "appendonly.aof.1.incr.aof").write_bytes(data)
        (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
        with running(
            program, port, cores.server, options=("--appendonly", "yes", "--dir", directory)
        ) as server:
            return cpu_time(server.pid).all_threads / 1e9


def stall(program: Program, scale: float, port: int, cores: Cores) -> dict[str, float]:
    """The longest CPU time until the next answer while a rewrite is going on."""
    keys = int(KEYS * scale)
    options = ("--appendonly", "yes", "--appendfsync", "everysec", *NO_REWRITE)
    with running(program, port, cores.server, options=options) as server, Connection(port) as connection:
        connection.fill(encode("SET", f"key:{number}", "x" * 64) for number in range(keys))
        milliseconds = _longest(connection, server.pid) / 1e6
    return {f"longest stall during a rewrite of {keys:,} keys, CPU ms": milliseconds}


def _longest(connection: Connection, pid: int) -> int:
    """Rewrites, and writes meanwhile; the most CPU nanoseconds between two answers."""
    clock = cpu_clock(pid)
    used = time.clock_gettime_ns(clock)
    connection.call("BGREWRITEAOF")
    longest, number = time.clock_gettime_ns(clock) - used, 0
    while True:
        used = time.clock_gettime_ns(clock)
        connection.fill([encode("SET", f"new:{number + i}", "x") for i in range(PROBE)])
        longest = max(longest, time.clock_gettime_ns(clock) - used)
        number += PROBE
        if number % (50 * PROBE) == 0:
            info = connection.call("INFO", "persistence")
            if isinstance(info, bytes) and b"aof_rewrite_in_progress:0" in info:
                return longest
