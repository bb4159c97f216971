"""Without a command: a prompt on a terminal, a script otherwise."""

from __future__ import annotations

import sys

from redracer.cli.client.repl import run_lines
from redracer.cli.client.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from redracer.cli.client.options import Options


def run(options: Options) -> int:
    """Runs lines until there are no more; the exit code."""
    session = Session(options, interactive=True)
    session.connect()
    if sys.stdin.isatty():
        from redracer.cli.client.interactive import converse

        converse(session)
    else:
        run_lines(session, sys.stdin.buffer)
    return 0
