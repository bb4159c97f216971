"""Active expiry: keys whose time has passed are deleted even if nobody asks for them.

The index of expiring keys of each database is walked in steps. A pass goes on while it finds many expired
keys, stops when few are left, and is cut into slices of at most SLICE ns with pauses in between, so that a
million keys that expire at once cost no client more than a slice, and expiry no more than a quarter of the
processor (more with `active-expire-effort`). `run` is called by the background timer; nothing here waits.

Each slice begins with the fields of hashes that have expired (field_expiry.py), for a part of its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine.field_expiry import FieldExpiry
from redracer.engine.timing import monotonic_nanoseconds

if TYPE_CHECKING:
    from redracer.core.keyspace import Keyspace
    from redracer.engine.engine import Engine

SLICE = 1_000_000  # ns
FIELDS_SLICE = 250_000  # ns of it, at most, for fields of hashes
KEYS_PER_STEP = 20  # looked at between two looks at the clock; grows with the effort
ACCEPTABLE_STALE = 10  # percent of expired keys among those looked at with which a pass is content


class ActiveExpiry:
    """The expiry cycle over all databases. `enabled` is DEBUG SET-ACTIVE-EXPIRE's."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.fields = FieldExpiry(engine)
        self.enabled = True
        self.database = 0  # where the next slice begins
        self.stale_percent = 0.0
        self.time_cap_reached = 0
        self.nanoseconds = 0
        self.average_ttl: dict[int, int] = {}  # ms, by database

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self.stale_percent = 0.0
        self.time_cap_reached = 0
        self.nanoseconds = 0

    def run(self) -> bool:
        """One slice; returns whether expired keys or fields were left because its time was over."""
        if not self.enabled or self.engine.keeps_expired:
            return False
        begun = monotonic_nanoseconds()
        deadline = begun + SLICE
        more = self.fields.run(begun + FIELDS_SLICE)
        expiring = [database for database in self.engine.databases if database.expires]
        if expiring:
            more |= self._expire_in(expiring, deadline)
        self.engine.effects.flush()
        elapsed = monotonic_nanoseconds() - begun
        self.nanoseconds += elapsed
        self.engine.latency.consider("expire-cycle", elapsed // 1_000_000, self.engine.clock.now // 1000)
        return more

    def _expire_in(self, expiring: list[Keyspace], deadline: int) -> bool:
        """Expires keys of the databases until few are left (False) or the deadline has come (True)."""
        # In turn, from where the last slice ran out of time.
        for database in sorted(expiring, key=lambda database: database.index < self.database):
            self.database = database.index
            if self._expire_some(database, deadline):
                self.time_cap_reached += 1
                return True
            self.database += 1
        return False

    def _expire_some(self, database: Keyspace, deadline: int) -> bool:
        """Expires keys of one database until few are left (False) or the deadline has come (True)."""
        effort = self.engine.config["active-expire-effort"] - 1
        step = KEYS_PER_STEP + KEYS_PER_STEP // 4 * effort
        acceptable = max(ACCEPTABLE_STALE - effort, 1)
        while database.expires:
            expired, looked_at, ttl_total = database.sample_expired(step)
            for key in expired:
                self.engine.expire(database, key)
            alive = looked_at - len(expired)
            if alive > 0:
                self._update_average(database.index, ttl_total // alive)
            percent = 100.0 * len(expired) / looked_at if looked_at else 0.0
            self.stale_percent = self.stale_percent * 0.95 + percent * 0.05
            if percent <= acceptable:
                return False
            if monotonic_nanoseconds() >= deadline:
                return True
        return False

    def _update_average(self, index: int, ttl: int) -> None:
        before = self.average_ttl.get(index, 0)
        self.average_ttl[index] = before + (ttl - before) // 50 if before else ttl
