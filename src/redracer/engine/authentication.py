"""Who a connection speaks for, and whether it has proved it: `requirepass`.

There is one user, `default`. Without a password everyone is that user from the start; with one, a
connection is held at a gate, and reads only short requests, until AUTH or HELLO has let it through. A
connection that is through stays so when the password changes, as in Redis.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.engine.flags import NO_AUTH
from redracer.engine.gates import GATE_AUTHENTICATION

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

DEFAULT_USER = b"default"


class Authentication:
    """Lets the clients of one engine through, or holds them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        engine.config.on_change("requirepass", self._password_changed)
        engine.dispatcher.guard(GATE_AUTHENTICATION, self.refusal)

    def refusal(self, _client: Client, command: Command, _argv: list[bytes]) -> bytes | None:
        """What a client that has proved nothing is told when it asks for more than a way to do so."""
        return None if command.flags & NO_AUTH else errors.NO_AUTH

    def _password_changed(self, password: bytes | None) -> None:
        if not password:
            for client in self.engine.clients.values():
                self.start(client)

    @property
    def required(self) -> bool:
        """Whether the default user has a password."""
        return bool(self.engine.config["requirepass"])

    def start(self, client: Client) -> None:
        """Sets the state of a connection that has proved nothing yet."""
        self._set(client, not self.required)

    def _set(self, client: Client, admitted: bool) -> None:
        client.gates &= ~GATE_AUTHENTICATION
        if not admitted:
            client.gates |= GATE_AUTHENTICATION
        client.parser.restricted = not admitted
        self.engine.output_limits.apply_to(client)

    def attempt(self, client: Client, user: bytes, password: bytes) -> bool:
        """Lets the client through if the password is the user's; the time it takes tells nothing about it."""
        expected: bytes | None = self.engine.config["requirepass"]
        if user != DEFAULT_USER or (expected and not hmac.compare_digest(expected, password)):
            return False
        self._set(client, True)
        return True
