"""What a failed test waits for: reads `waiting.toml`, whose header explains the rules."""

import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

# "unknown command 'x', with args ..." and "unknown subcommand 'y'. Try X HELP."; the harness cuts the first
# ten characters off a message, but repeats it whole in the stack trace that follows.
UNKNOWN_COMMAND = re.compile(r"unknown command '([^']+)'", re.I)
UNKNOWN_SUBCOMMAND = re.compile(
    r"unknown subcommand (?:or wrong number of arguments for )?'([^']+)'\. Try (\w+) HELP", re.I
)


@dataclass(frozen=True)
class Feature:
    """One later feature: its name, and the patterns by which a test is known to need it."""

    name: str
    units: tuple[str, ...] = ()
    tests: dict[str, list[str]] = field(default_factory=dict)
    commands: frozenset[str] = frozenset()
    messages: tuple[str, ...] = ()
    skip: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """Tests of 7.0 that are not to pass, and why: Redis 8 answers otherwise, or they are about its insides."""

    why: str
    tests: dict[str, list[str]]
    skip: bool = False


@dataclass(frozen=True)
class Waiting:
    """The features that tests may wait for, the units that are left out with the reason, and the differences."""

    features: tuple[Feature, ...]
    left_out: dict[str, str]
    differences: tuple[Difference, ...] = ()

    def differs(self, unit: str, test: str) -> bool:
        """Whether the test is not to pass."""
        return any(_named(difference.tests, unit, test) for difference in self.differences)

    def skipped(self, unit: str) -> list[str]:
        """The names of the unit's tests that are not even run."""
        names = [name for one in self.differences if one.skip for name in one.tests.get(unit, ())]
        return names + [name for feature in self.features for name in feature.skip.get(unit, ())]

    def for_unit(self, unit: str) -> str | None:
        """The feature that `unit` as a whole waits for."""
        for feature in self.features:
            if any(fnmatchcase(unit, pattern) for pattern in feature.units):
                return feature.name
        return None

    def for_test(self, unit: str, test: str, message: str) -> str | None:
        """The feature that the failed test named `test` waits for; None where it simply failed."""
        whole = self.for_unit(unit)
        if whole:
            return whole
        for feature in self.features:
            if _named(feature.tests, unit, test) or test in feature.skip.get(unit, ()):
                return feature.name
        return self.for_message(message)

    def for_message(self, message: str) -> str | None:
        """The feature whose absence the message tells, or that brings the first command that it calls unknown."""
        for feature in self.features:
            if any(fnmatchcase(message, pattern) for pattern in feature.messages):
                return feature.name
        for command in unknown_commands(message):
            for feature in self.features:
                if command in feature.commands:
                    return feature.name
        return None


def _named(tests: dict[str, list[str]], unit: str, test: str) -> bool:
    return any(fnmatchcase(test, pattern) for pattern in tests.get(unit, ()))


def unknown_commands(message: str) -> list[str]:
    """The commands ("lpush", "client|tracking") that an error message calls unknown, in lower case."""
    commands = [name.lower() for name in UNKNOWN_COMMAND.findall(message)]
    return commands + [f"{parent}|{name}".lower() for name, parent in UNKNOWN_SUBCOMMAND.findall(message)]


def load_waiting(path: Path) -> Waiting:
    """Reads `waiting.toml`. Raises ValueError for a key that it does not know."""
    document = tomllib.loads(path.read_text())
    features = []
    for row in document.get("feature", []):
        _check(path, row, {"name", "units", "tests", "commands", "messages", "skip"})
        features.append(
            Feature(
                row["name"],
                tuple(row.get("units", ())),
                row.get("tests", {}),
                frozenset(row.get("commands", ())),
                tuple(row.get("messages", ())),
                row.get("skip", {}),
            )
        )
    differences = []
    for row in document.get("difference", []):
        _check(path, row, {"why", "tests", "skip"})
        differences.append(Difference(row["why"], row["tests"], row.get("skip", False)))
    return Waiting(tuple(features), document.get("left-out", {}), tuple(differences))


def _check(path: Path, row: dict[str, object], known: set[str]) -> None:
    unknown = row.keys() - known
    if unknown:
        raise ValueError(f"{path}: unknown keys {sorted(unknown)}")
