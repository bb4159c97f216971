"""CPU time per operation, throughput and latency under redis-benchmark, in alternating rounds."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.servers import Cores, Program, Server, cpu_time, pinned, running
from benchmarks.wire import Connection, ErrorReply
from benchmarks.workloads import Workload

CLIENTS = 50
REQUESTS = {1: 100_000, 16: 500_000, 64: 1_000_000}  # by pipeline depth: about a second of CPU time each
WARM_UP = 10  # this fraction of the requests is sent unmeasured before
LOAD_TIMEOUT = 600  # seconds for one run of redis-benchmark

SUMMARY = re.compile(r"throughput summary: ([\d.]+) requests per second")
PERCENTILE = re.compile(r"^([\d.]+)% <= ([\d.]+) milliseconds", re.M)


@dataclass(frozen=True)
class Load:
    """What redis-benchmark reports about one run: requests per second, and latencies in milliseconds."""

    rps: float
    p50: float
    p99: float
    p999: float


@dataclass(frozen=True)
class Sample(Load):
    """One run: what redis-benchmark reports, and CPU microseconds per request of the server."""

    cpu_us: float
    cpu_all_threads_us: float


class Unsupported(Exception):
    """The server does not know what a test needs; the text is its answer."""


def run_load(
    server: Server, workload: Workload, pipeline: int, requests: int, keyspace: int, core: int | None
) -> Load:
    """One run of redis-benchmark. Raises Unsupported where the server answers an error."""
    command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-c", str(CLIENTS)]
    command += ["-n", str(requests), "-P", str(pipeline), "-r", str(keyspace), "--precision", "3"]
    result = subprocess.run(
        pinned([*command, *workload.arguments], core), capture_output=True, text=True, timeout=LOAD_TIMEOUT
    )
    error = re.search(r"Error from server: (.*)", result.stdout + result.stderr)
    if error:
        raise Unsupported(error.group(1).strip())
    if result.returncode != 0:
        raise RuntimeError(f"redis-benchmark {workload.name}: {(result.stderr or result.stdout)[-500:]}")
    return parse_report(result.stdout)


def parse_report(text: str) -> Load:
    """Reads redis-benchmark's full report of one test (its CSV form has no 99.9th percentile)."""
    summary = SUMMARY.search(text)
    distribution = text.partition("Latency by percentile distribution")[2].partition("Cumulative")[0]
    steps = [(float(percent), float(latency)) for percent, latency in PERCENTILE.findall(distribution)]
    if summary is None or not steps:
        raise RuntimeError(f"redis-benchmark printed no report: {text[-500:]}")

    def latency(percent: float) -> float:
        return next((value for step, value in steps if step >= percent), steps[-1][1])

    return Load(float(summary.group(1)), latency(50), latency(99), latency(99.9))


def prepare(server: Server, workload: Workload, keyspace: int, requests: int) -> None:
    """Empties the server and fills in what the workload needs. Raises Unsupported."""
    with Connection(server.port) as connection:
        try:
            connection.call("FLUSHALL")
            connection.fill(workload.prepare(keyspace, requests))
        except ErrorReply as error:
            raise Unsupported(str(error)) from None


def sample(
    server: Server, workload: Workload, pipeline: int, requests: int, keyspace: int, core: int | None
) -> Sample:
    """Prepares, warms up and measures one workload on one server."""
    warm_up = max(CLIENTS * pipeline, requests // WARM_UP)
    prepare(server, workload, keyspace, requests + warm_up)
    run_load(server, workload, pipeline, warm_up, keyspace, core)
    before = cpu_time(server.pid)
    load = run_load(server, workload, pipeline, requests, keyspace, core)
    after = cpu_time(server.pid)
    return Sample(
        **asdict(load),
        cpu_us=(after.main_thread - before.main_thread) / requests / 1000,
        cpu_all_threads_us=(after.all_threads - before.all_threads) / requests / 1000,
    )


def medians(samples: Sequence[Sample]) -> dict[str, float]:
    """The median of each figure, by its name."""
    rows = [asdict(one) for one in samples]
    return {name: round(median(row[name] for row in rows), 4) for name in rows[0]}


def measure(
    programs: Sequence[Program],
    workloads: Sequence[Workload],
    pipelines: Sequence[int],
    *,
    rounds: int,
    scale: float,
    keyspace: int,
    base_port: int,
    cores: Cores,
) -> dict[str, dict[str, object]]:
    """Runs everything in alternating rounds; returns {"SET P=16": {server: medians, or error text}}.

    `scale` multiplies the number of requests. Both servers run the whole time, pinned to the same core: the
    one that is not measured sleeps.
    """
    found: dict[str, dict[str, object]] = {}
    with (
        running(programs[0], base_port, cores.server) as first,
        running(programs[1], base_port + 1, cores.server) as second,
    ):
        for workload in workloads:
            for pipeline in pipelines:
                requests = int(REQUESTS.get(pipeline, 500_000) * scale / workload.cost)
                samples: dict[str, list[Sample]] = {}
                row: dict[str, object] = {}
                for number in range(rounds):
                    for server in (first, second) if number % 2 == 0 else (second, first):
                        name = server.program.name
                        if name in row:
                            continue
                        try:
                            one = sample(server, workload, pipeline, requests, keyspace, cores.load)
                            samples.setdefault(name, []).append(one)
                        except Unsupported as error:
                            row[name] = str(error)
                row |= {name: medians(several) for name, several in samples.items()}
                found[f"{workload.name} P={pipeline}"] = row
                print(f"{workload.name} P={pipeline}: {describe(row)}", flush=True)
    return found


def describe(row: dict[str, object]) -> str:
    """One line for the terminal."""
    words = []
    for name, figures in row.items():
        words.append(
            f"{name} {figures['cpu_us']:.2f} us" if isinstance(figures, dict) else f"{name} {figures}"
        )
    return ", ".join(words)
