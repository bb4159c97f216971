"""Set commands compared with a real redis-server, reply by reply.

Random commands over a few keys, in both protocols, with limits that force each encoding. Redis 7.0 has no packed
sets of strings: test_encodings.py has what 7.2 brought.
"""

import os
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ...commands.served import Served
from ..against_redis import SETTINGS, Ours, Real, compare_at_length, unordered, words

COMMANDS = int(os.environ.get("REDRACER_SET_COMMANDS", "200000"))  # of the long run
COMMANDS_PER_EXAMPLE = 100
SHORT_EXAMPLES = 60

KEYS = [b"a", b"b", b"c", b"string", b"none"]
SETS = KEYS[:3]

keys = st.sampled_from(SETS * 4 + KEYS)
integers = st.sampled_from(
    [b"%d" % number for number in (*range(-3, 12), 40000, -(2**31), 2**63 - 1, -(2**63))]
)
strings = st.sampled_from(
    [b"", b"a", b"b", b"c", b"007", b"+1", b"9223372036854775808", b"x" * 64, b"y" * 65, b"\x00\xff"]
)
members = st.one_of(integers, integers, strings)
some_members = st.one_of(
    st.lists(integers, min_size=1, max_size=12),
    st.lists(members, min_size=1, max_size=12),
)
some_keys = st.lists(keys, min_size=1, max_size=4)
numbers = st.sampled_from([b"0", b"1", b"2", b"-1", b"-7", b"5", b"30", b"-9223372036854775808", b"x"])
limits = st.one_of(st.just([]), numbers.map(lambda limit: [b"LIMIT", limit]), st.just([b"LIMIT"]))
patterns = st.sampled_from([b"*", b"[0-9]*", b"-*", b"?", b"nothing"])
# All in one step: how many members a step tells of a table is not Redis's to promise.
scan_options = patterns.map(lambda pattern: [b"COUNT", b"100000", b"MATCH", pattern])
algebra = st.sampled_from([b"SINTER", b"SUNION", b"SDIFF"])
stored = st.sampled_from([b"SINTERSTORE", b"SUNIONSTORE", b"SDIFFSTORE"])

COMMAND = st.one_of(
    words(b"SADD", keys, some_members),
    words(b"SADD", keys, some_members),
    words(b"SREM", keys, some_members),
    words(b"SISMEMBER", keys, members),
    words(b"SMISMEMBER", keys, some_members),
    words(st.sampled_from([b"SCARD", b"SMEMBERS", b"TYPE", b"DEL"]), keys),
    words(b"SMOVE", keys, keys, members),
    words(b"SPOP", keys),
    words(b"SPOP", keys, numbers),
    words(b"SPOP", keys, numbers, numbers),
    words(b"SRANDMEMBER", keys),
    words(b"SRANDMEMBER", keys, numbers),
    words(b"SRANDMEMBER", keys, numbers, numbers),
    words(algebra, some_keys),
    words(stored, keys, some_keys),
    words(b"SINTERCARD", some_keys.map(lambda names: [b"%d" % len(names), *names]), limits),
    words(b"SINTERCARD", numbers, some_keys, limits),
    words(b"SSCAN", keys, st.sampled_from([b"0", b"0", b"x"]), scan_options),
    words(b"COPY", keys, keys, b"REPLACE"),
    words(b"RENAME", keys, keys),
    words(b"SET", b"string", members),
)
UNORDERED = (b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF")


def comparable(argv, reply):
    if argv[0] in UNORDERED:
        return unordered(reply)
    if argv[0] == b"SSCAN" and isinstance(reply[1], list):
        return reply[1][0], unordered(reply[1][1])
    return reply


def compare_pop(ours, real, argv):
    """SPOP: what ours popped is taken from the other side too, which had it."""
    mine = ours.run(argv)
    if mine[0] == b"-" or mine[1] is None or mine[1] == []:
        assert real.run(argv) == mine, argv
        return
    popped = [member[1] for member in mine[1]] if isinstance(mine[1], list) else [mine[1]]
    assert len(set(popped)) == len(popped)
    size = int(real.run([b"SCARD", argv[1]])[1])
    assert len(popped) == (min(int(argv[2]), size) if len(argv) > 2 else 1)
    assert real.run([b"SREM", argv[1], *popped]) == (b":", b"%d" % len(popped))


def compare_draw(ours, real, argv):
    """SRANDMEMBER: what is drawn differs, but its shape does not, and it is of the set."""
    mine, theirs = ours.run(argv), real.run(argv)
    if mine[0] == b"-" or mine[1] is None or mine[1] == []:
        assert mine == theirs
        return
    drawn = mine[1] if isinstance(mine[1], list) else [mine]
    assert (mine[0], len(drawn)) == (theirs[0], len(theirs[1]) if isinstance(mine[1], list) else 1)
    assert all(real.run([b"SISMEMBER", argv[1], member[1]]) == (b":", b"1") for member in drawn)
    if len(argv) > 2 and argv[2][:1] != b"-":
        assert len(set(drawn)) == len(drawn)


def compare(ours, real, protocol, intset_entries, packed_entries, length, commands):
    ours.run([b"CONFIG", b"SET", b"set-max-listpack-entries", b"%d" % packed_entries])
    ours.run([b"CONFIG", b"SET", b"set-max-listpack-value", b"%d" % length])
    setup = [
        [b"FLUSHALL", b"SYNC"],
        [b"CONFIG", b"SET", b"set-max-intset-entries", b"%d" % intset_entries],
        [b"SET", b"string", b"text"],
    ]
    for side in (ours, real):
        side.run([b"HELLO", b"%d" % protocol])
        for argv in setup:
            assert side.run(argv) == (b"+", b"OK")
    for argv in commands:
        if argv[0] == b"SPOP" and len(argv) < 4:
            compare_pop(ours, real, argv)
        elif argv[0] == b"SRANDMEMBER" and argv[2:3] != [b"-9223372036854775808"]:
            compare_draw(ours, real, argv)
        else:
            assert comparable(argv, ours.run(argv)) == comparable(argv, real.run(argv)), argv
    for name in KEYS:
        argv = [b"SMEMBERS", name]
        assert comparable(argv, ours.run(argv)) == comparable(argv, real.run(argv))


EXAMPLE = (
    st.sampled_from([2, 3]),
    st.sampled_from([512, 512, 4, 0]),
    st.sampled_from([128, 128, 4, 0]),
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
def test_replies_as_redis(sides, protocol, intset_entries, packed_entries, length, commands):
    compare(*sides, protocol, intset_entries, packed_entries, length, commands)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_replies_as_redis_at_length(sides):
    compare_at_length(partial(compare, *sides), EXAMPLE, COMMANDS)
