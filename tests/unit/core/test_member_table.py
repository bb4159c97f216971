"""The tables of members and of fields against a set and a dict; their promises one by one; the bytes held."""

import collections
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from redracer.core.member_table import FieldTable, MemberTable
from redracer.core.memory import used_memory

FIELDS = st.one_of(
    st.integers(0, 60).map(lambda number: b"f%d" % number), st.sampled_from([b"", b"l" * 255, b"l" * 256])
)
VALUES = st.builds(
    lambda size, byte: bytes([byte]) * size,
    st.sampled_from([0, 1, 9, 20, 255, 256, 300]),
    st.integers(0, 255),
)
TIMES = st.integers(0, 50)


def pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    found = dict(zip(flat[::2], flat[1::2], strict=True))
    assert len(found) * 2 == len(flat)
    return found


def scanned(step: Callable[[int], tuple[int, list[bytes]]]) -> list[bytes]:
    cursor, found = step(0)
    while cursor:
        cursor, more = step(cursor)
        found = found + more
    return found


class FieldMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.before = used_memory()
        self.table = FieldTable()
        self.model: dict[bytes, bytes] = {}
        self.expiries: dict[bytes, int] = {}

    def living(self, now: int) -> dict[bytes, bytes]:
        return {
            field: value for field, value in self.model.items() if self.expiries.get(field, now + 1) > now
        }

    @rule(field=FIELDS, value=VALUES, keep_expiry=st.booleans())
    def set(self, field: bytes, value: bytes, keep_expiry: bool) -> None:
        assert self.table.set(field, value, keep_expiry) == (field not in self.model)
        self.model[field] = value
        if not keep_expiry:
            self.expiries.pop(field, None)

    @rule(number=st.integers(1, 300))
    def set_many(self, number: int) -> None:
        for each in range(number):
            self.set(b"f%d" % each, b"v%d" % each, True)

    @rule(field=FIELDS)
    def remove(self, field: bytes) -> None:
        assert self.table.remove(field) == (field in self.model)
        self.model.pop(field, None)
        self.expiries.pop(field, None)

    @rule(number=st.integers(1, 300))
    def remove_many(self, number: int) -> None:
        for field in list(self.model)[:number]:
            self.remove(field)

    @rule(field=FIELDS, expiry=TIMES)
    def set_expiry(self, field: bytes, expiry: int) -> None:
        assert self.table.set_expiry(field, expiry) == (field in self.model)
        if field in self.model:
            self.expiries[field] = expiry

    @rule(field=FIELDS)
    def persist(self, field: bytes) -> None:
        assert self.table.persist(field) == (field in self.expiries)
        self.expiries.pop(field, None)

    @rule(now=TIMES, limit=st.integers(0, 30))
    def take_expired(self, now: int, limit: int) -> None:
        expired = sorted(expiry for expiry in self.expiries.values() if expiry <= now)
        taken = self.table.take_expired(now, limit)
        assert [self.expiries.pop(field) for field in taken] == expired[:limit]
        for field in taken:
            del self.model[field]

    @rule(field=FIELDS, now=TIMES)
    def read(self, field: bytes, now: int) -> None:
        living = self.living(now)
        assert self.table.get(field, now) == living.get(field)
        assert self.table.get(field) == self.model.get(field)
        assert self.table.has(field, now) == (field in living)
        assert self.table.contains(field) == (field in self.model)
        assert self.table.value_length(field, now) == len(living.get(field, b""))
        assert self.table.expiry_of(field) == (self.expiries.get(field, -1) if field in self.model else -2)

    @rule(now=TIMES, count=st.integers(0, 20))
    def read_many(self, now: int, count: int) -> None:
        living = self.living(now)
        assert pairs(self.table.items(now)) == living
        assert sorted(self.table.fields(now)) == sorted(living)
        assert sorted(self.table.values(now)) == sorted(living.values())
        assert set(scanned(lambda cursor: self.table.scan(cursor, 3, None, False, now))) == set(living)
        assert set(scanned(lambda cursor: self.table.scan(cursor, 3, b"f1*", False))) == {
            field for field in self.model if field.startswith(b"f1")
        }
        drawn = pairs(self.table.draw_distinct(count, True, now))
        assert len(drawn) == min(count, len(living))
        assert drawn.items() <= living.items()
        drawn_again = self.table.draw(count, False, now)
        assert len(drawn_again) == (count if living else 0)
        assert set(drawn_again) <= set(living)

    @rule()
    def copy(self) -> None:
        copied = self.table.copy()
        assert pairs(copied.items()) == self.model
        assert (copied.next_expiry(), copied.expiring()) == (self.table.next_expiry(), len(self.expiries))
        assert all(copied.expiry_of(field) == expiry for field, expiry in self.expiries.items())

    @rule(budget=st.integers(0, 40), at_once=st.booleans())
    def free_some(self, budget: int, at_once: bool) -> None:
        self.table.free_some(budget)
        while at_once and not self.table.free_some(budget + 1):
            pass
        self.model.clear()
        self.expiries.clear()

    @invariant()
    def counted(self) -> None:
        assert len(self.table) == len(self.model)
        assert self.table.expiring() == len(self.expiries)
        assert self.table.next_expiry() == min(self.expiries.values(), default=-1)
        assert self.table.memory_usage() == used_memory() - self.before

    def teardown(self) -> None:
        del self.table
        assert used_memory() == self.before


TestFieldMachine = FieldMachine.TestCase
TestFieldMachine.settings = settings(stateful_step_count=30, max_examples=150)


class MemberMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.before = used_memory()
        self.table = MemberTable()
        self.model: set[bytes] = set()

    @rule(member=FIELDS)
    def add(self, member: bytes) -> None:
        assert self.table.add(member) == (member not in self.model)
        self.model.add(member)

    @rule(start=st.integers(0, 400), number=st.integers(1, 400), step=st.sampled_from([1, 3, 7]))
    def add_many(self, start: int, number: int, step: int) -> None:
        for each in range(start, start + number * step, step):
            self.add(b"m%d" % each)

    @rule(member=FIELDS)
    def remove(self, member: bytes) -> None:
        assert self.table.remove(member) == (member in self.model)
        self.model.discard(member)

    @rule(number=st.integers(1, 400))
    def pop(self, number: int) -> None:
        for _ in range(min(number, len(self.model))):
            member = self.table.pop()
            assert member in self.model
            self.model.discard(member)
        assert self.model or self.table.pop() is None

    @rule(count=st.integers(0, 50))
    def read(self, count: int) -> None:
        assert sorted(self.table.members()) == sorted(self.model)
        assert set(scanned(lambda cursor: self.table.scan(cursor, 10))) == self.model
        drawn = self.table.draw_distinct(count)
        assert len(drawn) == len(set(drawn)) == min(count, len(self.model))
        assert {*drawn, *self.table.draw(count)} <= self.model
        assert not self.model or self.table.random() in self.model
        assert sorted(self.table.copy().members()) == sorted(self.model)

    @rule(budget=st.integers(0, 400))
    def free_some(self, budget: int) -> None:
        self.table.free_some(budget)
        self.model.clear()

    @invariant()
    def counted(self) -> None:
        assert len(self.table) == len(self.model)
        assert self.table.memory_usage() == used_memory() - self.before

    def teardown(self) -> None:
        del self.table
        assert used_memory() == self.before


TestMemberMachine = MemberMachine.TestCase
TestMemberMachine.settings = settings(stateful_step_count=30, max_examples=150)


def member_table(number: int) -> MemberTable:
    table = MemberTable()
    for each in range(number):
        table.add(b"%d" % each)
    return table


def test_scan_returns_what_stays_while_the_table_grows_and_shrinks() -> None:
    table = member_table(1000)
    found: set[bytes] = set()
    cursor, steps = 0, 0
    while True:
        cursor, members = table.scan(cursor, 10)
        found.update(members)
        if not cursor:
            break
        steps += 1
        for each in range(200):
            member = b"other%d" % (200 * (steps % 20) + each)
            if steps // 20 % 2:
                table.remove(member)
            else:
                table.add(member)
    assert {b"%d" % each for each in range(1000)} <= found


def test_a_step_of_scan_is_bounded_in_a_sparse_table() -> None:
    table = member_table(50_000)
    for each in range(50_000):
        if each % 100:
            table.remove(b"%d" % each)
    assert len(scanned(lambda cursor: table.scan(cursor, 10))) == 500
    assert len(table.scan(0, 1)[1]) < 50
    assert len(table.scan(0, -5)[1]) < 50


@pytest.mark.parametrize("count", [1, 3, 15])
def test_draws_with_equal_chances(count: int) -> None:
    table = member_table(20)
    distinct = collections.Counter(
        member for _ in range(60_000 // count) for member in table.draw_distinct(count)
    )
    assert len(distinct) == 20
    assert all(2600 < seen < 3400 for seen in distinct.values())
    any_number = collections.Counter(table.draw(60_000))
    assert all(2600 < seen < 3400 for seen in any_number.values())


def test_draws_only_living_fields() -> None:
    table = FieldTable()
    for each in range(1000):
        table.set(b"%d" % each, b"")
        if each >= 4:
            table.set_expiry(b"%d" % each, 10)
    assert table.next_expiry() == 10
    drawn = collections.Counter(table.draw(2000, now=10))
    assert sorted(drawn) == [b"0", b"1", b"2", b"3"]
    assert all(400 < seen < 600 for seen in drawn.values())
    assert sorted(table.draw_distinct(100, now=10)) == [b"0", b"1", b"2", b"3"]
    assert len(table.draw_distinct(10, now=9)) == 10
    for each in range(4):
        table.remove(b"%d" % each)
    assert table.draw(5, now=10) == table.draw_distinct(5, now=10) == []


def test_a_value_that_fits_changes_in_place() -> None:
    table = FieldTable()
    table.set(b"field", b"12345678")
    size = table.memory_usage()
    table.set(b"field", b"123")
    table.set(b"field", b"12345678")
    assert table.memory_usage() == size
    assert table.get(b"field") == b"12345678"


def test_refuses_what_is_no_expiry_or_no_bytes() -> None:
    table = FieldTable()
    table.set(b"field", b"")
    with pytest.raises(ValueError, match="an expiry is 0 or more"):
        table.set_expiry(b"field", -1)
    with pytest.raises(TypeError):
        table.get(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        MemberTable().add(None)  # type: ignore[arg-type]


def test_free_some_frees_what_its_budget_says() -> None:
    table = FieldTable()
    for each in range(100_000):
        table.set(b"%d" % each, b"%d" % each)
        table.set_expiry(b"%d" % each, each)
    sizes = [table.memory_usage()]
    steps = 0
    while not table.free_some(500):
        sizes.append(table.memory_usage())
        steps += 1
        assert len(table) == table.expiring() == 0
        assert table.get(b"5") is None
    assert steps >= 200
    assert sizes == sorted(sizes, reverse=True)
    assert table.memory_usage() < 1000


def test_memory_per_element_is_what_the_design_says() -> None:
    fields = FieldTable()
    for each in range(30_000):
        fields.set(b"%08d" % each, b"%08d" % each)
    assert fields.memory_usage() / 30_000 < 0.85 * 76
    assert member_table(30_000).memory_usage() / 30_000 < 36
