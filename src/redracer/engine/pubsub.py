# cython: annotation_typing=False
"""Pub/sub: who listens to which channel, and the way of a message to all of them.

There are three tables: channels, patterns of channels, and shard channels, which know no patterns. A message is
encoded once for each protocol, and every listener's buffer gets these bytes (a long message is not even copied).
Messages for the client in execution wait for its reply (`Dispatcher.send`).

A client that listens has the flag SUBSCRIBED, and GATE_SUBSCRIBED, whose guard refuses what RESP2 has no room
for between messages. https://redis.io/docs/latest/develop/pubsub/
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from redracer.core.glob import match
from redracer.core.replies import Push
from redracer.core.resp_write import encode_strings
from redracer.engine.client import SUBSCRIBED
from redracer.engine.gates import GATE_SUBSCRIBED

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.dispatch import Dispatcher
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

SUBSCRIPTION_BYTES = 200  # of the table entries and objects around a subscription's name

# What a RESP2 client that listens may still call.
LISTENER_COMMANDS = frozenset(
    (
        b"ping",
        b"subscribe",
        b"ssubscribe",
        b"psubscribe",
        b"unsubscribe",
        b"sunsubscribe",
        b"punsubscribe",
        b"quit",
        b"reset",
    )
)
Listeners = dict["Client", None]  # in the order in which they came
Topics = dict[bytes, Listeners]


class Subscriptions:
    """What one client listens to, in the order in which it asked for it."""

    __slots__ = ("channels", "patterns", "shard_channels")

    def __init__(self) -> None:
        self.channels: dict[bytes, None] = {}
        self.patterns: dict[bytes, None] = {}
        self.shard_channels: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self.channels) + len(self.patterns) + len(self.shard_channels)

    def memory(self) -> int:
        """Bytes of memory that they take. O(subscriptions)."""
        tables = (self.channels, self.patterns, self.shard_channels)
        return sum([len(name) + SUBSCRIPTION_BYTES for table in tables for name in table])


class Kind:
    """One of the three ways to listen: its table, and the words of its messages."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        field: str
        subscribed: bytes
        unsubscribed: bytes
        topics: Topics

    def __init__(self, field: str, prefix: bytes) -> None:
        self.field = field  # of Subscriptions
        self.subscribed = prefix + b"subscribe"
        self.unsubscribed = prefix + b"unsubscribe"
        self.topics = {}

    def of(self, client: Client) -> dict[bytes, None]:
        """What the client listens to in this way."""
        found: dict[bytes, None] = getattr(client.subscriptions, self.field, {})
        return found


class PubSub:
    """The listeners of one engine."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        engine: Engine
        dispatcher: Dispatcher
        channels: Kind
        patterns: Kind
        shard_channels: Kind
        client_count: int

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dispatcher = engine.dispatcher
        self.channels = Kind("channels", b"")
        self.patterns = Kind("patterns", b"p")
        self.shard_channels = Kind("shard_channels", b"s")
        self.client_count = 0
        engine.dispatcher.guard(GATE_SUBSCRIBED, self.refuse)
        engine.acl.subscriptions = self.subscriptions

    def refuse(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """The guard: what a RESP2 client that listens may not call."""
        if client.resp == 3 or command.name in LISTENER_COMMANDS:
            return None
        return (
            b"ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
            b"allowed in this context" % command.name
        )

    def subscriptions(self, client: Client) -> list[tuple[bytes, bool]]:
        """All that a client listens to, each with whether it is a pattern."""
        held = client.subscriptions
        if held is None:
            return []
        channels = [(channel, False) for channel in (*held.channels, *held.shard_channels)]
        return channels + [(pattern, True) for pattern in held.patterns]

    # --- to listen, and to listen no more

    def subscribe(self, kind: Kind, client: Client, names: list[bytes]) -> list[Push]:
        """Has the client listen; the message about each name. O(names)."""
        if client.subscriptions is None:
            client.subscriptions = Subscriptions()
            client.flags |= SUBSCRIBED
            client.gates |= GATE_SUBSCRIBED
            self.client_count += 1
            self.engine.output_limits.apply_to(client)
        messages = []
        for name in names:
            kind.of(client)[name] = None
            kind.topics.setdefault(name, {})[client] = None
            messages.append(Push([kind.subscribed, name, self.count(kind, client)]))
        return messages

    def unsubscribe(self, kind: Kind, client: Client, names: list[bytes]) -> list[Push]:
        """Ends it for these names, or without any for all of this kind; the message about each. O(names)."""
        own = kind.of(client)
        messages = []
        for name in names or list(own):
            if name in own:
                del own[name]
                self._leave(kind, name, client)
            messages.append(Push([kind.unsubscribed, name, self.count(kind, client)]))
        if not messages:
            messages.append(Push([kind.unsubscribed, None, self.count(kind, client)]))
        if client.subscriptions is not None and not len(client.subscriptions):
            self._listens_no_more(client)
        return messages

    def forget(self, client: Client) -> None:
        """Ends all that the client listens to, without a word (RESET, or the client is gone)."""
        if client.subscriptions is None:
            return
        for kind in (self.channels, self.patterns, self.shard_channels):
            for name in kind.of(client):
                self._leave(kind, name, client)
        self._listens_no_more(client)

    def _leave(self, kind: Kind, name: bytes, client: Client) -> None:
        listeners = kind.topics[name]
        del listeners[client]
        if not listeners:
            del kind.topics[name]

    def _listens_no_more(self, client: Client) -> None:
        client.subscriptions = None
        client.flags &= ~SUBSCRIBED
        client.gates &= ~GATE_SUBSCRIBED
        self.client_count -= 1
        self.engine.output_limits.apply_to(client)

    def count(self, kind: Kind, client: Client) -> int:
        """How many subscriptions a message about one tells: those of shard channels, or all others."""
        own = client.subscriptions
        if own is None:
            return 0
        if kind is self.shard_channels:
            return len(own.shard_channels)
        return len(own.channels) + len(own.patterns)

    # --- messages

    def publish(self, channel: bytes, message: bytes) -> int:
        """Sends a message to a channel and to the patterns that match; how many clients got it.

        O(listeners + patterns).
        """
        receivers = 0
        listeners = self.channels.topics.get(channel)
        if listeners is not None:
            receivers = self._send(listeners, [b"message", channel, message])
        if self.patterns.topics:
            for pattern, listeners in list(self.patterns.topics.items()):
                if match(pattern, channel):
                    receivers += self._send(listeners, [b"pmessage", pattern, channel, message])
        return receivers

    def publish_in_shard(self, channel: bytes, message: bytes) -> int:
        """Sends a message to a shard channel; how many clients got it. O(listeners)."""
        listeners = self.shard_channels.topics.get(channel)
        return self._send(listeners, [b"smessage", channel, message]) if listeners else 0

    def _send(self, listeners: Listeners, parts: list[bytes]) -> int:
        """Sends a message of these parts, encoded once for each protocol; how many clients got it."""
        array: bytes | None = None  # for RESP2
        push: bytes | None = None  # for RESP3
        dispatcher = self.dispatcher
        receivers = list(listeners)  # a slow one may be closed, and leaves
        for client in receivers:
            if client.resp == 3:
                if push is None:
                    push = encode_strings(b">", parts)
                dispatcher.send(client, push)
            else:
                if array is None:
                    array = encode_strings(b"*", parts)
                dispatcher.send(client, array)
        return len(receivers)
