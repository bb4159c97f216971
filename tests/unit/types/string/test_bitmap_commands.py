"""The bitmap and HyperLogLog commands, through an engine.

First by hand, then against a real server where one is installed: replies, values, number of changes.
"""

from itertools import chain
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import redracer.commands
import redracer.types
from redracer.core import errors, hyperloglog
from redracer.core.entry import LIST
from redracer.core.replies import Error, Status
from redracer.engine.config import Config
from redracer.engine.engine import Engine
from redracer.types.string import bitmap_commands

KEYS = [b"a", b"b", b"c"]


class Store:
    """An engine and one client of it."""

    def __init__(self) -> None:
        redracer.commands.load()
        redracer.types.load()
        self.engine = Engine(Config())
        self.client = self.engine.connect(None)

    def run(self, *args: bytes) -> Any:
        """The reply; an error as b"-" and its text, a status as its text."""
        command = self.engine.dispatcher.resolve(list(args))
        assert command is not None
        reply = self.engine.dispatcher.call(self.client, command, list(args))
        if isinstance(reply, Error):
            return b"-" + reply.text
        return reply.text if isinstance(reply, Status) else reply

    @property
    def dirty(self) -> int:
        return self.engine.effects.dirty


@pytest.fixture
def store() -> Store:
    return Store()


def test_setbit(store: Store) -> None:
    assert store.run(b"SETBIT", b"a", b"9", b"0") == 0
    assert store.run(b"GET", b"a") == b"\0\0"
    assert store.dirty == 1
    assert store.run(b"SETBIT", b"a", b"9", b"0") == 0
    assert store.dirty == 1
    assert store.run(b"SETBIT", b"a", b"9", b"1") == 0
    assert store.run(b"SETBIT", b"a", b"9", b"1") == 1
    assert store.dirty == 2
    assert store.run(b"GET", b"a") == b"\0\x40"
    assert [store.run(b"GETBIT", b"a", offset) for offset in (b"8", b"9", b"10", b"4000000000")] == [
        0,
        1,
        0,
        0,
    ]
    assert store.run(b"GETBIT", b"missing", b"0") == 0
    for offset in (b"-1", b"x", b"4294967296", b"01"):
        assert store.run(b"SETBIT", b"a", offset, b"1") == b"-" + errors.BIT_OFFSET
    assert store.run(b"SETBIT", b"a", b"1", b"2") == b"-" + errors.BIT_VALUE


def test_setbit_of_a_large_string_is_in_place(store: Store) -> None:
    store.run(b"SETBIT", b"a", b"800000", b"1")
    store.run(b"SETBIT", b"a", b"7", b"1")
    assert store.run(b"BITCOUNT", b"a") == 2
    assert store.run(b"BITPOS", b"a", b"1", b"1") == 800000
    assert store.run(b"STRLEN", b"a") == 100001


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        (b"AND", b"\x01\x00"),
        (b"or", b"\x7f\xf0"),
        (b"XOR", b"\x6b\xf0"),
        (b"DIFF", b"\x42\x00"),
        (b"diff1", b"\x28\xf0"),
        (b"ANDOR", b"\x15\x00"),
        (b"ONE", b"\x6a\xf0"),
    ],
)
def test_bitop(store: Store, operation: bytes, result: bytes) -> None:
    for key, value in ((b"x", b"\x57"), (b"y", b"\x11\xf0"), (b"z", b"\x2d")):
        store.run(b"SET", key, value)
    assert store.run(b"BITOP", operation, b"target", b"x", b"y", b"z") == 2
    assert store.run(b"GET", b"target") == result


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"BITCOUNT a 0", errors.SYNTAX),
        (b"BITCOUNT a 0 1 WORD", errors.SYNTAX),
        (b"BITCOUNT a 0 1 BIT 2", errors.SYNTAX),
        (b"BITCOUNT missing 0 x", errors.NOT_INTEGER),
        (b"BITPOS a 2", errors.BIT_ARGUMENT),
        (b"BITPOS a x", errors.NOT_INTEGER),
        (b"BITPOS missing 1 x", errors.NOT_INTEGER),
        (b"BITPOS a 1 0 x", errors.NOT_INTEGER),
        (b"BITPOS a 1 0 1 WORD", errors.SYNTAX),
        (b"BITPOS a 1 0 1 BIT 2", errors.SYNTAX),
    ],
)
def test_ranges_are_checked(store: Store, line: bytes, message: bytes) -> None:
    assert store.run(*line.split()) == b"-" + message


