"""`maxmemory-clients`: the biggest connections are closed until the rest is under the limit."""

import pytest

from redracer.engine.client import NO_EVICT
from redracer.engine.client_eviction import LEAST_LIMIT, limit_of, size_class
from tests.unit.commands.served import Served

MB = 1 << 20


class Reactor:
    """What client eviction asks of the network."""

    touched = None
    after_round = None


@pytest.fixture
def world():
    world = Served()
    world.engine.ports["reactor"] = Reactor()
    return world


def grow(world, name, size):
    """A client with so many bytes of replies that nobody reads."""
    client = world.client(name)
    client.out.write(b"x" * size, 2)
    return client


def names(world):
    return {name for name, client in world.clients.items() if client.id in world.engine.clients}


def test_limits():
    assert limit_of(0, MB) == 0
    assert limit_of(3 * MB, 0) == 3 * MB
    assert limit_of(1, 0) == LEAST_LIMIT
    assert limit_of(-5, 100 * MB) == 5 * MB
    assert limit_of(-5, 0) == 0
    assert size_class(1) == size_class(20_000) < size_class(40_000) == size_class(60_000) < size_class(MB)


def test_the_biggest_clients_are_closed_until_the_rest_is_under_the_limit(world):
    for name, size in (("small", 1000), ("big", 4 * MB), ("middle", MB), ("spared", 5 * MB)):
        grow(world, name, size)
    world.client("spared").flags |= NO_EVICT
    world.run(b"CONFIG SET maxmemory-clients 7mb")
    reactor = world.engine.ports["reactor"]
    reactor.after_round()
    assert names(world) == {"main", "small", "middle", "spared"}
    assert world.engine.statistics.evicted_clients == 1
    assert world.engine.client_eviction.total < 7 * MB


def test_a_client_is_measured_when_it_took_part_in_a_round_or_in_its_turn(world):
    world.run(b"CONFIG SET maxmemory-clients 2mb")
    reactor = world.engine.ports["reactor"]
    reactor.touched.append(grow(world, "active", 3 * MB))
    reactor.after_round()
    assert names(world) == {"main"}
    grow(world, "listening", 3 * MB)
    world.engine.client_eviction.tick()
    world.engine.client_eviction.tick()
    assert names(world) == {"main"}


def test_a_percentage_follows_maxmemory_and_no_limit_watches_nobody(world):
    reactor = world.engine.ports["reactor"]
    world.run(b"CONFIG SET maxmemory-clients 50%")
    assert reactor.touched is None
    world.run(b"CONFIG SET maxmemory 10mb")
    assert reactor.touched == [] and world.engine.client_eviction.limit == 5 * MB
    world.client("another")
    world.run(b"CONFIG SET maxmemory-clients 0")
    assert reactor.touched is None and reactor.after_round is None
    assert not world.engine.client_eviction.sizes and not world.engine.client_eviction.total
