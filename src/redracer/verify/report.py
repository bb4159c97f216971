"""What a verification found, as a value, as text, as JSON and as JUnit's XML."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from xml.etree import ElementTree


class Category(StrEnum):
    """What a check is about; each has an exit code of its own."""

    CONNECTION = "connection"
    AUTHENTICATION = "authentication"
    PERSISTENCE = "persistence"
    DATA = "data"
    CLEANUP = "cleanup"


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


# Of several failures the first here gives the exit code: it is the likeliest cause of the others. 2 is wrong usage.
EXIT_CODES = {
    Category.CONNECTION: 3,
    Category.AUTHENTICATION: 4,
    Category.PERSISTENCE: 5,
    Category.DATA: 1,
    Category.CLEANUP: 6,
}
MARKS = {Status.PASSED: "ok  ", Status.FAILED: "FAIL", Status.SKIPPED: "skip"}


@dataclass(frozen=True)
class Result:
    """One check; `detail` says what was done, or what was wrong."""

    name: str
    category: Category
    status: Status
    detail: str
    seconds: float


@dataclass
class Report:
    """All checks of a server, in the order in which they ran."""

    address: str
    server: str = ""  # the version that it tells
    results: list[Result] = field(default_factory=list)

    @property
    def failures(self) -> list[Result]:
        return [result for result in self.results if result.status is Status.FAILED]

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def exit_code(self) -> int:
        """0 if nothing failed, else the code of the gravest category that did."""
        failed = {result.category for result in self.failures}
        return next((code for category, code in EXIT_CODES.items() if category in failed), 0)

    def count(self, status: Status) -> int:
        return sum(result.status is status for result in self.results)

    def as_text(self) -> str:
        """A line for each check and one for all."""
        width = max((len(result.name) for result in self.results), default=0)
        lines = [f"{MARKS[result.status]}  {result.name:{width}}  {result.detail}" for result in self.results]
        counts = ", ".join(f"{self.count(status)} {status}" for status in Status if self.count(status))
        lines.append(f"{self.address}{f' ({self.server})' if self.server else ''}: {counts}")
        return "\n".join(lines) + "\n"

    def as_json(self) -> str:
        """One object; `checks` has an object for each check."""
        value = {
            "address": self.address,
            "server": self.server,
            "passed": self.passed,
            "exit_code": self.exit_code,
            "checks": [
                {
                    "name": result.name,
                    "category": result.category,
                    "status": result.status,
                    "detail": result.detail,
                    "seconds": round(result.seconds, 6),
                }
                for result in self.results
            ],
        }
        return json.dumps(value, indent=2) + "\n"

    def as_junit(self) -> str:
        """A test suite in the XML that CI systems read."""
        suite = ElementTree.Element(
            "testsuite",
            name="redracer verify",
            tests=str(len(self.results)),
            failures=str(len(self.failures)),
            errors="0",
            skipped=str(self.count(Status.SKIPPED)),
            time=f"{sum(result.seconds for result in self.results):.6f}",
        )
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in (("address", self.address), ("server", self.server)):
            ElementTree.SubElement(properties, "property", name=name, value=value)
        for result in self.results:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=f"redracer.verify.{result.category}",
                name=result.name,
                time=f"{result.seconds:.6f}",
            )
            if result.status is Status.FAILED:
                ElementTree.SubElement(case, "failure", message=printable(result.detail))
            elif result.status is Status.SKIPPED:
                ElementTree.SubElement(case, "skipped", message=printable(result.detail))
        ElementTree.indent(suite)
        return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def printable(text: str) -> str:
    """The text without what XML has no form for."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
