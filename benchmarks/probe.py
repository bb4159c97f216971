"""Measures from outside how long a server lets one client wait: `python -m benchmarks.probe PORT PID`.

A connection of its own sends PING, waits for the answer, pauses for a fifth of a millisecond, and so on
until standard input is closed. For each PING it takes two figures: the time until the answer came, which on
a shared machine also holds what other programs took; and the CPU time that the server's process used
meanwhile, which does not: a server that stalls with work of its own shows in both. A line of JSON says what
was found.

It runs as a process of its own, with real-time priority where that is allowed, so that the load generator on
the same core does not delay it.
"""

import json
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from benchmarks.servers import cpu_clock

PAUSE = 0.0002  # seconds between the answer and the next PING
PRIORITY = 10  # of the real-time class: above everything that is not real-time


def percentile(ordered: Sequence[int], share: float) -> int:
    """The value at `share` (0 to 1) of ascending values."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summarise(waits: Sequence[int], cpu_times: Sequence[int]) -> dict[str, float]:
    """Figures in milliseconds, from samples in nanoseconds."""
    walls, cpus = sorted(waits), sorted(cpu_times)
    return {
        "pings": len(walls),
        "wait_p50": percentile(walls, 0.5) / 1e6,
        "wait_p999": percentile(walls, 0.999) / 1e6,
        "wait_max": walls[-1] / 1e6,
        "cpu_p999": percentile(cpus, 0.999) / 1e6,
        "cpu_max": cpus[-1] / 1e6,
    }


def probe(port: int, pid: int, stop: threading.Event) -> dict[str, float]:
    """Sends PING until `stop` is set; returns what `summarise` makes of it."""
    waits, cpu_times = [], []
    clock = cpu_clock(pid)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not stop.is_set():
            used, began = time.clock_gettime_ns(clock), time.perf_counter_ns()
            connection.sendall(b"PING\r\n")
            if connection.recv(64) != b"+PONG\r\n":
                raise RuntimeError("no PONG")
            waits.append(time.perf_counter_ns() - began)
            cpu_times.append(time.clock_gettime_ns(clock) - used)
            time.sleep(PAUSE)
    return summarise(waits, cpu_times)


def main() -> None:
    """Probes until standard input is closed, then prints the figures as JSON."""
    with suppress(OSError):  # where it is not allowed, the figures are noisier
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    stop = threading.Event()
    figures: dict[str, float] = {}
    worker = threading.Thread(target=lambda: figures.update(probe(int(sys.argv[1]), int(sys.argv[2]), stop)))
    worker.start()
    select.select([sys.stdin], [], [])
    stop.set()
    worker.join()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
