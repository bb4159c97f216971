"""The command behind `make bench`; see `--help`."""

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from benchmarks import (
    append_log,
    chart,
    embedded,
    instructions,
    large,
    memory,
    messages,
    pauses,
    replication,
    results,
    snapshots,
    stalls,
    startup,
    tables,
    throughput,
)
from benchmarks.servers import Program, choose_cores, default_programs
from benchmarks.workloads import choose
from tools.marked import replaced

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
PUBLISHED = HERE / "results.json"
PARTS = (
    "cpu",
    "large",
    "messages",
    "instructions",
    "memory",
    "pauses",
    "stalls",
    "snapshots",
    "log",
    "replication",
    "start",
    "embedded",
)
TOOLS = {
    "cpu": ("redis-benchmark",),
    "messages": ("redis-benchmark",),
    "log": ("redis-benchmark",),
    "replication": ("redis-benchmark",),
    "instructions": ("redis-benchmark", "valgrind", "callgrind_control"),
}
PIPELINES = (1, 16, 64)
QUICK_SCALE = 0.1  # of the number of requests and keys
MEMORY_KEYS = 1_000_000
INSERTED_KEYS = 5_000_000
EXPIRING_KEYS = 1_000_000


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", default=",".join(PARTS), help=f"comma-separated parts of: {', '.join(PARTS)}"
    )
    parser.add_argument("--tests", default="", help="comma-separated tests of redis-benchmark: SET,GET")
    parser.add_argument("--pipelines", default="", help="comma-separated depths (default 1,16,64)")
    parser.add_argument("--rounds", type=int, help="rounds of the CPU part (default 5)")
    parser.add_argument("--keyspace", type=int, default=100_000, help="keys that the CPU part chooses from")
    parser.add_argument("--keys", type=int, help="keys of the memory part (default a million)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests and keys, 3 rounds")
    parser.add_argument("--base-port", type=int, default=28_300, help="first of two ports")
    parser.add_argument("--server", type=shlex.split, help="command line in the place of our server's")
    parser.add_argument("--theirs", type=shlex.split, help="command line in the place of redis-server")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="put what this run measures into benchmarks/results.json, .md, .svg and the README",
    )
    opts = parser.parse_args()
    unknown = set(opts.only.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return opts


def programs(opts: argparse.Namespace) -> list[Program]:
    """Ours and theirs."""
    given = (opts.server, opts.theirs)
    return [
        Program(default.name, tuple(command)) if command else default
        for default, command in zip(default_programs(), given, strict=True)
    ]


def measure(opts: argparse.Namespace, pair: list[Program]) -> results.Results:
    """Runs the chosen parts."""
    scale = QUICK_SCALE if opts.quick else 1.0
    rounds = opts.rounds or (3 if opts.quick else 5)
    cores = choose_cores()
    parts = opts.only.split(",")
    workloads = choose(opts.tests)
    depths = [int(depth) for depth in opts.pipelines.split(",")] if opts.pipelines else list(PIPELINES)
    found: results.Results = {"about": results.machine(pair)}
    if "start" in parts:
        found["start"] = startup.measure(pair, 10, opts.base_port, cores)
    if "cpu" in parts:
        found["cpu"] = throughput.measure(
            pair,
            workloads,
            depths,
            rounds=rounds,
            scale=scale,
            keyspace=opts.keyspace,
            base_port=opts.base_port,
            cores=cores,
        )
    if "large" in parts:
        found["large"] = large.measure(
            pair, rounds=rounds, scale=scale, base_port=opts.base_port, cores=cores
        )
    if "messages" in parts:
        found["messages"] = messages.measure(
            pair, rounds=rounds, scale=scale, base_port=opts.base_port, cores=cores
        )
    if "instructions" in parts:
        found["instructions"] = instructions.measure(
            pair, workloads, depths, scale=max(scale, 0.25), base_port=opts.base_port
        )
    if "memory" in parts:
        found["memory"] = memory.measure(pair, opts.keys or int(MEMORY_KEYS * scale), opts.base_port, cores)
    if "pauses" in parts:
        inserted, expiring = int(INSERTED_KEYS * scale), int(EXPIRING_KEYS * scale)
        found["pauses"] = pauses.measure(pair, inserted, expiring, opts.base_port, cores)
    if "stalls" in parts:
        found["stalls"] = stalls.measure(pair, int(stalls.ELEMENTS * scale), opts.base_port, cores)
    if "snapshots" in parts:
        found["snapshots"] = snapshots.measure(pair, int(snapshots.KEYS * scale), opts.base_port, cores)
    if "log" in parts:
        found["log"] = append_log.measure(pair, rounds, scale, opts.base_port, cores)
    if "replication" in parts:
        found["replication"] = replication.measure(pair, scale, opts.base_port, cores)
    if "embedded" in parts:
        found["embedded"] = embedded.measure(pair, rounds=rounds, scale=scale, base_port=opts.base_port)
    return found


def publish(everything: results.Results) -> None:
    """Writes the results, and what is made of them."""
    results.save(PUBLISHED, everything)
    (HERE / "results.md").write_text(tables.page(everything))
    (HERE / "results.svg").write_text(chart.draw(everything))
    README.write_text(replaced(README.read_text(), "benchmarks", tables.summary(everything)))


def main() -> int:
    """Measures, prints the tables of this run, and publishes it if asked; returns 2 where it cannot."""
    opts = options()
    pair = programs(opts)
    needed = [program.command[0] for program in pair]
    needed += [tool for part in opts.only.split(",") for tool in TOOLS.get(part, ())]
    missing = {tool for tool in needed if shutil.which(tool) is None}
    if missing:
        print(f"not found: {', '.join(sorted(missing))}", file=sys.stderr)
        return 2
    try:
        found = measure(opts, pair)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n" + tables.page(found))
    if opts.publish:
        publish(results.merged(results.load(PUBLISHED), found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
