"""The longest stall of the event loop while many keys are inserted, and while many expire at once.

`probe` measures it from outside. The same probe on a server that has nothing to do gives the noise floor of
the machine. From inside, LATENCY LATEST of both servers is read, and our server's own figure in INFO.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.memory import plain
from benchmarks.servers import Cores, Program, Server, pinned, running
from benchmarks.wire import Connection, ErrorReply, encode

ROOT = Path(__file__).resolve().parent.parent  # where the probe is imported from
BATCH = 100  # commands at a time: a bigger batch would itself be a stall
IDLE_TIME = 5.0  # seconds for the noise floor
LEAD_TIME = 8.0  # seconds added to the estimate of when the last key is in, before all expire
FILL_RATES = (60_000, 15_000, 5_000)  # keys per second that filling is expected to reach, one after the other
EXPIRY_LIMIT = 120.0  # seconds until the last key must be gone
OWN_FIGURE = "eventloop_duration_max"  # the field of our INFO debug, in us; CONFIG RESETSTAT clears it


def measure(
    programs: Sequence[Program], inserted: int, expiring: int, base_port: int, cores: Cores
) -> dict[str, dict[str, object]]:
    """Returns {phase: {server: figures of the probe, in ms, and the server's own}}."""
    phases: dict[str, Callable[[Server], dict[str, object]]] = {
        "idle (noise floor)": lambda server: observe(server, cores, idle),
        f"insert {inserted:,} keys": lambda server: observe(server, cores, lambda it: insert(it, inserted)),
        f"expire {expiring:,} keys at once": lambda server: expire(server, cores, expiring),
    }
    found: dict[str, dict[str, object]] = {}
    for phase, run in phases.items():
        for program in programs:
            with running(program, base_port, cores.server) as server:
                figures = run(server)
            found.setdefault(phase, {})[program.name] = figures
            print(f"{phase}: {program.name} {figures}", flush=True)
    return found


def observe(server: Server, cores: Cores, work: Callable[[Server], None]) -> dict[str, object]:
    """The figures of the probe and of the server itself while `work` runs."""
    with Connection(server.port) as connection:
        start_own_figures(connection)
        with probing(server, cores) as figures:
            began = time.monotonic()
            work(server)
            figures["seconds"] = round(time.monotonic() - began, 2)
        return figures | own_figures(connection)


@contextmanager
def probing(server: Server, cores: Cores) -> Iterator[dict[str, object]]:
    """Runs the probe inside the block; its figures are in the dictionary afterwards."""
    command = [sys.executable, "-m", "benchmarks.probe", str(server.port), str(server.pid)]
    process = subprocess.Popen(
        pinned(command, cores.load), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    figures: dict[str, object] = {}
    time.sleep(0.5)  # its start
    try:
        yield figures
        output, _ = process.communicate(timeout=60)
        figures |= {name: round(value, 3) for name, value in json.loads(output).items()}
    finally:
        process.kill()
        process.wait()


def idle(server: Server) -> None:
    """Nothing."""
    time.sleep(IDLE_TIME)


def insert(server: Server, keys: int) -> None:
    """Inserts new keys, in batches that are small for the event loop."""
    with Connection(server.port) as connection:
        connection.fill((plain(number) for number in range(keys)), BATCH)


def expire(server: Server, cores: Cores, keys: int) -> dict[str, object]:
    """Fills in keys that expire in the same millisecond, and observes the server while it deletes them."""
    for rate in FILL_RATES:
        moment = time.time() + LEAD_TIME + keys / rate
        if fill_expiring(server, keys, int(moment * 1000)):
            time.sleep(max(0.0, moment - time.time() - 1))
            return observe(server, cores, wait_until_empty)
        wait_until_empty(server)
    raise RuntimeError("filling took so long that keys expired meanwhile")


def fill_expiring(server: Server, keys: int, expiry: int) -> bool:
    """Fills in keys that expire at `expiry` (Unix time, ms); whether all of them are there before that."""
    with Connection(server.port) as connection:
        connection.fill(encode("SET", b"ttl:%012d" % number, b"v", "PXAT", expiry) for number in range(keys))
        return connection.call("DBSIZE") == keys


def wait_until_empty(server: Server) -> None:
    """Waits until the server has deleted every key."""
    deadline = time.monotonic() + EXPIRY_LIMIT
    with Connection(server.port) as connection:
        while connection.call("DBSIZE") != 0:
            if time.monotonic() > deadline:
                raise RuntimeError(f"keys are left {EXPIRY_LIMIT:.0f} s after they expired")
            time.sleep(0.1)


def start_own_figures(connection: Connection) -> None:
    """Makes the server record its own latency events, as far as it can."""
    for command in ("CONFIG SET latency-monitor-threshold 1", "LATENCY RESET", "CONFIG RESETSTAT"):
        try:
            connection.call(*command.split())
        except ErrorReply:
            continue


def own_figures(connection: Connection) -> dict[str, object]:
    """The server's own view, in ms: its longest latency events, and our event loop's longest round."""
    figures: dict[str, object] = {}
    try:
        events = connection.call("LATENCY", "LATEST")
    except ErrorReply:
        events = []
    if isinstance(events, list) and events:
        figures["events"] = {event[0].decode(): event[3] for event in events}
    info = connection.call("INFO", "debug")
    match = re.search(rf"^{OWN_FIGURE}:(\d+)", info.decode() if isinstance(info, bytes) else "", re.M)
    if match:
        figures["own_max"] = int(match.group(1)) / 1000
    return figures
