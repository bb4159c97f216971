"""The keyspace against a plain dict, its promises one by one, and its books: bytes held and references."""

import collections
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from redracer.core import entry as kinds
from redracer.core.clock import Clock
from redracer.core.errors import WRONG_TYPE, CommandError
from redracer.core.keyspace import Keyspace
from redracer.core.memory import used_memory

NOW = 1_700_000_000_000
LONG_KEYS = [b"k" * 65534, b"k" * 65535, b"k" * 65536, b"k" * 65535 + b"x"]
VALUES = [
    b"",
    b"0",
    b"-1",
    b"01",
    b"9223372036854775807",
    b"9223372036854775808",
    b"v" * 44,
    b"v" * 45,
    b"v" * 1023,
]
VALUES += [b"v" * 1024, b"v" * 1025, b"v" * 100_000, bytes(range(256))]


class Value:
    """A value of another type, as the types' packages have them."""

    def __init__(self, items: list[bytes]) -> None:
        self.items = items

    def copy(self) -> "Value":
        return Value(list(self.items))

    def memory_usage(self) -> int:
        return 1000 * len(self.items)


def discarding(keyspace: Keyspace, key: bytes) -> None:
    keyspace.discard(key)


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.set_time(NOW)
    return clock


@pytest.fixture
def keyspace(clock: Clock) -> Keyspace:
    keyspace = Keyspace(0, clock)
    keyspace.on_expired = discarding
    return keyspace


def colliding_keys(count: int, bits: int = 12) -> list[bytes]:
    """Keys whose hashes have their low bits all zero: one chain, whatever the number of buckets."""
    found: list[bytes] = []
    number = 0
    while len(found) < count:
        number += 1
        if not hash(b"%d" % number) & ((1 << bits) - 1):
            found.append(b"%d" % number)
    return found


# --- against a model

KEYS = st.one_of(st.integers(0, 40).map(lambda number: b"key:%d" % number), st.sampled_from(LONG_KEYS))
EXPIRIES = st.one_of(st.just(-1), st.just(-2), st.integers(NOW + 1, NOW + 2000))


class Model(RuleBasedStateMachine):
    """Every operation against two dicts: the values, and the expiries."""

    def __init__(self) -> None:
        super().__init__()
        self.held = used_memory()
        self.clock = Clock()
        self.now = NOW
        self.clock.set_time(NOW)
        self.keyspace = Keyspace(0, self.clock)
        self.keyspace.on_expired = discarding
        self.values: dict[bytes, bytes | Value] = {}
        self.expiries: dict[bytes, int] = {}

    def forget(self, key: bytes) -> bool:
        self.expiries.pop(key, None)
        return self.values.pop(key, None) is not None

    def put(self, key: bytes, value: bytes | Value, expiry: int) -> bool:
        kept = self.expiries.get(key, -1) if expiry == -2 else expiry
        existed = self.forget(key)
        if kept == -1 or kept > self.now:
            self.values[key] = value
        if kept > self.now:
            self.expiries[key] = kept
        return existed

    @rule(key=KEYS, value=st.sampled_from(VALUES), expiry=EXPIRIES, raw=st.booleans())
    def set_string(self, key: bytes, value: bytes, expiry: int, raw: bool) -> None:
        setter = self.keyspace.set_raw_string if raw else self.keyspace.set_string
        assert setter(key, value, expiry) == self.put(key, value, expiry)

    @rule(key=KEYS, expiry=EXPIRIES)
    def set_object(self, key: bytes, expiry: int) -> None:
        value = Value([key])
        assert self.keyspace.set_object(key, kinds.HASH, value, expiry) == self.put(key, value, expiry)

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        assert self.keyspace.delete(key) == self.forget(key)

    @rule(key=KEYS)
    def take(self, key: bytes) -> None:
        assert self.keyspace.take(key) == self.values.get(key)
        self.forget(key)

    @rule(key=KEYS, expiry=st.integers(NOW + 1, NOW + 2000))
    def set_expiry(self, key: bytes, expiry: int) -> None:
        assert self.keyspace.set_expiry(key, max(expiry, self.now + 1)) == (key in self.values)
        if key in self.values:
            self.expiries[key] = max(expiry, self.now + 1)

    @rule(key=KEYS)
    def persist(self, key: bytes) -> None:
        assert self.keyspace.persist(key) == (self.expiries.pop(key, None) is not None)

    @rule(key=KEYS, new_key=KEYS)
    def move(self, key: bytes, new_key: bytes) -> None:
        assert self.keyspace.move(key, self.keyspace, new_key) == (key in self.values)
        if key in self.values and key != new_key:
            value, expiry = self.values[key], self.expiries.get(key, -1)
            self.forget(key)
            self.put(new_key, value, expiry)

    @rule(key=KEYS, new_key=KEYS)
    def copy(self, key: bytes, new_key: bytes) -> None:
        assert self.keyspace.copy(key, self.keyspace, new_key) == (key in self.values)
        value = self.values.get(key)
        if value is not None and key != new_key:
            if isinstance(value, Value):
                value = self.keyspace.get_object(new_key, kinds.HASH)
                assert value is not self.values[key]
            self.put(new_key, value, self.expiries.get(key, -1))

    @rule(passed=st.integers(1, 300))
    def pass_time(self, passed: int) -> None:
        self.now += passed
        self.clock.set_time(self.now)
        for key in [key for key, expiry in self.expiries.items() if expiry <= self.now]:
            self.forget(key)

    @rule()
    def clear(self) -> None:
        self.keyspace.clear()
        self.values.clear()
        self.expiries.clear()

    @invariant()
    def agrees(self) -> None:
        assert sorted(self.keyspace.keys(b"*")) == sorted(self.values)
        for key, value in self.values.items():
            if isinstance(value, Value):
                assert self.keyspace.get_object(key, kinds.HASH) is value
            else:
                assert self.keyspace.get_string(key) == value
            assert self.keyspace.expiry_of(key) == self.expiries.get(key, -1)
        assert self.keyspace.size >= len(self.values)
        assert self.keyspace.expires >= len(self.expiries)

    def teardown(self) -> None:
        for key in list(self.values):
            assert self.keyspace.delete(key)
        expired, _, _ = self.keyspace.sample_expired(10_000)
        for key in expired:
            self.keyspace.discard(key)
        assert self.keyspace.size == self.keyspace.expires == 0
        del self.keyspace
        assert used_memory() == self.held


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestModel = Model.TestCase


