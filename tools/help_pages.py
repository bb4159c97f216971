"""Writes docs/tools.md: the help of each program, as it prints it.

python -m tools.help_pages
"""

import os
import subprocess
import sys
from pathlib import Path

from redracer.cli.main import TOOLS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tools.md"
HEAD = """\
# Programs

Written by `make docs`: what each program says to `--help`. The terminal client has [a page of its own](cli.md).
"""
WIDTH = 110  # columns
# A program that takes a word before its options.
WITH_WORD = {"rdb": ("stats", "export")}


def programs() -> list[str]:
    """The programs, as they are called."""
    names = ["", "serve"]
    for tool in sorted(TOOLS.keys() - {"cli"}):
        names += [tool, *(f"{tool} {word}" for word in WITH_WORD.get(tool, ()))]
    return [f"redracer {name}".strip() for name in names]


def help_of(program: str) -> str:
    """What it prints for --help."""
    command = [sys.executable, "-m", "redracer", *program.split()[1:], "--help"]
    environment = os.environ | {"COLUMNS": str(WIDTH), "NO_COLOR": "1"}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout.strip()


def page() -> str:
    """The whole page."""
    parts = [f"## {program}\n\n```text\n{help_of(program)}\n```\n" for program in programs()]
    return "\n".join([HEAD, *parts])


if __name__ == "__main__":
    PAGE.write_text(page())
