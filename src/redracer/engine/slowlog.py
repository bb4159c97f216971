"""The slow log: the calls that took longer than a threshold, newest first.

Long argument lists and long arguments are shortened with Redis's words, so that an entry stays small.
https://redis.io/docs/latest/commands/slowlog-get/
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from redracer.engine.flags import SKIP_SLOWLOG

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.config import Config
    from redracer.engine.registry import Command

ARGUMENTS_KEPT = 32
ARGUMENT_BYTES_KEPT = 128
REDACTED = b"(redacted)"


class SlowLogEntry(NamedTuple):
    """One slow call: `started` is Unix time in s, `duration` in microseconds."""

    id: int
    started: int
    duration: int
    arguments: list[bytes]
    address: bytes
    client_name: bytes


def shortened(argv: list[bytes]) -> list[bytes]:
    """At most 32 arguments of at most 128 bytes, with a note of what was left out."""
    kept = argv if len(argv) <= ARGUMENTS_KEPT else argv[: ARGUMENTS_KEPT - 1]
    shown = []
    for argument in kept:
        if len(argument) > ARGUMENT_BYTES_KEPT:
            rest = len(argument) - ARGUMENT_BYTES_KEPT
            argument = argument[:ARGUMENT_BYTES_KEPT] + b"... (%d more bytes)" % rest
        shown.append(argument)
    if len(kept) < len(argv):
        shown.append(b"... (%d more arguments)" % (len(argv) - len(kept)))
    return shown


def redacted(command: Command, argv: list[bytes]) -> list[bytes]:
    """The arguments with the command's secrets hidden; for everything that shows them to someone else."""
    if command.find_secrets is None:
        return argv
    shown = list(argv)
    for position in command.find_secrets(argv):
        shown[position] = REDACTED
    return shown


class SlowLog:
    """The entries, at most `slowlog-max-len`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.entries: deque[SlowLogEntry] = deque()
        self.next_id = 0
        config.on_change("slowlog-max-len", self._limit_changed)

    def consider(
        self, client: Client, command: Command, argv: list[bytes], microseconds: int, now: int
    ) -> None:
        """Logs the call if it took at least the threshold and the command allows it."""
        threshold: int = self.config["slowlog-log-slower-than"]
        if threshold < 0 or microseconds < threshold or command.flags & SKIP_SLOWLOG:
            return
        arguments = shortened(redacted(command, argv))
        address = client.address.encode("utf-8", "surrogateescape")
        entry = SlowLogEntry(self.next_id, now, microseconds, arguments, address, client.name)
        self.entries.appendleft(entry)
        self.next_id += 1
        self._limit_changed(self.config["slowlog-max-len"])

    def _limit_changed(self, limit: int) -> None:
        while len(self.entries) > limit:
            self.entries.pop()

    def reset(self) -> None:
        """Drops all entries; ids go on."""
        self.entries.clear()
