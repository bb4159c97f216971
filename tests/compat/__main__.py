"""The command behind `make compat`; see `--help`."""

import argparse
import os
import queue
import shlex
import subprocess
import sys
import threading
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from tests.compat import harness, report, source
from tests.compat.waiting import load_waiting

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".compat"
BASELINE = HERE / "baseline.json"
EXPECTED = HERE / "expected.json"
WAITING = HERE / "waiting.toml"
TABLE = ROOT / "docs" / "compatibility.md"

# An error that is no failed assertion (an unknown command, say) fails its test, it does not end the unit.
DURABLE = ("--durable",)

# Units that may take longer than others (s), however short the limit is for those.
LIMITS = {"integration/replication": 1200, "integration/replication-psync": 900, "integration/psync2": 600}

# Units that end within seconds: what `make test` runs, about a minute in all.
QUICK = (
    "unit/auth",
    "unit/bitfield",
    "unit/bitops",
    "unit/info",
    "unit/introspection-2",
    "unit/keyspace",
    "unit/lazyfree",
    "unit/limits",
    "unit/networking",
    "unit/obuf-limits",
    "unit/printver",
    "unit/protocol",
    "unit/quit",
    "unit/scan",
    "unit/slowlog",
    "unit/sort",
    "unit/type/hash",
    "unit/type/incr",
    "unit/type/list",
    "unit/type/set",
    "unit/type/stream-cgroups",
    "unit/type/string",
)

# Units that have tests only where all connections are over TLS, which few others gain from.
TLS = ("unit/tls",)


def our_server() -> list[str]:
    """The command line of redracer's server in the environment that this runs in."""
    return [str(Path(sys.prefix) / "bin" / "redracer-server")]


def our_client() -> list[str]:
    """The command line of redracer's terminal client."""
    return [str(Path(sys.prefix) / "bin" / "redracer-cli")]