def test_bitop_refuses_and_deletes(store: Store) -> None:
    store.run(b"SET", b"target", b"1", b"EX", b"100")
    assert store.run(b"BITOP", b"NAND", b"target", b"x") == b"-" + errors.SYNTAX
    assert store.run(b"BITOP", b"NOT", b"target", b"x", b"y") == b"-" + errors.BITOP_NOT_SOURCES
    message = b"-ERR BITOP ANDOR must be called with at least two source keys."
    assert store.run(b"BITOP", b"andor", b"target", b"x") == message
    dirty = store.dirty
    assert store.run(b"BITOP", b"ONE", b"target", b"x") == 0
    assert store.dirty == dirty + 1
    assert store.run(b"GET", b"target") is None
    assert store.run(b"BITOP", b"ONE", b"target", b"x") == 0
    assert store.dirty == dirty + 1


def test_other_types_are_refused(store: Store) -> None:
    store.client.db.set_object(b"list", LIST, object())
    wrong_type = b"-" + errors.WRONG_TYPE
    for line in (
        b"SETBIT list 0 1",
        b"GETBIT list 0",
        b"BITCOUNT list",
        b"BITPOS list 1",
        b"BITOP NOT target list",
        b"BITFIELD list GET u8 0",
        b"BITFIELD list SET u8 0 1",
        b"BITFIELD_RO list GET u8 0",
        b"PFADD list a",
        b"PFCOUNT list",
        b"PFMERGE target list",
    ):
        assert store.run(*line.split()) == wrong_type, line


def test_bitfield(store: Store) -> None:
    assert store.run(b"BITFIELD", b"a") == []
    assert store.run(b"BITFIELD", b"a", b"GET", b"u8", b"0") == [0]
    assert store.run(b"EXISTS", b"a") == 0
    writes = (
        b"SET u8 #1 255 INCRBY u8 #1 10 OVERFLOW SAT INCRBY u8 #1 -20 OVERFLOW FAIL INCRBY i4 0 8 GET u8 8"
    )
    assert store.run(b"BITFIELD", b"a", *writes.split()) == [0, 9, 0, None, 0]
    assert store.run(*b"BITFIELD a OVERFLOW SAT SET u8 0 -1 SET i8 0 -300 GET u63 0".split()) == [
        0,
        -1,
        1 << 62,
    ]
    assert store.run(*b"BITFIELD a SET i64 0 -9223372036854775808 INCRBY i64 0 -1".split())[1] == 2**63 - 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"BITFIELD a GET u64 0", errors.BITFIELD_TYPE),
        (b"BITFIELD a GET i65 0", errors.BITFIELD_TYPE),
        (b"BITFIELD a GET u0 0", errors.BITFIELD_TYPE),
        (b"BITFIELD a GET x8 0", errors.BITFIELD_TYPE),
        (b"BITFIELD a GET u8 -1", errors.BIT_OFFSET),
        (b"BITFIELD a GET u8 ##1", errors.BIT_OFFSET),
        (b"BITFIELD a GET u8 #9223372036854775807", errors.BIT_OFFSET),
        (b"BITFIELD a SET u8 0 x", errors.NOT_INTEGER),
        (b"BITFIELD a SET u8 0", errors.SYNTAX),
        (b"BITFIELD a OVERFLOW", errors.SYNTAX),
        (b"BITFIELD a OVERFLOW no GET u8 0", errors.BITFIELD_OVERFLOW),
        (b"BITFIELD a UNDO", errors.SYNTAX),
        (b"BITFIELD_RO a SET u8 0 1", errors.BITFIELD_READ_ONLY),
    ],
)
def test_bitfield_refuses(store: Store, line: bytes, message: bytes) -> None:
    assert store.run(*line.split()) == b"-" + message
    assert store.dirty == 0


