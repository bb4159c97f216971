"""Sorted members against a dict that is sorted anew each time, and the tree's bounds and books."""

import collections
import math
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from redracer.core.memory import used_memory
from redracer.core.sorted_tree import SortedMembers

MEMBERS = st.one_of(
    st.integers(0, 400).map(lambda number: b"m%d" % number),
    st.sampled_from([b"", b"\xff", b"m", b"m1\0", b"l" * 255, b"l" * 256]),
)
SCORES = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(allow_nan=False),
    st.sampled_from([0.0, -0.0, math.inf, -math.inf]),
)


def by_score(entry: tuple[bytes, float]) -> tuple[float, bytes]:
    return entry[1], entry[0]


def pairs(flat: list[bytes | float]) -> list[tuple[bytes | float, bytes | float]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


class SortedMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.before = used_memory()
        self.members = SortedMembers()
        self.model: dict[bytes, float] = {}

    def order(self) -> list[tuple[bytes, float]]:
        return sorted(self.model.items(), key=by_score)

    def forget(self, entries: list[tuple[bytes, float]]) -> None:
        for member, _ in entries:
            del self.model[member]

    @rule(member=MEMBERS, score=SCORES)
    def add(self, member: bytes, score: float) -> None:
        assert self.members.add(member, score) == (member not in self.model)
        self.model[member] = score

    @rule(
        number=st.integers(1, 2500),
        score=st.sampled_from(
            [lambda n: n, lambda n: -n, lambda n: n % 7, lambda n: 0, lambda n: n * 7919 % 1009]
        ),
    )
    def add_many(self, number: int, score: collections.abc.Callable[[int], int]) -> None:
        for each in range(number):
            self.add(b"m%d" % each, float(score(each)))

    @rule(member=MEMBERS)
    def remove(self, member: bytes) -> None:
        assert self.members.remove(member) == (member in self.model)
        self.model.pop(member, None)

    @rule(number=st.integers(1, 2000), seed=st.integers(0, 2**32))
    def remove_many(self, number: int, seed: int) -> None:
        for member in random.Random(seed).sample(list(self.model), min(number, len(self.model))):
            self.remove(member)

    @rule(start=st.integers(-2, 1000), count=st.integers(-1, 1500))
    def delete_range(self, start: int, count: int) -> None:
        gone = self.order()[start : start + max(count, 0)] if start >= 0 else []
        assert self.members.delete_range(start, count) == len(gone)
        self.forget(gone)

    @rule(count=st.integers(0, 40), highest=st.booleans())
    def pop(self, count: int, highest: bool) -> None:
        order = self.order()
        gone = (order[::-1] if highest else order)[:count]
        assert pairs(self.members.pop(count, highest)) == gone
        self.forget(gone)

    @rule(start=st.integers(-2, 1000), count=st.integers(-1, 1500), reverse=st.booleans())
    def range(self, start: int, count: int, reverse: bool) -> None:
        order = self.order()[::-1] if reverse else self.order()
        expected = order[start : start + max(count, 0)] if start >= 0 else []
        assert pairs(self.members.range(start, count, reverse, True)) == expected
        assert self.members.range(start, count, reverse) == [member for member, _ in expected]

    @rule(member=MEMBERS, score=SCORES)
    def ranks(self, member: bytes, score: float) -> None:
        order = [entry[0] for entry in self.order()]
        assert self.members.score_of(member) == self.model.get(member)
        assert self.members.rank_of(member) == (order.index(member) if member in order else -1)
        assert self.members.rank_of(member, True) == (order[::-1].index(member) if member in order else -1)
        for each in (score, self.model.get(member, score)):
            below = sum(other < each for other in self.model.values())
            assert self.members.rank_of_score(each) == below
            assert self.members.rank_of_score(each, True) == below + list(self.model.values()).count(each)

    @rule(count=st.integers(0, 30))
    def unordered(self, count: int) -> None:
        cursor, found = self.members.scan(0, 10)
        while cursor:
            cursor, more = self.members.scan(cursor, 10)
            found += more
        assert set(pairs(found)) == set(self.model.items())
        drawn = pairs(self.members.draw_distinct(count, True))
        assert len(drawn) == len(set(drawn)) == min(count, len(self.model))
        assert {*drawn, *pairs(self.members.draw(count, True))} <= set(self.model.items())
        assert set(self.members.draw(count)) <= set(self.model)

    @rule()
    def copy(self) -> None:
        copied = self.members.copy()
        assert pairs(copied.range(0, 10_000, False, True)) == self.order()
        copied.delete_range(0, 10_000)
        assert len(copied) == 0

    @rule(budget=st.integers(0, 500))
    def free_some(self, budget: int) -> None:
        self.members.free_some(budget)
        self.model.clear()

    @invariant()
    def in_order(self) -> None:
        assert pairs(self.members.range(0, 10_000, False, True)) == self.order()
        assert self.members.range(0, 10_000, True) == [member for member, _ in self.order()[::-1]]

    @invariant()
    def counted(self) -> None:
        assert len(self.members) == len(self.model)
        assert self.members.memory_usage() == used_memory() - self.before

    def teardown(self) -> None:
        del self.members
        assert used_memory() == self.before


TestSortedMachine = SortedMachine.TestCase
TestSortedMachine.settings = settings(stateful_step_count=20, max_examples=50, deadline=None)


def sorted_members(scores: list[float]) -> SortedMembers:
    members = SortedMembers()
    for number, score in enumerate(scores):
        members.add(b"member:%d" % number, score)
    return members


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled", "equal"])
def test_a_tree_of_three_levels(order: str) -> None:
    scores = [float(number) for number in range(60_000)]
    if order == "descending":
        scores.reverse()
    elif order == "shuffled":
        random.Random(3).shuffle(scores)
    elif order == "equal":
        scores = [0.0] * len(scores)
    members = sorted_members(scores)
    expected = sorted(((b"member:%d" % number, score) for number, score in enumerate(scores)), key=by_score)
    assert pairs(members.range(0, len(scores), False, True)) == expected
    for rank in range(0, len(scores), 997):
        assert members.rank_of(expected[rank][0]) == rank
        assert members.range(rank, 3) == [member for member, _ in expected[rank : rank + 3]]
    for start in range(10_000, 0, -1250):
        assert members.delete_range(start, 700) == 700
        del expected[start : start + 700]
    kept = expected[:: len(expected) // 50]
    for member, _ in set(expected) - set(kept):
        assert members.remove(member)
    assert pairs(members.range(0, len(scores), False, True)) == kept
    assert pairs(members.pop(1000, True)) == kept[::-1]
    assert len(members) == 0


def test_lexical_ranks() -> None:
    words = sorted({b"%d" % (number * 7919) for number in range(3000)})
    members = SortedMembers()
    for word in words:
        members.add(word, 1.5)
    for sought in [b"", b"1", words[0], words[1000], words[-1], words[7] + b"\0", b"\xff" * 300]:
        below = sum(word < sought for word in words)
        assert members.rank_of_lex(sought) == below
        assert members.rank_of_lex(sought, True) == below + (sought in words)
    assert SortedMembers().rank_of_lex(b"x") == SortedMembers().rank_of_score(0.0) == 0


def test_a_score_that_changes_within_and_beyond_its_neighbours() -> None:
    members = sorted_members([float(number) for number in range(1000)])
    for score in (500.5, 499.25, 0.5, -1.0, 2000.0, math.inf, -math.inf, 3.0, 4.0, 500.0):
        assert members.add(b"member:500", score) is False
        assert members.score_of(b"member:500") == score
        order = pairs(members.range(0, 1000, False, True))
        assert order == sorted(order, key=lambda entry: (entry[1], entry[0]))
        assert len(order) == 1000


def test_refuses_what_is_no_score_or_no_member() -> None:
    members = SortedMembers()
    with pytest.raises(ValueError, match="a score is a number"):
        members.add(b"a", math.nan)
    with pytest.raises(TypeError):
        members.add(None, 1.0)  # type: ignore[arg-type]
    assert len(members) == 0


def test_draws_with_equal_chances() -> None:
    members = sorted_members([float(number) for number in range(20)])
    counts = collections.Counter(member for _ in range(12_000) for member in members.draw_distinct(5))
    assert len(counts) == 20
    assert all(2600 < count < 3400 for count in counts.values())


def test_free_some_frees_what_its_budget_says() -> None:
    members = sorted_members([float(number * 7919 % 50_000) for number in range(50_000)])
    sizes = [members.memory_usage()]
    while not members.free_some(500):
        sizes.append(members.memory_usage())
        assert len(members) == 0
        assert members.range(0, 10) == []
        assert members.score_of(b"member:5") is None
    assert len(sizes) > 100
    assert sizes == sorted(sizes, reverse=True)
    assert members.memory_usage() < 1000
    members.add(b"again", 1.0)
    assert members.range(0, 10) == [b"again"]


@pytest.mark.parametrize("ascending", [True, False])
def test_memory_per_member_is_what_the_design_says(ascending: bool) -> None:
    scores = [float(number) for number in range(50_000)]
    if not ascending:
        random.Random(5).shuffle(scores)
    assert sorted_members(scores).memory_usage() / 50_000 < 0.85 * 107