@pytest.mark.parametrize("count", [1, 8, 9, 15, 16, 200, 6000])
@pytest.mark.parametrize("colliding", [False, True])
def test_grows_and_shrinks(keyspace: Keyspace, count: int, colliding: bool) -> None:
    if colliding:
        names = colliding_keys(min(count, 200))
    else:
        names = [b"%d" % number for number in range(count)]
    for position, name in enumerate(names):
        assert not keyspace.set_string(name, name + b"!", NOW + 1000 if position % 3 else -1)
        assert keyspace.get_string(name) == name + b"!"
    assert sorted(keyspace.keys(b"*")) == sorted(names)
    stats = keyspace.table_stats()
    assert stats["keys"] == len(names) and stats["load"] <= 5
    for position, name in enumerate(names):
        assert keyspace.delete(name)
        assert not keyspace.delete(name)
        if position % 500 == 0 or len(names) < 300:
            assert sorted(keyspace.keys(b"*")) == sorted(names[position + 1 :])
    assert keyspace.table_stats() == {
        "keys": 0,
        "buckets": 1,
        "overflow_buckets": 0,
        "longest_chain": 1,
        "load": 0,
    }
    assert keyspace.expires == 0


def test_passes_two_windows_of_hash_bits(keyspace: Keyspace) -> None:
    """Past 2**16 buckets slots take their hash bits from another place, and back as the table shrinks."""
    count = 400_000
    for number in range(count):
        keyspace.set_string(b"%d" % number, b"1")
    assert keyspace.table_stats()["buckets"] > 65536
    assert all(keyspace.exists(b"%d" % number) for number in range(count))
    for number in range(1000, count):
        assert keyspace.delete(b"%d" % number)
    assert keyspace.table_stats()["buckets"] <= 500
    assert sorted(keyspace.keys(b"*")) == sorted(b"%d" % number for number in range(1000))


# --- SCAN and random draws

CHANGES = st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=12)


@settings(deadline=None)
@given(st.integers(0, 300), st.lists(CHANGES, max_size=40), st.integers(1, 20))
def test_scan_returns_what_stays(stable: int, changes: list[list[tuple[bool, int]]], count: int) -> None:
    """Between steps the database grows or shrinks by up to thousands of keys: none that stays is missed."""
    clock = Clock()
    keyspace = Keyspace(0, clock)
    staying = {b"stay:%d" % number for number in range(stable)}
    for key in staying:
        keyspace.set_string(key, b"v")
    cursor, seen, position = 0, set(), 0
    while True:
        cursor, keys = keyspace.scan(cursor, count)
        seen.update(keys)
        if not cursor:
            break
        for add, number in changes[position] if position < len(changes) else []:
            for key in (b"change:%d:%d" % (number, part) for part in range(number)):
                if add:
                    keyspace.set_string(key, b"v")
                else:
                    keyspace.delete(key)
        position += 1
    assert staying <= seen


