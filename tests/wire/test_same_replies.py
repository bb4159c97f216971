"""The same conversations byte for byte over a socket, inside a process, and with a real redis-server."""

import shutil

import pytest

from .conftest import EmbeddedServer, ServerProcess

# Of each type and each kind of reply. Redis 7.0 has no such command, or another reply, where a line begins with !.
CONVERSATIONS = {
    "strings": """
        SET k hello
        GET k
        GET missing
        GETSET k world
        APPEND k !
        STRLEN k
        GETRANGE k 1 -2
        SETRANGE k 10 x
        GET k
        SET n 10 EX 1000
        TTL n
        INCR n
        INCRBY n -20
        INCRBYFLOAT n 0.5
        DECR k
        MSET a 1 b 2
        MGET a missing b
        MSETNX a 3 c 4
        SETNX c 5
        GETDEL c
        GETEX a PERSIST
        SET k v NX
        SET k v XX GET
        SET k v EX 0
        SET k v EX notanumber
        SETEX k -1 v
        LCS a b IDX
        SUBSTR k 0 1
        OBJECT ENCODING a
        BITCOUNT k
        SETBIT bits 7 1
        GETBIT bits 7
        BITPOS bits 1
        BITFIELD bits SET u8 0 255 GET i4 0 OVERFLOW FAIL INCRBY u8 0 1
        PFADD h a b c
        PFCOUNT h
        GET
        SET k
    """,
    "keys": """
        MSET one 1 two 2 three 3
        EXISTS one two missing
        TYPE one
        RENAME one uno
        RENAME missing x
        RENAMENX uno two
        DEL two
        UNLINK three missing
        EXPIRE uno 100
        EXPIRE uno 50 GT
        TTL missing
        PERSIST uno
        PERSIST uno
        EXPIREAT uno 4000000000
        EXPIRETIME uno
        COPY uno dos
        COPY uno dos
        MOVE uno 1
        SELECT 1
        GET uno
        SELECT 99
        SELECT 0
        DBSIZE
        KEYS *
        SCAN 0
        SCAN 0 TYPE string MATCH d* COUNT 100
        RANDOMKEY
        TOUCH dos
        OBJECT REFCOUNT missing
        DUMP missing
        RESTORE bad 0 garbage
        SORT dos
        NOSUCHCOMMAND with arguments
        GET a b c
        FLUSHDB SOMEHOW
        FLUSHDB
    """,
    "lists": """
        RPUSH l a b c d
        LPUSH l z
        LPUSHX missing x
        LRANGE l 0 -1
        LLEN l
        LINDEX l -1
        LINDEX l 99
        LINSERT l BEFORE b between
        LINSERT l BEFORE nothing x
        LSET l 0 first
        LSET l 99 x
        LSET missing 0 x
        LREM l 0 b
        LTRIM l 0 2
        LPOP l
        RPOP l 2
        LPOP missing
        LPOP missing 2
        RPUSH l 1 2 3 1
        LPOS l 1 COUNT 0
        LPOS l 9
        LMOVE l other LEFT RIGHT
        RPOPLPUSH l other
        LMPOP 2 missing other RIGHT COUNT 5
        LMPOP 1 missing LEFT
        BLPOP l 0
        BLPOP missing 0.001
        BLMPOP 0.001 1 missing LEFT
        SORT l DESC
        SORT l BY nothing LIMIT 0 1 STORE sorted
        HSET l f v
        !OBJECT ENCODING sorted
    """,
    "hashes": """
        HSET h a 1 b 2
        HSET h a 3 c 4
        HGET h a
        HGET h missing
        HGETALL h
        HGETALL missing
        HMGET h a missing
        HKEYS h
        HVALS h
        HLEN h
        HEXISTS h a
        HSTRLEN h a
        HINCRBY h a 5
        HINCRBYFLOAT h b 0.1
        HINCRBY h b 1
        HSETNX h a x
        HDEL h a missing
        HSCAN h 0
        HRANDFIELD missing
        HRANDFIELD missing 2
        HSET h onlyfield
        OBJECT ENCODING h
        !HEXPIRE h 100 FIELDS 2 b missing
        !HTTL h FIELDS 2 b c
        !HPERSIST h FIELDS 1 b
        !HGETDEL h FIELDS 1 b
        !HSETEX h EX 100 FIELDS 1 d 5
        !HGETEX h PERSIST FIELDS 1 d
    """,
    "sets": """
        SADD s 3 1 2
        SADD s 1
        SMEMBERS s
        SCARD s
        SISMEMBER s 1
        SMISMEMBER s 1 9
        SREM s 1 9
        SADD other 2 5
        SINTER s other
        SINTERCARD 2 s other LIMIT 1
        SUNION s other
        SDIFF s other
        SUNIONSTORE all s other
        SMOVE s other 3
        SMOVE s other 99
        SPOP missing
        SPOP missing 2
        SRANDMEMBER missing
        SRANDMEMBER s -3
        SSCAN all 0
        OBJECT ENCODING all
        SADD all word
        !OBJECT ENCODING all
        SADD h
    """,
    "sorted sets": """
        ZADD z 1 a 2 b 3.5 c
        ZADD z XX CH 5 a
        ZADD z NX 9 a 4 d
        ZADD z INCR 1 a
        ZADD z NX INCR 1 a
        ZADD z GT LT 1 a
        ZADD z nan x
        ZSCORE z a
        ZSCORE z missing
        ZMSCORE z a missing
        ZINCRBY z 0.25 b
        ZRANGE z 0 -1 WITHSCORES
        ZRANGE z (1 +inf BYSCORE LIMIT 0 2
        ZRANGE z - + BYLEX
        ZREVRANGE z 0 1 WITHSCORES
        ZRANGEBYSCORE z -inf (4 WITHSCORES
        ZRANK z c
        ZREVRANK z c
        ZRANK z missing
        !ZRANK z c WITHSCORE
        ZCOUNT z 1 4
        ZLEXCOUNT z - +
        ZCARD z
        ZPOPMIN z
        ZPOPMAX z 2
        ZPOPMIN missing
        ZMPOP 1 z MIN
        ZMPOP 1 missing MIN
        BZPOPMIN missing 0.001
        ZADD y 1 a 2 b
        ZADD x 10 b 20 c
        ZUNION 2 x y WITHSCORES
        ZINTER 2 x y WEIGHTS 2 3 AGGREGATE MAX WITHSCORES
        ZDIFF 2 x y
        ZUNIONSTORE u 2 x y
        ZRANGESTORE r u 0 1
        ZREM u a missing
        ZREMRANGEBYRANK u 0 0
        ZRANDMEMBER missing 2 WITHSCORES
        ZSCAN y 0
        GEOADD places 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        GEODIST places Palermo Catania km
        GEOPOS places Palermo missing
        GEOHASH places Palermo
        GEOSEARCH places FROMMEMBER Palermo BYRADIUS 200 km ASC WITHDIST
    """,
    "streams": """
        XADD st 1-1 a 1
        XADD st 1-2 b 2 c 3
        XADD st 1-1 a 1
        XADD st 0-0 a 1
        XADD missing NOMKSTREAM * a 1
        XLEN st
        XRANGE st - +
        XREVRANGE st + - COUNT 1
        XREAD COUNT 1 STREAMS st 0
        XREAD STREAMS st $
        XREAD BLOCK 1 STREAMS st $
        XGROUP CREATE st g 0
        XGROUP CREATE st g 0
        XREADGROUP GROUP g me STREAMS st >
        XREADGROUP GROUP nobody me STREAMS st >
        XACK st g 1-1
        XPENDING st g
        XPENDING st g - + 10 nobody
        XCLAIM st g you 0 1-2 JUSTID
        XAUTOCLAIM st g you 1000000 0
        XINFO GROUPS missing
        XDEL st 1-1
        XTRIM st MAXLEN 0
        XSETID st 5-5
        XGROUP DESTROY st g
        !XDELEX st IDS 1 1-2
    """,
    "transactions and scripts": """
        MULTI
        SET k 1
        INCR k
        LPUSH k x
        NOSUCHCOMMAND
        EXEC
        MULTI
        SET k 1
        LPUSH k x
        HGETALL k
        EXEC
        EXEC
        MULTI
        MULTI
        DISCARD
        DISCARD
        WATCH k
        SET k 2
        MULTI
        GET k
        EXEC
        UNWATCH
        EVAL "return {1, 2.9, 'three', {4}, false, true}" 0
        EVAL "return redis.call('GET', KEYS[1])" 1 k
        EVAL "return redis.error_reply('MY error')" 0
        EVAL "return redis.status_reply('FINE')" 0
        EVAL "return {map = {a = 1}}" 0
        EVAL "redis.setresp(3) return redis.call('HGETALL', KEYS[1])" 1 missing
        EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
        SCRIPT EXISTS ffffffffffffffffffffffffffffffffffffffff
        EVAL "return 1" x
        FUNCTION LIST
        FCALL missing 0
    """,
    "connection": """
        PING
        PING hello
        ECHO hello
        CLIENT GETNAME
        CLIENT SETNAME me
        CLIENT GETNAME
        CLIENT SETNAME "with space"
        CLIENT NO-EVICT ON
        CLIENT TRACKING ON
        CLIENT TRACKINGINFO
        CLIENT TRACKING OFF
        CLIENT KILL ID 0
        CLIENT REPLY WHAT
        AUTH wrong password
        CONFIG GET maxmemory
        CONFIG GET nothing
        CONFIG SET maxmemory-policy nothing
        CONFIG SET hash-max-listpack-entries 100
        CONFIG GET hash-max-ziplist-entries
        COMMAND COUNT x
        COMMAND GETKEYS MSET a 1 b 2
        !COMMAND GETKEYS PING
        ACL WHOAMI
        ACL CAT nothing
        ACL GETUSER nobody
        OBJECT HELP extra
        MEMORY USAGE missing
        SUBSCRIBE c
        PSUBSCRIBE p*
        PING
        UNSUBSCRIBE
        PUNSUBSCRIBE p*
        PUBLISH nobody hello
        PUBSUB CHANNELS
        PUBSUB NUMSUB c
        LATENCY HISTORY nothing
        SLOWLOG GET 0
        WAIT 0 1
        WAIT 1 1
        ROLE
        DEBUG SLEEP
        RESET
        PING
    """,
}


