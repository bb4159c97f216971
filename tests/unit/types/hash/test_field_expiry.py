"""Fields that expire: the commands against a model, in each encoding; events, propagation, the expiry cycle."""

import random

import pytest

from redracer.core.entry import HASH
from redracer.core.member_table import FieldTable
from redracer.core.replies import Error, Map
from redracer.engine.effects import Feed
from redracer.types.hash.value import ExpiringListpack, count_fields

from ...commands.served import Served

NOW = 1_700_000_000_000  # Unix time, ms
MAX_TIME = 2**46 - 1


class Hashes(Feed):
    """One engine whose time stands still; its events, and the commands that it propagates, in order."""

    def __init__(self, encoding="listpack"):
        self.served = Served()
        self.engine = self.served.engine
        self.client = self.served.client()
        self.events = []
        self.fed = []
        self.engine.effects.observe(self)
        self.engine.effects.add_feed(self)
        self.run(b"CONFIG SET hash-max-listpack-entries %d" % (512 if encoding == "listpack" else 0))
        self.set_time(NOW)

    def set_time(self, now):
        self.now = now
        self.engine.clock.set_time(now)
        self.engine.context.now = now

    def run(self, line):
        argv = line.split() if isinstance(line, bytes) else line
        dispatcher = self.engine.dispatcher
        reply = dispatcher.call(self.client, dispatcher.resolve(argv), argv)
        if isinstance(reply, Error):
            return reply.text
        return reply.items if isinstance(reply, Map) else reply

    def seen(self, line):
        """(reply, events, propagated commands) of a command."""
        self.events.clear()
        self.fed.clear()
        return self.run(line), [*self.events], [b" ".join(argv) for argv in self.fed]

    def cycle(self):
        """The expiry cycle at the time that was set, until nothing is left to do: (events, commands)."""
        self.events.clear()
        self.fed.clear()
        while self.engine.expiry.run():
            pass
        return [*self.events], [b" ".join(argv) for argv in self.fed]

    def key_changed(self, database, key, event):
        self.events.append(event)

    def key_event(self, database, key, event):
        self.events.append(event)

    def databases_flushed(self, databases):
        pass

    def databases_swapped(self, first, second):
        pass

    def feed(self, units):
        self.fed += [argv for _, argv in units]


@pytest.fixture(params=["listpack", "hashtable"])
def hashes(request):
    return Hashes(request.param)


def test_encodings():
    hashes = Hashes()
    hashes.run(b"HSET h a 1 b 2")
    assert hashes.run(b"OBJECT ENCODING h") == b"listpack"
    hashes.run(b"HEXPIRE h 10 FIELDS 1 a")
    assert hashes.run(b"OBJECT ENCODING h") == b"listpackex"
    assert isinstance(hashes.engine.databases[0].get_object(b"h", HASH), ExpiringListpack)
    hashes.run([b"HSET", b"h", b"long", b"x" * 65])
    assert hashes.run(b"OBJECT ENCODING h") == b"hashtable"
    assert isinstance(hashes.engine.databases[0].get_object(b"h", HASH), FieldTable)
    assert hashes.run(b"HTTL h FIELDS 3 a b long") == [10, -1, -1]


def test_a_packed_hash_is_ordered_by_expiry():
    hashes = Hashes()
    hashes.run(b"HSET h a 1 b 2 c 3 d 4")
    hashes.run(b"HPEXPIRE h 500 FIELDS 1 c")
    hashes.run(b"HPEXPIRE h 100 FIELDS 1 d")
    hashes.run(b"HPEXPIRE h 500 FIELDS 1 a")
    assert hashes.run(b"HKEYS h") == [b"d", b"a", b"c", b"b"]
    hashes.run(b"HPERSIST h FIELDS 1 d")
    assert hashes.run(b"HKEYS h") == [b"a", b"c", b"b", b"d"]
    hashes.run(b"HSET h a 9")
    assert hashes.run(b"HGETALL h") == [b"c", b"3", b"b", b"2", b"d", b"4", b"a", b"9"]