def test_keys_of_bitfield_are_read_only_without_writes() -> None:
    def flags(line: bytes) -> int:
        [(position, flags)] = bitmap_commands.field_keys(line.split())
        assert position == 1
        return flags

    reads = flags(b"BITFIELD a GET u8 0 OVERFLOW SAT get u8 8")
    assert reads == flags(b"BITFIELD a")
    assert reads != flags(b"BITFIELD a GET u8 0 SET u8 0 1")


def test_hyperloglog(store: Store) -> None:
    assert store.run(b"PFADD", b"h") == 1
    assert store.run(b"PFADD", b"h") == 0
    assert store.run(b"PFADD", b"h", b"a", b"b", b"a") == 1
    assert store.dirty == 3
    assert store.run(b"PFCOUNT", b"h") == 2
    assert store.dirty == 4
    assert store.run(b"PFCOUNT", b"h") == 2
    assert store.dirty == 4
    store.run(b"PFADD", b"i", b"b", b"c")
    assert store.run(b"PFCOUNT", b"h", b"i", b"missing") == 3
    assert store.run(b"PFMERGE", b"target", b"h", b"i") == b"OK"
    assert store.run(b"PFCOUNT", b"target") == 3
    assert store.run(b"PFCOUNT", b"missing") == 0


def test_hyperloglog_keeps_the_expiry(store: Store) -> None:
    store.run(b"SET", b"h", hyperloglog.EMPTY, b"EX", b"100")
    store.run(b"PFADD", b"h", b"a")
    assert store.client.db.expiry_of(b"h") > 0


def test_hyperloglog_refuses(store: Store) -> None:
    store.run(b"SET", b"text", b"text")
    store.run(b"SET", b"broken", hyperloglog.EMPTY + b"hello")
    no_sketch, corrupted = b"-" + errors.NO_SKETCH, b"-" + errors.CORRUPTED_SKETCH
    for line in (b"PFADD text a", b"PFCOUNT text", b"PFCOUNT x text", b"PFMERGE x text", b"PFMERGE text"):
        assert store.run(*line.split()) == no_sketch
    for line in (b"PFCOUNT broken", b"PFCOUNT x broken", b"PFMERGE x broken", b"PFDEBUG GETREG broken"):
        assert store.run(*line.split()) == corrupted
    assert store.run(b"PFDEBUG", b"ENCODING", b"missing") == b"-" + errors.NO_SPECIFIED_KEY
    assert store.run(b"PFDEBUG", b"nothing", b"broken") == b"-" + errors.unknown_pfdebug(b"nothing")


def test_pfdebug(store: Store) -> None:
    store.run(b"PFADD", b"h", b"a")
    assert store.run(b"PFDEBUG", b"ENCODING", b"h") == b"sparse"
    assert store.run(b"PFDEBUG", b"DECODE", b"h").startswith(b"Z:")
    assert store.run(b"PFDEBUG", b"TODENSE", b"h") == 1
    assert store.run(b"PFDEBUG", b"TODENSE", b"h") == 0
    assert store.run(b"PFDEBUG", b"ENCODING", b"h") == b"dense"
    assert store.run(b"PFDEBUG", b"DECODE", b"h") == b"-" + errors.SKETCH_NOT_SPARSE
    assert sum(register > 0 for register in store.run(b"PFDEBUG", b"GETREG", b"h")) == 1


def test_self_test() -> None:
    assert hyperloglog.self_test(1, 3000, 10_000) is None


# Against a real server.

