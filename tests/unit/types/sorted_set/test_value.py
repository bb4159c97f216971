"""Sorted sets as values: encodings, the text of scores, what a listpack holds, freeing, copies."""

import random

import pytest

from redracer.core.memory import used_memory
from redracer.types.sorted_set.value import LexBounds, ScoreBounds, SortedSet, sorted_set_of

from ...commands.served import Served

LIMITS = {"zset-max-listpack-entries": 128, "zset-max-listpack-value": 64}


def filled(pairs, large):
    members = SortedSet()
    if large:
        members.convert()
    for member, score in pairs:
        members.put(member, score)
    return members


def run(served, line):
    return served.run(line.split() if isinstance(line, bytes) else line)


@pytest.mark.parametrize("large", [False, True])
def test_order_is_by_score_then_by_bytes(large):
    pairs = [
        (b"b", 1.0),
        (b"a", 1.0),
        (b"10", 1.0),
        (b"9", 1.0),
        (b"", 1.0),
        (b"z", -1.5),
        (b"\xff", float("inf")),
    ]
    members = filled(pairs, large)
    assert members.range(0, 100) == [b"z", b"", b"10", b"9", b"a", b"b", b"\xff"]
    assert members.range(0, 100, True) == [b"\xff", b"b", b"a", b"9", b"10", b"", b"z"]
    assert [members.rank_of(member) for member in (b"z", b"\xff", b"no")] == [0, 6, -1]
    assert members.rank_of(b"z", True) == 6


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("large", [False, True])
def test_changes_against_a_model(seed, large):
    chance = random.Random(seed)
    members, model = filled([], large), {}
    for _ in range(600):
        member, score = (
            b"%d" % chance.randrange(40),
            chance.choice([0.25, 1.0, 2.0, -7.0, 1e300, float("-inf")]),
        )
        if chance.random() < 0.7:
            members.put(member, score)
            model[member] = score
        else:
            assert members.discard(member) == (model.pop(member, None) is not None)
        if chance.random() < 0.05 and model:
            ordered = sorted((score, member) for member, score in model.items())
            start, count = chance.randrange(len(model)), chance.randrange(4)
            for _, member in ordered[start : start + count]:
                del model[member]
            assert members.delete_range(start, count) == len(ordered[start : start + count])
        expected = sorted((score, member) for member, score in model.items())
        found = members.range(0, len(model) + 1, False, True)
        assert list(zip(found[1::2], found[::2], strict=True)) == expected
        assert len(members) == len(model)


@pytest.mark.parametrize("large", [False, True])
def test_ranges_end_where_they_are_told(large):
    members = filled([(b"%d" % number, float(number)) for number in range(10)], large)
    limit = 2**63 - 1
    assert (
        members.range(limit, limit)
        == members.range(10, 1)
        == members.range(-1, 5)
        == members.range(3, 0)
        == []
    )
    assert (
        members.delete_range(limit, limit) == members.delete_range(-1, 3) == members.delete_range(2, -5) == 0
    )
    assert members.range(8, limit) == [b"8", b"9"]
    assert members.delete_range(8, limit) == 2
    assert members.pop(limit, True)[::2] == [b"%d" % number for number in range(7, -1, -1)]
    assert members.pop(1) == []


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (b"-", b"+", (0, 3)),
        (b"+", b"-", (3, 0)),
        (b"[b", b"[b", (1, 1)),
        (b"(b", b"[b", (2, 0)),
        (b"(a", b"(c", (1, 1)),
        (b"[", b"[zz", (0, 3)),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_lexical_bounds(low, high, expected, large):
    members = filled([(b"a", 0.0), (b"b", 0.0), (b"c", 0.0)], large)
    bounds = LexBounds(low, high)
    bounds.locate(members, False)
    assert (bounds.start, bounds.count) == expected


