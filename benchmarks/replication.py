"""Replication: what a replica costs its primary per write, and what a full synchronisation costs both.

A server is measured with another of its kind. The times of a synchronisation are those of the clock, by turns;
CPU time is the process's own, without the child that writes the snapshot.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.rounds import Row, medians_of_rounds
from benchmarks.servers import Cores, Program, Server, cpu_time, pinned, resident_bytes, running
from benchmarks.wire import Connection, encode

KEYS = 1_000_000
WRITES = 400_000  # per round
ROUNDS = 3
LIMIT = 600.0  # s for one synchronisation
SECOND = 1_000_000_000  # ns
MEGABYTE = 1 << 20
DEPTHS = (1, 16)


def measure(programs: Sequence[Program], scale: float, base_port: int, cores: Cores) -> dict[str, Row]:
    """Returns {figure: {server: value}}."""
    return medians_of_rounds(programs, ROUNDS, lambda _place, program: one(program, scale, base_port, cores))


def one(program: Program, scale: float, port: int, cores: Cores) -> dict[str, float]:
    """The figures of one round of a server and a replica of its kind."""
    keys, writes = int(KEYS * scale), int(WRITES * scale)
    figures: dict[str, float] = {}
    with ExitStack() as stack:
        options = ("--repl-diskless-sync-delay", "0")
        primary = stack.enter_context(running(program, port, cores.server, options=options))
        connection = stack.enter_context(Connection(port))
        alone = {depth: cpu_per_write(primary, writes, depth, cores) for depth in DEPTHS}
        connection.call("FLUSHALL")
        connection.fill(encode("SET", f"key:{number:012d}", "x" * 64) for number in range(keys))
        replica = stack.enter_context(running(program, port + 1, cores.load, options=options))
        follower = stack.enter_context(Connection(port + 1))
        figures |= synchronisation(primary, replica, follower, keys)
        connection.call("FLUSHALL")
        for depth, before in alone.items():
            with_replica = cpu_per_write(primary, writes, depth, cores)
            figures[f"CPU µs per SET, pipeline {depth}, alone"] = before
            figures[f"CPU µs per SET, pipeline {depth}, with a replica"] = with_replica
    return figures


def cpu_per_write(server: Server, writes: int, depth: int, cores: Cores) -> float:
    """CPU microseconds of the main thread for each SET of a random key."""
    before = cpu_time(server.pid).main_thread
    command = ["redis-benchmark", "-p", str(server.port), "-t", "set", "-n", str(writes), "-r", "100000"]
    command += ["-d", "64", "-c", "50", "-P", str(depth), "-q"]
    subprocess.run(pinned(command, cores.load), check=True, stdout=subprocess.DEVNULL)
    return (cpu_time(server.pid).main_thread - before) / writes / 1000


def synchronisation(primary: Server, replica: Server, follower: Connection, keys: int) -> dict[str, float]:
    """A full synchronisation: how long, how much CPU time, how much memory."""
    cpu_before = cpu_time(primary.pid).all_threads, cpu_time(replica.pid).all_threads
    resident = resident_bytes(primary.pid)
    with peak_of(primary.pid) as primary_peak, peak_of(replica.pid) as replica_peak:
        began = time.monotonic()
        follower.call("REPLICAOF", "127.0.0.1", str(primary.port))
        while b"master_link_status:up" not in bytes(str(follower.call("INFO", "replication")), "latin-1"):
            if time.monotonic() - began > LIMIT:
                raise RuntimeError("the replica does not synchronise")
            time.sleep(0.02)
        seconds = time.monotonic() - began
    size = follower.call("DBSIZE")
    if size != keys:
        raise RuntimeError(f"the replica has {size} keys, not {keys}")
    cpu_after = cpu_time(primary.pid).all_threads, cpu_time(replica.pid).all_threads
    name = f"full synchronisation of {keys:,} keys"
    return {
        f"{name}, seconds": seconds,
        f"{name}, CPU s of the primary": (cpu_after[0] - cpu_before[0]) / SECOND,
        f"{name}, CPU s of the replica": (cpu_after[1] - cpu_before[1]) / SECOND,
        f"{name}, peak MB of the primary beyond its data": (primary_peak[0] - resident) / MEGABYTE,
        f"{name}, peak MB of the replica beyond its data": (replica_peak[0] - resident_bytes(replica.pid))
        / MEGABYTE,
    }


@contextmanager
def peak_of(pid: int) -> Iterator[list[int]]:
    """The most resident memory of a process meanwhile (bytes; the item of a list, once it is over)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # resets VmHWM
    found = [0]
    yield found
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            found[0] = int(line.split()[1]) * 1024
