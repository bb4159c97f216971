"""Listpacks against a list of bytes, their bytes against a real server's, and bytes that are not one."""

import collections
import random

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from redracer.core.listpack import Listpack
from redracer.core.memory import used_memory

INTEGERS = st.one_of(
    st.integers(-200, 200),
    st.integers(-5000, 5000),
    st.integers(-(2**15) - 2, 2**15 + 2),
    st.integers(-(2**23) - 2, 2**23 + 2),
    st.integers(-(2**31) - 2, 2**31 + 2),
    st.integers(-(2**64), 2**64),
)
STRINGS = st.one_of(
    st.binary(max_size=8),
    st.builds(
        lambda size: b"s" * size, st.sampled_from([61, 62, 63, 64, 65, 124, 125, 126, 127, 128, 511, 513])
    ),
    st.builds(
        lambda size: b"l" * size,
        st.sampled_from([4094, 4095, 4096, 16376, 16377, 16378, 16383, 16384, 70_000]),
    ),
)
VALUES = st.one_of(
    INTEGERS.map(lambda value: b"%d" % value), STRINGS, st.sampled_from([b"-0", b"007", b"+1", b"-"])
)

# What follows the type byte and the lengths in the DUMP of a Redis 7.0.15 with rdbcompression off.
RECORDED = {
    "3c0000000a008161020101dfff028b68656c6c6f20776f726c640cf1881303f290eefe04f38096980005f400000000000100000983303037"
    "048001ff": [
        b"a",
        b"1",
        b"-1",
        b"hello world",
        b"5000",
        b"-70000",
        b"10000000",
        b"1099511627776",
        b"007",
        b"",
    ],
    "1e0000000400846e616d65058872656472616365720983616765040301ff": [b"name", b"redracer", b"age", b"3"],
    "14000000040081610201018162028332" + "2e3504ff": [b"a", b"1", b"b", b"2.5"],
    "b70000000200e064" + "78" * 100 + "66e046" + "79" * 70 + "48ff": [b"x" * 100, b"y" * 70],
}
DUMP_FOOTER = 10  # bytes: the version and the checksum


def listpack_of(values: list[bytes]) -> Listpack:
    listpack = Listpack()
    for value in values:
        listpack.append(value)
    return listpack


class ListpackMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.before = used_memory()
        self.listpack = Listpack()
        self.model: list[bytes] = []

    @rule(value=VALUES)
    def append(self, value: bytes) -> None:
        self.listpack.append(value)
        self.model.append(value)

    @rule(value=VALUES)
    def prepend(self, value: bytes) -> None:
        self.listpack.prepend(value)
        self.model.insert(0, value)

    @rule(value=VALUES, data=st.data())
    def insert(self, value: bytes, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.model)))
        self.listpack.insert(index, value)
        self.model.insert(index, value)

    @rule(index=st.integers(-12, 12), value=VALUES)
    def replace(self, index: int, value: bytes) -> None:
        there = -len(self.model) <= index < len(self.model)
        assert self.listpack.replace(index, value) == there
        if there:
            self.model[index] = value

    @rule(index=st.integers(-12, 12), count=st.integers(-1, 12))
    def delete(self, index: int, count: int) -> None:
        start = index if index >= 0 else len(self.model) + index
        kept = self.model[:start] + self.model[start + max(count, 0) :] if start >= 0 else self.model
        assert self.listpack.delete(index, count) == len(self.model) - len(kept)
        self.model = list(kept)

    @rule(index=st.integers(-12, 12))
    def get(self, index: int) -> None:
        there = -len(self.model) <= index < len(self.model)
        assert self.listpack.get(index) == (self.model[index] if there else None)

    @rule(value=VALUES, start=st.integers(0, 4), skip=st.integers(0, 2))
    def find(self, value: bytes, start: int, skip: int) -> None:
        sought = self.model[len(self.model) // 2] if self.model else value
        for each in (value, sought):
            places = [at for at in range(start, len(self.model), skip + 1) if self.model[at] == each]
            assert self.listpack.find(each, start, skip) == (places[0] if places else -1)

    @rule(start=st.integers(-12, 12), count=st.integers(0, 12))
    def values(self, start: int, count: int) -> None:
        there = -len(self.model) <= start < len(self.model)
        first = start if start >= 0 else len(self.model) + start
        assert self.listpack.values(start, count) == (self.model[first : first + count] if there else [])

    @rule(values=st.lists(VALUES, max_size=5))
    def merge(self, values: list[bytes]) -> None:
        self.listpack.merge(listpack_of(values))
        self.model += values

    @invariant()
    def same(self) -> None:
        assert self.listpack.to_list() == self.model
        assert len(self.listpack) == self.listpack.count() == len(self.model)

    @invariant()
    def whole(self) -> None:
        data = self.listpack.to_bytes()
        assert len(data) == self.listpack.size == int.from_bytes(data[:4], "little")
        assert Listpack.from_bytes(data).to_list() == self.model
        assert self.listpack.copy().to_bytes() == data

    @invariant()
    def counted(self) -> None:
        assert self.listpack.memory_usage() == used_memory() - self.before

    def teardown(self) -> None:
        del self.listpack
        assert used_memory() == self.before


TestListpackMachine = ListpackMachine.TestCase


@pytest.mark.parametrize(("data", "values"), RECORDED.items())
def test_recorded_payloads(data: str, values: list[bytes]) -> None:
    assert listpack_of(values).to_bytes() == bytes.fromhex(data)
    assert Listpack.from_bytes(bytes.fromhex(data)).to_list() == values


def test_writes_what_a_real_server_writes(real_server: redis.Redis) -> None:
    rng = random.Random(7)
    real_server.config_set("rdbcompression", "no")
    for bits in [*range(1, 65), *range(50, 400, 50)]:
        values = [b"%d" % rng.randrange(-(2**bits), 2**bits) for _ in range(3)] + [
            rng.randbytes(bits) for _ in range(3)
        ]
        real_server.delete("list")
        real_server.rpush("list", *values)
        payload = real_server.dump("list")
        assert isinstance(payload, bytes)
        data = listpack_of(values).to_bytes()
        assert payload[:3] == bytes([18, 1, 2])  # RDB_TYPE_LIST_QUICKLIST_2, one node, packed
        assert payload[3:-DUMP_FOOTER].endswith(data)
        assert len(payload) - 3 - DUMP_FOOTER - len(data) == (1 if len(data) < 64 else 2)


def test_numbers_are_stored_as_integers() -> None:
    sizes = {b"127": 2, b"128": 3, b"-4096": 3, b"4096": 4, b"-32769": 5, b"8388608": 6, b"2147483648": 10}
    for value, size in sizes.items():
        assert listpack_of([value]).size == 7 + size
    assert listpack_of([b"9223372036854775808"]).size == 7 + 21


def test_counts_more_entries_than_the_header_can() -> None:
    listpack = listpack_of([b"1"] * 65_534)
    assert listpack.to_bytes()[4:6] == b"\xfe\xff"
    listpack.append(b"2")
    assert (len(listpack), listpack.to_bytes()[4:6]) == (65_535, b"\xff\xff")
    listpack.append(b"3")
    assert len(listpack) == 65_536
    assert (listpack.get(65_535), listpack.get(-1), listpack.get(65_536)) == (b"3", b"3", None)
    assert (listpack.get(-65_536), listpack.get(-65_537)) == (b"1", None)
    assert len(Listpack.from_bytes(listpack.to_bytes())) == 65_536
    assert listpack.delete(0, 10) == 10
    assert len(listpack) == 65_526
    assert listpack.to_bytes()[4:6] == (65_526).to_bytes(2, "little")
    listpack.merge(listpack)
    assert len(listpack) == 131_052


def test_refuses_indices_that_are_not_there() -> None:
    listpack = listpack_of([b"a", b"b"])
    for index in (3, -3):
        with pytest.raises(IndexError):
            listpack.insert(index, b"c")
    for indices in ([1, 0], [2], [-1]):
        with pytest.raises(IndexError):
            listpack.values_at(indices)
    assert listpack.values_at([0, 0, 1]) == [b"a", b"a", b"b"]
    assert listpack.values_at([]) == []
    with pytest.raises(TypeError):
        listpack.append(None)  # type: ignore[arg-type]


def test_draws_with_equal_chances() -> None:
    listpack = listpack_of(
        [b"%d" % (value // 2 * 10 + value % 2) for value in range(200)]
    )  # pairs: 10 n, 10 n + 1
    drawn = listpack.draw(20_000, 2)
    assert len(drawn) == 40_000
    assert all(int(value) == int(field) + 1 for field, value in zip(drawn[::2], drawn[1::2], strict=True))
    few = [value for _ in range(4000) for value in listpack.draw(5)]
    distinct = [value for _ in range(400) for value in listpack.draw_distinct(50)]
    for values, expected in ((drawn[::2], 200), (few, 100), (distinct, 100)):
        counts = collections.Counter(values)
        assert len(counts) == (100 if values is not few and values is not distinct else 200)
        assert all(0.5 * expected < count < 1.6 * expected for count in counts.values())
    for _ in range(20):
        chosen = listpack.draw_distinct(30, 2)
        assert len(set(chosen)) == 60
        assert chosen == [value for value in listpack.to_list() if value in chosen]
    assert listpack.draw_distinct(1000) == listpack.to_list()
    assert Listpack().draw(3) == Listpack().draw_distinct(3) == []


def test_a_subclass_keeps_its_class() -> None:
    class Small(Listpack):
        pass

    assert type(Small().copy()) is type(Small.from_bytes(Small().to_bytes())) is Small


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x07\0\0\0\0\0",
        b"\x08\0\0\0\0\0\xff",
        b"\x07\0\0\0\0\0\0",
        b"\x07\0\0\0\1\0\xff",
        b"\x09\0\0\0\0\0\1\1\xff",
        b"\x09\0\0\0\1\0\1\2\xff",
        b"\x08\0\0\0\1\0\1\xff",
        b"\x09\0\0\0\1\0\x81\1\xff",
        b"\x09\0\0\0\1\0\xf5\1\xff",
        b"\x09\0\0\0\1\0\xff\1\xff",
        b"\x09\0\0\0\1\0\xf0\1\xff",
        b"\x0d\0\0\0\1\0\xf0\xff\xff\xff\xff\5\xff",
        b"\x0d\0\0\0\1\0\xf4\0\0\0\0\5\xff",
        b"\x0a\0\0\0\1\0\xc0\1\x82\xff",
    ],
)
def test_refuses_what_is_not_a_listpack(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a listpack"):
        Listpack.from_bytes(data)


@given(
    st.lists(VALUES, max_size=6), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=3)
)
def test_mutated_bytes_are_refused_or_a_listpack(values: list[bytes], changes: list[tuple[int, int]]) -> None:
    data = bytearray(listpack_of(values).to_bytes())
    for at, byte in changes:
        data[at % len(data)] = byte
    try:
        listpack = Listpack.from_bytes(bytes(data))
    except ValueError:
        assert changes
        return
    entries = listpack.to_list()
    assert len(entries) == len(listpack)
    assert [listpack.get(-1 - at) for at in range(len(entries))] == entries[::-1]
    listpack.prepend(b"first")
    assert listpack.delete(0, len(entries) + 1) == len(entries) + 1
    assert listpack.to_list() == []