def test_scan_returns_each_key_once_if_nothing_changes(keyspace: Keyspace) -> None:
    for number in range(3000):
        keyspace.set_string(b"%d" % number, b"v")
    cursor, seen = keyspace.scan(0, 10)
    while cursor:
        cursor, keys = keyspace.scan(cursor, 10)
        assert len(keys) < 60
        seen += keys
    assert sorted(seen) == sorted(b"%d" % number for number in range(3000))


def test_scan_filters_and_drops_what_has_expired(keyspace: Keyspace, clock: Clock) -> None:
    keyspace.set_string(b"string", b"v")
    keyspace.set_object(b"hash", kinds.HASH, Value([]))
    keyspace.set_string(b"short", b"v", NOW + 1)
    clock.set_time(NOW + 2)
    assert keyspace.keys(b"s*") == [b"string"]
    assert keyspace.size == 3
    assert keyspace.scan(0, 1000) == (0, sorted([b"string", b"hash"], key=keyspace.keys(b"*").index))
    assert keyspace.size == 2
    assert keyspace.scan(0, 1000, kinds.HASH) == (0, [b"hash"])
    assert keyspace.scan(0, 1000, -1, b"?tring") == (0, [b"string"])


def test_random_keys_are_drawn_evenly(keyspace: Keyspace) -> None:
    """From a long chain and short ones: each of 200 keys about 100 times (six standard deviations: 60)."""
    names = colliding_keys(100) + [b"other:%d" % number for number in range(100)]
    for name in names:
        keyspace.set_string(name, b"v")
    drawn = collections.Counter(keyspace.random_key() for _ in range(100 * len(names)))
    assert set(drawn) == set(names)
    assert min(drawn.values()) > 30 and max(drawn.values()) < 180


def test_random_key_of_an_empty_or_expired_database(keyspace: Keyspace, clock: Clock) -> None:
    assert keyspace.random_key() is None
    for number in range(300):
        keyspace.set_string(b"%d" % number, b"v", NOW + 1)
    keyspace.set_string(b"alive", b"v")
    clock.set_time(NOW + 2)
    assert keyspace.random_key() == b"alive"
    keyspace.delete(b"alive")
    assert keyspace.random_key() is None
    keyspace.on_expired = None
    keyspace.set_string(b"kept", b"v", NOW + 1)
    assert keyspace.random_key() is None


# --- expiry


def test_an_expired_key_is_handed_over_and_does_not_exist(keyspace: Keyspace, clock: Clock) -> None:
    handed: list[bytes] = []
    keyspace.on_expired = lambda keyspace, key: handed.append(key)
    keyspace.set_string(b"key", b"v", NOW + 10)
    clock.set_time(NOW + 9)
    assert keyspace.get_string(b"key") == b"v"
    clock.set_time(NOW + 10)
    assert keyspace.get_string(b"key") is None
    assert not keyspace.exists(b"key")
    assert keyspace.type_of(b"key") == -1
    assert keyspace.expiry_of(b"key") == -2
    assert not keyspace.set_expiry(b"key", NOW + 100)
    assert not keyspace.persist(b"key")
    assert not keyspace.delete(b"key")
    assert not keyspace.move(b"key", keyspace, b"other")
    assert handed == [b"key"] * 8
    assert keyspace.size == keyspace.expires == 1
    assert not keyspace.set_string(b"key", b"new", -2)  # it did not exist: there is no expiry to keep
    assert keyspace.expiry_of(b"key") == -1
    assert keyspace.expires == 0


def test_an_error_in_the_callback_reaches_the_caller(keyspace: Keyspace, clock: Clock) -> None:
    def refuse(keyspace: Keyspace, key: bytes) -> None:
        raise ZeroDivisionError

    keyspace.on_expired = refuse
    keyspace.set_string(b"key", b"v", NOW + 10)
    clock.set_time(NOW + 11)
    for call in (keyspace.get_string, keyspace.exists, keyspace.delete, keyspace.take, keyspace.memory_of):
        with pytest.raises(ZeroDivisionError):
            call(b"key")
    with pytest.raises(ZeroDivisionError):
        keyspace.set_string(b"key", b"v")
    assert keyspace.discard(b"key")


