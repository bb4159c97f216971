"""Stream commands compared with a real redis-server, reply by reply; at the end also the nodes, byte by byte.

Random commands over a few keys, in both protocols, with limits that make nodes short and long. What changed
between the installed version (7.0) and ours (8.2) is left out or taken out of the replies: test_stream_commands.py
and test_group_commands.py have it. So is what depends on the clock.
"""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redracer.core.entry import STREAM
from redracer.types.stream.stream_id import StreamId

from ...commands.served import Served
from ..against_redis import SETTINGS, Ours, Real, flattened, words

COMMANDS = int(os.environ.get("REDRACER_STREAM_COMMANDS", "200000"))  # of the long run
COMMANDS_PER_EXAMPLE = 100
SHORT_EXAMPLES = 40

KEYS = [b"a", b"b", b"string", b"none"]
STREAMS = KEYS[:2]
GROUPS = [b"g", b"h"]
CONSUMERS = [b"c", b"d"]
LONG_AGO = b"1000"  # Unix time in ms, and 1e9 ms is longer than any test
CLOCK = 10**11  # numbers above are times or idle times: ms since 1970, or since LONG_AGO

keys = st.sampled_from(STREAMS * 10 + KEYS)
groups = st.sampled_from(GROUPS * 8 + [b"none"])
consumers = st.sampled_from(CONSUMERS)
small_ids = st.builds(
    lambda ms, sequence: b"%d-%d" % (ms, sequence), st.integers(0, 34), st.sampled_from([0, 1, 2, 7])
)
odd_ids = st.sampled_from(
    [b"5", b"18446744073709551615-18446744073709551615", b"18446744073709551615-0", b"007-01", b" 5", b"5-+6"]
)
wrong_ids = st.sampled_from([b"x", b"", b"-", b"+", b"5-", b"-5", b"5-x", b"5-*", b"1-2-3", b"$", b">", b"*"])
ids = st.one_of(small_ids, small_ids, small_ids, small_ids, small_ids, small_ids, odd_ids, wrong_ids)
many_ids = st.lists(small_ids, min_size=1, max_size=6)
new_ids = st.one_of(
    small_ids,
    st.integers(0, 34).map(lambda ms: b"%d-*" % ms),
    st.integers(0, 34).map(lambda ms: b"%d-*" % ms),
    ids,
).filter(lambda id: id != b"*")
ends = st.one_of(
    small_ids,
    small_ids.map(lambda id: b"(" + id),
    st.sampled_from([b"-", b"+", b"7", b"(7", b"(-", b"(", b"("]),
    ids,
)
counts = st.sampled_from([b"1", b"2", b"3", b"10", b"0", b"-1", b"x"])
count_option = st.one_of(st.just([]), counts.map(lambda count: [b"COUNT", count]), st.just([b"COUNT"]))
fields = st.sampled_from([b"f", b"f", b"g", b"12", b"x" * 70])
values = st.sampled_from([b"v", b"", b"-7", b"123456789012", b"y" * 300, b"9223372036854775808"])
pairs = st.one_of(
    values.map(lambda value: [b"f", value]),
    st.lists(st.tuples(fields, values).map(list), min_size=1, max_size=3).map(flattened),
    st.lists(values, max_size=3),
)
lengths = st.sampled_from([b"0", b"1", b"3", b"8", b"20", b"-1", b"x"])
operators = st.sampled_from([[], [b"="], [b"~"], [b"~"]])
limits = st.one_of(
    st.just([]), st.just([]), st.sampled_from([b"0", b"1", b"4", b"100", b"-1"]).map(lambda n: [b"LIMIT", n])
)
trimming = st.one_of(
    st.builds(lambda o, n, limit: [b"MAXLEN", *o, n, *limit], operators, lengths, limits),
    st.builds(lambda o, id, limit: [b"MINID", *o, id, *limit], operators, ids, limits),
)
add_options = st.one_of(st.just([]), st.just([]), st.just([b"NOMKSTREAM"]), trimming)
idles = st.sampled_from([b"0", b"0", b"0", b"1000000000", b"-1", b"x"])
claim_options = st.lists(
    st.sampled_from(
        [
            [b"JUSTID"],
            [b"FORCE"],
            [b"FORCE"],
            [b"TIME", LONG_AGO],
            [b"RETRYCOUNT", b"5"],
            [b"LASTID", b"9-0"],
            [b"IDLE", b"x"],
            [b"NONSENSE"],
        ]
    ),
    max_size=3,
).map(flattened)
pending_filter = st.one_of(st.just([]), st.just([b"IDLE", b"1000000000"]), st.just([b"IDLE", b"0"]))
read_groups = st.builds(
    lambda group, consumer, options, names, id: [
        b"GROUP", group, consumer, *options, b"STREAMS", *names, *[id] * len(names)
    ],
    groups,
    consumers,
    st.sampled_from([[], [b"NOACK"], [b"COUNT", b"1"], [b"COUNT", b"2"], [b"COUNT", b"2"]]),
    st.lists(keys, min_size=1, max_size=2),
    st.one_of(st.just(b">"), st.just(b">"), ids.filter(lambda id: id != b"+")),
)  # fmt: skip
read_streams = st.builds(
    lambda options, names, found: [*options, b"STREAMS", *names, *found[: len(names)]],
    st.sampled_from([[], [b"COUNT", b"2"], [b"COUNT", b"x"], [b"NOACK"], [b"BLOCK", b"-1"]]),
    st.lists(keys, min_size=1, max_size=3),
    st.lists(ids.filter(lambda id: id != b"+"), min_size=3, max_size=3),
)

