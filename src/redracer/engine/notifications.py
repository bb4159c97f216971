"""Keyspace notifications: what happens to keys, told on channels (`notify-keyspace-events`).

An event belongs to a class, which its name decides; the names are Redis's. An event of the class that is wanted is
published as `__keyspace@<db>__:<key>` (with K) and as `__keyevent@<db>__:<event>` (with E). With nothing wanted
nothing observes keys. The classes `n` (a key comes into being) and `m` (a key that is read is missing) are hooks of
the databases, which cost nothing while they are not set.
https://redis.io/docs/latest/develop/pubsub/keyspace-notifications/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.engine.config_compound import (
    EVENT_EVICTED,
    EVENT_EXPIRED,
    EVENT_GENERIC,
    EVENT_HASH,
    EVENT_KEY_MISS,
    EVENT_KEYEVENT,
    EVENT_KEYSPACE,
    EVENT_LIST,
    EVENT_MODULE,
    EVENT_NEW,
    EVENT_OVERWRITTEN,
    EVENT_SET,
    EVENT_SORTED_SET,
    EVENT_STREAM,
    EVENT_STRING,
    EVENT_TYPE_CHANGED,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.engine.engine import Engine

NAMES = {
    EVENT_GENERIC: "del rename_from rename_to move_from move_to copy_to restore expire persist",
    EVENT_STRING: "set setrange append incrby incrbyfloat setbit pfadd",
    EVENT_LIST: "lpush rpush lpop rpop linsert lset lrem ltrim sortstore",
    EVENT_SET: "sadd srem spop sinterstore sunionstore sdiffstore",
    EVENT_HASH: "hset hdel hincrby hincrbyfloat hexpire hexpired hpersist",
    EVENT_SORTED_SET: "zadd zincr zrem zremrangebyrank zremrangebyscore zremrangebylex zpopmin zpopmax "
    "zinterstore zunionstore zdiffstore zrangestore geosearchstore georadiusstore",
    EVENT_STREAM: "xadd xdel xtrim xsetid xgroup-create xgroup-createconsumer xgroup-delconsumer xgroup-destroy "
    "xgroup-setid",
    EVENT_EXPIRED: "expired",
    EVENT_EVICTED: "evicted",
    EVENT_KEY_MISS: "keymiss",
    EVENT_NEW: "new",
    EVENT_OVERWRITTEN: "overwritten",
    EVENT_TYPE_CHANGED: "type_changed",
}
CLASS_OF = {name: bit for bit, names in NAMES.items() for name in names.split()}
# An event without a name is none; one that is not Redis's is an extension's.
CLASS_OF[""] = 0


class Notifications:
    """Publishes what the effects tell, as far as it is wanted."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.wanted = 0
        self.apply(engine.config["notify-keyspace-events"])
        engine.config.on_change("notify-keyspace-events", self.apply)

    def apply(self, wanted: int) -> None:
        """Begins or ends to observe keys, as the configuration wants."""
        told = wanted & (EVENT_KEYSPACE | EVENT_KEYEVENT)
        self.wanted = wanted if told else 0
        if self.wanted:
            self.engine.effects.observe(self)
        else:
            self.engine.effects.stop_observing(self)
        for database in self.engine.databases:
            index = database.index
            database.notify_new = self._hook(index, "new") if self.wanted & EVENT_NEW else None
            database.notify_miss = self._hook(index, "keymiss") if self.wanted & EVENT_KEY_MISS else None

    def _hook(self, index: int, event: str) -> Callable[[bytes], None]:
        return lambda key: self.key_event(index, key, event)

    def key_changed(self, database: int, key: bytes, event: str) -> None:
        """A change is an event."""
        self.key_event(database, key, event)

    def key_event(self, database: int, key: bytes, event: str) -> None:
        """Tells those who listen, if the class of the event is wanted."""
        wanted = self.wanted
        if not CLASS_OF.get(event, EVENT_MODULE) & wanted:
            return
        pubsub = self.engine.pubsub
        name = event.encode()
        if wanted & EVENT_KEYSPACE:
            pubsub.publish(b"__keyspace@%d__:%b" % (database, key), name)
        if wanted & EVENT_KEYEVENT:
            pubsub.publish(b"__keyevent@%d__:%b" % (database, name), key)

    def databases_flushed(self, databases: list[int]) -> None:
        """A flush is no event of a key."""

    def databases_swapped(self, first: int, second: int) -> None:
        """Nor is a swap."""
