"""DUMP and RESTORE: options and their refusals, what follows from a restored key, what is propagated."""

import pytest

from redracer.core.checksums import crc64
from redracer.engine.effects import Feed
from tests.unit.commands.served import Served
from tests.unit.types.payloads import length, payload, string

NOW = 1_700_000_000_000  # Unix time, ms
BUSY = "BUSYKEY Target key name already exists."
WRONG_PAYLOAD = "ERR DUMP payload version or checksum are wrong"
BAD_DATA = "ERR Bad data format"
BAR = payload(b"\0" + string(b"bar"))


class Watcher(Feed):
    """Writes down events, and what is propagated."""

    def __init__(self, engine):
        self.events = []
        self.commands = []
        engine.effects.observe(self)
        engine.effects.add_feed(self)

    def key_changed(self, database, key, event):
        self.events.append(event)

    key_event = key_changed

    def databases_flushed(self, databases):
        pass

    def databases_swapped(self, first, second):
        pass

    def feed(self, units):
        self.commands += [argv for _, argv in units]


@pytest.fixture
def server():
    served = Served()
    served.run(b"PING")
    return served


@pytest.fixture
def watcher(server):
    return Watcher(server.engine)


def bulk(server, line):
    reply = server.run(line)
    return None if reply == b"$-1\r\n" else reply.partition(b"\r\n")[2][:-2]


def restore(server, *words):
    return server.run([b"RESTORE", *words])


def test_dump_gives_redis_own_payload(server):
    server.run(b"SET key bar")
    assert bulk(server, b"DUMP key") == BAR
    assert bulk(server, b"DUMP none") is None


def test_dump_reads_the_key(server):
    server.run(b"SET key bar")
    hits, misses = server.engine.databases[0].hits, server.engine.databases[0].misses
    server.run(b"DUMP key")
    server.run(b"DUMP none")
    assert server.engine.databases[0].hits == hits + 1
    assert server.engine.databases[0].misses == misses + 1


def test_compression_is_configurable(server):
    server.run([b"SET", b"key", b"a" * 1000])
    assert len(bulk(server, b"DUMP key")) < 100
    server.run(b"CONFIG SET rdbcompression no")
    assert len(bulk(server, b"DUMP key")) > 1000


def test_restore(server):
    assert restore(server, b"key", b"0", BAR) == b"+OK\r\n"
    assert bulk(server, b"GET key") == b"bar"
    assert server.run(b"PTTL key") == b":-1\r\n"


def test_a_key_is_replaced_only_if_asked(server):
    server.run(b"RPUSH key a")
    assert server.error([b"RESTORE", b"key", b"0", BAR]) == BUSY
    assert restore(server, b"key", b"0", BAR, b"replace") == b"+OK\r\n"
    assert bulk(server, b"GET key") == b"bar"


def test_the_old_expiry_goes(server):
    server.run(b"SET key old EX 100")
    restore(server, b"key", b"0", BAR, b"REPLACE")
    assert server.run(b"PTTL key") == b":-1\r\n"


def test_times_to_live(server):
    restore(server, b"relative", b"5000", BAR)
    now = server.engine.clock.now
    restore(server, b"absolute", b"%d" % (now + 7000), BAR, b"ABSTTL")
    database = server.engine.databases[0]
    assert 0 <= now + 5000 - database.expiry_of(b"relative") < 5000
    assert database.expiry_of(b"absolute") == now + 7000
    restore(server, b"far", b"%d" % (2**63 - 1), BAR)
    assert database.expiry_of(b"far") == 2**63 - 1


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ([b"x", BAR], "ERR value is not an integer or out of range"),
        ([b"-1", BAR], "ERR Invalid TTL value, must be >= 0"),
        ([b"0", BAR, b"else"], "ERR syntax error"),
        ([b"0", BAR, b"idletime"], "ERR syntax error"),
        ([b"0", BAR, b"idletime", b"x"], "ERR value is not an integer or out of range"),
        ([b"0", BAR, b"idletime", b"-1"], "ERR Invalid IDLETIME value, must be >= 0"),
        ([b"0", BAR, b"freq", b"256"], "ERR Invalid FREQ value, must be >= 0 and <= 255"),
        ([b"0", BAR, b"freq", b"-1"], "ERR Invalid FREQ value, must be >= 0 and <= 255"),
        ([b"0", BAR, b"freq", b"1", b"idletime", b"1"], "ERR syntax error"),
        ([b"0", BAR, b"idletime", b"1", b"freq", b"1"], "ERR syntax error"),
        ([b"0", b"short"], WRONG_PAYLOAD),
        ([b"0", payload(b"\0" + string(b"bar"), 13)], WRONG_PAYLOAD),
        ([b"0", BAR[:-1] + b"!"], WRONG_PAYLOAD),
        ([b"0", payload(b"")], BAD_DATA),
        ([b"0", payload(b"\0\5bar")], BAD_DATA),
        ([b"0", payload(b"\x07" + string(b"module"))], BAD_DATA),
        ([b"0", payload(b"\xfa")], BAD_DATA),
        ([b"0", payload(b"\x02\0")], BAD_DATA),
    ],
)
def test_refusals(server, watcher, words, refusal):
    assert server.error([b"RESTORE", b"key", *words]) == refusal
    assert server.run(b"EXISTS key") == b":0\r\n"
    assert watcher.commands == []