COMMAND = st.one_of(
    words(b"XADD", st.sampled_from(STREAMS), new_ids, pairs),
    words(b"XADD", st.sampled_from(STREAMS), new_ids, pairs),
    words(b"XADD", st.sampled_from(STREAMS), add_options, new_ids, pairs),
    words(b"XADD", keys, add_options, new_ids, pairs),
    words(b"XLEN", keys),
    words(b"XRANGE", keys, ends, ends, count_option),
    words(b"XREVRANGE", keys, ends, ends, count_option),
    words(b"XDEL", keys, many_ids),
    words(b"XDEL", keys, many_ids, ids),
    words(b"XTRIM", keys, trimming),
    words(b"XREAD", read_streams),
    words(
        b"XGROUP", b"CREATE", keys, groups, ids, st.sampled_from([[], [b"MKSTREAM"], [b"ENTRIESREAD", b"0"]])
    ),
    words(b"XGROUP", b"SETID", keys, groups, ids, st.sampled_from([[], [b"ENTRIESREAD", b"-2"]])),
    words(b"XGROUP", b"DESTROY", keys, groups),
    words(b"XGROUP", b"DELCONSUMER", keys, groups, consumers),
    words(b"XREADGROUP", read_groups),
    words(b"XREADGROUP", read_groups),
    words(b"XREADGROUP", read_groups),
    words(b"XACK", keys, groups, many_ids),
    words(b"XACK", keys, groups, ids),
    words(b"XPENDING", keys, groups),
    words(
        b"XPENDING", keys, groups, pending_filter, ends, ends, counts, st.sampled_from([[], [b"c"], [b"x"]])
    ),
    words(b"XCLAIM", keys, groups, consumers, idles, many_ids, claim_options),
    words(b"XCLAIM", keys, groups, consumers, idles, ids, claim_options),
    words(
        b"XAUTOCLAIM", keys, groups, consumers, idles, ends, count_option, st.sampled_from([[], [b"JUSTID"]])
    ),
    words(b"XINFO", b"STREAM", keys, st.sampled_from([[], [b"FULL"], [b"FULL", b"COUNT", b"2"], [b"x"]])),
    words(b"XINFO", b"GROUPS", keys),
    words(b"XINFO", b"CONSUMERS", keys, groups),
    words(
        b"XSETID", keys, small_ids, st.sampled_from([[], [b"ENTRIESADDED", b"9"], [b"MAXDELETEDID", b"3-0"]])
    ),
    words(st.sampled_from([b"TYPE", b"DEL"]), st.sampled_from(KEYS[:2] + KEYS)),
    words(b"COPY", keys, keys, b"REPLACE"),
    words(b"RENAME", keys, keys),
)
# Fields of XINFO that depend on the clock, on the index that Redis has, or on rules that 8.2 changed.
LEFT_OUT = (b"radix-tree-nodes", b"lag", b"entries-read", b"active-time", b"inactive", b"idle", b"seen-time")
# What 7.0 refuses in other words.
OTHER_WORDS = (b"ERR Unbalanced", b"ERR The XGROUP subcommand")


def comparable(argv, reply):
    kind, parts = reply
    if kind == b"-":
        return kind, parts[: len(OTHER_WORDS[0])]
    if argv[0] == b"XINFO" and isinstance(parts, list):
        return without_left_out(reply)
    if argv[0] == b"XPENDING" and len(argv) > 3 and isinstance(parts, list):
        return kind, [(row[0], row[1][:2], int(row[1][2][1]) > CLOCK, row[1][3]) for row in parts]
    return reply


