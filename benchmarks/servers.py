"""Starts a server under test, and reads from /proc what it costs."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_LIMIT = 120.0  # seconds; under valgrind an interpreter takes a while
OURS = "redracer"
THEIRS = "redis"


@dataclass(frozen=True)
class Program:
    """A server program: the name that results go by, and its command line without options."""

    name: str
    command: tuple[str, ...]


def default_programs() -> list[Program]:
    """Our server in the environment that this runs in, and the redis-server on the search path."""
    ours = str(Path(sys.prefix) / "bin" / "redracer-server")
    return [Program(OURS, (ours,)), Program(THEIRS, ("redis-server",))]


@dataclass(frozen=True)
class Cores:
    """The cores that the server and the load are pinned to; None where there is only one."""

    server: int | None
    load: int | None


def choose_cores() -> Cores:
    """The first core that this process may use is the server's, the last one the load's."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or shutil.which("taskset") is None:
        return Cores(None, None)
    return Cores(cores[0], cores[-1])


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """The command line, run on one core (taskset executes it, so the process stays the same)."""
    return list(command) if core is None else ["taskset", "-c", str(core), *command]


@dataclass(frozen=True)
class Server:
    """A running server."""

    program: Program
    pid: int
    port: int


@dataclass(frozen=True)
class CpuTime:
    """CPU time that a process has used so far, in nanoseconds."""

    main_thread: int
    all_threads: int


@contextmanager
def running(
    program: Program, port: int, core: int | None, prefix: Sequence[str] = (), options: Sequence[str] = ()
) -> Iterator[Server]:
    """A server that listens on `port` of the loopback address, without persistence; it is killed at the end.

    `prefix` is put before its command line (valgrind, say), `options` behind its options. Raises RuntimeError
    where it ends or does not answer in time.
    """
    with tempfile.TemporaryDirectory(prefix="redracer-bench-") as directory:
        log = Path(directory, "log")
        with log.open("w") as stream:
            process = subprocess.Popen(
                [*pinned([*prefix, *program.command], core), *server_options(port, directory), *options],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until_ready(process, port, START_LIMIT)
        except RuntimeError as error:
            process.kill()
            process.wait()
            raise RuntimeError(
                f"{program.name}: {error}: {log.read_text(errors='replace')[-1000:]}"
            ) from None
        try:
            yield Server(program, process.pid, port)
        finally:
            process.kill()
            process.wait()


def server_options(port: int, directory: str) -> list[str]:
    """The options that both servers are started with."""
    return [
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", directory),
        *("--save", "", "--appendonly", "no", "--protected-mode", "no"),
    ]


def wait_until_ready(process: "subprocess.Popen[bytes]", port: int, limit: float) -> float:
    """Waits for the first PONG; returns the time at which it came (time.monotonic, seconds)."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"ended with status {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(7) == b"+PONG\r\n":
                    return time.monotonic()
        except OSError:
            time.sleep(0.0005)
    raise RuntimeError(f"no answer within {limit:.0f} s")


def cpu_time(pid: int) -> CpuTime:
    """The CPU time of a process, from schedstat (exact as long as the process sleeps, which it does here)."""
    main = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return CpuTime(main, total)


def resident_bytes(pid: int) -> int:
    """The resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


def cpu_clock(pid: int) -> int:
    """The clock that counts another process's CPU time, for time.clock_gettime_ns (Linux's layout)."""
    return (~pid << 3) | 2
