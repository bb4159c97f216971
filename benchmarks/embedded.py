"""The store inside a process, beside fakeredis and beside redis-py with a redis-server on the loopback interface.

CPU time of this process and, where there is one, of the server, per call; rounds alternating, medians. Start is the
time of a new interpreter that imports redracer, opens a store and executes its first command.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.results import Section
from benchmarks.servers import THEIRS, Program, cpu_time, running

CALLS = 20_000
SLOW_CALLS = 2_000  # of what takes ten times as long
PIPELINE = 100
PIPELINES = 100
VALUE = "v" * 32
STARTS = 15
START = "import redracer\ndb = redracer.open()\ndb.set('key', 'value')\nimport os\nos._exit(0)"
OURS, OUR_CLIENT, FAKE = "redracer.open()", "redracer.Redis()", "fakeredis"
Call = Callable[[], object]


def measure(programs: list[Program], *, rounds: int, scale: float, base_port: int) -> Section:
    """Returns {row: {who: microseconds of CPU time per call}}, and the start in milliseconds."""
    theirs = next(program for program in programs if program.name == THEIRS)
    with running(theirs, base_port, None) as server:
        calls = clients(server.port)
        rows: Section = {}
        for row, per_call, of_whom in workloads(calls):
            times: dict[str, list[float]] = {name: [] for name in of_whom}
            for _ in range(rounds):
                for name, call in of_whom.items():
                    count = max(int((CALLS if name == OURS else SLOW_CALLS) * scale) // per_call, 10)
                    pid = server.pid if name == THEIRS else None
                    times[name].append(microseconds(call, count, pid))
            rows[row] = {name: round(median(several), 2) for name, several in times.items()}
            print(row, rows[row], flush=True)
    rows["import, open and first command (ms)"] = {
        OURS: round(median(starts(max(int(STARTS * scale), 3))), 1)
    }
    return rows


def clients(port: int) -> dict[str, Any]:
    """Whom it is measured of, each with a key."""
    import fakeredis
    import redis

    import redracer

    store = redracer.open()
    found: dict[str, Any] = {
        OURS: store,
        OUR_CLIENT: redracer.Redis(store),
        FAKE: fakeredis.FakeRedis(),
        THEIRS: redis.Redis(port=port),
    }
    for client in found.values():
        client.set("key", VALUE)
    return found


def workloads(calls: dict[str, Any]) -> list[tuple[str, int, dict[str, Call]]]:
    """(row, requests in a call, the call of each)."""
    store = calls[OURS]
    by_client = {name: client for name, client in calls.items() if name != OURS}
    requests = [("GET", "key")] * PIPELINE

    def piped(client: Any) -> Call:
        def call() -> object:
            pipeline = client.pipeline(transaction=False)
            for _ in range(PIPELINE):
                pipeline.get("key")
            return pipeline.execute()

        return call

    get: dict[str, Call] = {OURS: lambda: store.get("key")}
    set_: dict[str, Call] = {OURS: lambda: store.set("key", VALUE)}
    many: dict[str, Call] = {OURS: lambda: store.execute_many(requests)}
    for name, client in by_client.items():
        get[name] = lambda client=client: client.get("key")  # type: ignore[misc]
        set_[name] = lambda client=client: client.set("key", VALUE)  # type: ignore[misc]
        many[name] = piped(client)
    return [("GET", 1, get), ("SET", 1, set_), (f"{PIPELINE} GET at once", PIPELINE, many)]


def microseconds(call: Call, count: int, pid: int | None) -> float:
    """CPU time of a call, with the server's."""
    for _ in range(count // 10):
        call()
    server = cpu_time(pid).all_threads if pid is not None else 0
    began = time.process_time_ns()
    for _ in range(count):
        call()
    used = time.process_time_ns() - began
    if pid is not None:
        used += cpu_time(pid).all_threads - server
    return used / count / 1000


def starts(count: int) -> list[float]:
    """CPU milliseconds of whole processes."""
    times = []
    for _ in range(count):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", START], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append((after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000)
    return times


def table(rows: Section) -> str:
    """What each takes, and how many times as long as ours."""
    names = [OURS, OUR_CLIENT, FAKE, THEIRS]
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for row, figures in rows.items():
        ours = float(str(figures[OURS]))
        cells = [_cell(figures.get(name), ours) for name in names]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(figure: object, ours: float) -> str:
    if not isinstance(figure, int | float):
        return "-"
    return f"{figure:.2f}" if figure == ours else f"{figure:.2f} ({figure / ours:.0f}x)"
