"""CLIENT PAUSE: requests of normal clients wait until the pause ends; nothing is lost or reordered.

A held client is BLOCKED with its request kept by the network, and resumed in the order of arrival. Two
pauses may overlap (all, and writes only); the later end of each kind holds. Besides, the server itself holds writes for
its own purposes (a failover, a shutdown), whose ends it knows best.
https://redis.io/docs/latest/commands/client-pause/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.session import BLOCKED
from redracer.engine.client import PRIMARY, REPLICA
from redracer.engine.flags import MAY_REPLICATE, WRITE
from redracer.engine.gates import GATE_PAUSED
from redracer.engine.transactions import effective_flags

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

NEVER_PAUSED = (b"client|unpause", b"client|pause")


class Pause:
    """The pauses in force: `all_until` and `writes_until` are Unix times in ms."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.all_until = 0
        self.writes_until = 0
        self.purposes: set[str] = set()  # for which writes are held
        self.held: dict[int, Client] = {}

    def start(self, milliseconds: int, writes_only: bool) -> None:
        """Pauses from now; an earlier pause is never shortened."""
        until = self.engine.clock.now + milliseconds
        if writes_only:
            self.writes_until = max(self.writes_until, until)
        else:
            self.all_until = max(self.all_until, until)
        self.engine.dispatcher.gates |= GATE_PAUSED

    def end(self) -> None:
        """CLIENT UNPAUSE: ends what `start` began, and resumes the held clients."""
        self.all_until = self.writes_until = 0
        if not self.purposes:
            self.engine.dispatcher.gates &= ~GATE_PAUSED
        self._resume()

    def hold_writes(self, purpose: str) -> None:
        """Pauses writes until `release` of the same purpose."""
        self.purposes.add(purpose)
        self.engine.dispatcher.gates |= GATE_PAUSED

    def release(self, purpose: str) -> None:
        """Nothing is paused for this purpose any more."""
        if purpose in self.purposes:
            self.purposes.remove(purpose)
            self.check_end()
            self._resume()

    def check_end(self) -> None:
        """Ends the pauses whose time has passed."""
        now = self.engine.clock.now
        if not self.engine.dispatcher.gates & GATE_PAUSED:
            return
        if self.all_until <= now and self.writes_until <= now:
            self.end()
        elif self.all_until and self.all_until <= now:
            self.all_until = 0
            self._resume()

    @property
    def active(self) -> bool:
        """Whether any pause is in force; expiry and eviction stand still meanwhile."""
        return bool(self.engine.dispatcher.gates & GATE_PAUSED)

    def holds(self, client: Client, command: Command, argv: list[bytes]) -> bool:
        """Whether this request must wait; if so the client is blocked and its request will be retried."""
        if client.flags & (REPLICA | PRIMARY) or command.name in NEVER_PAUSED:
            return False
        now = self.engine.clock.now
        if self.all_until <= now and not (
            (self.purposes or self.writes_until > now)
            and effective_flags(client, command, argv) & (WRITE | MAY_REPLICATE)
        ):
            return False
        client.state |= BLOCKED
        client.retry = True
        client.blocked = self
        self.held[client.id] = client
        return True

    def forget(self, client: Client) -> None:
        """The client is gone."""
        self.held.pop(client.id, None)

    def _resume(self) -> None:
        held = list(self.held.values())
        self.held.clear()
        for client in held:
            client.blocked = None
            if client.transport is not None:
                client.transport.resume()
