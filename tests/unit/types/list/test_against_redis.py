"""List commands compared with a real redis-server, reply by reply.

Random commands over a few keys, in both protocols, with limits that force each encoding. What 8.2 answers
otherwise than the server compared with (7.0 and later) is not among the commands.
"""

import os
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ...commands.served import Served
from ..against_redis import SETTINGS, Ours, Real, compare_at_length, flattened, words

COMMANDS = int(os.environ.get("REDRACER_LIST_COMMANDS", "200000"))  # of the long run
COMMANDS_PER_EXAMPLE = 100
SHORT_EXAMPLES = 40

KEYS = [b"{l}a", b"{l}b", b"{l}c", b"{l}string", b"{l}none"]
LISTS = KEYS[:3]
INTEGERS = [
    b"0",
    b"1",
    b"-1",
    b"2",
    b"-3",
    b"7",
    b"100",
    b"-9223372036854775807",
    b"9223372036854775807",
    b"x",
    b"1.5",
]

keys = st.sampled_from(LISTS * 4 + KEYS)
numbers = st.sampled_from(INTEGERS)
elements = st.one_of(
    st.sampled_from([b"a", b"b", b"c", b"1", b"-1", b"01", b"4096", b"-9223372036854775808", b""]),
    st.sampled_from([b"x" * 64, b"y" * 500, b"z" * 5000, b"w" * 20000, b"9" * 20]),
)
ends = st.sampled_from([b"LEFT", b"RIGHT", b"left", b"Right", b"middle"])


many = st.lists(elements, min_size=1, max_size=12)
some_keys = st.lists(keys, min_size=1, max_size=3)
counted_keys = some_keys.map(lambda names: [b"%d" % len(names), *names])
count = st.one_of(st.just([]), numbers.map(lambda number: [b"COUNT", number]))
option = st.tuples(st.sampled_from([b"RANK", b"COUNT", b"MAXLEN", b"NONE"]), numbers).map(list)
options = st.lists(option, max_size=3).map(flattened)

COMMAND = st.one_of(
    words(st.sampled_from([b"LPUSH", b"RPUSH", b"LPUSH", b"RPUSH", b"LPUSHX", b"RPUSHX"]), keys, many),
    words(st.sampled_from([b"LPUSH", b"RPUSH"]), keys, many),
    words(st.sampled_from([b"LPOP", b"RPOP"]), keys),
    words(st.sampled_from([b"LPOP", b"RPOP"]), keys, numbers),
    words(b"LLEN", keys),
    words(b"LRANGE", keys, numbers, numbers),
    words(b"LINDEX", keys, numbers),
    words(b"LSET", keys, numbers, elements),
    words(b"LINSERT", keys, st.sampled_from([b"BEFORE", b"after", b"at"]), elements, elements),
    words(b"LREM", keys, numbers, elements),
    words(b"LTRIM", keys, numbers, numbers),
    words(b"LPOS", keys, elements, options),
    words(b"LMOVE", keys, keys, ends, ends),
    words(b"RPOPLPUSH", keys, keys),
    words(b"LMPOP", counted_keys, ends, count),
    words(b"LMPOP", numbers, some_keys, ends, count),
    words(st.sampled_from([b"BLPOP", b"BRPOP"]), some_keys, b"0"),
    words(b"BLMOVE", keys, keys, ends, ends, b"0"),
    words(b"BRPOPLPUSH", keys, keys, b"0"),
    words(b"BLMPOP", b"0", counted_keys, ends, count),
    words(b"COPY", keys, keys, b"REPLACE"),
    words(b"RENAME", keys, keys),
    words(b"DEL", keys),
    words(b"TYPE", keys),
    words(b"SET", b"{l}string", elements),
)


@pytest.fixture
def real(real_server):
    connection = Real(real_server)
    yield connection
    connection.close()


def blocks(ours, argv):
    """Whether a command that may wait would wait now: then it is left out."""
    if not argv[0].startswith(b"B"):
        return False
    sources = argv[1:2] if argv[0] in (b"BLMOVE", b"BRPOPLPUSH") else argv[1:]
    return not any(ours.run([b"EXISTS", name]) == (b":", b"1") for name in sources if name in KEYS)


def compare(ours, real, protocol, size_limit, depth, commands):
    setup = [
        [b"FLUSHALL", b"SYNC"],
        [
            b"CONFIG",
            b"SET",
            b"list-max-listpack-size",
            b"%d" % size_limit,
            b"list-compress-depth",
            b"%d" % depth,
        ],
        [b"SET", b"{l}string", b"text"],
    ]
    for side in (ours, real):
        side.run([b"HELLO", b"%d" % protocol])
        for argv in setup:
            assert side.run(argv) == (b"+", b"OK")
    for argv in commands:
        if not blocks(ours, argv):
            assert ours.run(argv) == real.run(argv), argv
    for name in KEYS[:3]:
        for argv in ([b"TYPE", name], [b"LRANGE", name, b"0", b"-1"]):
            assert ours.run(argv) == real.run(argv)


EXAMPLE = (
    st.sampled_from([2, 3]),
    st.sampled_from([-2, -1, -5, 1, 2, 5, 128]),
    st.sampled_from([0, 0, 1, 2]),
    st.lists(COMMAND, min_size=20, max_size=COMMANDS_PER_EXAMPLE),
)


@settings(max_examples=SHORT_EXAMPLES, **SETTINGS)
@given(*EXAMPLE)
def test_replies_as_redis(real, protocol, size_limit, depth, commands):
    compare(Ours(Served()), real, protocol, size_limit, depth, commands)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_replies_as_redis_at_length(real):
    compare_at_length(partial(compare, Ours(Served()), real), EXAMPLE, COMMANDS)