def test_times_are_told_in_every_form(hashes):
    hashes.run(b"HSET h a 1 b 2")
    assert hashes.run(b"HPEXPIRE h 1500 FIELDS 2 a none") == [1, -2]
    assert hashes.run(b"HTTL h FIELDS 3 a b none") == [2, -1, -2]
    assert hashes.run(b"HPTTL h FIELDS 1 a") == [1500]
    assert hashes.run(b"HPEXPIRETIME h FIELDS 1 a") == [NOW + 1500]
    assert hashes.run(b"HEXPIRETIME h FIELDS 1 a") == [(NOW + 1500 + 999) // 1000]
    assert hashes.run(b"HEXPIREAT h %d FIELDS 1 a" % (NOW // 1000 + 5)) == [1]
    assert hashes.run(b"HPTTL h FIELDS 1 a") == [5000]
    assert hashes.run(b"HPEXPIREAT h %d FIELDS 1 b" % (NOW + 7)) == [1]
    assert hashes.run(b"HPTTL h FIELDS 1 b") == [7]
    for name in (b"HTTL", b"HPTTL", b"HEXPIRETIME", b"HPEXPIRETIME", b"HPERSIST"):
        assert hashes.run(name + b" none FIELDS 2 a b") == [-2, -2]
    assert hashes.run(b"HEXPIRE none 1 FIELDS 2 a b") == [-2, -2]
    assert hashes.run(b"HGETEX none FIELDS 2 a b") == [None, None]
    assert hashes.run(b"HGETDEL none FIELDS 2 a b") == [None, None]


@pytest.mark.parametrize(
    ("condition", "current", "new", "code"),
    [
        (b"NX", None, 50, 1),
        (b"NX", 100, 50, 0),
        (b"XX", None, 50, 0),
        (b"XX", 100, 50, 1),
        (b"GT", None, 50, 0),
        (b"GT", 100, 50, 0),
        (b"gt", 100, 100, 0),
        (b"GT", 100, 101, 1),
        (b"LT", None, 50, 1),
        (b"lt", 100, 50, 1),
        (b"LT", 100, 100, 0),
    ],
)
def test_conditions(hashes, condition, current, new, code):
    hashes.run(b"HSET h a 1")
    if current is not None:
        hashes.run(b"HPEXPIRE h %d FIELDS 1 a" % current)
    assert hashes.run(b"HPEXPIRE h %d %s FIELDS 1 a" % (new, condition)) == [code]
    assert hashes.run(b"HPTTL h FIELDS 1 a") == [new if code else current or -1]


def test_expiry_is_propagated_as_an_absolute_time_of_the_fields_that_it_changed(hashes):
    hashes.run(b"HSET h a 1 b 2 c 3")
    hashes.run(b"HEXPIRE h 5 FIELDS 1 c")
    reply, events, fed = hashes.seen(b"HEXPIRE h 10 NX FIELDS 4 a b c none")
    assert reply == [1, 1, 0, -2]
    assert events == ["hexpire"]
    assert fed == [b"HPEXPIREAT h %d NX FIELDS 2 a b" % (NOW + 10_000)]
    assert hashes.seen(b"HEXPIRE h 10 NX FIELDS 1 a") == ([0], [], [])


def test_a_time_that_has_passed_removes_the_field(hashes):
    hashes.run(b"HSET h a 1 b 2 c 3")
    assert hashes.seen(b"HPEXPIREAT h %d FIELDS 1 a" % NOW) == ([2], ["hdel"], [b"HDEL h a"])
    reply, events, fed = hashes.seen(b"HEXPIRE h 0 FIELDS 2 b c")
    assert (reply, events, fed) == ([2, 2], ["hdel", "del"], [b"HDEL h b", b"HDEL h c"])
    assert hashes.run(b"EXISTS h") == 0


def test_persist(hashes):
    hashes.run(b"HSET h a 1 b 2")
    hashes.run(b"HEXPIRE h 10 FIELDS 1 a")
    reply, events, fed = hashes.seen(b"HPERSIST h FIELDS 3 a b none")
    assert (reply, events, fed) == ([1, -1, -2], ["hpersist"], [b"HPERSIST h FIELDS 3 a b none"])
    assert hashes.seen(b"HPERSIST h FIELDS 1 a") == ([-1], [], [])
    assert hashes.engine.expiry.fields.count(hashes.engine.databases[0]) == 0


def test_setting_a_field_ends_its_expiry_and_counting_does_not(hashes):
    hashes.run(b"HSET h a 1 b 2 c 3")
    hashes.run(b"HEXPIRE h 10 FIELDS 3 a b c")
    hashes.run(b"HSET h a 5")
    hashes.run(b"HINCRBY h b 5")
    assert hashes.seen(b"HINCRBYFLOAT h c 0.5") == (
        b"3.5",
        ["hincrbyfloat"],
        [b"HSETEX h KEEPTTL FIELDS 1 c 3.5"],
    )
    assert hashes.run(b"HTTL h FIELDS 3 a b c") == [-1, 10, 10]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"HGET h a", None),
        (b"HMGET h a", [None]),
        (b"HEXISTS h a", 0),
        (b"HSTRLEN h a", 0),
        (b"HRANDFIELD h", b"b"),
        (b"HGETDEL h FIELDS 1 a", [None]),
        (b"HGETEX h FIELDS 1 a", [None]),
        (b"HSETEX h FXX FIELDS 1 a 1", 0),
    ],
)
def test_naming_an_expired_field_removes_it(hashes, line, reply):
    hashes.run(b"HSET h a 1 b 2")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.set_time(NOW + 5)
    assert hashes.run(b"HLEN h") == 2
    assert hashes.seen(line) == (reply, ["hexpired"], [b"HDEL h a"])
    assert hashes.run(b"HLEN h") == 1
    assert hashes.engine.statistics.expired_fields == 1


