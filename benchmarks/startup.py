"""Start time: from spawning the process to its first PONG."""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.servers import Cores, Program, pinned, server_options, wait_until_ready

LIMIT = 30.0  # seconds


def measure(
    programs: Sequence[Program], rounds: int, base_port: int, cores: Cores
) -> dict[str, dict[str, object]]:
    """Returns {"spawn to first PONG": {server: median in milliseconds}}, rounds alternating."""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for program in programs:
            times.setdefault(program.name, []).append(start_once(program, base_port, cores.server))
    row: dict[str, object] = {name: round(median(several) * 1000, 1) for name, several in times.items()}
    print(", ".join(f"{name} starts in {value} ms" for name, value in row.items()), flush=True)
    return {"spawn to first PONG": row}


def start_once(program: Program, port: int, core: int | None) -> float:
    """Seconds from the start of the process to its first PONG."""
    with tempfile.TemporaryDirectory(prefix="redracer-bench-") as directory:
        command = [*pinned(program.command, core), *server_options(port, directory)]
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return wait_until_ready(process, port, LIMIT) - began
        finally:
            process.kill()
            process.wait()
