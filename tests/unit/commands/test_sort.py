"""SORT and SORT_RO: by hand, and reply by reply against a real redis-server."""

import os
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redracer.core.entry import LIST

from .served import Served

COMMANDS = int(os.environ.get("REDRACER_SORT_COMMANDS", "200000"))  # of the long run
COMMANDS_PER_EXAMPLE = 50
SHORT_EXAMPLES = 30


def bulks(reply):
    """The elements of an array of bulk strings."""
    assert reply[:1] == b"*", reply
    lines = reply.split(b"\r\n")
    return [None if line == b"$-1" else lines[at + 1] for at, line in enumerate(lines) if line[:1] == b"$"]


@pytest.fixture
def numbers(served):
    served.run(b"RPUSH numbers 3 10 -1 2")
    return served


@pytest.fixture
def people(served):
    """Ids with names (all but one) and ages in hashes."""
    served.run(b"RPUSH ids 1 2 3")
    served.run(b"MSET name_1 zoe name_2 adam")
    for id, age in ((1, 30), (2, 40), (3, 20)):
        served.run(b"HSET person_%d age %d" % (id, age))
    return served


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (b"", [b"-1", b"2", b"3", b"10"]),
        (b" DESC", [b"10", b"3", b"2", b"-1"]),
        (b" DESC asc", [b"-1", b"2", b"3", b"10"]),
        (b" ALPHA", [b"-1", b"10", b"2", b"3"]),
        (b" LIMIT 1 2", [b"2", b"3"]),
        (b" LIMIT 3 100", [b"10"]),
        (b" LIMIT 4 1", []),
        (b" LIMIT 0 0", []),
        (b" LIMIT -5 2", [b"-1", b"2"]),
        (b" LIMIT 2 -1", [b"3", b"10"]),
        (b" BY nothing", [b"3", b"10", b"-1", b"2"]),
        (b" BY nothing DESC", [b"2", b"-1", b"10", b"3"]),
        (b" BY nothing DESC LIMIT 1 2", [b"-1", b"10"]),
    ],
)
def test_orders_and_limits(numbers, options, expected):
    assert bulks(numbers.run(b"SORT numbers" + options)) == expected
    assert bulks(numbers.run(b"SORT_RO numbers" + options)) == expected


def test_sorts_by_what_other_keys_hold(people):
    assert bulks(people.run(b"SORT ids BY person_*->age")) == [b"3", b"1", b"2"]
    assert bulks(people.run(b"SORT ids BY name_* ALPHA")) == [b"3", b"2", b"1"]
    assert bulks(people.run(b"SORT ids BY name_* ALPHA DESC")) == [b"1", b"2", b"3"]


def test_equal_weights_are_ordered_by_the_elements(served):
    served.run(b"RPUSH items c a b")
    assert bulks(served.run(b"SORT items BY weight_*")) == [b"a", b"b", b"c"]
    assert bulks(served.run(b"SORT items BY weight_* DESC")) == [b"c", b"b", b"a"]


def test_gets_what_other_keys_hold(people):
    reply = people.run(b"SORT ids GET # GET name_* GET person_*->age GET constant LIMIT 1 2")
    assert bulks(reply) == [b"2", b"adam", b"40", None, b"3", None, b"20", None]


def test_a_key_of_another_type_counts_as_missing(people):
    assert bulks(people.run(b"SORT ids GET person_* GET name_*->age LIMIT 0 1")) == [None, None]


def test_an_arrow_without_a_field_belongs_to_the_key(served):
    served.run(b"RPUSH items a")
    served.run(b"SET x:a-> 100")
    assert bulks(served.run(b"SORT items BY nothing GET x:*->")) == [b"100"]


def test_an_expired_field_counts_as_missing(people):
    people.run(b"HPEXPIREAT person_1 1 FIELDS 1 age")
    assert bulks(people.run(b"SORT ids GET person_*->age")) == [None, b"40", b"20"]


def test_sets_and_sorted_sets(served):
    served.run(b"SADD set 3 1 2")
    served.run(b"ZADD zset 1 c 2 a 3 b")
    assert bulks(served.run(b"SORT set DESC")) == [b"3", b"2", b"1"]
    assert sorted(bulks(served.run(b"SORT set BY nothing"))) == [b"1", b"2", b"3"]
    assert bulks(served.run(b"SORT zset ALPHA")) == [b"a", b"b", b"c"]
    assert bulks(served.run(b"SORT zset BY nothing DESC LIMIT 0 2")) == [b"b", b"a"]