def test_nothing_expires_while_the_clock_says_so(keyspace: Keyspace, clock: Clock) -> None:
    keyspace.set_string(b"key", b"value", clock.now + 10)
    clock.set_time(clock.now + 10)
    clock.nothing_expires = True
    assert keyspace.get_string(b"key") == b"value"
    clock.nothing_expires = False
    assert keyspace.get_string(b"key") is None


def test_sample_expired_goes_round(keyspace: Keyspace, clock: Clock) -> None:
    for number in range(1000):
        keyspace.set_string(b"%d" % number, b"v", NOW + (5 if number % 2 else 1005))
    clock.set_time(NOW + 5)
    found: set[bytes] = set()
    looked_at = 0
    while looked_at < 1000:
        expired, looked, time_to_live = keyspace.sample_expired(20)
        assert 20 <= looked < 60
        assert time_to_live == 1000 * (looked - len(expired))
        looked_at += looked
        found.update(expired)
    assert found == {b"%d" % number for number in range(1, 1000, 2)}


# --- reads and writes as statistics see them


def test_hits_misses_and_their_notification(keyspace: Keyspace) -> None:
    missed: list[bytes] = []
    keyspace.notify_miss = missed.append
    keyspace.set_string(b"key", b"v")
    keyspace.peek_string(b"key")
    keyspace.peek_string(b"none")
    keyspace.expiry_of(b"none")
    assert (keyspace.hits, keyspace.misses, missed) == (0, 0, [])
    keyspace.get_string(b"key")
    keyspace.exists(b"key")
    keyspace.get_string(b"none")
    keyspace.type_of(b"none")
    keyspace.expiry_of(b"none", True)
    assert (keyspace.hits, keyspace.misses, missed) == (2, 3, [b"none"] * 3)


def test_idle_time(keyspace: Keyspace, clock: Clock) -> None:
    keyspace.set_string(b"key", b"v")
    clock.set_time(NOW + 60_000)
    assert keyspace.exists(b"key") and keyspace.idle_seconds(b"key") == 60
    clock.no_touch = True
    keyspace.get_string(b"key")
    assert keyspace.idle_seconds(b"key") == 60
    clock.no_touch = False
    keyspace.set_expiry(b"key", NOW + 10**9)
    assert keyspace.idle_seconds(b"key") == 60
    keyspace.get_string(b"key")
    assert keyspace.idle_seconds(b"key") == 0
    assert keyspace.set_idle_seconds(b"key", 500)
    assert keyspace.idle_seconds(b"key") == 500
    assert keyspace.idle_seconds(b"none") == keyspace.frequency(b"none") == -1


def test_frequency(keyspace: Keyspace, clock: Clock) -> None:
    clock.lfu = True
    keyspace.set_string(b"key", b"v")
    assert keyspace.frequency(b"key") == 5
    keyspace.get_string(b"key")
    assert keyspace.frequency(b"key") == 6
    for _ in range(1000):
        keyspace.get_string(b"key")
    grown = keyspace.frequency(b"key")
    assert 10 < grown < 40
    keyspace.set_string(b"key", b"w" * 500)
    assert keyspace.frequency(b"key") >= grown
    keyspace.set_frequency(b"key", 200)
    clock.set_time(NOW + 150 * 60_000)
    assert keyspace.frequency(b"key") == 50
    clock.set_time(NOW + 300 * 60_000)
    assert keyspace.frequency(b"key") == 0


# --- values


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("before", [None, *VALUES])
def test_every_value_over_every_value(keyspace: Keyspace, before: bytes | None, value: bytes) -> None:
    if before is not None:
        keyspace.set_string(b"key", before, NOW + 100)
        keyspace.set_string(b"key", value, -2)
        assert keyspace.expiry_of(b"key") == NOW + 100
    else:
        keyspace.set_string(b"key", value)
    assert keyspace.get_string(b"key") == value
    if value in (b"0", b"-1", b"9223372036854775807"):
        assert keyspace.encoding_of_string(b"key") == b"int"
    else:
        assert keyspace.encoding_of_string(b"key") == (b"embstr" if len(value) <= 44 else b"raw")
    keyspace.set_raw_string(b"key", value)
    assert keyspace.get_string(b"key") == value
    assert keyspace.encoding_of_string(b"key") == b"raw"


