# cython: annotation_typing=False
"""The queue of one transaction: a module of its own, because dispatch adds to it in C."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from redracer.engine.client_memory import argument_bytes

if TYPE_CHECKING:
    from redracer.engine.registry import Command

QUEUED_COMMAND_BYTES = 128  # of the objects around a queued command's arguments


class Transaction:
    """What one client has queued. `flags` has every flag that some command has, `lacking` every one that some lacks."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        queued: list[tuple[Command, list[bytes]]]
        flags: int
        lacking: int
        failed: bool
        measured: int
        measured_bytes: int

    def __init__(self) -> None:
        self.queued = []
        self.flags = 0
        self.lacking = 0
        self.failed = False
        self.measured = 0
        self.measured_bytes = 0

    def add(self, command: Command, argv: list[bytes]) -> None:
        """Queues a command, unless it is known already that none will run."""
        if not self.failed:
            self.queued.append((command, argv))
            self.flags |= command.flags
            self.lacking |= ~command.flags

    def memory(self) -> int:
        """Bytes of memory that the queue takes. O(commands queued since it was asked last)."""
        for _, argv in self.queued[self.measured :]:
            self.measured_bytes += argument_bytes(argv) + QUEUED_COMMAND_BYTES
        self.measured = len(self.queued)
        return self.measured_bytes
