"""Hash commands compared with a real redis-server, reply by reply.

Random commands over a few keys, in both protocols, with limits that force each encoding. The server compared with
(7.0 and later) may not know fields with an expiry: test_field_expiry.py compares those with a model.
"""

import os
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ...commands.served import Served
from ..against_redis import SETTINGS, Ours, Real, compare_at_length, unordered, words

COMMANDS = int(os.environ.get("REDRACER_HASH_COMMANDS", "200000"))  # of the long run
COMMANDS_PER_EXAMPLE = 100
SHORT_EXAMPLES = 60

KEYS = [b"a", b"b", b"c", b"string", b"none"]
HASHES = KEYS[:3]

keys = st.sampled_from(HASHES * 4 + KEYS)
fields = st.sampled_from(
    [b"f%d" % i for i in range(12)] + [b"", b"17", b"-5", b"017", b"f" * 70, b"\x00\xff"]
)
values = st.one_of(
    st.sampled_from([b"", b"1", b"-1", b"9223372036854775807", b"-9223372036854775808", b"007", b"3.25"]),
    st.sampled_from([b"-1e3", b"inf", b"text", b"x" * 64, b"y" * 65, b"z" * 5000]),
)
numbers = st.sampled_from(
    [b"0", b"1", b"-1", b"3", b"-5", b"9223372036854775807", b"-9223372036854775808", b"x", b"1.5"]
)
floats = st.sampled_from([b"0", b"1.5", b"-0.1", b"1e300", b"3", b"nan", b"inf", b"x", b" 1", b"1.7e308"])
# No field twice: since 7.2 so many pairs at once make a table, whether or not they are as many fields.
pairs = st.lists(st.tuples(fields, values), min_size=1, max_size=8, unique_by=lambda pair: pair[0]).map(
    lambda found: [part for pair in found for part in pair]
)
some_fields = st.lists(fields, min_size=1, max_size=4)
patterns = st.sampled_from([b"*", b"f*", b"f1?", b"[0-9]*", b"nothing"])
scan_options = st.lists(
    st.one_of(
        patterns.map(lambda pattern: [b"MATCH", pattern]),
        st.sampled_from([b"1000", b"5000", b"0", b"x"]).map(lambda count: [b"count", count]),
        st.just([b"TYPE", b"hash"]),
        st.just([b"MATCH"]),
    ),
    max_size=2,
).map(lambda options: [word for option in options for word in option])

COMMAND = st.one_of(
    words(st.sampled_from([b"HSET", b"HSET", b"HMSET"]), keys, pairs),
    words(b"HSET", keys, some_fields),
    words(b"HSETNX", keys, fields, values),
    words(st.sampled_from([b"HGET", b"HSTRLEN", b"HEXISTS"]), keys, fields),
    words(st.sampled_from([b"HMGET", b"HDEL"]), keys, some_fields),
    words(st.sampled_from([b"HLEN", b"HKEYS", b"HVALS", b"HGETALL", b"TYPE", b"DEL"]), keys),
    words(b"HINCRBY", keys, fields, numbers),
    words(b"HINCRBYFLOAT", keys, fields, floats),
    # All in one step: how many fields a step tells of a table is not Redis's to promise.
    words(b"HSCAN", keys, st.sampled_from([b"0", b"0", b"x"]), scan_options, b"COUNT", b"100000"),
    words(b"HRANDFIELD", keys),
    words(
        b"HRANDFIELD",
        keys,
        numbers,
        st.sampled_from([[], [b"WITHVALUES"], [b"withvalues"], [b"x"], [b"x", b"y"]]),
    ),
    words(b"OBJECT", b"ENCODING", keys),
    words(b"COPY", keys, keys, b"REPLACE"),
    words(b"RENAME", keys, keys),
    words(b"SET", b"string", values),
)
# The number of elements that make one element of a reply, of commands whose replies have no order.
UNORDERED = {b"HGETALL": 2, b"HKEYS": 1, b"HVALS": 1}


def comparable(argv, protocol, reply):
    if argv[0] in UNORDERED:
        return unordered(reply, 1 if protocol == 3 else UNORDERED[argv[0]])
    if argv[0] == b"HSCAN" and isinstance(reply[1], list):
        return reply[1][0], unordered(reply[1][1], 2)
    return reply


def compare_draw(ours, real, protocol, argv):
    """HRANDFIELD: what is drawn differs, but its shape does not, and it is of the hash."""
    mine, theirs = ours.run(argv), real.run(argv)
    if not isinstance(mine[1], list):
        if mine[1] is None or mine[0] == b"-":
            assert mine == theirs
        else:
            assert theirs[0] == b"$" and real.run([b"HEXISTS", argv[1], mine[1]]) == (b":", b"1")
        return
    assert (mine[0], len(mine[1])) == (theirs[0], len(theirs[1]))
    with_values = len(argv) > 3
    drawn = mine[1]
    if with_values:
        drawn = (
            [tuple(pair[1]) for pair in drawn]
            if protocol == 3
            else list(zip(drawn[::2], drawn[1::2], strict=True))
        )
    for item in drawn:
        field = item[0] if with_values else item
        found = real.run([b"HGET", argv[1], field[1]])
        assert found[1] is not None
        assert not with_values or found == item[1]
    if argv[2][:1] != b"-":
        assert len({repr(item) for item in drawn}) == len(drawn)


def compare(ours, real, protocol, entries, length, commands):
    setup = [
        [b"FLUSHALL", b"SYNC"],
        [
            b"CONFIG",
            b"SET",
            b"hash-max-listpack-entries",
            b"%d" % entries,
            b"hash-max-listpack-value",
            b"%d" % length,
        ],
        [b"SET", b"string", b"text"],
    ]
    for side in (ours, real):
        side.run([b"HELLO", b"%d" % protocol])
        for argv in setup:
            assert side.run(argv) == (b"+", b"OK")
    for argv in commands:
        if argv[0] == b"HRANDFIELD":
            if argv[2:3] != [b"9223372036854775807"] and argv[2:3] != [b"-9223372036854775808"]:
                compare_draw(ours, real, protocol, argv)
            continue
        mine, theirs = ours.run(argv), real.run(argv)
        assert comparable(argv, protocol, mine) == comparable(argv, protocol, theirs), argv
    for name in KEYS:
        argv = [b"HGETALL", name]
        assert comparable(argv, protocol, ours.run(argv)) == comparable(argv, protocol, real.run(argv))


EXAMPLE = (
    st.sampled_from([2, 3]),
    st.sampled_from([512, 512, 5, 0]),
    st.sampled_from([64, 64, 1, 10000]),
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
    compare_at_length(partial(compare, *sides), EXAMPLE, COMMANDS)
