"""client-output-buffer-limit: a client that does not read what it asked for is closed.

Each class of client has a hard limit (bytes pending: closed at once) and a soft one (bytes pending for so
many seconds). The network calls `check` when a reply passes the smaller of the two and, of a client over the
soft limit, after everything that it sends: what the socket takes ends that time. The periodic tick looks at
the ones over the soft limit again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine import log
from redracer.engine.client import MONITOR, REPLICA, SUBSCRIBED
from redracer.engine.gates import GATE_AUTHENTICATION

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine

UNLIMITED = 1 << 62
SMALLEST_ELEMENT = 6  # bytes of an empty bulk string in a reply
STRANGER_LIMIT = 17 * 1024  # bytes that may be pending for a client that is not authenticated


def client_class(client: Client) -> str:
    """The class whose limits apply."""
    if client.flags & REPLICA and not client.flags & MONITOR:
        return "replica"
    return "pubsub" if client.flags & SUBSCRIBED else "normal"


class OutputLimits:
    """Applies the limits of the configuration to the clients."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.over_soft: dict[int, Client] = {}
        engine.config.on_change("client-output-buffer-limit", self._changed)

    def _changed(self, _value: object) -> None:
        for client in self.engine.clients.values():
            self.apply_to(client)

    def limits(self, client: Client) -> tuple[int, int, int]:
        """(hard bytes, soft bytes, soft seconds); 0 means no limit."""
        if client.gates & GATE_AUTHENTICATION:
            return STRANGER_LIMIT, 0, 0
        limits: tuple[int, int, int] = self.engine.config["client-output-buffer-limit"][client_class(client)]
        return limits

    def apply_to(self, client: Client) -> None:
        """Sets the number of pending bytes from which the network asks; call when the client's class changes.

        A replica's limits are for what it is behind, most of which is not in its buffer: replication looks at them.
        """
        hard, soft, _ = self.limits(client) if client_class(client) != "replica" else (0, 0, 0)
        client.output_limit = min(hard or UNLIMITED, soft or UNLIMITED)

    def check(self, client: Client) -> None:
        """Closes the client if its pending output is over the hard limit, or over the soft one for too long."""
        hard, soft, seconds = self.limits(client)
        self.judge(client, len(client.out), hard, soft, seconds)
        client.over_limit = bool(client.soft_limit_since)
        if client.over_limit:
            self.over_soft[client.id] = client
        else:
            self.over_soft.pop(client.id, None)

    def judge(self, client: Client, pending: int, hard: int, soft: int, seconds: int) -> None:
        """Closes a client with so many bytes pending if that is too much by these limits (bytes; 0 means none)."""
        now = self.engine.clock.now
        if not soft or pending < soft:
            client.soft_limit_since = 0
        elif not client.soft_limit_since:
            client.soft_limit_since = now
        too_long = client.soft_limit_since and now - client.soft_limit_since > seconds * 1000
        if (hard and pending >= hard) or too_long:
            self._close(client)

    def refuses(self, client: Client, elements: int) -> bool:
        """Whether a reply of so many elements is over the client's hard limit, however short they are.

        Then the client is closed, as it would be with the reply: for commands that repeat elements as often as
        they are told to, which would fill the memory before anything is sent.
        """
        hard = self.limits(client)[0]
        if not hard or len(client.out) + elements * SMALLEST_ELEMENT < hard:
            return False
        self._close(client)
        return True

    def _close(self, client: Client) -> None:
        self.over_soft.pop(client.id, None)
        log.warning(
            f"Client {self.engine.describe(client)} scheduled to be closed ASAP for overcoming of "
            "output buffer limits."
        )
        self.engine.statistics.output_limit_disconnections += 1
        client.close()

    def check_all(self) -> None:
        """Looks again at the clients over their soft limit."""
        for client in list(self.over_soft.values()):
            if client.id in self.engine.clients:
                self.check(client)
            else:
                del self.over_soft[client.id]