@pytest.mark.parametrize(
    ("text", "weighs"), [(b"", 0.0), (b" 7", 7.0), (b"7\0x", 7.0), (b"0x10", 16.0), (b"-inf", float("-inf"))]
)
def test_weights_are_read_as_c_does(served, text, weighs):
    served.run([b"RPUSH", b"items", b"5", text])
    expected = [b"5", text] if weighs > 5 else [text, b"5"]
    reply = b"*2\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(item), item) for item in expected)
    assert served.run(b"SORT items") == reply


@pytest.mark.parametrize("text", [b"x", b"1x", b"nan", b" ", b"1 ", b"1e999"])
def test_what_is_no_number_is_refused(served, text):
    served.run([b"RPUSH", b"items", b"5", text])
    assert served.error(b"SORT items") == "ERR One or more scores can't be converted into double"
    assert served.error(b"SORT items STORE target") == "ERR One or more scores can't be converted into double"
    assert served.run(b"EXISTS target") == b":0\r\n"


@pytest.mark.parametrize(
    "options", [b"LIMIT 1", b"BY", b"GET", b"STORE", b"LIKE x", b"LIMIT 0 1 2", b"ALPHA ALPHA by"]
)
def test_syntax_errors(served, options):
    assert served.error(b"SORT items " + options) == "ERR syntax error"


def test_other_errors(served):
    served.run(b"HSET hash f v")
    assert served.error(b"SORT items LIMIT x 1") == "ERR value is not an integer or out of range"
    assert served.error(b"SORT hash").startswith("WRONGTYPE ")
    assert served.error(b"SORT_RO items STORE target") == "ERR syntax error"


class TestStore:
    def test_replaces_what_was_there(self, numbers):
        numbers.run(b"SET target old EX 100")
        assert numbers.run(b"SORT numbers STORE target") == b":4\r\n"
        assert bulks(numbers.run(b"LRANGE target 0 -1")) == [b"-1", b"2", b"3", b"10"]
        assert numbers.run(b"TTL target") == b":-1\r\n"
        assert numbers.engine.databases[0].type_of(b"target") == LIST

    def test_may_replace_what_is_sorted(self, numbers):
        assert numbers.run(b"SORT numbers STORE numbers") == b":4\r\n"
        assert bulks(numbers.run(b"LRANGE numbers 0 -1")) == [b"-1", b"2", b"3", b"10"]

    def test_stores_an_empty_string_for_what_is_missing(self, people):
        assert people.run(b"SORT ids GET name_* STORE target") == b":3\r\n"
        assert bulks(people.run(b"LRANGE target 0 -1")) == [b"zoe", b"adam", b""]

    def test_an_empty_result_deletes(self, numbers):
        assert numbers.run(b"SORT nothing STORE numbers") == b":0\r\n"
        assert numbers.run(b"EXISTS numbers") == b":0\r\n"

    def test_members_of_a_set_are_stored_in_order(self, served):
        served.run(b"SADD set b c a aa")
        served.run(b"SORT set BY nothing STORE target")
        assert bulks(served.run(b"LRANGE target 0 -1")) == [b"a", b"aa", b"b", b"c"]

    def test_counts_a_change_for_each_element(self, numbers):
        before = numbers.engine.effects.dirty
        numbers.run(b"SORT numbers STORE target")
        assert numbers.engine.effects.dirty - before == 4
        numbers.run(b"SORT nothing STORE target")
        assert numbers.engine.effects.dirty - before == 5
        numbers.run(b"SORT nothing STORE target")
        assert numbers.engine.effects.dirty - before == 5

    def test_a_long_result_is_a_quicklist(self, served):
        served.run([b"RPUSH", b"items", *(b"%d" % number for number in range(5000))])
        served.run(b"SORT items DESC STORE target")
        assert served.text(b"OBJECT ENCODING target") == "quicklist"
        assert bulks(served.run(b"LRANGE target 0 1")) == [b"4999", b"4998"]

    def test_wakes_who_waits_for_the_list(self, numbers):
        numbers.run(b"BLPOP target 0", "waiter")
        numbers.run(b"SORT numbers STORE target")
        assert bulks(numbers.client("waiter").out.take()) == [b"target", b"-1"]


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        (b"SORT abc", [b"abc"]),
        (b"SORT abc STORE def", [b"abc", b"def"]),
        (b"SORT abc STORE x STORE y store def", [b"abc", b"def"]),
        (b"SORT abc BY store GET store LIMIT store 1 STORE def", [b"abc", b"def"]),
        (b"SORT abc STORE", [b"abc"]),
        (b"SORT_RO abc BY x", [b"abc"]),
    ],
)
def test_keys(served, line, keys):
    assert bulks(served.run(b"COMMAND GETKEYS " + line)) == keys


