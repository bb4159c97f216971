"""Transactions of several clients, and the events that commands send, compared with a real redis-server.

Random requests are drawn from lists of lines; `{k}` stands for one of a few keys, `{v}` for a value, `{n}` for a
number. Left out are readers of groups, whose consumers 7.0 creates without an event.
"""

import io
from random import Random

import pytest

from tests.unit.commands.served import Served
from tests.unit.types.against_redis import Real, read_reply

KEYS = [b"a", b"b", b"c"]
VALUES = [b"x", b"y", b"10", b"abc"]
UNORDERED = (b"SMEMBERS", b"SPOP")
NUMBERS = [b"0", b"1", b"2", b"-1", b"5"]

TRANSACTIONS = """MULTI|MULTI|EXEC|EXEC|EXEC|DISCARD|WATCH {k}|WATCH {k} {k}|WATCH {k}|UNWATCH
SET {k} {v}|GET {k}|INCR {k}|DEL {k}|LPUSH {k} {v}|RPUSH l{k} {v}|LRANGE l{k} 0 -1|PING|SELECT 1|SELECT 0
nosuch {k}|GET
FLUSHDB|FLUSHALL|SWAPDB 0 1|EXPIRE {k} 1000|PEXPIREAT {k} 1|PERSIST {k}|RENAME {k} {k}|COPY {k} {k} REPLACE
MOVE {k} 1
BLPOP missing 0.01|LPUSH missing|EXEC now|MULTI|WATCH|DISCARD now|SETEX {k} 1000 {v}|EXISTS {k} {k}|GETDEL {k}"""

EVENTS = """SET {k} {v}|SET {k} {v} EX 100|SET {k} {v} KEEPTTL|SETNX {k} {v}|SETEX {k} 100 {v}
PSETEX {k} 100000 {v}|GETSET {k} {v}|GETDEL {k}|GETEX {k} EX 100|GETEX {k} PERSIST|GETEX {k} PXAT 1|GET {k}
MSET {k} {v} {k} {v}
MSETNX {k} {v} {k} {v}|APPEND {k} {v}|SETRANGE {k} {n} {v}|INCR {k}|DECRBY {k} 3|INCRBYFLOAT {k} 1.5|SETBIT {k} 7 1
BITFIELD {k} SET u8 0 5 INCRBY u8 0 1|BITOP AND {k} {k} {k}|PFADD p{k} {v}|PFMERGE p{k} p{k}|DEL {k} {k}|UNLINK {k}
EXPIRE {k} 100|EXPIRE {k} -1|PEXPIREAT {k} 1|PERSIST {k}|RENAME {k} {k}|RENAMENX {k} {k}|COPY {k} {k} REPLACE
COPY {k} {k}
MOVE {k} 1|TOUCH {k}|EXISTS {k}|TYPE {k}|TTL {k}|SORT l{k} ALPHA STORE {k}|LPUSH l{k} {v} {v}|RPUSH l{k} {v}
LPUSHX l{k} {v}
LPOP l{k}|RPOP l{k} 2|LINSERT l{k} BEFORE {v} {v}|LSET l{k} 0 {v}|LREM l{k} 0 {v}|LTRIM l{k} 0 1|LTRIM l{k} 5 6
RPOPLPUSH l{k} l{k}|LMOVE l{k} l{k} LEFT RIGHT|LMPOP 2 l{k} lb LEFT COUNT 2|BLPOP l{k} 0.01
BLMOVE l{k} l{k} LEFT RIGHT 0.01
SADD s{k} {v} {v}|SREM s{k} {v}|SMOVE s{k} s{k} {v}|SPOP s{k} 10|SINTERSTORE s{k} s{k} s{k}
SUNIONSTORE {k} s{k} s{k}
SDIFFSTORE s{k} s{k} s{k}|HSET h{k} {v} {v}|HSETNX h{k} {v} {v}|HDEL h{k} {v} {v}|HINCRBY h{k} {v} 1
HINCRBYFLOAT h{k} {v} 1.5
ZADD z{k} {n} {v} 3 {v}|ZADD z{k} NX {n} {v}|ZADD z{k} INCR 1 {v}|ZINCRBY z{k} {n} {v}|ZREM z{k} {v} {v}
ZREMRANGEBYRANK z{k} 0 {n}|ZREMRANGEBYSCORE z{k} 0 {n}|ZREMRANGEBYLEX z{k} - +|ZPOPMIN z{k}|ZPOPMAX z{k} 2
ZMPOP 1 z{k} MIN
BZPOPMIN z{k} 0.01|ZUNIONSTORE z{k} 2 z{k} z{k}|ZINTERSTORE z{k} 2 z{k} s{k}|ZDIFFSTORE {k} 2 z{k} z{k}
ZRANGESTORE {k} z{k} 0 -1|GEOADD g{k} 13.3 38.1 {v}|GEOSEARCHSTORE {k} g{k} FROMLONLAT 13 38 BYRADIUS 200 km
GEORADIUS g{k} 13 38 200 km STORE {k}|XADD x{k} * f {v}|XADD x{k} MAXLEN 1 * f {v}|XTRIM x{k} MAXLEN 0|XDEL x{k} 1-1
XADD x{k} 1-1 f v|XSETID x{k} 99999999999999-0|XGROUP CREATE x{k} g 0 MKSTREAM|XGROUP DESTROY x{k} g
XGROUP SETID x{k} g 0
XGROUP CREATECONSUMER x{k} g c|XGROUP DELCONSUMER x{k} g c
FLUSHALL|HGET h{k} {v}|LRANGE l{k} 0 -1|SMEMBERS s{k}|ZRANGE z{k} 0 -1|SELECT 0
OBJECT ENCODING {k}"""


