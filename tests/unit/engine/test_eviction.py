"""`maxmemory`: what is evicted under which policy, who is told, and what is refused where nothing may go."""

import pytest

from redracer.core.memory import used_memory
from redracer.engine import eviction
from redracer.engine.effects import Feed
from redracer.engine.gates import GATE_MEMORY
from tests.unit.commands.served import Served

REFUSED = "OOM command not allowed when used memory > 'maxmemory'."
VALUE = b"x" * 500


class Fed(Feed):
    """Remembers what it is told about keys, and what it is fed."""

    def __init__(self):
        self.events = []
        self.units = []

    def key_changed(self, database, key, event):
        self.events.append((database, key, event))

    def key_event(self, database, key, event):
        pass

    def feed(self, units):
        self.units.append(units)


@pytest.fixture
def world():
    return Served()


def limit(world, policy, room=20_000, **options):
    """Sets `maxmemory` to what is used now, and `room` bytes more."""
    for name, value in {"maxmemory-policy": policy, "maxmemory-eviction-tenacity": 100, **options}.items():
        assert world.run([b"CONFIG", b"SET", name.encode(), str(value).encode()]) == b"+OK\r\n"
    maximum = world.engine.memory.used + world.engine.memory.limited_beside_data() + room
    assert world.run(b"CONFIG SET maxmemory %d" % maximum) == b"+OK\r\n"
    return maximum


def write(world, count, prefix=b"key", *options):
    for number in range(count):
        world.run([b"SET", b"%s:%d" % (prefix, number), VALUE, *options])


def keys(world, pattern=b"*"):
    return set(world.engine.databases[0].keys(pattern))


@pytest.mark.parametrize("policy", ["lru", "lfu", "random"])
@pytest.mark.parametrize("volatile", [False, True])
def test_keys_are_evicted_until_the_memory_is_under_the_limit(world, policy, volatile):
    limit(world, f"{'volatile' if volatile else 'allkeys'}-{policy}")
    write(world, 10, b"forever")
    write(world, 200, b"volatile", b"EX", b"1000")
    assert world.engine.statistics.evicted_keys > 150
    assert used_memory() <= world.engine.dispatcher.memory_limit + 1000
    if volatile:
        assert len(keys(world, b"forever*")) == 10


def test_volatile_ttl_evicts_what_expires_first(world):
    limit(world, "volatile-ttl")
    for number in range(200):
        world.run([b"SET", b"%d" % number, VALUE, b"EX", b"%d" % (100_000 - number)])
    kept = sorted(int(key) for key in keys(world))
    assert (
        kept[0] == 0 and kept[len(kept) // 2] < 60
    )  # candidates are sampled: the order is nearly that of time


def test_without_eviction_commands_that_may_need_memory_are_refused(world):
    limit(world, "noeviction")
    write(world, 100)
    assert world.error(b"SET another value") == REFUSED
    assert world.run(b"GET key:0") == b"$500\r\n" + VALUE + b"\r\n"
    assert world.run(b"DEL key:0 key:1 key:2") == b":3\r\n"
    assert world.run(b"SET another value") == b"+OK\r\n"
    assert not world.engine.eviction.out_of_memory
    assert b"errorstat_OOM" in world.run(b"INFO errorstats")


def test_a_limit_below_everything_empties_the_databases_and_then_refuses(world):
    write(world, 50)
    limit(world, "allkeys-lru")
    assert world.run(b"CONFIG SET maxmemory 1") == b"+OK\r\n"
    assert world.run(b"DBSIZE") == b":0\r\n"
    assert world.error(b"SET key value") == REFUSED
    assert world.run(b"CONFIG SET maxmemory 0") == b"+OK\r\n"
    assert world.engine.dispatcher.gates & GATE_MEMORY == 0
    assert world.run(b"SET key value") == b"+OK\r\n"


@pytest.mark.parametrize(("lazy", "name"), [("no", b"DEL"), ("yes", b"UNLINK")])
def test_evicted_keys_are_told_and_fed_one_by_one(world, lazy, name):
    write(world, 3)
    fed = Fed()
    world.engine.effects.observe(fed)
    world.engine.effects.add_feed(fed)
    limit(world, "allkeys-random", 0, **{"lazyfree-lazy-eviction": lazy})
    world.run(b"CONFIG SET maxmemory 1")
    world.run(b"PING")
    assert sorted(fed.events) == [(0, b"key:%d" % number, "evicted") for number in range(3)]
    assert sorted(fed.units) == [[(0, [name, b"key:%d" % number])] for number in range(3)]


def test_nothing_is_evicted_while_clients_are_paused_or_on_a_replica_that_leaves_it_to_its_primary(world):
    write(world, 5)
    limit(world, "allkeys-random")
    world.engine.is_replica = True
    world.run(b"CONFIG SET maxmemory 1")
    assert world.run(b"DBSIZE") == b":5\r\n"
    world.run(b"CLIENT PAUSE 100000 WRITE")
    world.engine.is_replica = False
    assert world.run(b"DBSIZE") == b":5\r\n"
    world.run(b"CLIENT UNPAUSE")
    assert world.run(b"DBSIZE") == b":0\r\n"


def test_what_there_was_no_time_for_goes_on_behind_the_requests(world):
    waiting = []
    world.engine.ports["call_later"] = lambda seconds, callback: waiting.append(callback)
    write(world, 100)
    limit(world, "allkeys-random", **{"maxmemory-eviction-tenacity": 0})
    world.run(b"CONFIG SET maxmemory 1")
    assert world.run(b"SET key value") == b"+OK\r\n"  # not refused: there is still something to evict
    assert world.engine.eviction.current_exceeded_nanoseconds > 0
    while waiting:
        waiting.pop()()
    assert world.run(b"DBSIZE") == b":0\r\n"


def test_the_time_limit_grows_with_the_tenacity():
    assert [eviction.time_limit(tenacity) for tenacity in (0, 1, 10)] == [0, 50_000, 500_000]
    assert eviction.time_limit(11) == 575_000
    assert eviction.time_limit(99) < eviction.time_limit(100) == eviction.UNLIMITED


MB = 1 << 20


@pytest.mark.parametrize(
    ("maximum", "resident", "room"),
    [
        (200 * MB, 219 * MB, 0),  # up to 1.1 of the limit
        (200 * MB, 230 * MB, 10 * MB),
        (200 * MB, 300 * MB, 25 * MB),  # an eighth at most
        (190 * MB, 300 * MB, 0),  # the program is more than a fifth
    ],
)
def test_data_makes_room_for_what_is_resident_beyond_the_limit(world, monkeypatch, maximum, resident, room):
    monkeypatch.setattr(eviction.resources, "resident_bytes", lambda: resident)
    world.engine.memory.program = 40 * MB
    world.run(b"CONFIG SET maxmemory %d" % maximum)
    beside_data = world.engine.memory.limited_beside_data()
    assert maximum - beside_data - world.engine.dispatcher.memory_limit == room
