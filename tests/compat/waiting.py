"""What a failed test waits for: reads `waiting.toml`, whose header explains the rules."""

import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

# "unknown command 'x', with args ..." and "unknown subcommand 'y'. Try X HELP."; the harness cuts the first
# ten characters off a message, but repeats it whole in the stack trace that follows.
UNKNOWN_COMMAND = re.compile(r"unknown command '([^']+)'", re.I)
UNKNOWN_SUBCOMMAND = re.compile(r"unknown subcommand '([^']+)'\. Try (\w+) HELP", re.I)


@dataclass(frozen=True)
class Feature:
    """One later feature: its name, and the patterns by which a test is known to need it."""

    name: str
    units: tuple[str, ...]
    tests: dict[str, list[str]]
    commands: frozenset[str]


@dataclass(frozen=True)
class Waiting:
    """The features that tests may wait for, and the units that are left out with the reason."""

    features: tuple[Feature, ...]
    left_out: dict[str, str]

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
            if any(fnmatchcase(test, pattern) for pattern in feature.tests.get(unit, ())):
                return feature.name
        return self.for_message(message)

    def for_message(self, message: str) -> str | None:
        """The feature that brings the first command which `message` calls unknown."""
        for command in unknown_commands(message):
            for feature in self.features:
                if command in feature.commands:
                    return feature.name
        return None


def unknown_commands(message: str) -> list[str]:
    """The commands ("lpush", "client|tracking") that an error message calls unknown, in lower case."""
    commands = [name.lower() for name in UNKNOWN_COMMAND.findall(message)]
    return commands + [f"{parent}|{name}".lower() for name, parent in UNKNOWN_SUBCOMMAND.findall(message)]


def load_waiting(path: Path) -> Waiting:
    """Reads `waiting.toml`. Raises ValueError for a key that it does not know."""
    document = tomllib.loads(path.read_text())
    features = []
    for row in document.get("feature", []):
        unknown = row.keys() - {"name", "units", "tests", "commands"}
        if unknown:
            raise ValueError(f"{path}: unknown keys {sorted(unknown)}")
        features.append(
            Feature(
                row["name"],
                tuple(row.get("units", ())),
                row.get("tests", {}),
                frozenset(row.get("commands", ())),
            )
        )
    return Waiting(tuple(features), document.get("left-out", {}))
