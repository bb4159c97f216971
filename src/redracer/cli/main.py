"""The command `redracer`: `redracer`, `redracer serve [...]` start a server; later there is more."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = """\
Usage: redracer [serve] [/path/to/redis.conf] [--option value ...]
       redracer --help | --version

redracer serve takes what redracer-server takes; see redracer-server --help.
"""
WRONG_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; the exit code of the process."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    first = words[0] if words else "serve"
    if first in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return 0
    if first == "serve" or first in ("-v", "--version"):
        from redracer.cli.server import main as server_main

        return server_main(words[first == "serve" :])
    sys.stderr.write(f"redracer: unknown command '{first}'\n\n{USAGE}")
    return WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
