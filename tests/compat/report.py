"""Counts: what a unit showed, against the real server's count and against the number that must pass.

`baseline.json` holds the real server's counts, `expected.json` the number of tests of each unit that must
pass with ours. The latter may only go up: `raise_expected` never lowers a number.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.compat.harness import UnitResult
from tests.compat.waiting import Waiting


@dataclass(frozen=True)
class Score:
    """The counts of one unit. `reachable` is how many tests the real server passes."""

    unit: str
    reachable: int
    passed: int
    differs: int  # tests that are not to pass
    failed: int
    waiting: int
    not_reached: int
    reasons: str  # what waiting and unreached tests wait for, or why the unit ended early
    ended: str
    seconds: float

    def line(self) -> str:
        """One line for the terminal."""
        counts = (
            f"passed={self.passed} differs={self.differs} failed={self.failed} waits={self.waiting} "
            f"not-reached={self.not_reached}"
        )
        ended = "" if self.ended == "done" else f" ended={self.ended}"
        reasons = f" ({self.reasons})" if self.reasons else ""
        return f"{self.unit} {counts} of {self.reachable}{ended} in {self.seconds:.0f} s{reasons}"


def score(unit: str, result: UnitResult, baseline: Mapping[str, int], waiting: Waiting) -> Score:
    """Counts one result; `baseline` holds the number that the real server passes, by unit."""
    not_passed = [*result.failed.items(), *((test, result.failed[test]) for test in result.again)]
    not_passed += [(test, "") for test in result.skipped]
    differs = [test for test, _ in not_passed if waiting.differs(unit, test)]
    reasons = Counter(
        waiting.for_test(unit, test, message) for test, message in not_passed if test not in differs
    )
    failed = reasons.pop(None, 0)
    waits = sum(reasons.values())
    reached = len(result.passed) + failed + waits + len(differs)
    # Some units run a test again until a time is over: then more may pass than when the baseline was taken.
    reachable = max(baseline.get(unit, reached), len(result.passed))
    not_reached = max(0, reachable - reached)
    words = [f"{name} {count}" for name, count in sorted(reasons.items(), key=lambda item: str(item[0]))]
    if not_reached:
        words.append(f"not reached: {_why_not_reached(unit, result, waiting)}")
    return Score(
        unit,
        reachable,
        len(result.passed),
        len(differs),
        failed,
        waits,
        not_reached,
        "; ".join(words),
        result.ended,
        result.seconds,
    )


def _why_not_reached(unit: str, result: UnitResult, waiting: Waiting) -> str:
    for message in result.outside:
        feature = waiting.for_message(message)
        if feature:
            return feature
    feature = waiting.for_unit(unit)
    if feature:
        return feature
    if result.outside:
        return " ".join(result.outside[0].split())[:120]
    return "the suite leaves it out with this server" if result.ended == "done" else result.ended


def load_counts(path: Path) -> dict[str, int]:
    """Reads counts by unit; no file means none."""
    if not path.is_file():
        return {}
    counts: dict[str, int] = json.loads(path.read_text())
    return counts


def save_counts(path: Path, counts: Mapping[str, int]) -> None:
    """Writes counts by unit, one a line, sorted, so that a change reads well."""
    path.write_text(json.dumps(dict(sorted(counts.items())), indent=1) + "\n")


def raise_expected(
    expected: Mapping[str, int], scores: Iterable[Score], baseline: Mapping[str, int]
) -> dict[str, int]:
    """The expected counts after these scores: never lower, and never above what the real server passes."""
    raised = dict(expected)
    for one in scores:
        passed = min(one.passed, baseline.get(one.unit, one.passed))
        if passed > raised.get(one.unit, 0):
            raised[one.unit] = passed
    return raised


def shortfalls(expected: Mapping[str, int], scores: Iterable[Score]) -> list[str]:
    """One message for each unit of `scores` in which fewer tests passed than must."""
    return [
        f"{one.unit}: {one.passed} tests passed, {expected[one.unit]} must"
        for one in scores
        if one.passed < expected.get(one.unit, 0)
    ]


def totals(scores: Iterable[Score]) -> str:
    """The sum over all units, in one sentence."""
    rows = list(scores)
    return (
        f"passed {sum(row.passed for row in rows)} of {sum(row.reachable for row in rows)}: "
        f"{sum(row.differs for row in rows)} differ by design, "
        f"{sum(row.failed for row in rows)} failed, "
        f"{sum(row.waiting for row in rows)} wait for a later feature, "
        f"{sum(row.not_reached for row in rows)} were not reached"
    )


def as_json(scores: Iterable[Score], results: Mapping[str, UnitResult]) -> str:
    """Everything that a run showed: counts, and the failures with their messages."""
    document = {
        row.unit: {
            "reachable": row.reachable,
            "passed": row.passed,
            "differs": row.differs,
            "failed": row.failed,
            "waiting": row.waiting,
            "not_reached": row.not_reached,
            "reasons": row.reasons,
            "ended": row.ended,
            "seconds": round(row.seconds, 1),
            "failures": results[row.unit].failed,
            "failed_again": results[row.unit].again,
            "skipped": results[row.unit].skipped,
            "outside_tests": results[row.unit].outside,
        }
        for row in scores
    }
    return json.dumps(document, indent=1) + "\n"


def as_markdown(scores: Iterable[Score], version: str, waiting: Waiting) -> str:
    """The page `docs/compatibility.md`."""
    rows = sorted(scores, key=lambda row: row.unit)
    lines = [
        "# Compatibility",
        "",
        f"Redis {version}'s own test suite, run against redracer by `make compat`, unit by unit.",
        "*Redis* is how many tests the real redis-server passes here, *differs* counts tests that are not to",
        "pass (named below), *waits* failed tests that need a feature which redracer does not have yet",
        "(`tests/compat/waiting.toml`), *not reached* those that did not run because their unit ended before.",
        "A test that names an encoding of 7.0 where Redis 8 packs more accepts that of Redis 8",
        "(`tests/compat/adjustments.tcl`).",
        "",
        f"In all: {totals(rows)}.",
        "",
        "| unit | Redis | passed | differs | failed | waits | not reached | waits for |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        counts = f"{row.reachable} | {row.passed} | {row.differs} | {row.failed}"
        counts += f" | {row.waiting} | {row.not_reached}"
        lines.append(f"| {row.unit} | {counts} | {row.reasons.replace('|', chr(92) + '|')} |")
    left_out = "; ".join(f"{unit} ({why})" for unit, why in waiting.left_out.items())
    lines += ["", f"Not run: {left_out}.", "", "## Tests that are not to pass", ""]
    for difference in waiting.differences:
        lines.append(f"- {difference.why}")
        lines += [f"  - {unit}: {', '.join(tests)}" for unit, tests in difference.tests.items()]
    return "\n".join([*lines, ""])
