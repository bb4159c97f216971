"""Writes are refused while they could not be kept: after a snapshot that failed, or while the log cannot be written.

Who keeps data on disk says so when it cannot, and again when it can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine.client import PRIMARY
from redracer.engine.flags import WRITE
from redracer.engine.gates import GATE_DISK_ERROR
from redracer.engine.transactions import effective_flags

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

SNAPSHOT, LOG = "snapshot", "log"
ORDER = (SNAPSHOT, LOG)  # in which they are told


class DiskErrors:
    """The errors in force, by who has them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.texts: dict[str, bytes] = {}
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
        if client.flags & PRIMARY or not (
            effective_flags(client, command, argv) & WRITE or command.name == b"ping"
        ):
            return None
        if self.engine.is_replica and self.engine.config["replica-ignore-disk-write-errors"]:
            return None
        return self.refusal()
