"""Writes are refused while they could not be kept: after a snapshot that failed, or while the log cannot be written.

A replica cannot refuse what its primary sends: it ends, so that something is done about it, unless
`replica-ignore-disk-write-errors` has it go on.

Who keeps data on disk says so when it cannot, and again when it can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine import faults, log
from redracer.engine.client import PRIMARY
from redracer.engine.flags import WRITE
from redracer.engine.gates import GATE_DISK_ERROR
from redracer.engine.transactions import effective_flags

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

SNAPSHOT, LOG = "snapshot", "log"
TOLD_EVERY = 10_000  # ms
ORDER = (SNAPSHOT, LOG)  # in which they are told


class DiskErrors:
    """The errors in force, by who has them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.texts: dict[str, bytes] = {}
        self.told = 0  # Unix time in ms when the log was last told that a replica goes on
        engine.dispatcher.guard(GATE_DISK_ERROR, self.refuse)

    def report(self, who: str, text: bytes | None) -> None:
        """From now on writes are refused with `text`; with None no longer because of `who` (one of ORDER)."""
        self.texts.pop(who, None)
        if text is not None:
            self.texts[who] = text
        if self.texts:
            self.engine.dispatcher.gates |= GATE_DISK_ERROR
        else:
            self.engine.dispatcher.gates &= ~GATE_DISK_ERROR

    def refusal(self) -> bytes | None:
        """The error for a write now, or None."""
        return next((self.texts[who] for who in ORDER if who in self.texts), None)

    def refuse(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """The guard. PING is refused too, so that who watches the server sees it."""
        is_ping = command.name == b"ping"
        if not (effective_flags(client, command, argv) & WRITE or is_ping):
            return None
        if not client.flags & PRIMARY:
            return self.refusal()
        if not is_ping and not self.engine.config["replica-ignore-disk-write-errors"]:
            faults.panic("Replica was unable to write command to disk.", __name__)
        now = self.engine.clock.now
        if now > self.told + TOLD_EVERY:
            self.told = now
            log.warning("Replica is applying a command even though it is unable to write to disk.")
        return None