def lines_of(text):
    return [line.encode() for row in text.split("\n") for line in row.split("|")]


def drawn(random, lines):
    """A request out of one of the lines."""
    argv = []
    for word in random.choice(lines).split():
        word = word.replace(b"{k}", random.choice(KEYS)).replace(b"{v}", random.choice(VALUES))
        argv.append(word.replace(b"{n}", random.choice(NUMBERS)))
    return argv


class OursServer:
    """An engine in this process, whose clients answer as connections do."""

    def __init__(self):
        self.served = Served()

    def run(self, argv, name):
        reply = self.served.run(argv, name)
        client = self.served.client(name)
        if not reply and client.blocked is not None:  # its time passes at once
            self.served.engine.blocking.unblock(client, False)
            reply = client.out.take()
        return read_reply(io.BytesIO(reply))

    def messages(self, listener):
        reader = io.BytesIO(self.served.client(listener).out.take())
        found = []
        while reader.tell() < len(reader.getvalue()):
            found.append([text for _, text in read_reply(reader)[1]])
        return found


class RealServer:
    """The same over sockets."""

    def __init__(self, real_server):
        self.control = real_server
        self.control.flushall()
        self.connections = {}

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = Real(self.control)
        return self.connections[name]

    def run(self, argv, name):
        return self.connection(name).run(argv)

    def messages(self, listener):
        self.control.publish("the end", "")
        reader = self.connection(listener).reader
        found = []
        while not found or found[-1][2] != b"the end":
            found.append([text for _, text in read_reply(reader)[1]])
        return found[:-1]

    def close(self):
        self.control.config_set("notify-keyspace-events", "")
        for connection in self.connections.values():
            connection.close()


@pytest.fixture
def servers(real_server):
    real = RealServer(real_server)
    yield OursServer(), real
    real.close()


def comparable(argv, reply):
    """The reply without what the versions say differently, or is the time."""
    if argv[0] == b"XADD":
        return reply[0]
    return reply


@pytest.mark.parametrize("seed", range(12))
def test_transactions_of_three_clients(servers, seed):
    random, lines = Random(seed), lines_of(TRANSACTIONS)
    ours, real = servers
    done = []
    for _ in range(120):
        name, argv = random.choice("abc"), drawn(random, lines)
        done.append((name, b" ".join(argv)))
        assert ours.run(argv, name) == real.run(argv, name), done[-30:]


@pytest.mark.parametrize("seed", range(20))
def test_events_of_commands(servers, seed):
    random, lines = Random(seed), lines_of(EVENTS)
    ours, real = servers
    for server in servers:
        server.run([b"CONFIG", b"SET", b"notify-keyspace-events", b"KEA"], "main")
        server.run([b"PSUBSCRIBE", b"*"], "listener")
    done = []
    for _ in range(80):
        argv = drawn(random, lines)
        done.append(b" ".join(argv))
        replies = comparable(argv, ours.run(argv, "main")), comparable(argv, real.run(argv, "main"))
        assert replies[0] == replies[1] or argv[0] in (b"SMEMBERS", b"SPOP"), done
        assert ours.messages("listener") == real.messages("listener"), done[-12:][::-1]