@pytest.mark.parametrize("large", [False, True])
def test_a_limit_beyond_the_range_leaves_nothing(large):
    members = filled([(b"%d" % number, float(number)) for number in range(10)], large)
    for offset, limit, expected in (
        (0, 2, 2),
        (9, 5, 1),
        (10, 1, 0),
        (2**63 - 1, 1, 0),
        (-1, 3, 0),
        (3, -1, 7),
    ):
        bounds = ScoreBounds(b"-inf", b"+inf")
        bounds.locate(members, True)
        bounds.narrow(offset, limit)
        assert bounds.count == expected
        assert len(members.range(bounds.start, bounds.count, True)) == expected


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (b"0.1", b"0.1"),
        (b"3.0", b"3"),
        (b"1e17", b"100000000000000000"),
        (b"1e20", b"1e+20"),
        (b"1e30", b"1e+30"),
        (b"-1.5e-9", b"-1.5e-9"),
        (b"0.30000000000000004", b"0.30000000000000004"),
        (b"+inf", b"inf"),
        (b"9007199254740993", b"9007199254740992"),
    ],
)
@pytest.mark.parametrize("entries", [128, 0])
def test_scores_are_told_in_their_shortest_form(score, text, entries):
    served = Served()
    run(served, b"CONFIG SET zset-max-listpack-entries %d" % entries)
    run(served, [b"ZADD", b"key", score, b"member"])
    assert run(served, b"ZSCORE key member") == b"$%d\r\n%s\r\n" % (len(text), text)
    run(served, b"HELLO 3")
    assert run(served, b"ZSCORE key member") == b",%s\r\n" % text


@pytest.mark.parametrize("large", [False, True])
def test_memory_is_counted_to_the_byte(large):
    before = used_memory()
    members = filled([(b"member%d" % number, number / 3) for number in range(500)], large)
    assert used_memory() - before == members.memory_usage()
    copied = members.copy()
    assert used_memory() - before == members.memory_usage() + copied.memory_usage()
    copied.put(b"more", 1.0)
    assert len(copied) == 501
    assert len(members) == 500
    del copied
    while not members.free_some(100):
        assert large
    del members
    assert used_memory() == before


def test_a_set_grows_large_by_its_members_and_by_their_length():
    served = Served()
    run(served, b"ZADD key " + b" ".join(b"1 m%d" % number for number in range(128)))
    assert run(served, b"OBJECT ENCODING key") == b"$8\r\nlistpack\r\n"
    run(served, b"ZADD key XX 2 m1 3 new")
    assert run(served, b"OBJECT ENCODING key") == b"$8\r\nlistpack\r\n"
    run(served, b"ZADD key 1 m128")
    assert run(served, b"OBJECT ENCODING key") == b"$8\r\nskiplist\r\n"
    run(served, [b"ZADD", b"long", b"1", b"x" * 64])
    assert run(served, b"OBJECT ENCODING long") == b"$8\r\nlistpack\r\n"
    run(served, [b"ZADD", b"long", b"1", b"x" * 65])
    assert run(served, b"OBJECT ENCODING long") == b"$8\r\nskiplist\r\n"


def test_a_set_that_is_stored_starts_small_again():
    served = Served()
    run(served, b"ZADD key " + b" ".join(b"1 m%d" % number for number in range(200)))
    run(served, b"ZRANGESTORE few key 0 9")
    assert run(served, b"OBJECT ENCODING few") == b"$8\r\nlistpack\r\n"
    assert sorted_set_of([b"x" * 65, 1.0], LIMITS).encoding == b"skiplist"
    assert sorted_set_of([b"x", 1.0, b"y", 2.0], LIMITS).encoding == b"listpack"


def test_rank_with_score():
    served = Served()
    run(served, b"ZADD key 1 a 2.5 b")
    assert run(served, b"ZRANK key b WITHSCORE") == b"*2\r\n:1\r\n$3\r\n2.5\r\n"
    assert run(served, b"ZREVRANK key b withscore") == b"*2\r\n:0\r\n$3\r\n2.5\r\n"
    assert run(served, b"ZRANK key c WITHSCORE") == b"*-1\r\n"
    assert run(served, b"ZRANK none c WITHSCORE") == b"*-1\r\n"
    assert run(served, b"ZRANK key b x") == b"-ERR syntax error\r\n"
    assert run(served, b"ZRANK key b WITHSCORE x").startswith(b"-ERR wrong number of arguments for 'zrank'")
    run(served, b"HELLO 3")
    assert run(served, b"ZRANK key b WITHSCORE") == b"*2\r\n:1\r\n,2.5\r\n"
    assert run(served, b"ZRANK key c WITHSCORE") == b"_\r\n"
