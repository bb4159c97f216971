"""INFO keysizes: how many values of which size there are.

Few keys are counted when somebody asks. Many are walked over by the tick, a slice at a time, for as long as somebody
asks now and then; who asks gets the last whole count, and nothing before the first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core.entry import HASH, LIST, SET, STRING, ZSET
from redracer.core.key_sizes import KeySizes
from redracer.core.type_spec import type_spec

if TYPE_CHECKING:
    from redracer.engine.engine import Engine
    from redracer.engine.info import Fields

FEW_KEYS = 10_000  # counted at once, in about a millisecond
SLICE = 500  # buckets at a tick: about 2500 keys
INTEREST = 300_000  # ms for which counting goes on after somebody has asked
NAMES = {  # in the order of the types' numbers
    STRING: "strings_sizes",
    LIST: "lists_items",
    SET: "sets_items",
    ZSET: "zsets_items",
    HASH: "hashes_items",
}
UNITS = ("", "K", "M", "G", "T", "P", "E")


class KeySizesCensus:
    """Counts the values of all databases of one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.last: list[KeySizes] = []
        self.asked = -INTEREST  # Unix time, ms
        self._counting: list[KeySizes] = []
        self._database = 0
        self._cursor = 0

    def _restart(self) -> None:
        items = [type_spec(type).items for type in NAMES]
        self._counting = [KeySizes(items) for _ in self.engine.databases]
        self._database = 0
        self._cursor = 0

    def fields(self) -> Fields:
        """The section `keysizes`: a line for each type of which a database has values."""
        self.asked = self.engine.clock.now
        if sum(database.size for database in self.engine.databases) <= FEW_KEYS:
            self._counting = []
            while not self._advance(FEW_KEYS):
                pass
        for index, sizes in enumerate(self.last):
            for type, name in NAMES.items():
                bins = sizes.bins(type)
                if bins:
                    counts = ",".join(f"{label(least)}={count}" for least, count in bins)
                    yield f"db{index}_distrib_{name}", counts

    def tick(self) -> None:
        """Counts a slice of many keys, if anybody is interested."""
        if self.engine.clock.now - self.asked < INTEREST:
            self._advance(SLICE)

    def _advance(self, buckets: int) -> bool:
        """Counts some buckets of one database; returns whether the count of all is whole now."""
        if not self._counting:
            self._restart()
        database = self.engine.databases[self._database]
        self._cursor = self._counting[self._database].count_some(database, self._cursor, buckets)
        if self._cursor:
            return False
        self._database += 1
        if self._database < len(self.engine.databases):
            return False
        self.last = self._counting
        self._counting = []
        return True


def label(size: int) -> str:
    """A power of two as Redis tells it: 512, 1K, 2K."""
    unit = 0
    while size >= 1024:
        size //= 1024
        unit += 1
    return f"{size}{UNITS[unit]}"
