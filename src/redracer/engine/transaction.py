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
    """What one client has queued: commands, and in as many requests what each is called with.

    `flags` has every flag that some command has, `lacking` every one that some lacks.
    """

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        commands: list[Command]
        requests: list[list[bytes]]
        flags: int
        lacking: int
        failed: bool
        measured: int
        measured_bytes: int

    def __init__(self) -> None:
        self.commands = []
        self.requests = []
        self.flags = 0
        self.lacking = 0
        self.failed = False
        self.measured = 0
        self.measured_bytes = 0

    def add(self, command: Command, argv: list[bytes]) -> None:
        """Queues a command, unless it is known already that none will run."""
        if not self.failed:
            self.commands.append(command)
            self.requests.append(argv)
            flags = command.request_flags(argv)
            self.flags |= flags
            self.lacking |= ~flags

    def memory(self) -> int:
        """Bytes of memory that the queue takes. O(commands queued since it was asked last)."""
        for argv in self.requests[self.measured :]:
            self.measured_bytes += argument_bytes(argv) + QUEUED_COMMAND_BYTES
        self.measured = len(self.requests)
        return self.measured_bytes
