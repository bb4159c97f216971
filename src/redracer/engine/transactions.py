# cython: annotation_typing=False
"""MULTI, EXEC and DISCARD: commands that wait in a queue and then run as one.

From MULTI on the client's GATE_TRANSACTION is set, and dispatch puts its requests here instead of calling them,
except those that end or concern the transaction itself (flag IMMEDIATE). A request that is refused while it is
queued marks the transaction as failed; EXEC then executes nothing.

EXEC holds the effects, so that the whole leaves as one unit, and calls each command through
`Dispatcher.call_nested`. Nothing is undone when one of them fails: the others have run, as in Redis.
https://redis.io/docs/latest/develop/using-commands/transactions/
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import NULL_ARRAY
from redracer.engine.client import DIRTY, MULTI, NO_BLOCKING
from redracer.engine.gates import GATE_TRANSACTION, GATE_USER
from redracer.engine.timing import monotonic_nanoseconds
from redracer.engine.transaction import Transaction

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.dispatch import Dispatcher
    from redracer.engine.effects import Effects
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

# Bits as C numbers; the .pxd has their types.
_DIRTY, _MULTI, _NO_BLOCKING = DIRTY, MULTI, NO_BLOCKING
_GATE_TRANSACTION, _GATE_USER = GATE_TRANSACTION, GATE_USER


def effective_flags(client: Client, command: Command, argv: list[bytes]) -> int:
    """The request's flags; for EXEC also those of everything that it would execute."""
    if client.transaction is None or command.name != b"exec":
        return command.request_flags(argv)
    return int(command.flags | client.transaction.flags)


def every_command_has(client: Client, command: Command, argv: list[bytes], flag: int) -> bool:
    """Whether the request has a flag; for EXEC also everything that it would execute."""
    if not command.request_flags(argv) & flag:
        return False
    return client.transaction is None or command.name != b"exec" or not client.transaction.lacking & flag


class Transactions:
    """The transactions of one engine."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        engine: Engine
        dispatcher: Dispatcher
        effects: Effects

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dispatcher = engine.dispatcher
        self.effects = engine.effects

    def begin(self, client: Client) -> None:
        """MULTI. CommandError if the client is in a transaction already."""
        if client.transaction is not None:
            raise CommandError(errors.NESTED_MULTI)
        client.transaction = Transaction()
        client.flags |= _MULTI
        client.gates |= _GATE_TRANSACTION

    def end(self, client: Client) -> None:
        """Forgets what the client has queued and what it watches (DISCARD, RESET, the end of EXEC)."""
        client.transaction = None
        client.flags &= ~_MULTI
        client.gates &= ~_GATE_TRANSACTION
        self.unwatch(client)

    def unwatch(self, client: Client) -> None:
        """The client watches nothing any more, if it did."""
        if client.watched is not None or client.flags & _DIRTY:
            self.engine.watches.unwatch(client)

    def refused(self, client: Client, command: Command | None) -> None:
        """A request of a client in MULTI was refused: the transaction fails, or with EXEC is over."""
        if command is not None and command.name == b"exec":
            self.end(client)
        elif client.transaction is not None:
            client.transaction.failed = True

    def execute(self, client: Client) -> Any:
        """EXEC: the replies of all commands; the null array if a watched key has changed. O(commands).

        CommandError if there is no transaction, or it has failed.
        """
        transaction = client.transaction
        if transaction is None:
            raise CommandError(errors.EXEC_WITHOUT_MULTI)
        if transaction.failed:
            self.end(client)
            raise CommandError(errors.EXECABORT)
        if client.flags & _DIRTY or (client.watched is not None and self.engine.watches.any_expired(client)):
            self.end(client)
            return NULL_ARRAY
        self.unwatch(client)
        may_block = not client.flags & _NO_BLOCKING
        client.flags |= _NO_BLOCKING
        began = self.dispatcher.started
        self.effects.hold()
        try:
            return self.call_all(client, transaction)
        finally:
            self.effects.release()
            self.dispatcher.started = began
            if may_block:
                client.flags &= ~_NO_BLOCKING
            self.end(client)

    def call_all(self, client: Client, transaction: Transaction) -> list[Any]:
        """Calls every command that was queued; their replies."""
        dispatcher = self.dispatcher
        replies: list[Any] = []
        dispatcher.started = monotonic_nanoseconds()
        for place, argv in enumerate(transaction.requests):
            command = transaction.commands[place]
            if client.gates & _GATE_USER:
                refusal = self.engine.acl.exec_refusal(client, command, argv)
                if refusal is not None:
                    replies.append(dispatcher.reject(command, refusal))
                    continue
            replies.append(dispatcher.call_next(client, command, argv))
        return replies
