"""Keys that clients have made in a writable replica, and that expire: nobody but the replica ends them.

What its primary sends, the primary ends. So while a replica takes writes, it remembers which of its keys got an
expiry by somebody else, and looks at those itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine.client import PRIMARY

if TYPE_CHECKING:
    from redracer.engine.engine import Engine

MOST = 100_000  # keys remembered: more are not worth the memory, and stay hidden once their time has passed


class LocalKeys:
    """The keys, by database and name. It observes keys only while there can be any."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.keys: set[tuple[int, bytes]] = set()

    def watch(self, wanted: bool) -> None:
        """From now on keys are remembered, or no longer."""
        if wanted:
            self.engine.effects.observe(self)
        else:
            self.engine.effects.stop_observing(self)
            self.keys.clear()

    def key_changed(self, database: int, key: bytes, event: str) -> None:
        """A key has changed: if it expires now, and not by the primary's word, it is ours to end."""
        if self.engine.context.client.flags & PRIMARY or len(self.keys) >= MOST:
            return
        if self.engine.databases[database].expiry_of(key) > 0:
            self.keys.add((database, key))

    def key_event(self, database: int, key: bytes, event: str) -> None:
        """No change."""

    def databases_flushed(self, databases: list[int]) -> None:
        """The keys of these databases are gone."""
        self.keys = {place for place in self.keys if place[0] not in databases}

    def databases_swapped(self, first: int, second: int) -> None:
        """The keys are in the other database now."""
        other = {first: second, second: first}
        self.keys = {(other.get(database, database), key) for database, key in self.keys}

    def tick(self) -> None:
        """Ends the keys whose time has passed. O(keys remembered)."""
        if not self.keys:
            return
        now = self.engine.clock.now
        self.engine.clock.nothing_expires = True  # or a lookup would not find them
        try:
            for database, key in list(self.keys):
                keyspace = self.engine.databases[database]
                expiry = keyspace.expiry_of(key)
                if expiry <= 0:
                    self.keys.discard((database, key))
                elif expiry <= now:
                    self.keys.discard((database, key))
                    self.engine.statistics.expired_keys += 1
                    self.engine.delete_expired(keyspace, key)
        finally:
            self.engine.clock.nothing_expires = False
