"""Replies that nobody is there to read: to the primary that a replica obeys, to a replica, to a log that is executed.

An error among them says that two data sets may not be the same any more. It is counted and logged, and ends the
process where `propagation-error-behavior` asks for that. A replica that has a reply coming does not behave as one, and
is disconnected: on its connection nothing may be but the stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core.replies import NO_REPLY, Error
from redracer.engine import faults, log
from redracer.engine.client import PRIMARY
from redracer.engine.flags import MAY_REPLICATE, READONLY, WRITE
from redracer.engine.gates import GATE_REPLICA

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

MOST = 4096  # bytes of an error that are logged
NO_KEYS_FOR_REPLICAS = b"ERR Replica can't interact with the keyspace"
PLACE = __name__


class UnexpectedReplies:
    """What becomes of them in one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        engine.dispatcher.guard(GATE_REPLICA, self._refuse)

    @staticmethod
    def _refuse(_client: Client, command: Command, _argv: list[bytes]) -> bytes | None:
        """The guard: a replica knows the data from its stream."""
        return NO_KEYS_FOR_REPLICAS if command.flags & (READONLY | WRITE | MAY_REPLICATE) else None

    def look_at(self, client: Client, command: Command | None, reply: Any) -> None:
        """A command of a primary or of a replica has this reply."""
        if reply is NO_REPLY:
            return
        name = command.name.decode("latin-1") if command is not None else "<unknown>"
        errors = [part for part in (reply if type(reply) is list else (reply,)) if type(part) is Error]
        for error in errors:
            self.report(client, error.text, name)
        if not client.flags & PRIMARY:
            log.warning(
                f"Replica generated a reply to command '{name}', disconnecting it: {self.engine.describe(client)}"
            )
            client.close()

    def report(self, client: Client, text: bytes, command: str) -> None:
        """An error."""
        if not client.flags & PRIMARY:
            self._log("master", "replica", text, command)
            return
        self._log("replica", "master", text, command)
        config = self.engine.config
        if config["replica-read-only"] and config["propagation-error-behavior"] != "ignore":
            self._panic("replica", "master", command)

    def report_in_log(self, text: bytes, command: str) -> None:
        """An error that a command of the append-only file was answered with."""
        self._log("server", "AOF-loading-client", text, command)
        if self.engine.config["propagation-error-behavior"] == "panic":
            self._panic("server", "AOF-loading-client", command)

    def _log(self, who: str, whom: str, text: bytes, command: str) -> None:
        self.engine.statistics.unexpected_errors += 1
        log.warning(
            f"== CRITICAL == This {who} is sending an error to its {whom}: "
            f"'{text[:MOST].decode('utf-8', 'backslashreplace')}' after processing the command '{command}'"
        )

    def _panic(self, who: str, whom: str, command: str) -> None:
        faults.panic(
            f"This {who} panicked sending an error to its {whom} after processing the command '{command}'",
            PLACE,
        )
