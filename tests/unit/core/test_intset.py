"""Intsets against a set of integers, their bytes against a real server's, and bytes that are not one."""

import collections

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from redracer.core.intset import Intset
from redracer.core.memory import used_memory

INTEGERS = st.one_of(
    st.integers(-20, 20),
    st.integers(-(2**15) - 2, 2**15 + 2),
    st.integers(-(2**31) - 2, 2**31 + 2),
    st.integers(-(2**63), 2**63 - 1),
)
DUMP_FOOTER = 10  # bytes: the version and the checksum


def intset_of(values: set[int] | list[int]) -> Intset:
    intset = Intset()
    for value in values:
        intset.add(value)
    return intset


@given(st.lists(st.tuples(st.booleans(), INTEGERS)))
def test_adds_and_removes_as_a_set_does(steps: list[tuple[bool, int]]) -> None:
    before = used_memory()
    intset = Intset()
    model: set[int] = set()
    for add, value in steps:
        if add:
            assert intset.add(value) == (value not in model)
            model.add(value)
        else:
            assert intset.remove(value) == (value in model)
            model.discard(value)
        assert intset.contains(value) == (value in model)
    assert intset.values() == sorted(model)
    assert intset.members() == [b"%d" % value for value in sorted(model)]
    assert len(intset) == intset.count() == len(model)
    assert [intset.get(index) for index in range(-len(model), len(model))] == sorted(model) * 2
    assert intset.memory_usage() == used_memory() - before
    assert Intset.from_bytes(intset.to_bytes()).to_bytes() == intset.copy().to_bytes() == intset.to_bytes()
    del intset
    assert used_memory() == before


@pytest.mark.parametrize(
    ("values", "width"),
    [
        ([], 2),
        ([32767, -32768], 2),
        ([32768], 4),
        ([-32769, 5], 4),
        ([2**31 - 1, -(2**31)], 4),
        ([2**31, 1], 8),
        ([-(2**31) - 1], 8),
        ([2**63 - 1, -(2**63)], 8),
    ],
)
def test_has_the_width_that_its_widest_value_needs(values: list[int], width: int) -> None:
    intset = intset_of(values)
    assert intset.size == 8 + width * len(values)
    assert intset.to_bytes()[:8] == width.to_bytes(4, "little") + len(values).to_bytes(4, "little")
    for value in values:
        intset.remove(value)
    assert intset.size == 8
    assert intset.to_bytes()[0] == width


def test_the_ends_of_an_empty_one() -> None:
    intset = Intset()
    for call in (intset.random, lambda: intset.minimum, lambda: intset.maximum, lambda: intset.get(0)):
        with pytest.raises(IndexError):
            call()
    assert intset.draw(3) == intset.draw_distinct(3) == []


def test_ends_and_draws() -> None:
    intset = intset_of(list(range(-5, 5)))
    assert (intset.minimum, intset.maximum) == (-5, 4)
    drawn = collections.Counter(intset.draw(20_000))
    assert set(drawn) == set(range(-5, 5))
    assert all(1600 < count < 2400 for count in drawn.values())
    subsets = collections.Counter(value for _ in range(5000) for value in intset.draw_distinct(4))
    assert all(1600 < count < 2400 for count in subsets.values())
    assert intset.draw_distinct(10) == intset.draw_distinct(1000) == list(range(-5, 5))
    assert -5 <= intset.random() <= 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02\0\0\0\0\0\0",
        b"\x03\0\0\0\0\0\0\0",
        b"\0\0\0\0\0\0\0\0",
        b"\x02\0\0\0\1\0\0\0",
        b"\x02\0\0\0\0\0\0\0\0\0",
        b"\x02\0\0\0\xff\xff\xff\xff\1\0",
        b"\x08\0\0\0\0\0\0\x20",
        b"\x02\0\0\0\2\0\0\0\1\0\1\0",
        b"\x02\0\0\0\2\0\0\0\1\0\0\0",
        b"\x02\0\0\0\2\0\0\0\1\0\xff\xff",
    ],
)
def test_refuses_what_is_not_an_intset(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an intset"):
        Intset.from_bytes(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_an_intset(data: bytes) -> None:
    try:
        intset = Intset.from_bytes(data)
    except ValueError:
        return
    assert intset.to_bytes() == data
    assert intset.values() == sorted(set(intset.values()))


def test_a_recorded_payload() -> None:
    payload = bytes.fromhex("0b1004000000020000000100000040420f00")  # of a Redis 7.0.15, without its footer
    assert payload[:2] == bytes([11, 16])  # RDB_TYPE_SET_INTSET, and the length
    intset = Intset.from_bytes(payload[2:])
    assert intset.values() == [1, 1_000_000]
    assert intset_of([1, 1_000_000]).to_bytes() == payload[2:]


def test_writes_what_a_real_server_writes(real_server: redis.Redis) -> None:
    real_server.config_set("rdbcompression", "no")
    for values in ([1], [5, -300, 7], [1, 70_000, -70_000], [2**62, 0, -1]):
        real_server.delete("set")
        real_server.sadd("set", *values)
        payload = real_server.dump("set")
        assert isinstance(payload, bytes)
        assert payload[2:-DUMP_FOOTER] == intset_of(values).to_bytes()