@pytest.mark.parametrize("line", [b"HGET h a", b"HMGET h a", b"HGETDEL h FIELDS 1 a", b"HRANDFIELD h 2"])
def test_the_hash_goes_with_its_last_field(hashes, line):
    hashes.run(b"HSET h a 1")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.set_time(NOW + 6)
    _, events, fed = hashes.seen(line)
    assert (events, fed) == (["hexpired", "del"], [b"HDEL h a"])
    assert hashes.run(b"EXISTS h") == 0


def test_an_expired_field_counts_as_new_where_it_is_set_on_a_condition(hashes):
    hashes.run(b"HSET h a 1")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.set_time(NOW + 6)
    reply, events, fed = hashes.seen(b"HSETNX h a 7")
    assert (reply, events) == (1, ["hexpired", "del", "hset"])
    assert fed == [b"HDEL h a", b"HSETNX h a 7"]
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.set_time(NOW + 12)
    assert hashes.run(b"HINCRBY h a 3") == 3


def test_what_tells_the_whole_hash_passes_expired_fields_over(hashes):
    hashes.run(b"HSET h a 1 b 2 c 3")
    hashes.run(b"HPEXPIRE h 5 FIELDS 2 a c")
    hashes.set_time(NOW + 5)
    for line, reply in [
        (b"HGETALL h", [b"b", b"2"]),
        (b"HKEYS h", [b"b"]),
        (b"HVALS h", [b"2"]),
        (b"HSCAN h 0", [b"0", [b"b", b"2"]]),
        (b"HSCAN h 0 NOVALUES", [b"0", [b"b"]]),
        (b"HTTL h FIELDS 2 a b", [-2, -1]),
        (b"HPERSIST h FIELDS 1 a", [-2]),
    ]:
        assert hashes.seen(line) == (reply, [], []), line
    assert hashes.run(b"HLEN h") == 3


def test_nothing_expires_while_clients_are_paused(hashes):
    hashes.run(b"HSET h a 1")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.run(b"CLIENT PAUSE 100000 WRITE")
    hashes.set_time(NOW + 6)
    assert hashes.seen(b"HGET h a") == (None, [], [])
    assert hashes.cycle() == ([], [])
    assert hashes.run(b"HLEN h") == 1


