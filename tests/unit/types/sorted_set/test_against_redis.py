"""Sorted set commands compared with a real redis-server, reply by reply.

Random commands over a few keys, in both protocols, with limits that force each encoding. Scores are numbers that
have few digits: Redis 7.0 writes the others with 17 digits, 8 in the shortest form (test_value.py). Lexical ranges
are asked only of a key whose scores are all equal: elsewhere Redis promises nothing.
"""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ...commands.served import Served
from ..against_redis import SETTINGS, Ours, Real, unordered, words

COMMANDS = int(os.environ.get("REDRACER_SORTED_SET_COMMANDS", "200000"))  # of the long run
COMMANDS_PER_EXAMPLE = 100
SHORT_EXAMPLES = 60

KEYS = [b"a", b"b", b"c", b"lex", b"set", b"string", b"none"]
SORTED_SETS = KEYS[:3]
LEAST = b"-9223372036854775808"

keys = st.sampled_from(SORTED_SETS * 5 + KEYS)
changed_keys = st.sampled_from(SORTED_SETS * 5 + [b"set", b"string", b"none"])
members = st.sampled_from(
    [b"m%d" % i for i in range(14)] + [b"", b"17", b"-5", b"017", b"x" * 64, b"y" * 65, b"\x00\xff"]
)
some_members = st.lists(members, min_size=1, max_size=5)
scores = st.sampled_from(
    [b"%d" % i for i in range(-3, 9)]
    + [
        b"0.5",
        b"-2.25",
        b"1e3",
        b"+4",
        b"inf",
        b"-inf",
        b"1e12",
        b"9007199254740993",
        b"0x10",
        b"nan",
        b"x",
        b"",
        b" 1",
    ]
)
good_scores = st.sampled_from(
    [b"%d" % i for i in range(-3, 9)] + [b"0.5", b"-2.25", b"1024", b"inf", b"-inf", b"1e12"]
)
pairs = st.lists(st.tuples(good_scores, members), min_size=1, max_size=9).map(
    lambda found: [part for pair in found for part in pair]
)
add_options = st.lists(st.sampled_from([b"NX", b"xx", b"GT", b"lt", b"CH", b"INCR"]), max_size=2)
numbers = st.sampled_from([b"0", b"1", b"2", b"-1", b"-3", b"5", b"30", b"9223372036854775807", LEAST, b"x"])
score_bounds = st.sampled_from(
    [
        b"-inf",
        b"+inf",
        b"0",
        b"1",
        b"3",
        b"5",
        b"(0",
        b"(3",
        b"(5",
        b"0.5",
        b"(-2.25",
        b" 3",
        b"",
        b"(",
        b"( 3",
        b"1e999",
        b"x",
        b"nan",
        b"3 ",
        b"[3",
        b"  ",
        b"0x3",
    ]
)
lex_bounds = st.sampled_from(
    [b"-", b"+", b"[m1", b"(m1", b"[m3", b"(m3", b"[", b"(", b"[z", b"(17", b"x", b"", b"--", b"+m"]
)
weights = st.sampled_from([b"1", b"2", b"-1", b"0", b"0.5", b"inf", b"x"])
patterns = st.sampled_from([b"*", b"m*", b"m1?", b"[0-9]*", b"nothing"])
limits = st.one_of(
    st.just([]),
    st.just([]),
    st.tuples(numbers, numbers).map(lambda pair: [b"LIMIT", *pair]),
    st.just([b"limit", b"1"]),
)
range_options = st.lists(
    st.sampled_from([[b"WITHSCORES"], [b"withscores"], [b"REV"], [b"BYSCORE"], [b"BYLEX"], [b"nothing"]]),
    max_size=2,
).map(lambda options: [word for option in options for word in option])
scores_or_not = st.sampled_from([[], [], [b"WITHSCORES"], [b"WITHSCORE"]])


@st.composite
def combined(draw, stored, scored):
    """The arguments of ZUNION and its kin."""
    names = draw(st.lists(keys, min_size=1, max_size=3))
    count = draw(st.sampled_from([b"%d" % len(names)] * 9 + [b"0", b"-1", b"4", b"x"]))
    argv = [count, *names]
    if scored and draw(st.booleans()):
        argv += [b"WEIGHTS", *draw(st.lists(weights, min_size=len(names), max_size=len(names)))]
    if scored and draw(st.booleans()):
        argv += [b"AGGREGATE", draw(st.sampled_from([b"sum", b"MIN", b"max", b"x"]))]
    if not stored and draw(st.booleans()):
        argv.append(b"WITHSCORES")
    return argv


