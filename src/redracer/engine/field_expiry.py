"""Fields of hashes that expire: which hash is to be looked at when.

For each database there is a table of the keys of such hashes with the earliest expiry of their fields. It is
core's table of fields with expiries, so that the next key is known at once and a change costs O(log n). An
entry may be out of date: the hash may be gone, or hold other fields. Who is told to look finds out, so that
only setting an expiry, and moving a hash to another key, need to be told here.

What expires, and what is said about it, is the type's affair: its package registers an `Expirer`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redracer.core.member_table import FieldTable
from redracer.engine.timing import monotonic_nanoseconds

if TYPE_CHECKING:
    from redracer.core.keyspace import Keyspace
    from redracer.engine.engine import Engine

HASHES_PER_STEP = 10  # looked at between two looks at the clock
FIELDS_PER_STEP = 100  # of one hash
COUNTED_EXACTLY = 1000  # hashes: looking at as many takes some hundred microseconds

# expirer(engine, database, key, limit) removes up to `limit` expired fields of the value at a key, with all
# that follows from it. It returns the earliest expiry of those that stay (Unix time, ms), or -1; a key that
# holds nothing of the kind has none. `Any`: an engine, of which this module is a part.
Expirer = Callable[[Any, Any, bytes, int], int]
_expirers: list[Expirer] = []


def register(expirer: Expirer) -> None:
    """From now on `expirer` is told to look. ValueError if there is one already."""
    if _expirers:
        raise ValueError("fields of values are expired by one type only")
    _expirers.append(expirer)


class FieldExpiry:
    """The index over all databases."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.tables = [FieldTable() for _ in engine.databases]
        self.database = 0  # where the next slice begins

    def watch(self, database: Keyspace, key: bytes, when: int) -> None:
        """The earliest expiry of the fields at `key` is now `when` (Unix time, ms; -1: none expires)."""
        table = self.tables[database.index]
        if when < 0:
            table.remove(key)
            return
        table.set(key, b"", True)
        table.set_expiry(key, when)

    def count(self, database: Keyspace) -> int:
        """How many hashes of the database have fields that expire.

        O(1), and O(n) up to COUNTED_EXACTLY of them: of more, some may be gone already, or have lost those fields.
        """
        table = self.tables[database.index]
        if len(table) <= COUNTED_EXACTLY:
            for key in table.fields():
                self.watch(database, key, _expirers[0](self.engine, database, key, 0))
        return len(table)

    def follow(self, database: Keyspace, key: bytes, target: Keyspace, new_key: bytes) -> None:
        """What was at `key` is, or is also, at another key."""
        when = self.tables[database.index].expiry_of(key)
        if when >= 0:
            self.watch(target, new_key, when)

    def forget(self, database: Keyspace) -> None:
        """The database has been emptied."""
        table = self.tables[database.index]
        if len(table):
            self.tables[database.index] = FieldTable()
            self.engine.lazy_free.add(table)

    def swap(self, one: Keyspace, other: Keyspace) -> None:
        """The databases have exchanged their keys."""
        tables = self.tables
        tables[one.index], tables[other.index] = tables[other.index], tables[one.index]

    def take_over(self, other: FieldExpiry) -> None:
        """All databases hold other keys now, of which `other` knows."""
        for table in self.tables:
            self.engine.lazy_free.add(table)
        self.tables = other.tables

    def run(self, deadline: int) -> bool:
        """Has expired fields removed; whether some were left when the deadline (monotonic, ns) came."""
        if not any(self.tables):
            return False
        for _ in range(len(self.tables)):
            if self._expire_some(self.engine.databases[self.database], deadline):
                return True
            self.database = (self.database + 1) % len(self.tables)
        return False

    def _expire_some(self, database: Keyspace, deadline: int) -> bool:
        table, now = self.tables[database.index], self.engine.clock.now
        while 0 <= table.next_expiry() <= now:
            for key in table.take_expired(now, HASHES_PER_STEP):
                self.watch(database, key, _expirers[0](self.engine, database, key, FIELDS_PER_STEP))
            if monotonic_nanoseconds() >= deadline:
                return True
        return False
