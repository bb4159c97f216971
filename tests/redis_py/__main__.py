"""Fetches redis-py's source distribution, of the version that is installed, and runs its tests on a store in a process.

What cannot pass is in DEVIATIONS, with the reason; anything else that fails is an error. Tests of clusters, modules,
TLS, sentinels and scenarios of several servers are left out by redis-py's own markers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import redracer

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "redis-py"
MODULES = (
    "commands",
    "pipeline",
    "pubsub",
    "scripting",
    "lock",
    "monitor",
    "encoding",
    "hash",
    "keyspace_notifications",
)
SYNCHRONOUS = ("cache", "function")
MARKS = "not onlycluster and not redismod and not ssl and not cp_integration and not fixed_client"
NAMES = "not SSLCache and not SentinelCache"
PATCH = "ENTRIESREAD is limited to the entries that were added, as since 8.2.2"
REPLICATION = "a store in a process has no replication"
# By the part of a test's name that says which it is: why it fails.
DEVIATIONS = {
    "test_base_exception": "it replaces a method of redis-py's own parser, which is not in use",
    "test_client_kill_filter_by_user": "there is no command CLUSTER",
    "test_memoryviews_are_not_packed": "requests are lists of bytes, not parts of a stream",
    "test_module_list": "there are no modules, and no MODULE",
    "test_psync": REPLICATION,
    "test_replicaof": REPLICATION,
    "test_xgroup_create_entriesread": PATCH,
    "test_xgroup_setid": PATCH,
}


def fetched() -> Path:
    """The directory with the sources."""
    name = f"redis-{version('redis')}"
    if not (BUILD / name).is_dir():
        BUILD.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, f"redis=={version('redis')}", "-d", str(BUILD)], check=True)
        with tarfile.open(BUILD / f"{name}.tar.gz") as archive:
            archive.extractall(BUILD, filter="data")
    return BUILD / name


def run(sources: Path, arguments: list[str], url: str | None) -> dict[str, str]:
    """Runs the tests; what became of each: passed, failed or skipped, by its name."""
    report = BUILD / "report.xml"
    files = [f"tests/test_{name}.py" for name in (*MODULES, *SYNCHRONOUS)]
    files += [f"tests/test_asyncio/test_{name}.py" for name in MODULES]
    command = [sys.executable, "-m", "pytest", "-q", "-m", MARKS, "-k", NAMES, f"--junitxml={report}", *files]
    command += ["--redis-url", url] if url else ["-p", "on_memory"]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    subprocess.run([*command, *arguments], cwd=sources, env=environment, check=False)
    outcomes = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        failed = kinds & {"failure", "error"}
        outcomes[name] = "failed" if failed else "skipped" if "skipped" in kinds else "passed"
    return outcomes


def deviation(name: str) -> str | None:
    """Why a test fails, if that is known."""
    return next((reason for part, reason in DEVIATIONS.items() if part in name), None)


def main() -> int:
    """Returns 1 if a test fails without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.redis_py", description=__doc__)
    parser.add_argument("--server", action="store_true", help="on a server of ours instead, over a socket")
    options, rest = parser.parse_known_args()
    if options.server:
        with redracer.Server(enable_debug_command="yes") as server:
            outcomes = run(fetched(), rest, server.url)
    else:
        outcomes = run(fetched(), rest, None)
    failed = {name for name, outcome in outcomes.items() if outcome == "failed"}
    surprises = sorted(name for name in failed if deviation(name) is None)
    counts = {kind: list(outcomes.values()).count(kind) for kind in ("passed", "skipped")}
    print(f"\n{counts['passed']} passed, {counts['skipped']} skipped, {len(failed)} failed")
    for reason in sorted({deviation(name) or "" for name in failed} - {""}):
        print(f"  {sum(deviation(name) == reason for name in failed)}: {reason}")
    for name in surprises:
        print(f"FAILED without a reason: {name}")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main())
