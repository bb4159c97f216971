"""What sorted set commands tell of their changes: events, the count of changes, what replicas are given."""

import pytest

from redracer.engine.effects import Feed

from ...commands.served import Served


class Listener(Feed):
    """Notes the events of keys, and the commands that replicas would get."""

    def __init__(self, served):
        self.served = served
        self.events = []
        self.commands = []
        served.engine.effects.observe(self)
        served.engine.effects.add_feed(self)

    def key_changed(self, database, key, event):
        self.events.append((event, key))

    def key_event(self, database, key, event):
        self.events.append((event, key))

    def databases_flushed(self, databases):
        """Not looked at here."""

    def databases_swapped(self, first, second):
        """Nor this."""

    def feed(self, units):
        self.commands += [argv for _, argv in units]

    def after(self, line):
        """(changes counted, events, commands propagated) by one command line."""
        dirty = self.served.engine.effects.dirty
        self.events, self.commands = [], []
        self.served.run(line.split())
        commands = [b" ".join(argv) for argv in self.commands]
        return self.served.engine.effects.dirty - dirty, self.events, commands


@pytest.fixture
def listener():
    served = Served()
    served.run(b"ZADD key 1 a 2 b 3 c 4 d".split())
    return Listener(served)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"ZADD key 1 a 5 b 6 new", (2, [("zadd", b"key")], [b"ZADD key 1 a 5 b 6 new"])),
        (b"ZADD key 1 a", (0, [], [])),
        (b"ZADD key NX INCR 1 a", (0, [], [])),
        (b"ZINCRBY key 2 a", (1, [("zincr", b"key")], [b"ZINCRBY key 2 a"])),
        (b"ZREM key a b none", (2, [("zrem", b"key")], [b"ZREM key a b none"])),
        (b"ZREM key a b c d", (4, [("zrem", b"key"), ("del", b"key")], [b"ZREM key a b c d"])),
        (b"ZREMRANGEBYRANK key 0 1", (2, [("zremrangebyrank", b"key")], [b"ZREMRANGEBYRANK key 0 1"])),
        (
            b"ZREMRANGEBYSCORE key -inf +inf",
            (4, [("zremrangebyscore", b"key"), ("del", b"key")], [b"ZREMRANGEBYSCORE key -inf +inf"]),
        ),
        (b"ZPOPMIN key", (1, [("zpopmin", b"key")], [b"ZPOPMIN key"])),
        (b"ZPOPMAX key 9", (4, [("zpopmax", b"key"), ("del", b"key")], [b"ZPOPMAX key 9"])),
        (b"ZMPOP 2 none key MAX COUNT 2", (2, [("zpopmax", b"key")], [b"ZPOPMAX key 2"])),
        (b"BZPOPMIN none key 0", (1, [("zpopmin", b"key")], [b"ZPOPMIN key"])),
        (b"BZMPOP 0 1 key MIN COUNT 3", (3, [("zpopmin", b"key")], [b"ZPOPMIN key 3"])),
        (b"ZRANGESTORE to key 0 1", (1, [("zrangestore", b"to")], [b"ZRANGESTORE to key 0 1"])),
        (b"ZRANGESTORE key key 9 10", (1, [("del", b"key")], [b"ZRANGESTORE key key 9 10"])),
        (b"ZRANGESTORE none key 9 10", (0, [], [])),
        (b"ZUNIONSTORE to 1 key", (1, [("zunionstore", b"to")], [b"ZUNIONSTORE to 1 key"])),
        (b"ZINTERSTORE to 2 key none", (0, [], [])),
        (b"ZDIFFSTORE key 2 key key", (1, [("del", b"key")], [b"ZDIFFSTORE key 2 key key"])),
        (b"GEOADD key 0 0 x", (1, [("zadd", b"key")], [b"ZADD key 3377699720527872 x"])),
    ],
)
def test_changes_are_told_as_redis_tells_them(listener, line, expected):
    assert listener.after(line) == expected


def test_a_stored_set_has_no_expiry(listener):
    listener.served.run(b"SET to text EX 100".split())
    listener.served.run(b"ZRANGESTORE to key 0 1".split())
    assert listener.served.run(b"TTL to".split()) == b":-1\r\n"


def test_a_stored_search_counts_its_places(listener):
    listener.served.run(b"GEOADD geo 13.3 38.1 p 15 37.5 c".split())
    changes, events, commands = listener.after(b"GEOSEARCHSTORE to geo FROMLONLAT 15 37 BYRADIUS 300 km")
    assert (changes, events) == (2, [("geosearchstore", b"to")])
    assert commands == [b"GEOSEARCHSTORE to geo FROMLONLAT 15 37 BYRADIUS 300 km"]
    changes, events, _ = listener.after(b"GEORADIUS geo 15 37 1 m STORE to")
    assert (changes, events) == (1, [("del", b"to")])