def test_getex(hashes):
    hashes.run(b"HSET h a 1 b 2")
    reply, events, fed = hashes.seen(b"HGETEX h EX 10 FIELDS 3 a none b")
    assert (reply, events) == ([b"1", None, b"2"], ["hexpire"])
    assert fed == [b"HPEXPIREAT h %d FIELDS 2 a b" % (NOW + 10_000)]
    assert hashes.run(b"HTTL h FIELDS 2 a b") == [10, 10]
    reply, events, fed = hashes.seen(b"HGETEX h PERSIST FIELDS 1 b")
    assert (reply, events, fed) == ([b"2"], ["hpersist"], [b"HPERSIST h FIELDS 1 b"])
    assert hashes.seen(b"HGETEX h FIELDS 1 a") == ([b"1"], [], [])
    reply, events, fed = hashes.seen(b"HGETEX h PXAT %d FIELDS 2 a b" % (NOW - 1))
    assert (reply, events, fed) == ([b"1", b"2"], ["hdel", "del"], [b"HDEL h a", b"HDEL h b"])
    assert hashes.run(b"EXISTS h") == 0


def test_setex(hashes):
    reply, events, fed = hashes.seen(b"HSETEX h FNX EX 10 FIELDS 2 a 1 b 2")
    assert (reply, events) == (1, ["hset", "hexpire"])
    assert fed == [b"HSETEX h FNX PXAT %d FIELDS 2 a 1 b 2" % (NOW + 10_000)]
    assert hashes.run(b"HSETEX h FNX FIELDS 2 b 1 c 2") == 0
    assert hashes.run(b"HSETEX h FXX FIELDS 2 b 1 c 2") == 0
    assert hashes.run(b"HSETEX none FXX FIELDS 1 b 1") == 0
    assert hashes.run(b"HSETEX h KEEPTTL FIELDS 1 a 3") == 1
    assert hashes.run(b"HSETEX h FIELDS 1 b 4") == 1
    assert hashes.run(b"HTTL h FIELDS 2 a b") == [10, -1]
    reply, events, fed = hashes.seen(b"HSETEX h PX 0 FIELDS 2 a 1 b 1")
    assert (reply, events) == (1, ["hset", "hdel", "del"])
    assert fed == [b"HDEL h a", b"HDEL h b"]
    assert hashes.run(b"EXISTS h") == 0


def test_getdel(hashes):
    hashes.run(b"HSET h a 1 b 2")
    reply, events, fed = hashes.seen(b"HGETDEL h FIELDS 2 a none")
    assert (reply, events, fed) == ([b"1", None], ["hdel"], [b"HDEL h a none"])
    reply, events, fed = hashes.seen(b"HGETDEL h FIELDS 2 b b")
    assert (reply, events, fed) == ([b"2", None], ["hdel", "del"], [b"HDEL h b b"])
    assert hashes.run(b"EXISTS h") == 0