NUMBER = st.one_of(
    st.integers(-20, 20),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([2**62, 2**31, -(2**63), 255, 127]),
).map(lambda number: b"%d" % number)
POSITION = st.one_of(st.integers(-2, 90).map(lambda number: b"%d" % number), st.just(b"x"))
# Redis 7.0 does not look at the range of a missing key, so only good ones are compared.
EDGE = st.integers(-90, 90).map(lambda number: b"%d" % number)
UNIT = st.sampled_from([[], [b"BIT"], [b"byte"]])
KEY = st.sampled_from(KEYS)
TYPE = st.one_of(
    st.tuples(st.sampled_from([b"i", b"u"]), st.integers(1, 63)).map(lambda pair: b"%s%d" % pair),
    st.sampled_from([b"i64", b"u64", b"u0", b"8"]),
)
OFFSET = st.one_of(POSITION, st.integers(0, 9).map(lambda number: b"#%d" % number))
FIELD = st.one_of(
    st.tuples(st.just(b"GET"), TYPE, OFFSET),
    st.tuples(st.sampled_from([b"SET", b"incrby"]), TYPE, OFFSET, NUMBER),
    st.tuples(st.just(b"OVERFLOW"), st.sampled_from([b"WRAP", b"sat", b"FAIL", b"no"])),
).map(list)
FIELDS = st.lists(FIELD, max_size=4).map(lambda fields: list(chain.from_iterable(fields)))
COMMAND = st.one_of(
    st.tuples(st.just(b"SET"), KEY, st.binary(max_size=12)).map(list),
    st.tuples(st.just(b"SET"), KEY, NUMBER).map(list),
    st.tuples(st.just(b"SETBIT"), KEY, POSITION, st.sampled_from([b"0", b"1", b"2"])).map(list),
    st.tuples(st.just(b"GETBIT"), KEY, POSITION).map(list),
    KEY.map(lambda key: [b"BITCOUNT", key]),
    st.tuples(KEY, EDGE, EDGE, UNIT).map(lambda four: [b"BITCOUNT", *four[:3], *four[3]]),
    st.tuples(KEY, st.sampled_from([b"0", b"1"]), st.lists(EDGE, max_size=1)).map(
        lambda three: [b"BITPOS", three[0], three[1], *three[2]]
    ),
    st.tuples(KEY, st.sampled_from([b"0", b"1"]), EDGE, EDGE, UNIT).map(
        lambda five: [b"BITPOS", *five[:4], *five[4]]
    ),
    st.tuples(
        st.sampled_from([b"AND", b"OR", b"XOR", b"NOT"]), KEY, st.lists(KEY, min_size=1, max_size=3)
    ).map(lambda three: [b"BITOP", three[0], three[1], *three[2]]),
    st.tuples(st.sampled_from([b"BITFIELD", b"BITFIELD_RO"]), KEY, FIELDS).map(
        lambda three: [three[0], three[1], *three[2]]
    ),
    st.tuples(st.sampled_from([b"PFADD", b"PFCOUNT", b"PFMERGE"]), KEY, st.lists(KEY, max_size=3)).map(
        lambda three: [three[0], three[1], *three[2]]
    ),
    st.tuples(st.just(b"DEL"), KEY).map(list),
)


def reply_of(server: redis.Redis, args: list[bytes]) -> Any:
    """A real server's reply without redis-py's conversions; an error as the store above gives it."""
    connection = server.connection_pool.get_connection()
    try:
        connection.send_command(*args)
        return connection.read_response()
    except redis.ResponseError as refusal:
        return b"-" + str(refusal).encode()
    finally:
        server.connection_pool.release(connection)


def without_code(reply: Any) -> Any:
    """redis-py takes the code ERR off."""
    return b"-" + reply[5:] if isinstance(reply, bytes) and reply.startswith(b"-ERR ") else reply


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(COMMAND, min_size=1, max_size=12))
def test_as_the_server(real_server: redis.Redis, commands: list[list[bytes]]) -> None:
    store = Store()
    real_server.flushall()
    before = real_server.info("persistence")["rdb_changes_since_last_save"]
    for args in commands:
        assert without_code(store.run(*args)) == reply_of(real_server, args), args
    assert [store.run(b"GET", key) for key in KEYS] == real_server.mget(KEYS)
    assert store.dirty == real_server.info("persistence")["rdb_changes_since_last_save"] - before
