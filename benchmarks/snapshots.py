"""RDB files: CPU time to write and to load one of a million mixed keys, and what a fork costs those who wait."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.pauses import probing
from benchmarks.servers import OURS, Cores, Program, Server, cpu_time, running
from benchmarks.wire import Connection, encode

KEYS = 1_000_000
ROUNDS = 3
LIMIT = 600.0  # s for one load or one snapshot
SECOND = 1_000_000_000  # ns
MEGABYTE = 1 << 20
FILE = "dump.rdb"
Row = dict[str, object]


def mixed(keys: int) -> Iterator[bytes]:
    """Commands that make keys of every type: six strings, a hash, a list, a set and a sorted set of ten."""
    for number in range(keys):
        kind, name = number % 10, f"{number:09d}"
        if kind < 5:
            yield encode("SET", f"string:{name}", f"value-{number}-" + "x" * (number % 100))
        elif kind == 5:
            yield encode("SET", f"counter:{name}", number * 7919, "EX", 100_000 + number)
        else:
            parts = [f"{number}-{part}" for part in range(12)]
            words: dict[int, list[object]] = {
                6: ["HSET", f"hash:{name}", *parts],
                7: ["RPUSH", f"list:{name}", *parts],
                8: ["SADD", f"set:{name}", *(parts if number % 20 < 10 else range(number, number + 12))],
                9: ["ZADD", f"zset:{name}", *[word for at in range(12) for word in (at * 1.5, parts[at])]],
            }
            yield encode(*(str(word) for word in words[kind]))


def measure(programs: Sequence[Program], keys: int, base_port: int, cores: Cores) -> dict[str, Row]:
    """Returns {figure: {server: value}}; both servers write, and then read, a file of one version."""
    found: dict[str, Row] = {}
    for program in programs:
        with tempfile.TemporaryDirectory(prefix="redracer-bench-") as directory:
            for figure, value in one(program, keys, base_port, cores, Path(directory)).items():
                found.setdefault(figure, {})[program.name] = value
        print(", ".join(f"{figure}: {row.get(program.name)}" for figure, row in found.items()), flush=True)
    return found


def one(program: Program, keys: int, port: int, cores: Cores, directory: Path) -> dict[str, float]:
    """The figures of one server."""
    options = ["--dir", str(directory), *(["--rdb-version", "10"] if program.name == OURS else [])]
    with running(program, port, cores.server, options=options) as server, Connection(port) as connection:
        connection.fill(mixed(keys))
        saves = [seconds_of(server, connection, "SAVE") for _ in range(ROUNDS)]
        data = field(connection, "memory", "used_memory_dataset")
        with probing(server, cores) as figures:
            connection.call("BGSAVE")
            wait_for(connection, "rdb_bgsave_in_progress")
        fork = field(connection, "stats", "latest_fork_usec")
        copied = field(connection, "persistence", "rdb_last_cow_size")
    loads, starts = [], []
    kept = directory / "kept"
    (directory / FILE).rename(kept)
    for _ in range(ROUNDS):
        starts.append(start_seconds(program, port, cores, options))
        shutil.copy(kept, directory / FILE)
        loads.append(start_seconds(program, port, cores, options))
        (directory / FILE).unlink()
    return {
        f"SAVE of {keys:,} mixed keys, CPU s": round(median(saves), 3),
        f"loading {keys:,} mixed keys, CPU s": round(median(loads) - median(starts), 3),
        "fork of BGSAVE, ms": fork / 1000,
        "longest stall during BGSAVE, CPU ms": float(str(figures["cpu_max"])),
        "copied because of BGSAVE, idle, percent of the data": round(copied * 100 / data, 2),
    }


def start_seconds(program: Program, port: int, cores: Cores, options: Sequence[str]) -> float:
    """CPU seconds until a server has loaded what there is."""
    with running(program, port, cores.server, options=options) as server, Connection(port) as connection:
        wait_for(connection, "loading")
        return cpu_time(server.pid).all_threads / SECOND


def seconds_of(server: Server, connection: Connection, command: str) -> float:
    """CPU seconds that a command takes."""
    before = cpu_time(server.pid).all_threads
    connection.call(command)
    return (cpu_time(server.pid).all_threads - before) / SECOND


def field(connection: Connection, section: str, name: str) -> int:
    """A number in INFO."""
    text = connection.call("INFO", section)
    assert isinstance(text, bytes)
    return next(
        int(line.partition(b":")[2]) for line in text.splitlines() if line.startswith(name.encode() + b":")
    )


def wait_for(connection: Connection, name: str) -> None:
    """Waits until a field of INFO persistence is 0."""
    deadline = time.monotonic() + LIMIT
    while field(connection, "persistence", name):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not end")
        time.sleep(0.1)