def lines(conversation):
    """(whether 7.0 has it, the line)"""
    for line in CONVERSATIONS[conversation].strip().splitlines():
        text = line.strip()
        yield not text.startswith("!"), text.removeprefix("!")


def replies(server, conversation, resp, of_old_only):
    """What is answered, line by line; what comes besides the reply is read with the next one that has it."""
    client = server.connect()
    client.request("HELLO", resp)
    client.request("SELECT", 0)
    client.request("FLUSHALL")
    found = []
    for old, line in lines(conversation):
        if old or not of_old_only:
            found.append((line, client.inline(line)))
    client.close()
    server.clients.remove(client)
    return found


@pytest.fixture(scope="module")
def embedded():
    server = EmbeddedServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    if shutil.which("redis-server") is None:
        pytest.skip("needs redis-server")
    server = ServerProcess(tmp_path_factory.mktemp("redis"), program="redis-server")
    yield server
    server.stop()


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("conversation", CONVERSATIONS)
class TestReplies:
    def test_inside_a_process(self, server, embedded, conversation, resp):
        ours = replies(server, conversation, resp, False)
        assert len(ours) > 20
        assert replies(embedded, conversation, resp, False) == ours

    def test_of_a_real_server(self, server, real, conversation, resp):
        assert replies(server, conversation, resp, True) == replies(real, conversation, resp, True)
