# cython: annotation_typing=False
"""What follows from a change, in one place.

A handler says `ctx.changed(key, event)` once; here that becomes the count of changes, and calls to whoever
observes keys (WATCH, blocked clients, notifications, client tracking) and to whoever is fed the commands that
made the changes (the append-only file, replicas). With nobody listening, a change costs one addition and one
test.

Observers and feeds are ports: objects that later layers register. An observer has
`key_changed(database, key, event)` (the value changed), `key_event(database, key, event)` (something
happened to the key beyond that), `databases_flushed(databases)` (before they are emptied) and
`databases_swapped(first, second)` (after the swap: any key of either may be another now). A feed is a Feed.
"""

from __future__ import annotations

import sys
from typing import Protocol

TO_LOG = 1
TO_REPLICAS = 2


class Observer(Protocol):
    """Who wants to know about keys."""

    def key_changed(self, database: int, key: bytes, event: str) -> None: ...

    def key_event(self, database: int, key: bytes, event: str) -> None: ...

    def databases_flushed(self, databases: list[int]) -> None: ...

    def databases_swapped(self, first: int, second: int) -> None: ...


class Feed:
    """Who is given the commands that change the data set, in order."""

    def feed(self, units: list[tuple[int, list[bytes]]]) -> None:
        """Takes the (database, argv) that belong together: a transaction when there is more than one."""
        raise NotImplementedError

    def feed_alone(self, database: int, argv: list[bytes]) -> None:
        """Takes a command that is a unit of its own, the usual case."""
        self.feed([(database, argv)])


class TargetedCommand(list[bytes]):
    """A command that goes to some feeds only (`redis.set_repl`): a feed leaves out what is not for its target."""

    def __init__(self, argv: list[bytes], targets: int) -> None:
        super().__init__(argv)
        self.targets = targets


def for_target(units: list[tuple[int, list[bytes]]], target: int) -> list[tuple[int, list[bytes]]]:
    """Those of a feed's units that are for its target (TO_LOG or TO_REPLICAS). O(units)."""
    for unit in units:
        if type(unit[1]) is TargetedCommand:
            break
    else:
        return units  # as it nearly always is
    return [
        (database, list(argv))
        for database, argv in units
        if not isinstance(argv, TargetedCommand) or argv.targets & target
    ]


class Effects:
    """The hub: `dirty` counts changes since the last snapshot, `pending` holds what one request propagates."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        dirty: int
        observed: bool
        feeds: list[Feed]
        observers: list[Observer]
        pending: list[tuple[int, list[bytes]]]
        held: int

    def __init__(self) -> None:
        self.dirty = 0
        self.observed = False
        self.feeds = []
        self.observers = []
        self.pending = []
        self.held = 0

    def add_feed(self, feed: Feed) -> None:
        """From now on `feed` is given every change."""
        self.feeds.append(feed)

    def remove_feed(self, feed: Feed) -> None:
        """`feed` is given nothing more."""
        self.feeds.remove(feed)

    def observe(self, observer: Observer) -> None:
        """From now on `observer` is told about keys; a second call changes nothing."""
        if observer not in self.observers:
            self.observers.append(observer)
        self.observed = True

    def stop_observing(self, observer: Observer) -> None:
        """`observer` is told nothing more."""
        if observer in self.observers:
            self.observers.remove(observer)
        self.observed = bool(self.observers)

    def key_changed(self, database: int, key: bytes, event: str) -> None:
        """Tells the observers that a key's value changed."""
        for observer in list(self.observers):  # one may leave: it has seen what it waited for
            observer.key_changed(database, key, event)

    def key_event(self, database: int, key: bytes, event: str) -> None:
        """Tells the observers of an event that changed no value."""
        for observer in self.observers:
            observer.key_event(database, key, event)

    def databases_flushed(self, databases: list[int]) -> None:
        """Tells the observers that databases are about to be emptied."""
        for observer in list(self.observers):
            observer.databases_flushed(databases)

    def databases_swapped(self, first: int, second: int) -> None:
        """Tells the observers that two databases have exchanged their keys."""
        for observer in list(self.observers):
            observer.databases_swapped(first, second)

    def propagate(self, database: int, argv: list[bytes]) -> None:
        """Queues a command for the feeds; it leaves with the others of this request in `flush`."""
        if self.feeds:
            self.pending.append((database, argv))

    def propagate_alone(self, database: int, argv: list[bytes]) -> None:
        """`propagate` and `flush` for what is nearly always the only command of a request."""
        if self.pending or self.held:
            self.propagate(database, argv)
            self.flush()
        else:
            for feed in self.feeds:
                feed.feed_alone(database, argv)

    def hold(self) -> None:
        """From now on what commands propagate is gathered into one unit (EXEC, scripts). Calls nest."""
        self.held += 1

    def release(self) -> None:
        """Undoes one `hold`; the outermost gives the unit to the feeds."""
        self.held -= 1
        self.flush()

    def flush(self, apart: bool = False) -> None:
        """Gives the feeds what this request queued, as one unit; nothing while it is held.

        `apart`: each command is a unit of its own (keys that a command met expired, and that have nothing in common).
        """
        if self.pending and not self.held:
            units = self.pending
            self.pending = []
            if apart and len(units) > 1:
                for unit in units:
                    self._feed([unit])
            else:
                self._feed(units)

    def _feed(self, units: list[tuple[int, list[bytes]]]) -> None:
        for feed in self.feeds:
            feed.feed(units)
