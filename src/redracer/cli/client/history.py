"""The lines typed before: a line of the file each, as redis-cli keeps them, readable by their owner only.

What has a password in it is remembered until the end of the program and never written.
"""

from __future__ import annotations

import os

from redracer.cli.client.repl import is_secret

LIMIT = 1000  # lines that are kept in the file


class History:
    """The history in a file, or with None in memory only."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.lines: list[str] = []
        if path is not None:
            self._load(path)

    def _load(self, path: str) -> None:
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                self.lines = file.read().splitlines()
        except OSError:
            return
        if len(self.lines) > 2 * LIMIT:
            del self.lines[:-LIMIT]
            self._rewrite(path)

    def _rewrite(self, path: str) -> None:
        temporary = f"{path}.{os.getpid()}"
        try:
            with open(temporary, "w", encoding="utf-8", errors="surrogateescape", opener=_private) as file:
                file.writelines(f"{line}\n" for line in self.lines)
            os.replace(temporary, path)
        except OSError:
            self.path = None  # it cannot be written; the lines are still there for this session

    def add(self, line: str) -> None:
        """Remembers a line, unless it is the one before."""
        if self.lines and self.lines[-1] == line:
            return
        self.lines.append(line)
        if self.path is None or is_secret(os.fsencode(line)):
            return
        try:
            with open(self.path, "a", encoding="utf-8", errors="surrogateescape", opener=_private) as file:
                file.write(f"{line}\n")
        except OSError:
            self.path = None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