def run_units(
    units: list[str],
    server: list[str],
    tree: Path,
    arguments: Sequence[str] = DURABLE,
    *,
    timeout: int,
    jobs: int,
    base_port: int,
    client: list[str] | None = None,
    certificates: Path | None = None,
) -> dict[str, harness.UnitResult]:
    """Runs the units, `jobs` at a time; prints a line for each as it ends; returns the results by unit."""
    waiting, baseline = load_waiting(WAITING), report.load_counts(BASELINE)
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for unit in units:
        todo.put(unit)
    results: dict[str, harness.UnitResult] = {}
    failures: list[Exception] = []

    def work(first_port: int) -> None:
        while not failures:
            try:
                unit = todo.get_nowait()
                left_out = [word for name in waiting.skipped(unit) for word in ("--skiptest", name)]
                log = CACHE / "logs" / f"{unit.replace('/', '-')}.log"
                results[unit] = harness.run_unit(
                    tree,
                    server,
                    unit,
                    [*arguments, *left_out],
                    timeout=max(timeout, LIMITS.get(unit, 0)),
                    base_port=first_port,
                    log=log,
                    client=client,
                    certificates=certificates,
                )
            except queue.Empty:
                return
            except OSError as error:
                failures.append(error)
                return
            print(report.score(unit, results[unit], baseline, waiting).line(), flush=True)

    step = harness.PORTS_PER_UNIT + harness.HARNESS_PORTS
    first_ports = [base_port + harness.HARNESS_PORTS + number * step for number in range(jobs)]
    threads = [threading.Thread(target=work, args=(port,)) for port in first_ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def prepare(server: list[str], port: int) -> Path:
    """The suite's tree, once the tools are there and the server starts; else raises Unavailable."""
    if source.missing_tools("tclsh"):
        raise source.Unavailable("tclsh not found: run tests/compat/install-tools.sh")
    tree = source.ensure_source(CACHE)
    reason = harness.check_server(server, port)
    if reason:
        raise source.Unavailable(f"the server {shlex.join(server)} does not start: {reason}")
    return tree


def certificates_for_suite(tree: Path) -> Path:
    """The certificates for a run over TLS; raises Unavailable where they cannot be made or used."""
    if source.missing_tools("openssl"):
        raise source.Unavailable("openssl not found: run tests/compat/install-tools.sh")
    loaded = subprocess.run(
        ["tclsh"], input="package require tls", text=True, capture_output=True, check=False
    )
    if loaded.stderr:
        raise source.Unavailable("Tcl has no TLS: run tests/compat/install-tools.sh")
    return harness.make_certificates(tree, CACHE)


def choose_units(patterns: str, *, quick: bool, tls: bool) -> list[str]:
    """The units to run: those that match one of the comma-separated patterns, the quick ones, or all.

    Over TLS (`tls`) all are those that are about it; else these are left out.
    """
    known = sorted(unit for unit in report.load_counts(BASELINE) if tls or unit not in TLS)
    if not patterns and tls:
        return list(TLS)
    if not patterns:
        return [unit for unit in known if unit in QUICK] if quick else known
    chosen = []
    for pattern in patterns.split(","):
        found = [unit for unit in known if fnmatchcase(unit, pattern)]
        if not found:
            raise source.Unavailable(f"no unit is called {pattern}")
        chosen += [unit for unit in found if unit not in chosen]
    return chosen


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    parser.add_argument("--units", default="", help="comma-separated: unit/expire,unit/type/*")
    parser.add_argument("--test", action="append", default=[], help="only the test of this name, or /REGEXP")
    parser.add_argument("--quick", action="store_true", help="the units that `make test` runs")
    parser.add_argument("--list", action="store_true", help="print the units that would run")
    parser.add_argument("--server", type=shlex.split, default=our_server(), help="another server")
    parser.add_argument(
        "--tls", action="store_true", help="every connection over TLS; without --units, unit/tls"
    )
    parser.add_argument("--our-client", action="store_true", help="redracer cli in redis-cli's place")
    parser.add_argument("--jobs", type=int, default=1, help="units run at the same time")
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one unit")
    parser.add_argument("--base-port", type=int, help="first port to use (default: differs from run to run)")
    parser.add_argument(
        "--strict", action="store_true", help="an error that is no failed assertion ends a unit"
    )
    parser.add_argument("--failures", action="store_true", help="print the failed tests with their messages")
    parser.add_argument("--json", type=Path, help="write everything that the run showed")
    parser.add_argument("--write-table", action="store_true", help="write docs/compatibility.md (full run)")
    parser.add_argument(
        "--raise", dest="raise_", action="store_true", help="raise the numbers of expected.json"
    )
    parser.add_argument("--record-baseline", action="store_true", help="write baseline.json from this run")
    opts = parser.parse_args()
    if opts.record_baseline and opts.server == our_server():
        parser.error("--record-baseline takes the counts of the real server: give --server")
    return opts


def main() -> int:
    """Runs the suite; returns 0, 1 where fewer tests passed than must, 2 where it cannot be run."""
    opts = options()
    arguments = [
        *(() if opts.strict else DURABLE),
        *(word for name in opts.test for word in ("--only", name)),
    ]
    base_port = opts.base_port or 20000 + os.getpid() % 50 * 150
    try:
        units = choose_units(opts.units, quick=opts.quick, tls=opts.tls)
        if opts.list:
            print("\n".join(units))
            return 0
        tree = prepare(opts.server, base_port)
        results = run_units(
            units,
            opts.server,
            tree,
            arguments,
            timeout=opts.timeout,
            jobs=opts.jobs,
            base_port=base_port,
            client=our_client() if opts.our_client else None,
            certificates=certificates_for_suite(tree) if opts.tls else None,
        )
    except source.Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    waiting = load_waiting(WAITING)
    baseline = report.load_counts(BASELINE)
    scores = [report.score(unit, results[unit], baseline, waiting) for unit in units]
    if opts.failures:
        print_failures(results)
    print(report.totals(scores))
    if opts.json:
        opts.json.write_text(report.as_json(scores, results))
    if opts.write_table:
        TABLE.write_text(report.as_markdown(scores, source.VERSION, waiting))
    if opts.record_baseline:
        report.save_counts(BASELINE, baseline | {one.unit: one.passed for one in scores})
    expected = report.load_counts(EXPECTED)
    if opts.raise_:
        report.save_counts(EXPECTED, report.raise_expected(expected, scores, baseline))
    comparable = opts.server == our_server() and not opts.test
    short = report.shortfalls(expected, scores) if comparable else []
    print("".join(f"FEWER THAN EXPECTED: {line}\n" for line in short), end="", file=sys.stderr)
    return 1 if short else 0


def print_failures(results: dict[str, harness.UnitResult]) -> None:
    """Prints each failed test, and each error outside of a test, with the head of its message."""
    for unit, result in results.items():
        for test, message in result.failed.items():
            print(f"\n{unit}: {test}\n  " + message[:800].replace("\n", "\n  "))
        for message in result.outside:
            print(f"\n{unit}: (outside of a test)\n  " + message[:800].replace("\n", "\n  "))


if __name__ == "__main__":
    sys.exit(main())
