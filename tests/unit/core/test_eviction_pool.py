"""The candidates for eviction: the best of the drawn ones, in the order of the policy."""

import pytest

from redracer.core.clock import Clock
from redracer.core.eviction_pool import (
    LEAST_FREQUENT,
    LEAST_RECENT,
    POOL_SIZE,
    SOONEST_TO_EXPIRE,
    EvictionPool,
    draw_key,
)
from redracer.core.keyspace import Keyspace

NOW = 1_700_000_000_000


@pytest.fixture
def clock():
    clock = Clock()
    clock.set_time(NOW)
    return clock


@pytest.fixture
def databases(clock):
    return [Keyspace(index, clock) for index in range(2)]


def taken(pool, databases, volatile=False):
    found = []
    while (candidate := pool.take(databases, volatile)) is not None:
        found.append(candidate[1])
    return found


def offered(database, count, order, volatile=False):
    """A pool to which a small database was offered so often that all of it was drawn."""
    pool = EvictionPool()
    for _ in range(count):
        assert pool.offer(database, volatile, 100, order)
    return pool


def test_the_key_least_recently_used_is_taken_first(databases, clock):
    for second in range(40):
        clock.set_time(NOW + second * 1000)
        databases[0].set_string(b"%d" % second, b"v")
    pool = offered(databases[0], 10, LEAST_RECENT)
    assert pool.length == POOL_SIZE
    assert taken(pool, databases)[0] == b"0"


def test_the_key_least_frequently_used_is_taken_first(databases, clock):
    clock.lfu = True
    for name in (b"seldom", b"often"):
        databases[1].set_string(name, b"v")
    databases[1].set_frequency(b"often", 200)
    assert taken(offered(databases[1], 10, LEAST_FREQUENT), databases)[0] == b"seldom"


def test_the_key_that_expires_soonest_is_taken_first(databases):
    databases[0].set_string(b"forever", b"v")
    for seconds in (50, 10, 90):
        databases[0].set_string(b"%d" % seconds, b"v", NOW + seconds * 1000)
    found = taken(offered(databases[0], 10, SOONEST_TO_EXPIRE, True), databases, True)
    assert found[0] == b"10" and b"forever" not in found


def test_a_candidate_that_is_no_key_any_more_is_passed_over(databases):
    databases[0].set_string(b"gone", b"v", NOW + 1000)
    pool = offered(databases[0], 1, LEAST_RECENT)
    databases[0].persist(b"gone")
    assert pool.take(databases, True) is None
    pool = offered(databases[0], 1, LEAST_RECENT)
    databases[0].delete(b"gone")
    assert pool.take(databases, False) is None
    assert not pool.offer(databases[0], False, 5, LEAST_RECENT)


def test_a_pool_that_was_cleared_holds_nothing(databases):
    databases[0].set_string(b"key", b"v")
    pool = offered(databases[0], 3, LEAST_RECENT)
    pool.clear()
    assert pool.length == 0 and pool.take(databases, False) is None


def test_draw_key(databases):
    assert draw_key(databases[0], False) is None
    databases[0].set_string(b"forever", b"v")
    assert draw_key(databases[0], True) is None
    databases[0].set_string(b"volatile", b"v", NOW + 1)
    assert draw_key(databases[0], True) == b"volatile"
    assert {draw_key(databases[0], False) for _ in range(200)} == {b"forever", b"volatile"}