def without_left_out(reply):
    """XINFO's reply without those fields, and without times."""
    kind, parts = reply
    if kind == b":":
        return kind, b"time" if int(parts) > CLOCK else parts
    if not isinstance(parts, list):
        return reply
    if kind == b"%":
        return kind, [(name, without_left_out(value)) for name, value in parts if name[1] not in LEFT_OUT]
    if len(parts) % 2 == 0 and parts and parts[0] in ((b"$", b"length"), (b"$", b"name")):
        pairs = zip(parts[::2], parts[1::2], strict=True)
        return kind, [(name, without_left_out(value)) for name, value in pairs if name[1] not in LEFT_OUT]
    return kind, [without_left_out(part) for part in parts]


def below_highest_deleted(ours, argv):
    """Whether an XSETID is one that 8.2 refuses and 7.0 does not."""
    database = ours.served.engine.databases[0]
    if database.type_of(argv[1]) != STREAM:
        return False
    ms, sequence = map(int, argv[2].split(b"-"))
    return StreamId(ms, sequence) < database.get_object(argv[1], STREAM).highest_deleted_id


def make_consumers(sides, argv):
    """8.2 makes consumers where 7.0 does not yet (nothing to read or claim): here all of them are always there."""
    for consumer in CONSUMERS:
        for side in sides:
            side.run([b"XGROUP", b"CREATECONSUMER", argv[2], argv[3], consumer])


def node_bytes(payload):
    """The nodes in a DUMP of a stream: (ID, listpack), as RDB files have them. Not compressed."""
    at = 1

    def length():
        nonlocal at
        kind, size = payload[at] >> 6, payload[at] & 0x3F
        if kind == 0:
            at += 1
            return size
        if kind == 1:
            at += 2
            return size << 8 | payload[at - 1]
        at += 5
        return int.from_bytes(payload[at - 4 : at], "big")

    def text():
        nonlocal at
        size = length()
        at += size
        return payload[at - size : at]

    return [(text(), text()) for _ in range(length())]


def compare_nodes(ours, real):
    for name in STREAMS:
        if ours.run([b"TYPE", name]) != (b"+", b"stream"):
            continue
        stream = ours.served.engine.databases[0].get_object(name, STREAM)
        mine = [(id.key, node) for id, node in stream.nodes_as_bytes()]
        assert mine == node_bytes(real.run([b"DUMP", name])[1])


def compare(ours, real, protocol, node_entries, node_bytes_limit, commands):
    setup = [
        [b"FLUSHALL", b"SYNC"],
        [b"CONFIG", b"SET", b"stream-node-max-entries", b"%d" % node_entries],
        [b"CONFIG", b"SET", b"stream-node-max-bytes", b"%d" % node_bytes_limit],
        [b"SET", b"string", b"text"],
    ]
    for side in (ours, real):
        side.run([b"HELLO", b"%d" % protocol])
        for argv in setup:
            assert side.run(argv) == (b"+", b"OK")
    for argv in commands:
        if argv[0] == b"XSETID" and below_highest_deleted(ours, argv):
            continue
        assert comparable(argv, ours.run(argv)) == comparable(argv, real.run(argv)), argv
        if argv[1] in (b"CREATE", b"DELCONSUMER"):
            make_consumers((ours, real), argv)
    for name in STREAMS:
        argv = [b"XINFO", b"STREAM", name, b"FULL", b"COUNT", b"0"]
        assert comparable(argv, ours.run(argv)) == comparable(argv, real.run(argv))
    compare_nodes(ours, real)


EXAMPLE = (
    st.sampled_from([2, 3]),
    st.sampled_from([100, 100, 3, 1, 0]),
    st.sampled_from([4096, 4096, 200, 0]),
    st.lists(COMMAND, min_size=20, max_size=COMMANDS_PER_EXAMPLE),
)


@pytest.fixture
def sides(real_server):
    real = Real(real_server)
    real.run([b"CONFIG", b"SET", b"rdbcompression", b"no"])
    yield Ours(Served()), real
    real.close()


@settings(max_examples=SHORT_EXAMPLES, **SETTINGS)
@given(*EXAMPLE)
def test_replies_as_redis(sides, protocol, node_entries, node_bytes_limit, commands):
    compare(*sides, protocol, node_entries, node_bytes_limit, commands)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_replies_as_redis_at_length(sides):
    done = 0

    @settings(max_examples=COMMANDS // 20, database=None, **SETTINGS)
    @given(*EXAMPLE)
    def run(protocol, node_entries, node_bytes_limit, commands):
        nonlocal done
        if done < COMMANDS:
            compare(*sides, protocol, node_entries, node_bytes_limit, commands)
            done += len(commands)

    run()
    assert done >= COMMANDS