def test_options_are_checked_first_then_the_key_the_time_and_the_payload(server):
    server.run(b"SET key x")
    assert server.error(b"RESTORE key x payload else") == "ERR syntax error"
    assert server.error(b"RESTORE key x payload") == BUSY
    assert server.error(b"RESTORE key x payload REPLACE") == "ERR value is not an integer or out of range"
    assert server.error(b"RESTORE key 0 payload REPLACE") == WRONG_PAYLOAD
    assert bulk(server, b"GET key") == b"x"


def test_checksums(server):
    without = BAR[:-8] + bytes(8)
    assert restore(server, b"none", b"0", without) == b"+OK\r\n"
    wrong = BAR[:-8] + (crc64(BAR[:-8]) ^ 1).to_bytes(8, "little")
    assert server.error([b"RESTORE", b"wrong", b"0", wrong]) == WRONG_PAYLOAD
    assert server.run(b"DEBUG SET-SKIP-CHECKSUM-VALIDATION 1").startswith(b"-ERR DEBUG command not allowed")
    server.engine.config.values["enable-debug-command"] = "yes"
    server.run(b"DEBUG SET-SKIP-CHECKSUM-VALIDATION 1")
    assert restore(server, b"wrong", b"0", wrong) == b"+OK\r\n"
    server.run(b"DEBUG SET-SKIP-CHECKSUM-VALIDATION 0")
    assert server.error([b"RESTORE", b"again", b"0", wrong]) == WRONG_PAYLOAD


def test_lengths_beyond_the_payload(server):
    for announced in (2**64 - 8, 2**63 - 1, 2**32, 1000):
        for kind in (0, 1, 2, 3, 4, 5, 9, 10, 11, 14, 15, 18, 19, 20, 21, 22, 24):
            content = bytes([kind]) + length(announced)
            assert server.error([b"RESTORE", b"key", b"0", payload(content)]) == BAD_DATA
            assert server.error([b"RESTORE", b"key", b"0", payload(content + b"\1a" * 20)]) == BAD_DATA


def test_last_use(server):
    server.run(b"CONFIG SET maxmemory-policy allkeys-lru")
    restore(server, b"key", b"0", BAR, b"IDLETIME", b"1000")
    assert server.run(b"OBJECT IDLETIME key") == b":1000\r\n"
    server.run(b"CONFIG SET maxmemory-policy allkeys-lfu")
    restore(server, b"key", b"0", BAR, b"REPLACE", b"FREQ", b"100")
    assert server.run(b"OBJECT FREQ key") == b":100\r\n"


def test_propagation_has_the_time_when_the_key_expires(server, watcher):
    restore(server, b"key", b"0", BAR)
    assert watcher.commands == [[b"RESTORE", b"key", b"0", BAR]]
    watcher.commands.clear()
    restore(server, b"key", b"5000", BAR, b"REPLACE")
    when = b"%d" % server.engine.databases[0].expiry_of(b"key")
    assert watcher.commands == [[b"RESTORE", b"key", when, BAR, b"REPLACE", b"ABSTTL"]]
    watcher.commands.clear()
    restore(server, b"key", when, BAR, b"REPLACE", b"ABSTTL")
    assert watcher.commands == [[b"RESTORE", b"key", when, BAR, b"REPLACE", b"ABSTTL"]]


def test_events(server, watcher):
    restore(server, b"key", b"0", BAR)
    assert watcher.events == ["restore"]
    restore(server, b"key", b"0", BAR, b"REPLACE")
    assert watcher.events[1:] == ["restore", "overwritten"]
    restore(server, b"key", b"0", payload(b"\x02\1\1a"), b"REPLACE")
    assert watcher.events[3:] == ["restore", "overwritten", "type_changed"]


def test_a_key_that_has_expired_already_is_not_made(server, watcher):
    assert restore(server, b"key", b"1", BAR, b"ABSTTL") == b"+OK\r\n"
    assert server.run(b"EXISTS key") == b":0\r\n"
    assert watcher.commands == [] and watcher.events == []


@pytest.mark.parametrize(("lazy", "deletion"), [(b"no", b"DEL"), (b"yes", b"UNLINK")])
def test_what_it_would_replace_is_deleted(server, lazy, deletion):
    server.run(b"SET key old")
    server.run(b"CONFIG SET lazyfree-lazy-server-del " + lazy)
    watcher = Watcher(server.engine)
    assert restore(server, b"key", b"1", BAR, b"ABSTTL", b"REPLACE") == b"+OK\r\n"
    assert server.run(b"EXISTS key") == b":0\r\n"
    assert watcher.commands == [[deletion, b"key"]] and watcher.events == ["del"]


def test_restore_asking_is_restore(server, watcher):
    assert server.run([b"RESTORE-ASKING", b"key", b"0", BAR]) == b"+OK\r\n"
    assert bulk(server, b"GET key") == b"bar"
    assert watcher.commands == [[b"RESTORE-ASKING", b"key", b"0", BAR]]


def test_fields_that_expire_do_so_in_the_new_key(server):
    server.run(b"HSET hash a 1 b 2")
    server.run(b"HPEXPIREAT hash %d FIELDS 1 a" % (server.engine.clock.now + 100_000))
    dumped = bulk(server, b"DUMP hash")
    assert dumped[0] == 25
    assert restore(server, b"copy", b"0", dumped) == b"+OK\r\n"
    database = server.engine.databases[0]
    assert server.engine.expiry.fields.tables[0].expiry_of(b"copy") >= 0
    assert server.run(b"HEXPIRETIME copy FIELDS 2 a b") == server.run(b"HEXPIRETIME hash FIELDS 2 a b")
    restore(server, b"copy", b"0", payload(b"\x02\1\1a"), b"REPLACE")
    assert database.type_of(b"copy") == 2