# --- against a real server

ELEMENTS = [b"%d" % number for number in range(-3, 12)] + [b"1.5", b"a", b"b\0c", b"", b"x" * 70]
elements = st.sampled_from(ELEMENTS)
names = st.sampled_from([b"l1", b"l2", b"set", b"zset", b"hash", b"string", b"none"])
patterns = st.sampled_from([b"w_*", b"h_*->f", b"h_*->", b"#", b"constant", b"*", b"w_*x*", b"h_*->none"])
limit = st.tuples(
    st.sampled_from([b"-1", b"0", b"1", b"5", b"x"]), st.sampled_from([b"-1", b"0", b"3", b"99"])
)


@st.composite
def sort_lines(draw):
    """A SORT whose reply does not depend on the order in which a server walks a hash table."""
    name, alpha = draw(names), draw(st.booleans())
    by = draw(st.none() | patterns)
    line = [draw(st.sampled_from([b"SORT", b"sort_ro"])), name]
    constant = by is not None and b"*" not in by
    unordered = (constant and name == b"set") or (alpha and by is not None and not constant)
    if by is not None and not unordered:
        line += [b"BY", by]
    if alpha:
        line.append(b"alpha")
    if draw(st.booleans()):
        line.append(draw(st.sampled_from([b"DESC", b"ASC"])))
    if draw(st.booleans()):
        line += [b"LIMIT", *draw(limit)]
    for pattern in draw(st.lists(patterns, max_size=2)):
        line += [b"GET", pattern]
    if draw(st.integers(0, 3)) == 0:
        line += [b"STORE", draw(st.sampled_from([b"l2", b"set", b"string"]))]
    return line


changes = st.one_of(
    st.tuples(st.just(b"RPUSH"), st.sampled_from([b"l1", b"l2"]), elements).map(list),
    st.tuples(st.just(b"SADD"), st.just(b"set"), elements).map(list),
    st.tuples(st.just(b"ZADD"), st.just(b"zset"), st.sampled_from([b"1", b"2", b"3.5"]), elements).map(list),
    st.tuples(elements.map(lambda element: b"w_" + element), elements).map(lambda pair: [b"SET", *pair]),
    st.tuples(elements.map(lambda element: b"h_" + element), elements).map(
        lambda pair: [b"HSET", pair[0], b"f", pair[1]]
    ),
    st.tuples(st.just(b"DEL"), names).map(list),
)
lines = st.lists(st.one_of(changes, sort_lines()), min_size=10, max_size=COMMANDS_PER_EXAMPLE)


class Real:
    """A connection to the real server; `run` as that of Served."""

    def __init__(self, client):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(client.connection_pool.connection_kwargs["path"])
        self.reader = self.socket.makefile("rb")

    def run(self, argv):
        parts = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in argv)
        self.socket.sendall(b"*%d\r\n%s" % (len(argv), parts))
        return self.reply()

    def reply(self):
        line = self.reader.readline()
        count = int(line[1:]) if line[:1] in b"$*" else -1
        if count < 0:
            return line
        if line[:1] == b"$":
            return line + self.reader.read(count + 2)
        return line + b"".join(self.reply() for _ in range(count))

    def close(self):
        self.reader.close()
        self.socket.close()


@pytest.fixture(scope="module")
def real(real_server):
    connection = Real(real_server)
    yield connection
    connection.close()


def compare(real, commands):
    served = Served()
    real.run([b"FLUSHALL"])
    for line in commands:
        assert (line, served.run(line)) == (line, real.run(line))
    for name in (b"l1", b"l2"):
        line = [b"LRANGE", name, b"0", b"-1"]
        assert served.run(line) == real.run(line)


SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=SHORT_EXAMPLES, **SETTINGS)
@given(commands=lines)
def test_against_a_real_server(real, commands):
    compare(real, commands)


@pytest.mark.long
@settings(max_examples=max(1, COMMANDS // COMMANDS_PER_EXAMPLE), **SETTINGS)
@given(commands=lines)
def test_at_length_against_a_real_server(real, commands):
    compare(real, commands)