NO_FIELDS = b"ERR Mandatory argument FIELDS is missing or not at the right position"
MISMATCH = b"ERR The `numfields` parameter must match the number of arguments"
NOT_POSITIVE = b"ERR Number of fields must be a positive integer"
WRONG_TYPE = b"WRONGTYPE Operation against a key holding the wrong kind of value"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"HEXPIRE h x FIELDS 1 a", b"ERR value is not an integer or out of range"),
        (b"HEXPIRE h -1 FIELDS 1 a", b"ERR invalid expire time, must be >= 0"),
        (b"HEXPIRE h %d FIELDS 1 a" % 2**50, b"ERR invalid expire time in 'hexpire' command"),
        (b"HPEXPIREAT h %d FIELDS 1 a" % (MAX_TIME + 1), b"ERR invalid expire time in 'hpexpireat' command"),
        (
            b"HPEXPIRE h %d FIELDS 1 a" % (MAX_TIME - NOW + 1),
            b"ERR invalid expire time in 'hpexpire' command",
        ),
        (b"HEXPIRE h 1 XX x 1 a", NO_FIELDS),
        (b"HEXPIRE h 1 ZZ FIELDS 1 a", NO_FIELDS),
        (b"HEXPIRE h 1 FIELDS 0 a", b"ERR Parameter `numFields` should be greater than 0"),
        (b"HEXPIRE h 1 FIELDS x a", b"ERR Parameter `numFields` should be greater than 0"),
        (b"HEXPIRE h 1 FIELDS 2 a", MISMATCH),
        (b"HEXPIRE h 1 FIELDS 1 a b", MISMATCH),
        (b"HEXPIRE s 1 FIELDS 1 a", WRONG_TYPE),
        (b"HTTL h FIELD 1 a", NO_FIELDS),
        (b"HTTL h FIELDS 0 a", NOT_POSITIVE),
        (b"HTTL h FIELDS 2 a", MISMATCH),
        (b"HTTL s FIELDS 1 a", WRONG_TYPE),
        (b"HPERSIST h FIELDS 2 a", MISMATCH),
        (b"HGETDEL h FIELDS 0 a", NOT_POSITIVE),
        (b"HGETEX h EX 1 FIELDS", NOT_POSITIVE),
        (b"HGETEX h NX FIELDS 1 a", NO_FIELDS),
        (b"HGETEX h PX -1 FIELDS 1 a", b"ERR invalid expire time, must be >= 0"),
        (b"HSETEX h FIELDS 2 a 1", b"ERR wrong number of arguments for 'hsetex' command"),
        (b"HSETEX h FIELDS 0 a 1", b"ERR invalid number of fields"),
        (b"HSETEX h FXX FNX FIELDS 1 a 1", b"ERR Only one of FXX or FNX arguments can be specified"),
        (
            b"HSETEX h EX 1 KEEPTTL FIELDS 1 a 1",
            b"ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
        ),
        (b"HSETEX h ZZ FIELDS 1 a 1", b"ERR unknown argument: ZZ"),
        (b"HSETEX h KEEPTTL FNX ex", b"ERR wrong number of arguments for 'hsetex' command"),
        (b"HSETEX s FIELDS 1 a 1", WRONG_TYPE),
    ],
)
def test_refusals(line, text):
    hashes = Hashes()
    hashes.run(b"HSET h a 1")
    hashes.run(b"SET s text")
    assert hashes.run(line) == text
    assert hashes.run(b"HGETALL h") == [b"a", b"1"]
    assert hashes.run(b"HTTL h FIELDS 1 a") == [-1]


def test_the_latest_time_is_accepted(hashes):
    hashes.run(b"HSET h a 1")
    assert hashes.run(b"HPEXPIREAT h %d FIELDS 1 a" % MAX_TIME) == [1]
    assert hashes.run(b"HPEXPIRETIME h FIELDS 1 a") == [MAX_TIME]


# --- the expiry cycle


def test_the_cycle_removes_expired_fields_and_then_the_hash(hashes):
    hashes.run(b"HSET h a 1 b 2")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.run(b"HPEXPIRE h 8 FIELDS 1 b")
    assert hashes.cycle() == ([], [])
    hashes.set_time(NOW + 5)
    assert hashes.cycle() == (["hexpired"], [b"HDEL h a"])
    hashes.set_time(NOW + 8)
    assert hashes.cycle() == (["hexpired", "del"], [b"HDEL h b"])
    assert hashes.run(b"EXISTS h") == 0
    assert hashes.engine.expiry.fields.count(hashes.engine.databases[0]) == 0


@pytest.mark.parametrize(
    "move", [b"RENAME h other", b"COPY h other", b"COPY h h DB 1", b"MOVE h 1", b"SWAPDB 0 1"]
)
def test_the_cycle_follows_a_hash_to_another_key(hashes, move):
    hashes.run(b"HSET h a 1 b 2")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.run(move)
    hashes.set_time(NOW + 5)
    hashes.cycle()
    copies = 2 if move.startswith(b"COPY") else 1
    databases = hashes.engine.databases[:2]
    values = [database.get_object(key, HASH) for database in databases for key in database.keys(b"*")]
    assert [count_fields(value) for value in values] == [1] * copies
    assert hashes.engine.statistics.expired_fields == copies
    assert [hashes.engine.expiry.fields.count(database) for database in databases] == [0, 0]


@pytest.mark.parametrize(
    "line", [b"DEL h", b"SET h text", b"FLUSHALL", b"HDEL h a b", b"HPERSIST h FIELDS 1 a"]
)
def test_the_cycle_finds_out_that_there_is_nothing_to_do(hashes, line):
    hashes.run(b"HSET h a 1 b 2")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.run(line)
    hashes.set_time(NOW + 6)
    assert hashes.cycle() == ([], [])
    assert hashes.engine.expiry.fields.count(hashes.engine.databases[0]) == 0


