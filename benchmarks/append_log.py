"""What the append-only file costs: CPU per write by `appendfsync`, the load of a file, the stall of a rewrite.

    python -m benchmarks.append_log [--scale 0.1] [--rounds 5] [--only writes,load,stall]

Ours and redis-server in turn, pinned to one core; medians. A write is redis-benchmark's SET with 50 clients. The CPU
is that of all threads of the server: a sync in the background counts too. What a load costs is the CPU of a start with
the file less that of a start without one. A stall is the CPU that goes by until the next answer during a rewrite.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.servers import Cores, Program, choose_cores, cpu_clock, cpu_time, default_programs, running
from benchmarks.throughput import REQUESTS, run_load
from benchmarks.wire import Connection, encode
from benchmarks.workloads import choose

POLICIES = {
    "off": (),
    "no": ("--appendonly", "yes", "--appendfsync", "no"),
    "everysec": ("--appendonly", "yes", "--appendfsync", "everysec"),
    "always": ("--appendonly", "yes", "--appendfsync", "always"),
}
NO_REWRITE = ("--auto-aof-rewrite-percentage", "0")
ALWAYS_SHARE = 0.1  # of the requests: each round waits for the disk
PIPELINES = (1, 16, 64)
KEYSPACE = 100_000
COMMANDS = 1_000_000
KEYS = 1_000_000
PROBE = 20  # SETs of a batch
PORT = 28_500


def cpu_of_writes(pair: Sequence[Program], rounds: int, scale: float, cores: Cores) -> None:
    """Prints CPU microseconds per SET."""
    workload = choose("SET")[0]
    for pipeline in PIPELINES:
        samples: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            for policy, options in POLICIES.items():
                share = ALWAYS_SHARE if policy == "always" else 1.0
                requests = int(REQUESTS[pipeline] * scale * share)
                for place, program in enumerate(pair):
                    with running(
                        program, PORT + place, cores.server, options=(*options, *NO_REWRITE)
                    ) as server:
                        run_load(
                            server,
                            workload,
                            pipeline,
                            max(requests // 10, 50 * pipeline),
                            KEYSPACE,
                            cores.load,
                        )
                        before = cpu_time(server.pid).all_threads
                        run_load(server, workload, pipeline, requests, KEYSPACE, cores.load)
                        cost = (cpu_time(server.pid).all_threads - before) / requests / 1000
                    samples.setdefault((policy, program.name), []).append(cost)
        for policy in POLICIES:
            row = {program.name: median(samples[policy, program.name]) for program in pair}
            off = {program.name: median(samples["off", program.name]) for program in pair}
            told = ", ".join(
                f"{name} {cost:.3f} us ({cost / off[name] - 1:+.0%})" for name, cost in row.items()
            )
            print(f"SET P={pipeline}, {policy}: {told}", flush=True)


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


def cpu_of_load(pair: Sequence[Program], rounds: int, scale: float, cores: Cores) -> None:
    """Prints the CPU of loading commands."""
    count = int(COMMANDS * scale)
    data = b"".join(mixed_commands(count))
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        for place, program in enumerate(pair):
            cost = _start(program, PORT + place, cores, data) - _start(program, PORT + place, cores, b"")
            samples.setdefault(program.name, []).append(cost)
    told = {name: median(costs) for name, costs in samples.items()}
    ours, theirs = told.values()
    shown = ", ".join(f"{name} {cost:.2f} s" for name, cost in told.items())
    print(
        f"load of {count:,} commands ({len(data) >> 20} MB): {shown}, {ours / theirs:.2f} of it", flush=True
    )


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


def stall_of_rewrite(pair: Sequence[Program], rounds: int, scale: float, cores: Cores) -> None:
    """Prints the longest CPU time until the next answer while a rewrite is going on."""
    keys = int(KEYS * scale)
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        for place, program in enumerate(pair):
            options = (*POLICIES["everysec"], *NO_REWRITE)
            with (
                running(program, PORT + place, cores.server, options=options) as server,
                Connection(server.port) as connection,
            ):
                connection.fill(encode("SET", f"key:{number}", "x" * 64) for number in range(keys))
                samples.setdefault(program.name, []).append(_longest(connection, server.pid) / 1e6)
    told = ", ".join(f"{name} {median(several):.2f} ms" for name, several in samples.items())
    print(f"longest stall during a rewrite of {keys:,} keys: {told}", flush=True)


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


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.append_log")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of the number of requests, commands and keys"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="writes,load,stall")
    options = parser.parse_args()
    parts = {"writes": cpu_of_writes, "load": cpu_of_load, "stall": stall_of_rewrite}
    for name in options.only.split(","):
        parts[name](default_programs(), options.rounds, options.scale, choose_cores())


if __name__ == "__main__":
    main()