popped_keys = st.lists(changed_keys, min_size=1, max_size=3).map(lambda names: [b"%d" % len(names), *names])
COMMAND = st.one_of(
    words(b"ZADD", changed_keys, pairs),
    words(b"ZADD", changed_keys, pairs),
    words(b"ZADD", changed_keys, add_options, pairs),
    words(b"ZADD", changed_keys, add_options, scores, members),
    words(b"ZADD", b"lex", members.map(lambda member: [b"0", member])),
    words(
        b"ZADD", b"lex", some_members.map(lambda found: [part for member in found for part in (b"0", member)])
    ),
    words(b"ZADD", changed_keys, some_members),
    words(b"ZINCRBY", changed_keys, scores, members),
    words(b"ZREM", keys, some_members),
    words(st.sampled_from([b"ZCARD", b"TYPE", b"DEL"]), keys),
    words(b"ZSCORE", keys, members),
    words(b"ZMSCORE", keys, some_members),
    words(st.sampled_from([b"ZRANK", b"ZREVRANK"]), keys, members),
    words(b"ZCOUNT", keys, score_bounds, score_bounds),
    words(b"ZLEXCOUNT", b"lex", lex_bounds, lex_bounds),
    words(b"ZRANGE", keys, numbers, numbers, scores_or_not),
    words(b"ZRANGE", keys, numbers, numbers, range_options, limits),
    words(b"ZRANGE", keys, score_bounds, score_bounds, b"BYSCORE", range_options, limits),
    words(b"ZRANGE", b"lex", lex_bounds, lex_bounds, b"BYLEX", range_options, limits),
    words(
        st.sampled_from([b"ZRANGEBYSCORE", b"ZREVRANGEBYSCORE"]),
        keys,
        score_bounds,
        score_bounds,
        scores_or_not,
        limits,
    ),
    words(
        st.sampled_from([b"ZRANGEBYLEX", b"ZREVRANGEBYLEX"]),
        b"lex",
        lex_bounds,
        lex_bounds,
        scores_or_not,
        limits,
    ),
    words(b"ZREVRANGE", keys, numbers, numbers, scores_or_not),
    words(
        b"ZRANGESTORE", changed_keys, keys, numbers, numbers, st.sampled_from([[], [b"REV"], [b"WITHSCORES"]])
    ),
    words(b"ZRANGESTORE", changed_keys, keys, score_bounds, score_bounds, b"BYSCORE", limits),
    words(b"ZREMRANGEBYRANK", keys, numbers, numbers),
    words(b"ZREMRANGEBYSCORE", keys, score_bounds, score_bounds),
    words(b"ZREMRANGEBYLEX", b"lex", lex_bounds, lex_bounds),
    words(st.sampled_from([b"ZUNION", b"ZINTER"]), combined(False, True)),
    words(b"ZDIFF", combined(False, False)),
    words(st.sampled_from([b"ZUNIONSTORE", b"ZINTERSTORE"]), changed_keys, combined(True, True)),
    words(b"ZDIFFSTORE", changed_keys, combined(True, False)),
    words(b"ZINTERCARD", combined(True, False), st.one_of(st.just([]), numbers.map(lambda n: [b"LIMIT", n]))),
    words(
        st.sampled_from([b"ZPOPMIN", b"ZPOPMAX"]),
        changed_keys,
        st.one_of(st.just([]), numbers.map(lambda n: [n])),
    ),
    words(
        b"ZMPOP",
        popped_keys,
        st.sampled_from([b"MIN", b"max", b"x"]),
        st.sampled_from([[], [b"COUNT", b"2"], [b"count", b"0"]]),
    ),
    words(b"ZRANDMEMBER", keys),
    words(
        b"ZRANDMEMBER", keys, st.sampled_from([b"0", b"1", b"-1", b"3", b"-7", b"30", b"x"]), scores_or_not
    ),
    # All in one step: how many members a step tells of a table is not Redis's to promise.
    words(
        b"ZSCAN",
        keys,
        st.sampled_from([b"0", b"0", b"x"]),
        patterns.map(lambda p: [b"MATCH", p, b"COUNT", b"100000"]),
    ),
    words(b"SADD", st.sampled_from([b"set", b"none"]), some_members),
    words(b"COPY", keys, changed_keys, b"REPLACE"),
)


