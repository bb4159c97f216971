"""Client-side caching: clients that are told when a key that they may have cached has changed.

In the usual mode the table maps each key to the clients that read it since it changed last (by name alone, for
all databases, as in Redis); a change tells them and forgets the key. In broadcast mode nothing is remembered:
whoever wants a prefix is told of every change below it, once a round, before the replies leave.

A message is a push of RESP3, or, redirected to a client in RESP2 that listens, a published message. What
concerns the client in execution is sent after its reply.
https://redis.io/docs/latest/develop/reference/client-side-caching/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.resp_write import encode_strings
from redracer.engine.client import BROADCAST, BROKEN_REDIRECT, SUBSCRIBED, TRACKING
from redracer.engine.flags import READONLY
from redracer.engine.gates import GATE_TRACKING

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

ARRAY = b"*"
CHANNEL_MESSAGE = b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"
PUSH_MESSAGE = b">2\r\n$10\r\ninvalidate\r\n"
NULLS = {2: b"$-1\r\n", 3: b"_\r\n"}
REDIRECT_BROKEN = b">2\r\n$21\r\ntracking-redir-broken\r\n:%d\r\n"
PREFIX_BYTES = 200  # of the table entries and objects around a prefix, beside its text
NOBODYS_CHANGES = ("expired", "evicted")  # events that are no doing of the client in execution


class Tracking:
    """What one client (`owner`) asked for; who calls commands for it refers to the same.

    `redirect` is the id of the client that is told instead, 0 for none; `prefixes` is None outside of broadcast mode;
    `caching` is CLIENT CACHING's word for the next command.
    """

    __slots__ = ("caching", "no_loop", "opt_in", "opt_out", "owner", "prefix_bytes", "prefixes", "redirect")

    def __init__(self, owner: Client, redirect: int, opt_in: bool, opt_out: bool, no_loop: bool) -> None:
        self.owner = owner
        self.redirect = redirect
        self.opt_in = opt_in
        self.opt_out = opt_out
        self.no_loop = no_loop
        self.prefixes: set[bytes] | None = None
        self.prefix_bytes = 0  # memory that they take
        self.caching = False

    @property
    def remembers(self) -> bool:
        """Whether keys that are read now may be cached."""
        return self.caching if self.opt_in else not (self.opt_out and self.caching)


class Prefix:
    """Who wants to know of the keys below a prefix, and what has changed in this round: by key, who did it."""

    __slots__ = ("changed", "clients")

    def __init__(self) -> None:
        self.clients: dict[Client, None] = {}
        self.changed: dict[bytes, Client | None] = {}


class TrackingTable:
    """Client-side caching of one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clients: dict[Client, None] = {}
        self.keys: dict[bytes, dict[Client, None]] = {}
        self.item_count = 0
        self.prefixes: dict[bytes, Prefix] = {}
        engine.config.on_change("tracking-table-max-keys", self.apply_limit)

    # --- who takes part

    def enable(self, client: Client, wanted: Tracking, prefixes: list[bytes] | None) -> None:
        """CLIENT TRACKING ON: the client is told of changes from now on; with `prefixes` in broadcast mode."""
        before = client.tracking
        if before is not None:
            wanted.prefixes, wanted.prefix_bytes = before.prefixes, before.prefix_bytes
        client.tracking = wanted
        client.flags = client.flags & ~BROKEN_REDIRECT | TRACKING
        if not self.clients:
            self.engine.effects.observe(self)
        self.clients[client] = None
        client.gates |= GATE_TRACKING
        if prefixes is not None:
            if not self.prefixes:
                self.engine.dispatcher.before_sending_steps.append(self.broadcast)
            client.flags |= BROADCAST
            wanted.prefixes = wanted.prefixes or set()
            for prefix in prefixes or [b""]:
                if prefix not in wanted.prefixes:
                    wanted.prefix_bytes += len(prefix) + PREFIX_BYTES
                wanted.prefixes.add(prefix)
                self.prefixes.setdefault(prefix, Prefix()).clients[client] = None

    def disable(self, client: Client) -> None:
        """The client is told nothing more (CLIENT TRACKING OFF, RESET, or it is gone).

        In the table it stays until its keys change, as in Redis.
        """
        tracking = client.tracking
        if tracking is None:
            return
        for name in tracking.prefixes or ():
            prefix = self.prefixes[name]
            del prefix.clients[client]
            if not prefix.clients:
                del self.prefixes[name]
        if tracking.prefixes and not self.prefixes:
            self.engine.dispatcher.before_sending_steps.remove(self.broadcast)
        client.tracking = None
        client.flags &= ~(TRACKING | BROADCAST | BROKEN_REDIRECT)
        client.gates &= ~GATE_TRACKING
        del self.clients[client]
        if not self.clients:
            self.engine.effects.stop_observing(self)
            self.keys.clear()
            self.item_count = 0

    # --- what was read

    def called(self, client: Client, command: Command, argv: list[bytes]) -> None:
        """A tracking client's command was executed: remembers what it read; CLIENT CACHING was for this one."""
        if command.flags & READONLY:
            self.remember(client, command, argv)
        tracking = client.tracking
        if (
            tracking is not None
            and tracking.caching
            and client is tracking.owner
            and client.transaction is None
        ):
            tracking.caching = command.parent is not None and command.parent.name == b"client"

    def remember(self, client: Client, command: Command, argv: list[bytes]) -> None:
        """The client has read the keys of this command, and may cache them. O(keys)."""
        tracking = client.tracking
        if tracking is None or tracking.prefixes is not None or not tracking.remembers:
            return
        for position in command.keys(argv):
            readers = self.keys.setdefault(argv[position], {})
            if tracking.owner not in readers:
                readers[tracking.owner] = None
                self.item_count += 1
        self.apply_limit(self.engine.config["tracking-table-max-keys"])

    def apply_limit(self, limit: int) -> None:
        """Forgets the oldest keys beyond the limit (0: none), and tells everyone who may have cached them."""
        while limit and len(self.keys) > limit:
            self._invalidate(next(iter(self.keys)), None)

    # --- what the effects tell

    def key_changed(self, database: int, key: bytes, event: str) -> None:
        """Tells those who may have cached the key."""
        if self.prefixes:
            author = None if event in NOBODYS_CHANGES else self.engine.dispatcher.current
            self._note_for_broadcast(key, author)
        if key in self.keys:
            self._invalidate(key, self.engine.dispatcher.current)

    def key_event(self, database: int, key: bytes, event: str) -> None:
        """An event without a change concerns no cache."""

    def databases_flushed(self, databases: list[int]) -> None:
        """Tells everyone that everything may be gone, and forgets what was read."""
        for client in list(self.clients):
            self._tell(client, NULLS[client.resp])
        self.keys.clear()
        self.item_count = 0

    def databases_swapped(self, first: int, second: int) -> None:
        """Not told, as in Redis."""

    def _invalidate(self, key: bytes, author: Client | None) -> None:
        readers = self.keys.pop(key)
        self.item_count -= len(readers)
        keys = encode_strings(ARRAY, [key])
        for client in list(readers):
            tracking = client.tracking
            if tracking is None or tracking.prefixes is not None:
                continue
            if not (tracking.no_loop and client is author):
                self._tell(client, keys)

    def _note_for_broadcast(self, key: bytes, author: Client | None) -> None:
        for name, prefix in self.prefixes.items():
            if key.startswith(name):
                prefix.changed[key] = author
                transport = next(iter(prefix.clients)).transport
                if transport is not None:
                    transport.wake()  # so that a round comes, at the end of which it is told

    def broadcast(self) -> None:
        """Tells of the changes of this round. A step before sending."""
        for prefix in list(self.prefixes.values()):
            if not prefix.changed:
                continue
            changed, prefix.changed = prefix.changed, {}
            everything = encode_strings(ARRAY, list(changed))
            for client in list(prefix.clients):
                keys = everything
                if client.tracking is not None and client.tracking.no_loop:
                    foreign = [key for key, author in changed.items() if author is not client]
                    if not foreign:
                        continue
                    keys = encode_strings(ARRAY, foreign)
                self._tell(client, keys)

    def _tell(self, client: Client, keys: bytes) -> None:
        """Sends a client an invalidation of encoded keys, or to whom it has them redirected."""
        tracking = client.tracking
        receiver: Client | None = client
        if tracking is not None and tracking.redirect:
            receiver = self.engine.clients.get(tracking.redirect)
            if receiver is None:
                client.flags |= BROKEN_REDIRECT
                if client.resp == 3:
                    self.engine.dispatcher.send(client, REDIRECT_BROKEN % tracking.redirect)
                return
        assert receiver is not None
        if receiver.resp == 3:
            self.engine.dispatcher.send(receiver, PUSH_MESSAGE + keys)
        elif receiver is not client and receiver.flags & SUBSCRIBED:
            self.engine.dispatcher.send(receiver, CHANNEL_MESSAGE + keys)
