# cython: annotation_typing=False
"""What a command is given: the data, the caller, the time, and the ways to say what it did.

There is one Context per engine; dispatch sets `client`, `db` and `now` before each call, so handlers must
not keep it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redracer.engine.client import NO_BLOCKING
from redracer.engine.effects import TO_REPLICAS, TargetedCommand

if TYPE_CHECKING:
    from redracer.core.clock import Clock
    from redracer.core.keyspace import Keyspace
    from redracer.engine.client import Client
    from redracer.engine.config import Config
    from redracer.engine.effects import Effects
    from redracer.engine.engine import Engine


class Context:
    """The environment of one command call. `now` is Unix time in ms, the same for the whole call."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        db: Keyspace
        client: Client
        now: int
        engine: Engine
        effects: Effects
        rewritten: list[Any] | None
        forced: bool
        clock: Clock

    def __init__(self, engine: Engine, effects: Effects) -> None:
        self.engine = engine
        self.effects = effects
        self.rewritten = None
        self.forced = False
        self.clock = engine.clock

    @property
    def expiry_now(self) -> int:
        """Unix time in ms until which things have expired: now, or 0 where a log or a primary says when they end."""
        return 0 if self.clock.nothing_expires else self.now

    @property
    def config(self) -> Config:
        """The engine's configuration."""
        return self.engine.config

    @property
    def databases(self) -> list[Keyspace]:
        """All databases, by index."""
        return self.engine.databases

    def changed(self, key: bytes, event: str, count: int = 1) -> None:
        """Says that the value of `key` in the current database changed: `count` changes, one event. O(1)."""
        self.effects.dirty += count
        if self.effects.observed:
            self.effects.key_changed(self.db.index, key, event)

    def changed_in(self, db: Keyspace, key: bytes, event: str, count: int = 1) -> None:
        """The same for a key of another database (MOVE, COPY)."""
        self.effects.dirty += count
        if self.effects.observed:
            self.effects.key_changed(db.index, key, event)

    def notify(self, key: bytes, event: str) -> None:
        """Says that something happened to `key` beyond the change already told (`del` after the last pop)."""
        if self.effects.observed:
            self.effects.key_event(self.db.index, key, event)

    def count_changes(self, count: int) -> None:
        """Counts changes that are none of a key's value to those who observe keys (the state of a consumer group)."""
        self.effects.dirty += count

    def wake(self, key: bytes) -> None:
        """Has those who wait for `key` look again, though its value has not changed."""
        self.engine.blocking.key_changed(self.db.index, key, "")

    def rewrite_as(self, commands: list[list[bytes]]) -> None:
        """What the append-only file and replicas get in place of this command; an empty list for nothing."""
        self.rewritten = commands

    def block(self, argv: list[bytes], keys: list[bytes], type: int, timeout: int, timeout_reply: Any) -> Any:
        """Has the client wait until one of `keys` holds a value of `type` (a type id, or -1 for any).

        The handler returns what this returns. It is called again with `argv` when a key is ready; it must
        then look again and may block again, which keeps the client's place and deadline. `timeout` is in
        ms, 0 for ever. Where blocking is not allowed (a transaction, a script) the reply is
        `timeout_reply` at once; a function of nothing is called for it.
        """
        if self.client.flags & NO_BLOCKING:
            return timeout_reply() if callable(timeout_reply) else timeout_reply
        return self.engine.blocking.block(self.client, argv, keys, type, timeout, timeout_reply)

    def propagate_unchanged(self) -> None:
        """Propagates this command even if it reported no change."""
        self.forced = True

    def tell_replicas(self, argv: list[bytes]) -> None:
        """Propagates a command that changes nothing, to replicas alone (a published message)."""
        if self.effects.feeds:
            self.effects.pending.append((self.db.index, TargetedCommand(argv, TO_REPLICAS)))
