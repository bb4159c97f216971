"""The command `redracer`: `redracer`, `redracer serve [...]` start a server, other words are tools."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = """\
Usage: redracer [serve] [/path/to/redis.conf] [--option value ...]
       redracer cli [OPTIONS] [COMMAND [ARGUMENT ...]]
       redracer dashboard [--server HOST:PORT] [--port PORT]
       redracer check-rdb FILE
       redracer check-aof [--fix | --truncate-to-timestamp TIME] MANIFEST|FILE
       redracer rdb stats | export FILE [...]
       redracer backup --from HOST:PORT | --dir DIR --to PATH [--keep N]
       redracer restore FILE --dir DIR
       redracer migrate --from URI --to URI | --dir DIR [--verify]
       redracer verify [--server HOST:PORT] [--restart CMD | --phase before|after]
       redracer --help | --version

redracer serve takes what redracer-server takes; see redracer-server --help. The tools have a --help of their own.
"""
WRONG_USAGE = 2
# The tools: module and function, imported when they are asked for.
TOOLS = {
    "cli": ("redracer.cli.client.main", "main"),
    "dashboard": ("redracer.dashboard.serve", "main"),
    "check-rdb": ("redracer.cli.check_rdb", "main"),
    "check-aof": ("redracer.cli.check_aof", "main"),
    "rdb": ("redracer.cli.rdb_files", "main"),
    "backup": ("redracer.cli.backup", "backup"),
    "restore": ("redracer.cli.backup", "restore"),
    "migrate": ("redracer.cli.migration.main", "main"),
    "verify": ("redracer.cli.verify", "main"),
}
# Redis's names for the same: links with these names do what those programs do.
NAMES = {
    "redis-server": ["serve"],
    "redis-cli": ["cli"],
    "redis-check-rdb": ["check-rdb"],
    "redis-check-aof": ["check-aof"],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; the exit code of the process."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        words = NAMES.get(sys.argv[0].rpartition("/")[2], []) + words
    first = words[0] if words else "serve"
    if first in ("-h", "--help", "help"):
        sys.stdout.write(USAGE)
        return 0
    if first == "serve" or first in ("-v", "--version"):
        from redracer.cli.server import main as server_main

        return server_main(words[first == "serve" :])
    if first in TOOLS:
        from importlib import import_module

        module, function = TOOLS[first]
        code: int = getattr(import_module(module), function)(words[1:])
        return code
    sys.stderr.write(f"redracer: unknown command '{first}'\n\n{USAGE}")
    return WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
