"""Keeps what was published, in `benchmarks/results.json`, so that the parts can be measured one at a time."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from math import exp, log
from pathlib import Path

from benchmarks.servers import OURS, THEIRS, Program

Section = dict[str, dict[str, object]]  # {row: {server: figures, number, or error text}}
Results = dict[str, Section]


def load(path: Path) -> Results:
    """What earlier runs measured; nothing where there is no file."""
    if not path.is_file():
        return {}
    document: Results = json.loads(path.read_text())
    return document


def save(path: Path, results: Mapping[str, Section]) -> None:
    """Writes the file, and its directory where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")


def merged(old: Results, new: Results) -> Results:
    """The old results, with the new ones in their place row by row."""
    return {name: old.get(name, {}) | new.get(name, {}) for name in old.keys() | new.keys()}


def machine(programs: Sequence[Program]) -> Section:
    """What was measured, and where."""
    versions: dict[str, object] = {program.name: version(program) for program in programs}
    where = f"{platform.system()} {platform.release()}, {processor()}, Python {platform.python_version()}"
    return {"versions": versions, "machine": {"description": where}}


def version(program: Program) -> str:
    """What the program answers to --version."""
    result = subprocess.run([*program.command, "--version"], capture_output=True, text=True, timeout=60)
    return result.stdout.strip().partition("\n")[0] if result.returncode == 0 else "unknown version"


def processor() -> str:
    """The processor's name as Linux gives it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def number(value: object, figure: str = "") -> float | None:
    """The figure of one server in one row; None where it has none (an error text)."""
    if isinstance(value, dict):
        value = value.get(figure)
    return float(value) if isinstance(value, int | float) else None


def ratio(row: Mapping[str, object], figure: str = "") -> float | None:
    """Ours divided by theirs."""
    ours, theirs = number(row.get(OURS), figure), number(row.get(THEIRS), figure)
    return ours / theirs if ours is not None and theirs else None


def geometric_mean(values: Sequence[float]) -> float | None:
    """The geometric mean; None of nothing."""
    return exp(sum(log(value) for value in values) / len(values)) if values else None
