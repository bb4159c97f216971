"""What may never be imported, for every source file: import-linter (see pyproject.toml) cannot read `.pyx`.

A rule says for the files of a layer which parts of redracer they may import, and which modules of others
they may not; it looks at direct imports only, and import-linter at the rest.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
SUFFIXES = (".py", ".pyi", ".pyx", ".pxd")
IMPORT = re.compile(
    r"^\s*(?:from\s+([\w.]+)\s+c?import\s+(.+)|c?import\s+([\w., ]+?)\s*(?:#.*)?)$", re.MULTILINE
)
HEADER = re.compile(r"""^\s*cdef extern from ["<]([\w./]+)[">]""", re.MULTILINE)

# Clocks, sockets and event loops, of Python, POSIX and C.
OUTSIDE = {
    "asyncio", "select", "selectors", "signal", "socket", "ssl", "subprocess", "threading", "time", "datetime",
    "libc.time", "posix.select", "posix.time", "cpython.time", "cpython.datetime",
    "time.h", "sys/time.h", "sys/epoll.h", "sys/select.h", "sys/socket.h", "poll.h",
}  # fmt: skip


class Rule(NamedTuple):
    """Files whose path in redracer matches may import the named parts of it, and not `OUTSIDE` if pure."""

    files: str  # a regular expression; its groups may be used in `parts`
    parts: tuple[str, ...]
    pure: bool


RULES = (
    Rule(r"core/.*", ("core",), True),
    Rule(r"engine/.*", ("core", "engine"), False),
    Rule(r"net/.*", ("core", "engine", "net"), False),
    Rule(r"persistence/.*", ("core", "engine", "persistence"), False),
    Rule(r"replication/.*", ("core", "engine", "replication"), False),
    Rule(r"commands/.*", ("core", "engine", "commands"), True),
    Rule(r"types/__init__\.py", (), True),
    Rule(r"types/(\w+)/.*", ("core", "engine", r"types.\1"), True),
    # The pointer-level code of a type, and its codec: every value is there.
    Rule(r"types/(\w+)/(?:\w+\.pyx|codec\.py)", ("core", r"types.\1"), True),
    Rule(r"dashboard/.*", ("dashboard",), False),
    Rule(r"verify/.*", ("verify",), False),
    Rule(r"cli/(?!check_|rdb_|backup|verify|migration).*", ("engine", "app", "parts", "cli"), False),
    Rule(r"cli/(?:verify\.py|migration/.*)", ("cli", "verify"), False),
    # These work on files, without a server.
    Rule(r"cli/(?:check_|rdb_|backup).*", ("engine", "app", "parts", "cli", "persistence"), False),
)


def source_files() -> list[str]:
    package = SOURCE / "redracer"
    return sorted(str(path.relative_to(package)) for path in package.rglob("*") if path.suffix in SUFFIXES)


def imports_of(text: str) -> Iterator[str]:
    """The full names of the modules that a source text imports, and of the C headers that it includes."""
    for match in IMPORT.finditer(text):
        origin, names, plain = match.groups()
        if plain:
            yield from (name.split(" as ")[0].strip() for name in plain.split(","))
        elif origin == "redracer" or (origin.startswith("redracer.") and origin.count(".") == 1):
            # `from redracer.engine import log`: a module, or a name of the package itself.
            words = re.findall(r"\w+", names.partition("#")[0].split(" as ")[0])
            yield from ([f"{origin}.{word}" for word in words] or [origin])  # a parenthesis may stand there
        else:
            yield origin
    yield from HEADER.findall(text)


def breaches(path: str, text: str) -> list[str]:
    """What a file imports against a rule."""
    found = []
    for rule in RULES:
        match = re.fullmatch(rule.files, path)
        if match is None:
            continue
        allowed = tuple(f"redracer.{match.expand(part)}." for part in rule.parts)
        for name in imports_of(text):
            inside = name == "redracer" or name.startswith("redracer.")
            if (inside and not f"{name}.".startswith(allowed)) or (rule.pure and name in OUTSIDE):
                found.append(name)
    return found


@pytest.mark.parametrize("path", source_files())
def test_a_file_imports_only_what_its_layer_may(path):
    text = (SOURCE / "redracer" / path).read_text()
    assert breaches(path, text) == []
    assert not re.search(r"^\s*from \.", text, re.MULTILINE), "imports are absolute"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/a.pyx", "from redracer.engine.timing cimport now\n"),
        ("core/a.pyx", "from redracer.engine import log, timing\n"),
        ("core/a.pxd", "cimport redracer.engine.timing\n"),
        ("core/a.pyx", "from libc.time cimport time\n"),
        ("core/a.pyx", 'cdef extern from "time.h" nogil:\n'),
        ("core/a.py", "import os, time\n"),
        ("core/a.py", "from redracer import app\n"),
        ("engine/a.py", "if TYPE_CHECKING:\n    from redracer.net.reactor import Reactor\n"),
        ("engine/a.py", "    from redracer.types.string import value\n"),
        ("net/a.pyx", "from redracer.commands.client cimport kill\n"),
        ("commands/a.py", "from redracer.types.string.value import append\n"),
        ("commands/a.py", "import asyncio\n"),
        ("types/set/commands.py", "from redracer.types.string.value import append\n"),
        ("types/set/value.pyx", "from redracer.engine.context cimport Context\n"),
        ("types/set/codec.py", "from redracer.engine import log\n"),
        ("cli/a.py", "from redracer.net.front import Front\n"),
    ],
)
def test_a_breach_is_found(path, text):
    assert breaches(path, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "core/a.pyx",
            "from redracer.core.memory cimport allocate\nfrom redracer.core import errors\nimport os\n",
        ),
        ("engine/a.py", "import time\nfrom redracer.core import glob as patterns\n"),
        ("types/set/commands.py", "from redracer.engine.context import Context\n"),
        ("types/set/value.pyx", "from redracer.types.set.table cimport Table  # its own\n"),
        ("app.py", "from redracer.commands import client_list\n"),
    ],
)
def test_what_may_be_imported_is_no_breach(path, text):
    assert breaches(path, text) == []
