"""User-space instructions per operation, counted by callgrind: deterministic where time is noise.

A server is started under valgrind once; after a warm-up, callgrind's counters are dumped (which zeroes
them), a known number of requests is sent, and they are dumped again. What the server does on its own timers
meanwhile is counted too: it is below a hundredth. The kernel's work and cache misses are not seen: CPU time
shows those.
"""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.servers import Program, Server, running
from benchmarks.throughput import Unsupported, prepare, run_load
from benchmarks.workloads import Workload

REQUESTS = 100_000
WARM_UP = 5_000
KEYSPACE = 10_000  # valgrind is slow: the preparation counts too
DUMP_TIMEOUT = 120  # seconds


def measure(
    programs: Sequence[Program],
    workloads: Sequence[Workload],
    pipelines: Sequence[int],
    *,
    scale: float,
    base_port: int,
) -> dict[str, dict[str, object]]:
    """Returns {"SET P=16": {server: instructions per operation, or error text}}."""
    found: dict[str, dict[str, object]] = {}
    for program in programs:
        with tempfile.TemporaryDirectory(prefix="redracer-bench-") as directory:
            # Children are traced because a start script may execute the interpreter; %p is the process.
            output = f"--callgrind-out-file={directory}/callgrind.%p"
            valgrind = ["valgrind", "--tool=callgrind", "--trace-children=yes", output]
            with running(program, base_port, None, prefix=valgrind) as server:
                counter = Counter(server.pid, Path(directory))
                for workload in workloads:
                    for pipeline in pipelines:
                        name = f"{workload.name} P={pipeline}"
                        count = instructions(server, counter, workload, pipeline, int(REQUESTS * scale))
                        found.setdefault(name, {})[program.name] = count
                        print(f"{name}: {program.name} {count}", flush=True)
    return found


def instructions(
    server: Server, counter: "Counter", workload: Workload, pipeline: int, requests: int
) -> float | str:
    """Instructions per operation of one workload; the server's answer where it does not know the command."""
    requests = max(1000, requests // workload.cost)
    try:
        prepare(server, workload, KEYSPACE, requests + WARM_UP)
        run_load(server, workload, pipeline, WARM_UP, KEYSPACE, None)
        counter.dump()
        run_load(server, workload, pipeline, requests, KEYSPACE, None)
        return round(counter.dump() / requests, 1)
    except Unsupported as error:
        return str(error)


class Counter:
    """Reads callgrind's instruction counter of a running process."""

    def __init__(self, pid: int, directory: Path) -> None:
        self._pid = pid
        self._directory = directory
        self._dumps = 0

    def dump(self) -> int:
        """The instructions executed since the last dump, by all threads."""
        subprocess.run(
            ["callgrind_control", "--dump", str(self._pid)],
            check=True,
            capture_output=True,
            timeout=DUMP_TIMEOUT,
        )
        self._dumps += 1
        path = self._directory / f"callgrind.{self._pid}.{self._dumps}"
        return parse_totals(path.read_text(errors="replace"))


def parse_totals(text: str) -> int:
    """The sum that a callgrind dump states."""
    match = re.search(r"^(?:totals|summary): (\d+)", text, re.M)
    if match is None:
        raise RuntimeError("a callgrind dump without totals")
    return int(match.group(1))
