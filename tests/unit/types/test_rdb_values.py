"""Every type's values in the RDB format: round trips, a real server's payloads, older forms, refusals."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redracer.commands.debug_data import value_digest
from redracer.core import dump_payload
from redracer.core.rdb_reader import CorruptRdb, EmptyValue, RdbReader
from redracer.core.rdb_writer import OLDEST_RDB_VERSION, NotInVersion, RdbWriter
from redracer.core.type_spec import store, type_spec, type_spec_of_rdb
from tests.unit.commands.served import Served
from tests.unit.types.payloads import length, listpack, packed_string, payload, string, ziplist, zipmap

LATER = 4_000_000_000_000  # Unix time in ms, of 2096


def numbered(prefix, count):
    return [b"%s%d" % (prefix, number) for number in range(count)]


def pairs(count):
    return [part for number in range(count) for part in (b"field%d" % number, b"value%d" % (number * 7))]


def scored(count):
    return [part for number in range(count) for part in (b"%r" % (number * 0.37 - 5), b"member%d" % number)]


# Commands that make a value of each encoding at the key b"k", by name.
VALUES = {
    "integer": [[b"SET", b"k", b"-123456789"]],
    "long-integer": [[b"SET", b"k", b"9223372036854775807"]],
    "short-string": [[b"SET", b"k", b"hello"]],
    "empty-string": [[b"SET", b"k", b""]],
    "long-string": [[b"SET", b"k", bytes(range(256)) * 100]],
    "changed-string": [[b"SET", b"k", b"x" * 2000], [b"APPEND", b"k", b"y"]],
    "small-list": [[b"RPUSH", b"k", b"a", b"1", b"-4096", b"", b"x" * 300]],
    "large-list": [[b"RPUSH", b"k", *numbered(b"item", 3000)]],
    "list-of-large-items": [[b"RPUSH", b"k", b"a", b"b" * 20000, b"c", b"12345", b"d" * 9000]],
    "integers": [[b"SADD", b"k", b"1", b"-70000", b"5000000000", b"3"]],
    "short-integers": [[b"SADD", b"k", *numbered(b"", 500)]],
    "packed-set": [[b"SADD", b"k", b"a", b"17", b"", b"x" * 60]],
    "large-set": [[b"SADD", b"k", *numbered(b"member", 700)]],
    "packed-hash": [[b"HSET", b"k", b"a", b"1", b"b", b"", b"17", b"x" * 60]],
    "large-hash": [[b"HSET", b"k", *pairs(700)]],
    "hash-of-long-values": [[b"HSET", b"k", b"a", b"x" * 300, b"b", b"y" * 70000]],
    "packed-sorted-set": [
        [b"ZADD", b"k", b"1", b"a", b"-inf", b"b", b"1e300", b"c", b"+inf", b"d", b"0.1", b"e"]
    ],
    "large-sorted-set": [[b"ZADD", b"k", *scored(700)]],
    "empty-stream": [[b"XGROUP", b"CREATE", b"k", b"g", b"$", b"MKSTREAM"]],
    "stream": [
        [b"XADD", b"k", b"%d-%d" % (at // 7 + 1, at), b"a", b"%d" % at, b"b", b"x"] for at in range(1, 300)
    ]
    + [[b"XADD", b"k", b"900-1", b"other", b"field"], [b"XDEL", b"k", b"1-1", b"10-65", b"20-140"]],
    "stream-with-groups": [[b"XADD", b"k", b"%d-1" % at, b"a", b"b"] for at in range(1, 200)]
    + [[b"XGROUP", b"CREATE", b"k", name, b"0"] for name in (b"one", b"two", b"")]
    + [
        [b"XREADGROUP", b"GROUP", b"one", b"c1", b"COUNT", b"30", b"STREAMS", b"k", b">"],
        [b"XREADGROUP", b"GROUP", b"one", b"c2", b"COUNT", b"40", b"STREAMS", b"k", b">"],
        [b"XREADGROUP", b"GROUP", b"two", b"c1", b"COUNT", b"10", b"STREAMS", b"k", b">"],
        [b"XACK", b"k", b"one", b"3-1", b"31-1"],
        [b"XGROUP", b"CREATECONSUMER", b"k", b"two", b"idle"],
        [b"XGROUP", b"CREATE", b"k", b"lagging", b"50-1"],
        [b"XTRIM", b"k", b"MAXLEN", b"180"],
    ],
}
WITHOUT_ORDER = {
    "large-set",
    "large-hash",
    "hash-of-long-values",
}  # the same members, perhaps in another order
ENCODINGS_ONLY_HERE = {"packed-set"}  # since 7.2
COMPRESSED_LISTS = {"list-compress-depth": 1, "list-max-listpack-size": 64}


@pytest.fixture
def server():
    return Served()


@pytest.fixture(scope="module")
def shared():
    return Served()


@pytest.fixture
def clean_server(real_server):
    real_server.flushall()
    # What other tests have set, and a list's nodes depend on.
    real_server.config_set("list-max-listpack-size", -2)
    real_server.config_set("list-compress-depth", 0)
    return real_server


def value_at(server, key=b"k"):
    database = server.engine.databases[0]
    spec = type_spec(database.type_of(key))
    return spec, spec.value(database, key)


def dumped(server, key=b"k", **options):
    return dump_payload.dump(*value_at(server, key), **options)


def restored(server, data, key=b"restored"):
    """Puts the value of a payload at a key."""
    spec, value = dump_payload.restore(data, server.engine.config.values)
    store(spec, server.engine.databases[0], key, value, -1)
    return value


def digest(server, key):
    return value_digest(server.engine.databases[0], key).hex().encode()


def encoding(server, key):
    database = server.engine.databases[0]
    return type_spec(database.type_of(key)).encoding(database, key)


def real_digest(client, key):
    return client.execute_command("DEBUG", "DIGEST-VALUE", key)[0]


def described(server, key):
    """What the server tells of a stream, without what depends on when it is asked."""
    return server.run([b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"])


# --- out and in again


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("version", [10, 11, 12])
def test_round_trip(server, name, version):
    for line in VALUES[name]:
        server.run(line)
    restored(server, dumped(server, version=version))
    assert digest(server, b"restored") == digest(server, b"k")
    assert encoding(server, b"restored") == encoding(server, b"k")
    if name not in WITHOUT_ORDER and (name != "stream-with-groups" or version > 10):
        assert dumped(server, b"restored") == dumped(server)


@pytest.mark.parametrize("name", [name for name in VALUES if "stream" in name])
def test_groups_survive(server, name):
    for line in VALUES[name]:
        server.run(line)
    restored(server, dumped(server))
    assert b"groups" in described(server, b"k")
    assert described(server, b"restored") == described(server, b"k")
    server.run([b"RESTORE", b"again", b"0", dumped(server, version=10)])
    assert digest(server, b"again") == digest(server, b"k")


def test_compressed_nodes_are_written_as_they_are(server):
    server.engine.config.set_many(
        [(name.encode(), b"%d" % value) for name, value in COMPRESSED_LISTS.items()]
    )
    server.run([b"RPUSH", b"k", *numbered(b"the same text in every item ", 1000), b"z" * 20000, b"end"])
    _, value = value_at(server)
    assert value.compressed_nodes > 5
    found = restored(server, dumped(server, compression=False))
    assert found.compressed_nodes == value.compressed_nodes and found.nodes == value.nodes
    assert digest(server, b"restored") == digest(server, b"k")


texts = st.one_of(st.binary(max_size=80), st.integers(-(2**65), 2**65).map(b"%d".__mod__))
some_texts = st.lists(texts, min_size=1, max_size=40)
scores = st.floats(allow_nan=False)
BUILDERS = st.one_of(
    texts.map(lambda text: [b"SET", b"k", text]),
    some_texts.map(lambda items: [b"RPUSH", b"k", *items]),
    some_texts.map(lambda items: [b"SADD", b"k", *items]),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1).map(
        lambda items: [b"SADD", b"k", *map(b"%d".__mod__, items)]
    ),
    st.dictionaries(texts, texts, min_size=1).map(
        lambda items: [b"HSET", b"k", *[part for item in items.items() for part in item]]
    ),
    st.dictionaries(texts, scores, min_size=1).map(
        lambda items: [
            b"ZADD",
            b"k",
            *[part for member, score in items.items() for part in (repr(score).encode(), member)],
        ]
    ),
    st.lists(some_texts.filter(lambda items: len(items) % 2 == 0), min_size=1, max_size=5),
)
LIMITS = st.fixed_dictionaries(
    {
        "list-max-listpack-size": st.sampled_from([-2, 3, 128]),
        "list-compress-depth": st.sampled_from([0, 1]),
        "hash-max-listpack-entries": st.sampled_from([0, 5, 128]),
        "hash-max-listpack-value": st.sampled_from([10, 64]),
        "set-max-intset-entries": st.sampled_from([0, 3, 512]),
        "set-max-listpack-entries": st.sampled_from([0, 3, 128]),
        "set-max-listpack-value": st.sampled_from([10, 64]),
        "zset-max-listpack-entries": st.sampled_from([0, 5, 128]),
        "zset-max-listpack-value": st.sampled_from([10, 64]),
    }
)


@settings(deadline=None)
@given(BUILDERS, LIMITS, LIMITS)
def test_any_value_survives_under_any_limits(shared, builder, limits, other_limits):
    shared.run(b"FLUSHALL")
    set_limits(shared, limits)
    lines = builder if isinstance(builder[0], list) else [builder]
    for line in lines:
        shared.run([b"XADD", b"k", b"*", *line] if lines is builder else line)
    before = dumped(shared)
    set_limits(shared, other_limits)
    restored(shared, before)
    assert digest(shared, b"restored") == digest(shared, b"k")
    restored(shared, dumped(shared, b"restored", version=OLDEST_RDB_VERSION), b"again")
    assert digest(shared, b"again") == digest(shared, b"k")
    restored(shared, dumped(shared, b"restored"), b"again")
    restored(
        shared, dumped(shared, b"again"), b"once more"
    )  # a table may first become what its members allow
    assert encoding(shared, b"once more") == encoding(shared, b"again")


def set_limits(server, limits):
    server.engine.config.set_many([(name.encode(), b"%d" % value) for name, value in limits.items()])


# --- a real server


@pytest.mark.parametrize("name", VALUES)
def test_payloads_cross_both_ways(server, clean_server, name):
    for line in VALUES[name]:
        server.run(line)
        clean_server.execute_command(*line)
    restored(server, clean_server.execute_command("DUMP", b"k"), b"theirs")
    assert digest(server, b"theirs") == digest(server, b"k") == real_digest(clean_server, b"k")
    if name not in ENCODINGS_ONLY_HERE:
        assert encoding(server, b"theirs") == encoding(server, b"k")
    clean_server.execute_command("RESTORE", b"ours", 0, dumped(server, version=OLDEST_RDB_VERSION))
    assert real_digest(clean_server, b"ours") == digest(server, b"k")
    if "stream" in name:
        theirs = clean_server.execute_command("XINFO", "STREAM", b"k", "FULL", "COUNT", 0)
        ours = clean_server.execute_command("XINFO", "STREAM", b"ours", "FULL", "COUNT", 0)
        assert without_times(ours) == without_times(theirs)


def without_times(reply):
    """A reply with every Unix time in ms replaced, and what counts nodes of an index left out."""
    if isinstance(reply, list):
        return [without_times(part) for part in reply]
    if isinstance(reply, dict):
        return {name: without_times(part) for name, part in reply.items() if "radix" not in str(name)}
    return "time" if isinstance(reply, int) and reply > 10**12 else reply


OLD_PAIRS = [b"field", b"value", b"1", b"-5", b"12", b"13", b"300", b"-70000", b"9000000", b"5000000000"]
LONG_PAIRS = [b"a" * 63, b"b" * 64, b"c" * 253, b"d" * 16384]
OLD_VALUES = {
    "list": b"\x01\x03" + string(b"a") + packed_string(b"17") + packed_string(b"x" * 100),
    "list-ziplist": b"\x0a" + string(ziplist([*OLD_PAIRS, *LONG_PAIRS, b""])),
    "list-quicklist": b"\x0e\x02" + string(ziplist(OLD_PAIRS)) + packed_string(ziplist(LONG_PAIRS)),
    "list-quicklist-with-empty-node": b"\x0e\x02" + string(ziplist([])) + string(ziplist(OLD_PAIRS)),
    "set": b"\x02\x03" + string(b"a") + packed_string(b"17") + string(b"b"),
    "zset-text-scores": b"\x03\x04" + b"\1a\x0317\x2e\1b\xfe\1c\xff\1d\x16-1.23450000000000006e1",
    "zset-ziplist": b"\x0c" + string(ziplist([b"a", b"1", b"b", b"2.5", b"c", b"100000"])),
    "hash-ziplist": b"\x0d" + string(ziplist(OLD_PAIRS)),
    "hash-long-ziplist": b"\x0d" + string(ziplist(LONG_PAIRS)),
    "hash-zipmap": b"\x09" + string(zipmap([(b"a", b"1"), (b"", b"value")], unused=3)),
    "hash-long-zipmap": b"\x09" + string(zipmap([(b"f" * 253, b"v" * 254), (b"g" * 300, b"")])),
}


@pytest.mark.parametrize("name", OLD_VALUES)
def test_old_encodings(server, clean_server, name):
    data = payload(OLD_VALUES[name], version=6)
    restored(server, data)
    clean_server.execute_command("RESTORE", b"k", 0, data)
    assert digest(server, b"restored") == real_digest(clean_server, b"k")


def old_stream(server, kind):
    """The stream at b"k" as Redis 5 (15) or 7.0 (19) wrote it."""
    _, stream = value_at(server)
    nodes = stream.nodes_as_bytes()
    content = bytes([kind]) + length(len(nodes))
    for master, node in nodes:
        content += string(master.key) + string(node)
    content += length(stream.length) + length(stream.last_id.ms) + length(stream.last_id.sequence)
    if kind == 19:
        for id in (stream.first_id, stream.highest_deleted_id):
            content += length(id.ms) + length(id.sequence)
        content += length(stream.entries_added)
    groups = stream.sorted_groups()
    content += length(len(groups))
    for group in groups:
        content += string(group.name) + length(group.last_id.ms) + length(group.last_id.sequence)
        content += length(group.entries_read % 2**64) if kind == 19 else b""
        content += b"\1" + group.last_id.key + struct.pack("<q", 1000) + b"\2"
        content += b"\1" + string(b"consumer") + struct.pack("<q", 2000) + b"\1" + group.last_id.key
    return payload(content, version=9)


@pytest.mark.parametrize("kind", [15, 19])
def test_old_streams(server, clean_server, kind):
    for line in VALUES["stream"]:
        server.run(line)
    server.run(b"XGROUP CREATE k g 900-1")
    data = old_stream(server, kind)
    value = restored(server, data)
    clean_server.execute_command("RESTORE", b"k", 0, data)
    assert digest(server, b"restored") == real_digest(clean_server, b"k") == digest(server, b"k")
    _, before = value_at(server)
    assert value.last_id == before.last_id and value.first_id == before.first_id
    assert value.entries_added == (before.entries_added if kind == 19 else before.length)
    group = value.group(b"g")
    assert group.consumers[b"consumer"].seen_at == group.consumers[b"consumer"].active_at == 2000
    assert group.describe(group.last_id) == (b"consumer", 1000, 2)
    theirs = clean_server.execute_command("XINFO", "GROUPS", b"k")[0]
    assert theirs[b"entries-read"] == (group.entries_read if group.entries_read >= 0 else None)


# --- fields that expire


@pytest.mark.parametrize("entries", [b"0", b"128"])
def test_expiries_of_fields_survive(server, entries):
    server.run(b"CONFIG SET hash-max-listpack-entries " + entries)
    server.run([b"HSET", b"k", *pairs(30)])
    for number in range(0, 30, 3):
        server.run(b"HPEXPIREAT k %d FIELDS 1 field%d" % (LATER + number % 7, number))
    server.run([b"RESTORE", b"restored", b"0", dumped(server)])
    asked = [b"HPEXPIRETIME", b"k", b"FIELDS", b"30", *pairs(30)[::2]]
    times = server.run(asked)
    assert times.count(b"%d" % LATER) and times.count(b":-1\r\n") == 20
    assert server.run([b"HPEXPIRETIME", b"restored", *asked[2:]]) == times
    assert digest(server, b"restored") == digest(server, b"k")
    assert encoding(server, b"restored") == encoding(server, b"k")


EXPIRING = {
    22: length(3) + length(LATER) + b"\1a\0011" + length(0) + b"\1b\0012" + length(LATER + 5) + b"\1c\0013",
    23: string(listpack([b"a", b"1", b"%d" % LATER, b"c", b"3", b"%d" % (LATER + 5), b"b", b"2", b"0"])),
    24: struct.pack("<q", LATER) + b"\3" + b"\1\1a\0011" + b"\0\1b\0012" + b"\6\1c\0013",
    25: struct.pack("<q", LATER)
    + string(listpack([b"a", b"1", b"%d" % LATER, b"c", b"3", b"%d" % (LATER + 5), b"b", b"2", b"0"])),
}


@pytest.mark.parametrize("kind", EXPIRING)
@pytest.mark.parametrize("entries", [b"2", b"128"])
def test_forms_of_expiring_fields(server, kind, entries):
    server.run(b"CONFIG SET hash-max-listpack-entries " + entries)
    server.run([b"RESTORE", b"k", b"0", payload(bytes([kind]) + EXPIRING[kind])])
    expected = b"*3\r\n:%d\r\n:-1\r\n:%d\r\n" % (LATER, LATER + 5)
    assert server.run(b"HPEXPIRETIME k FIELDS 3 a b c") == expected
    assert server.run(b"HMGET k a b c") == b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n"
    assert encoding(server, b"k") == (b"hashtable" if entries == b"2" else b"listpackex")
    if entries != b"2":
        assert dumped(server, compression=False)[:-10] == bytes([25]) + EXPIRING[25]


def test_older_versions_have_no_expiries_of_fields(server):
    server.run(b"HSET k a 1 b 2")
    server.run(b"HPEXPIREAT k %d FIELDS 1 a" % LATER)
    for version in (10, 11):
        with pytest.raises(NotInVersion):
            dumped(server, version=version)
    server.run(b"HPERSIST k FIELDS 1 a")
    assert encoding(server, b"k") == b"listpackex"
    for version in (10, 11, 12):
        restored(server, dumped(server, version=version))
        assert digest(server, b"restored") == digest(server, b"k")


# --- thresholds


@pytest.mark.parametrize(
    ("option", "content", "small", "large"),
    [
        (
            "hash-max-listpack-entries",
            b"\x10" + string(listpack([b"a", b"1", b"b", b"2"])),
            b"listpack",
            b"hashtable",
        ),
        ("hash-max-listpack-entries", b"\x04\x02\1a\0011\1b\0012", b"listpack", b"hashtable"),
        (
            "hash-max-listpack-entries",
            b"\x0d" + string(ziplist([b"a", b"1", b"b", b"2"])),
            b"listpack",
            b"hashtable",
        ),
        ("set-max-listpack-entries", b"\x14" + string(listpack([b"a", b"b"])), b"listpack", b"hashtable"),
        ("set-max-listpack-entries", b"\x02\x02\1a\1b", b"listpack", b"hashtable"),
        (
            "set-max-intset-entries",
            b"\x0b" + string(struct.pack("<IIhh", 2, 2, 1, 2)),
            b"intset",
            b"hashtable",
        ),
        (
            "zset-max-listpack-entries",
            b"\x11" + string(listpack([b"a", b"1", b"b", b"2"])),
            b"listpack",
            b"skiplist",
        ),
        (
            "zset-max-listpack-entries",
            b"\x05\x02\1a" + bytes(8) + b"\1b" + bytes(8),
            b"listpack",
            b"skiplist",
        ),
        (
            "list-max-listpack-size",
            b"\x12\x01\x02" + string(listpack([b"a", b"b"])),
            b"listpack",
            b"quicklist",
        ),
        ("list-max-listpack-size", b"\x01\x02\1a\1b", b"listpack", b"quicklist"),
        ("list-max-listpack-size", b"\x0a" + string(ziplist([b"a", b"b"])), b"listpack", b"quicklist"),
    ],
)
def test_limits_decide_on_the_encoding(server, option, content, small, large):
    for limit, expected in ((2, small), (1, large)):
        server.engine.config.set_many([(option.encode(), b"%d" % limit)])
        restored(server, payload(content))
        assert encoding(server, b"restored") == expected


def test_long_parts_are_not_packed(server):
    long = string(b"x" * 65)
    for content in (b"\x04\x02\1a\0011\1b" + long, b"\x02\x02\1a" + long, b"\x05\x01" + long + bytes(8)):
        restored(server, payload(content))
        assert encoding(server, b"restored") in (b"hashtable", b"skiplist")


# --- refusals


NAN = struct.pack("<d", math.nan)
NODE = listpack([b"1", b"0", b"1", b"f", b"0", b"2", b"0", b"0", b"v", b"4"])
STREAM_OF_ONE = b"\x01" + string(bytes(7) + b"\1" + bytes(8)) + string(NODE) + b"\x01" + b"\1\0"
WRONG = {
    "duplicate-hash-fields": b"\x04\x02\1a\0011\1a\0012",
    "duplicate-packed-fields": b"\x10" + string(listpack([b"a", b"1", b"a", b"2"])),
    "duplicate-ziplist-fields": b"\x0d" + string(ziplist([b"17", b"1", b"17", b"2"])),
    "duplicate-zipmap-fields": b"\x09" + string(zipmap([(b"a", b"1"), (b"a", b"2")])),
    "odd-hash": b"\x10" + string(listpack([b"a", b"1", b"b"])),
    "odd-expiring-hash": b"\x19" + bytes(8) + string(listpack([b"a", b"1", b"0", b"b"])),
    "expiry-is-text": b"\x19" + bytes(8) + string(listpack([b"a", b"1", b"soon"])),
    "negative-expiry": b"\x19" + bytes(8) + string(listpack([b"a", b"1", b"-5"])),
    "expiries-unsorted": b"\x19" + bytes(8) + string(listpack([b"a", b"1", b"9", b"b", b"1", b"5"])),
    "expiring-after-never": b"\x19" + bytes(8) + string(listpack([b"a", b"1", b"0", b"b", b"1", b"5"])),
    "expiry-beyond-time": b"\x18" + b"\xff" * 7 + b"\x7f\1\x7f\xff\1a\0011",
    "negative-first-expiry": b"\x18" + b"\xff" * 8 + b"\1\2\1a\0011",
    "duplicate-expiring-fields": b"\x18" + bytes(8) + b"\2" + b"\1\1a\0011" * 2,
    "duplicate-members": b"\x02\x02\1a\1a",
    "duplicate-integers": b"\x02\x02\xc0\5\xc0\5",
    "duplicate-packed-members": b"\x14" + string(listpack([b"a", b"b", b"a"])),
    "intset-unsorted": b"\x0b" + string(struct.pack("<IIhh", 2, 2, 2, 1)),
    "intset-duplicates": b"\x0b" + string(struct.pack("<IIhh", 2, 2, 2, 2)),
    "intset-width": b"\x0b" + string(struct.pack("<IIhh", 3, 2, 1, 2)),
    "intset-count": b"\x0b" + string(struct.pack("<IIhh", 2, 3, 1, 2)),
    "intset-huge-count": b"\x0b" + string(struct.pack("<IIhh", 8, 0xFFFFFFFF, 1, 2)),
    "nan-score": b"\x05\x01\1a" + NAN,
    "nan-text-score": b"\x03\x01\1a\xfd",
    "word-score": b"\x03\x01\1a\4word",
    "packed-word-score": b"\x11" + string(listpack([b"a", b"word"])),
    "packed-nan-score": b"\x11" + string(listpack([b"a", b"nan"])),
    "unsorted-scores": b"\x11" + string(listpack([b"a", b"2", b"b", b"1"])),
    "unsorted-members": b"\x11" + string(listpack([b"b", b"1", b"a", b"1"])),
    "duplicate-scored-members": b"\x05\x02" + (b"\1a" + bytes(8)) * 2,
    "duplicate-packed-scored-members": b"\x11" + string(listpack([b"a", b"1", b"a", b"2"])),
    "odd-sorted-set": b"\x11" + string(listpack([b"a", b"1", b"b"])),
    "node-of-no-kind": b"\x12\x01\x03" + string(listpack([b"a"])),
    "empty-plain-node": b"\x12\x01\x01\x00",
    "list-cut": b"\x12\x02\x02" + string(listpack([b"a"])),
    "listpack-count": b"\x12\x01\x02" + string(b"\x09\0\0\0\2\0\1\1\xff"),
    "listpack-end": b"\x12\x01\x02" + string(b"\x09\0\0\0\1\0\1\1\xfe"),
    "listpack-total": b"\x12\x01\x02" + string(b"\x0a\0\0\0\1\0\1\1\xff"),
    "ziplist-total": b"\x0a" + string(b"\xff" + ziplist([b"a"])[1:]),
    "ziplist-tail": b"\x0a" + string(ziplist([b"a", b"b"])[:4] + b"\x0a" + ziplist([b"a", b"b"])[5:]),
    "ziplist-count": b"\x0a" + string(ziplist([b"a"])[:8] + b"\2" + ziplist([b"a"])[9:]),
    "ziplist-before": b"\x0a" + string(ziplist([b"a", b"b"]).replace(b"\3\1b", b"\4\1b")),
    "ziplist-string-beyond": b"\x0a" + string(ziplist([b"a"]).replace(b"\0\1a", b"\0\x3fa")),
    "ziplist-encoding": b"\x0a" + string(ziplist([b"a"]).replace(b"\0\1a", b"\0\xf0a")),
    "zipmap-empty": b"\x09" + string(zipmap([])),
    "zipmap-count": b"\x09" + string(b"\2" + zipmap([(b"a", b"1")])[1:]),
    "zipmap-beyond": b"\x09" + string(b"\1\x05a\1\0001\xff"),
    "zipmap-free-beyond": b"\x09" + string(b"\1\1a\1\xff1\xff"),
    "zipmap-long-form": b"\x09" + string(b"\1\xfe\1\0\0\0a\1\0001\xff"),
    "zipmap-no-value": b"\x09" + string(b"\1\1a\xff"),
    "stream-node-id": b"\x15\x01" + string(b"short") + string(NODE),
    "stream-node": b"\x15\x01" + string(bytes(16)) + string(listpack([b"1", b"0"])),
    "stream-node-counts": b"\x15\x01" + string(bytes(16)) + string(NODE.replace(b"\1\1\0\1", b"\2\1\0\1", 1)),
    "stream-nodes-twice": b"\x15\x02" + (string(bytes(16)) + string(NODE)) * 2,
    "stream-without-nodes": b"\x0f\0\5" + b"\1\0" + b"\0",
    "stream-last-id": b"\x0f\x01" + string(b"\1" * 16) + string(NODE) + b"\1\1\1\0",
    "stream-group-twice": b"\x0f" + STREAM_OF_ONE + b"\2" + b"\1g\1\0\0\0" * 2,
    "stream-pending-without-consumer": b"\x0f" + STREAM_OF_ONE + b"\1\1g\1\0\1" + bytes(24) + b"\1\0",
    "stream-pending-twice": b"\x0f" + STREAM_OF_ONE + b"\1\1g\1\0\2" + (bytes(24) + b"\1") * 2 + b"\0",
    "stream-consumer-twice": b"\x0f" + STREAM_OF_ONE + b"\1\1g\1\0\0\2" + (b"\1c" + bytes(8) + b"\0") * 2,
    "stream-consumers-pending": b"\x0f" + STREAM_OF_ONE + b"\1\1g\1\0\0\1\1c" + bytes(8) + b"\1" + bytes(16),
}
EMPTY = {
    "list": b"\x01\0",
    "set": b"\x02\0",
    "sorted-set": b"\x05\0",
    "old-sorted-set": b"\x03\0",
    "hash": b"\x04\0",
    "expiring-hash": b"\x18" + bytes(8) + b"\0",
    "packed-hash": b"\x10" + string(listpack([])),
    "packed-set": b"\x14" + string(listpack([])),
    "packed-sorted-set": b"\x11" + string(listpack([])),
    "intset": b"\x0b" + string(struct.pack("<II", 2, 0)),
    "quicklist": b"\x12\0",
    "quicklist-of-empty-nodes": b"\x12\2" + (b"\2" + string(listpack([]))) * 2,
    "ziplist": b"\x0a" + string(ziplist([])),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_values(shared, name):
    with pytest.raises(CorruptRdb) as refusal:
        dump_payload.restore(payload(WRONG[name]), shared.engine.config.values)
    assert not isinstance(refusal.value, EmptyValue)


@pytest.mark.parametrize("name", EMPTY)
def test_empty_values(shared, name):
    with pytest.raises(EmptyValue):
        dump_payload.restore(payload(EMPTY[name]), shared.engine.config.values)


def test_what_redis_checks_in_depth_only_may_be_left_out(shared):
    for name in ("duplicate-packed-fields", "duplicate-packed-members", "unsorted-scores"):
        content = WRONG[name]
        reader = RdbReader(content[1:], shared.engine.config.values, sanitize=False)
        assert type_spec_of_rdb(content[0]).rdb.load(reader, content[0]) is not None
        assert reader.remaining == 0


def test_every_cut_is_noticed(server):
    for name, lines in VALUES.items():
        server.run(b"FLUSHALL")
        for line in lines:
            server.run(line)
        content = dumped(server)[:-10]
        for cut in range(0, len(content), 1 + len(content) // 60):
            with pytest.raises(CorruptRdb):
                dump_payload.restore(payload(content[:cut]), server.engine.config.values)
                pytest.fail(f"{name}: cut at {cut}")


def test_codecs_take_their_own_types_only(shared):
    reader = RdbReader(b"\0", {})
    with pytest.raises(ValueError, match="another type"):
        type_spec_of_rdb(0).rdb.load(reader, 1)
    assert type_spec_of_rdb(7) is None
    assert RdbWriter().version == 12