def test_many_fields_expire_in_steps(hashes):
    fields = [b"f%d" % number for number in range(5000)]
    hashes.run([b"HSET", b"h", *(part for field in fields for part in (field, b"v"))])
    hashes.run([b"HPEXPIRE", b"h", b"5", b"FIELDS", b"5000", *fields])
    hashes.set_time(NOW + 5)
    events, fed = hashes.cycle()
    assert set(fed) == {b"HDEL h " + field for field in fields}
    assert events.count("hexpired") > 1 and events[-1] == "del"
    assert hashes.run(b"EXISTS h") == 0
    assert hashes.engine.statistics.expired_fields == 5000


def test_info_counts_hashes_with_expiring_fields(hashes):
    hashes.run(b"HSET h a 1")
    hashes.run(b"HSET i a 1")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    assert b"db0:keys=2,expires=0,avg_ttl=0,subexpiry=1" in hashes.run(b"INFO keyspace").text


@pytest.mark.parametrize(
    "command",
    [
        b"DEL h",
        b"UNLINK h",
        b"HDEL h a",
        b"HGETDEL h FIELDS 1 a",
        b"HSET h a 2",
        b"HPERSIST h FIELDS 1 a",
        b"SET h x",
        b"RENAME i h",
        b"MOVE h 1",
        b"FLUSHDB",
    ],
)
def test_info_counts_no_hash_that_has_lost_its_expiries(hashes, command):
    hashes.run(b"HSET h a 1 b 2")
    hashes.run(b"HSET i a 1")
    hashes.run(b"HPEXPIRE h 5 FIELDS 1 a")
    hashes.run(command)
    hashes.run(b"SET other x")
    assert b"subexpiry=0" in hashes.run(b"INFO keyspace").text.splitlines()[1]


# --- against a model


class Model:
    """What a hash is: field -> (value, expiry or None)."""

    def __init__(self):
        self.fields = {}

    def living(self, now):
        return {field: pair for field, pair in self.fields.items() if pair[1] is None or pair[1] > now}


@pytest.mark.parametrize("seed", range(20))
def test_against_a_model(hashes, seed):
    choose = random.Random(seed)
    model = Model()
    now = NOW
    for _ in range(400):
        field = b"f%d" % choose.randrange(12)
        living = model.living(now)
        match choose.randrange(8):
            case 0 | 1:
                value = choose.choice([b"1", b"text", b"x" * 60])
                hashes.run([b"HSET", b"h", field, value])
                model.fields[field] = (value, None)
            case 2:
                when = now + choose.randrange(1, 50)
                hashes.run(b"HGET h " + field)
                code = hashes.run(b"HPEXPIREAT h %d FIELDS 1 %s" % (when, field))
                assert code == [1 if field in living else -2]
                if field in living:
                    model.fields[field] = (living[field][0], when)
            case 3:
                expires = field in living and living[field][1] is not None
                code = 1 if expires else -1 if field in living else -2
                assert hashes.run(b"HPERSIST h FIELDS 1 " + field) == [code]
                if expires:
                    model.fields[field] = (living[field][0], None)
            case 4:
                hashes.run(b"HDEL h " + field)
                model.fields.pop(field, None)
            case 5:
                now += choose.randrange(20)
                hashes.set_time(now)
            case 6:
                hashes.cycle()
                model.fields = model.living(now)
                assert hashes.run(b"HLEN h") == len(model.fields)
            case _:
                assert hashes.run(b"HGET h " + field) == (living[field][0] if field in living else None)
        living = model.living(now)
        items = hashes.run(b"HGETALL h")
        assert dict(zip(items[::2], items[1::2], strict=True)) == {
            name: pair[0] for name, pair in living.items()
        }
        if living:
            names = list(living)
            expected = [-1 if living[name][1] is None else living[name][1] for name in names]
            assert hashes.run([b"HPEXPIRETIME", b"h", b"FIELDS", b"%d" % len(names), *names]) == expected