def positive_zeros(reply):
    """The reply with 0 for -0: Redis 7.0 keeps the sign in packed sets, 8 does not."""
    kind, value = reply
    if isinstance(value, list):
        return kind, [positive_zeros(part) for part in value]
    return kind, b"0" if value == b"-0" else value


def comparable(argv, reply):
    reply = positive_zeros(reply)
    if argv[0] == b"ZSCAN" and isinstance(reply[1], list):
        return reply[1][0], unordered(reply[1][1], 2)
    return reply


def drawn_pairs(reply):
    """What ZRANDMEMBER drew WITHSCORES, as (member, score)."""
    parts = reply[1]
    if parts and parts[0][0] == b"*":
        return [(pair[1][0][1], pair[1][1][1]) for pair in parts]
    return [(parts[at][1], parts[at + 1][1]) for at in range(0, len(parts), 2)]


def compare_draw(ours, real, argv):
    """ZRANDMEMBER: what is drawn differs, but its shape does not, and it is of the set."""
    mine, theirs = ours.run(argv), real.run(argv)
    if mine[0] == b"-" or mine[1] is None or mine[1] == []:
        assert mine == theirs, argv
        return
    drawn = mine[1] if isinstance(mine[1], list) else [mine]
    assert mine[0] == theirs[0]
    assert len(drawn) == (len(theirs[1]) if isinstance(mine[1], list) else 1), argv
    with_scores = len(argv) == 4
    found = drawn_pairs(mine) if with_scores else [(member[1], None) for member in drawn]
    for member, score in found:
        known = real.run([b"ZSCORE", argv[1], member])[1]
        assert known is not None
        assert score in (None, known, b"-0", b"0")
    if len(argv) > 2 and argv[2][:1] != b"-":
        assert len({member for member, _ in found}) == len(found)


def compare(ours, real, protocol, entries, length, commands):
    setup = [
        [b"FLUSHALL", b"SYNC"],
        [b"CONFIG", b"SET", b"zset-max-listpack-entries", b"%d" % entries],
        [b"CONFIG", b"SET", b"zset-max-listpack-value", b"%d" % length],
        [b"SET", b"string", b"text"],
    ]
    for side in (ours, real):
        side.run([b"HELLO", b"%d" % protocol])
        for argv in setup:
            assert side.run(argv) == (b"+", b"OK")
    for argv in commands:
        if argv[0] == b"ZRANDMEMBER":
            compare_draw(ours, real, argv)
        else:
            assert comparable(argv, ours.run(argv)) == comparable(argv, real.run(argv)), argv
    for name in KEYS:
        argv = [b"ZRANGE", name, b"0", b"-1", b"WITHSCORES"]
        reply = comparable(argv, ours.run(argv))
        assert reply == comparable(argv, real.run(argv)), argv
        if reply[1] and reply[0] == b"*":
            argv = [b"OBJECT", b"ENCODING", name]
            assert ours.run(argv) == real.run(argv), argv


EXAMPLE = (
    st.sampled_from([2, 3]),
    st.sampled_from([128, 128, 5, 0]),
    st.sampled_from([64, 64, 1]),
    st.lists(COMMAND, min_size=20, max_size=COMMANDS_PER_EXAMPLE),
)


@pytest.fixture
def sides(real_server):
    real = Real(real_server)
    yield Ours(Served()), real
    real.close()


@settings(max_examples=SHORT_EXAMPLES, **SETTINGS)
@given(*EXAMPLE)
def test_replies_as_redis(sides, protocol, entries, length, commands):
    compare(*sides, protocol, entries, length, commands)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_replies_as_redis_at_length(sides):
    done = 0

    @settings(max_examples=COMMANDS // 20, database=None, **SETTINGS)
    @given(*EXAMPLE)
    def run(protocol, entries, length, commands):
        nonlocal done
        if done < COMMANDS:
            compare(*sides, protocol, entries, length, commands)
            done += len(commands)

    run()
    assert done >= COMMANDS