def test_long_values_are_shared_not_copied(keyspace: Keyspace) -> None:
    value = b"v" * 100_000
    keyspace.set_string(b"key", value)
    assert keyspace.get_string(b"key") is value
    keyspace.copy(b"key", keyspace, b"copy")
    assert keyspace.get_string(b"copy") is value


def test_other_types(keyspace: Keyspace) -> None:
    value = Value([b"a"])
    assert not keyspace.set_object(b"key", kinds.ZSET, value)
    assert keyspace.type_of(b"key") == kinds.ZSET
    assert keyspace.get_object(b"key", kinds.ZSET) is value
    assert keyspace.get_object(b"none", kinds.ZSET) is None
    assert keyspace.memory_of(b"key") > 1000
    for call in (keyspace.get_string, keyspace.peek_string, keyspace.encoding_of_string):
        with pytest.raises(CommandError) as error:
            call(b"key")
        assert error.value.text == WRONG_TYPE
    with pytest.raises(CommandError):
        keyspace.get_object(b"key", kinds.HASH)
    with pytest.raises(ValueError, match="type"):
        keyspace.set_object(b"key", kinds.STRING, value)
    assert keyspace.set_string(b"key", b"v")
    assert keyspace.get_string(b"key") == b"v"


def test_move_between_databases(keyspace: Keyspace, clock: Clock) -> None:
    other = Keyspace(1, clock)
    value = Value([])
    keyspace.set_object(b"key", kinds.LIST, value, NOW + 5)
    other.set_string(b"key", b"old", NOW + 1)
    assert keyspace.move(b"key", other, b"key")
    assert not keyspace.move(b"key", other, b"key")
    assert (keyspace.size, keyspace.expires, other.size, other.expires) == (0, 0, 1, 1)
    assert other.get_object(b"key", kinds.LIST) is value
    assert other.expiry_of(b"key") == NOW + 5


def test_swap_and_detach(keyspace: Keyspace, clock: Clock) -> None:
    other = Keyspace(1, clock)
    for number in range(5000):
        keyspace.set_string(b"%d" % number, b"v", NOW + 5)
    keyspace.swap_with(other)
    assert (keyspace.size, other.size, other.expires) == (0, 5000, 5000)
    detached = other.detach()
    assert (other.size, other.expires, other.random_key()) == (0, 0, None)
    other.set_string(b"new", b"v")
    calls = 1
    while not detached.free_some(100):
        calls += 1
    assert calls > 50
    assert detached.free_some(1)
    assert other.keys(b"*") == [b"new"]


# --- the books


def test_references_and_bytes_are_given_back(clock: Clock) -> None:
    held = used_memory()
    text, long_key, value = b"v" * 5000, b"k" * 70_000, Value([])
    objects = (text, long_key, value)
    references = [sys.getrefcount(thing) for thing in objects]
    for end in ("delete", "overwrite", "clear", "detach", "drop", "move"):
        keyspace = Keyspace(0, clock)
        keyspace.set_string(b"text", text)
        keyspace.set_string(b"text", text, NOW + 5)
        keyspace.set_string(long_key, text)
        keyspace.set_expiry(long_key, NOW + 5)
        keyspace.persist(long_key)
        keyspace.copy(b"text", keyspace, b"copy")
        keyspace.move(b"copy", keyspace, b"moved")
        keyspace.set_object(b"object", kinds.SET, value)
        keyspace.set_object(b"object", kinds.SET, value)
        if end == "delete":
            for key in keyspace.keys(b"*"):
                keyspace.delete(key)
            assert [sys.getrefcount(thing) for thing in objects] == references
        elif end == "overwrite":
            for key in keyspace.keys(b"*"):
                keyspace.set_string(key, b"short")
        elif end == "clear":
            assert keyspace.clear() == 4
        elif end == "detach":
            detached = keyspace.detach()
            assert not detached.free_some(2)
            del detached
        elif end == "move":
            keyspace.move(long_key, keyspace, b"text")
        del keyspace
        assert [sys.getrefcount(thing) for thing in objects] == references, end
        assert used_memory() == held, end


def test_memory_of_a_key_is_what_it_adds(keyspace: Keyspace) -> None:
    keyspace.set_string(b"other", b"v")
    for key in (b"key", b"k" * 70_000):
        for value in VALUES:
            held = used_memory()
            keyspace.set_string(key, value)
            assert keyspace.memory_of(key) == used_memory() - held + 8
            keyspace.delete(key)
            assert used_memory() == held
    assert keyspace.memory_of(b"none") == -1
