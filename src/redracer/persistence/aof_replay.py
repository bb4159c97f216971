# cython: annotation_typing=False
"""Executes the commands of a log again, as the server that wrote it did.

A command is called without what dispatch does for clients: it was allowed then, and nobody waits for its reply. What
stands between MULTI and EXEC is executed when EXEC is there, all of it or nothing. Compiled, since the time of a start
is the time of this loop.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.resp_parse import RequestParser
from redracer.engine.client import INTERNAL, NO_BLOCKING, PRIMARY, Client

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.engine.dispatch import Dispatcher
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command
    from redracer.persistence.command_reader import CommandReader


class UnknownCommand(Exception):
    """The log holds a command that this server does not have. The argument is its name."""


class Replay:
    """The commands of one file. `valid`: the bytes of the file that are whole units, and executed."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        reader: CommandReader
        file_name: str
        valid: int
        engine: Engine
        context: Context
        dispatcher: Dispatcher
        client: Client
        queue: list[tuple[Command, list[bytes]]] | None

    def __init__(self, engine: Engine, reader: CommandReader, file_name: str) -> None:
        self.reader = reader
        self.file_name = file_name
        self.valid = reader.offset
        self.engine = engine
        self.context = engine.context
        self.dispatcher = engine.dispatcher
        self.client = Client(0, engine.databases[0], RequestParser(), None)
        self.client.flags |= NO_BLOCKING | INTERNAL | PRIMARY  # a replica obeys it as it obeys its primary
        self.queue = None

    @property
    def in_transaction(self) -> bool:
        """Whether a MULTI is there without its EXEC."""
        return self.queue is not None

    def run(self, limit: int) -> bool:
        """Executes commands until `limit` bytes of the file are behind; returns whether there may be more.

        Raises UnknownCommand, BadFormat, UnexpectedEnd, OSError. O(bytes), and what the commands cost.
        """
        self.dispatcher.begin()
        self.context.client = self.client
        while self.reader.offset < limit:
            argv = self.reader.next()
            if argv is None:
                return False
            if len(argv) == 1 and self.is_boundary(argv[0]):
                continue
            command = self.dispatcher.resolve(argv)
            if command is None or command.handler is None:
                raise UnknownCommand(argv[0])
            if self.queue is not None:
                self.queue.append((command, argv))
                continue
            self.handle(command, argv)
            self.valid = self.reader.offset
        return True

    def is_boundary(self, name: bytes) -> bool:
        """Takes MULTI and EXEC, which are no commands here; whether it was one."""
        word = name.upper()
        if word == b"MULTI" and self.queue is None:
            self.queue = []
            return True
        if word != b"EXEC" or self.queue is None:
            return False
        queue = self.queue
        self.queue = None
        for command, argv in queue:
            self.handle(command, argv)
        self.valid = self.reader.offset
        return True

    def handle(self, command: Command, argv: list[bytes]) -> None:
        """Calls a command; one that refuses is told in the log, since it was not refused when it was written."""
        try:
            self.call(command, argv)
        except CommandError as refusal:
            name = f"{command.name.decode()} of {self.file_name}"
            self.engine.unexpected_replies.report_in_log(refusal.text, name)
        self.context.rewritten = None
        self.context.forced = False

    def call(self, command: Command, argv: list[bytes]) -> None:
        """Calls a command for the client of the log. Raises CommandError."""
        count = len(argv)
        if count != command.arity and (command.arity > 0 or count < -command.arity):
            raise CommandError(errors.wrong_arity(command.name))
        self.context.db = self.client.db
        command.handler(self.context, argv)
