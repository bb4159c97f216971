"""WATCH: clients that want their next EXEC to do nothing if a key has changed by then.

A client whose key is touched is marked DIRTY at once and watches nothing more, so that a busy key costs a
client once. A key that had expired when WATCH was called counts as missing: its deletion is no change to the
watcher, its coming back to life is one. A key that expires later is a change, found at the latest by EXEC.

Nothing observes keys while nobody watches any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine.client import DIRTY

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine

Place = tuple[int, bytes]  # a key: its database's index and its name


class Watches:
    """Who watches what: by key, the clients that watch it, each with whether the key had expired when it began.

    A client's own `watched` is the set of its keys, or None.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.watchers: dict[Place, dict[Client, bool]] = {}
        self.client_count = 0

    @property
    def key_count(self) -> int:
        """How many keys are watched."""
        return len(self.watchers)

    def watch(self, client: Client, keys: list[bytes]) -> None:
        """The client's next EXEC fails if any of these keys of its database changes. O(keys).

        A client whose watched key has changed already watches nothing more.
        """
        if client.flags & DIRTY:
            return
        if client.watched is None:
            client.watched = set()
            self.client_count += 1
        if not self.watchers:
            self.engine.effects.observe(self)
        for key in keys:
            place = (client.db.index, key)
            if place not in client.watched:
                client.watched.add(place)
                self.watchers.setdefault(place, {})[client] = self._has_expired(place)

    def unwatch(self, client: Client) -> None:
        """The client watches nothing, and nothing that it watched counts. O(its keys)."""
        client.flags &= ~DIRTY
        self._leave(client)

    def _leave(self, client: Client) -> None:
        if client.watched is None:
            return
        for place in client.watched:
            watchers = self.watchers[place]
            del watchers[client]
            if not watchers:
                del self.watchers[place]
        client.watched = None
        self.client_count -= 1
        if not self.watchers:
            self.engine.effects.stop_observing(self)

    def any_expired(self, client: Client) -> bool:
        """Whether the time of a watched key has passed since WATCH, deleted or not. O(its keys)."""
        return any(
            self._has_expired(place) and not self.watchers[place][client] for place in client.watched or ()
        )

    def _has_expired(self, place: Place) -> bool:
        """Whether a key is still in the table though its time has passed."""
        return bool(self.engine.databases[place[0]].holds_expired(place[1]))

    def _touch(self, client: Client) -> None:
        client.flags |= DIRTY
        self._leave(client)

    # --- what the effects tell

    def key_changed(self, database: int, key: bytes, event: str) -> None:
        """Marks those who watch this key; the end of a key that had expired for them is no change."""
        watchers = self.watchers.get((database, key))
        if watchers is None:
            return
        for client, had_expired in list(watchers.items()):
            if had_expired and not self.engine.databases[database].holds(key):
                watchers[client] = False
            else:
                self._touch(client)

    def key_event(self, database: int, key: bytes, event: str) -> None:
        """An event without a change concerns no watcher."""

    def databases_flushed(self, databases: list[int]) -> None:
        """Marks those who watch a key that is there now, before the databases are emptied. O(watched keys)."""
        for place, watchers in list(self.watchers.items()):
            if place[0] in databases and self.engine.databases[place[0]].holds(place[1]):
                for client, had_expired in list(watchers.items()):
                    if had_expired:
                        watchers[client] = False
                    else:
                        self._touch(client)

    def databases_swapped(self, first: int, second: int) -> None:
        """Marks those who watch a key that is in either database, after they were swapped. O(watched keys)."""
        for place, watchers in list(self.watchers.items()):
            if place[0] in (first, second):
                self._key_swapped(place, watchers, before=second if place[0] == first else first)

    def _key_swapped(self, place: Place, watchers: dict[Client, bool], before: int) -> None:
        """`before` is the database that now holds what the key's database held until now."""
        was_there = self.engine.databases[before].holds(place[1])
        is_there = self.engine.databases[place[0]].holds(place[1])
        if not was_there and not is_there:
            return
        expired = self._has_expired(place)
        for client, had_expired in list(watchers.items()):
            if had_expired and (expired or not is_there):
                watchers[client] = is_there
            elif not was_there and expired:
                watchers[client] = True
            else:
                self._touch(client)
