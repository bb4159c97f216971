"""Damaged payloads: each is refused, or makes a value that every command can use; none crashes, or takes much memory.

A short run by default; the long one, of REDRACER_MUTATIONS payloads, is what AddressSanitizer is to see.
"""

import os
import random

import pytest

from redracer.core import dump_payload
from redracer.core.memory import used_memory
from redracer.core.rdb_reader import CorruptRdb
from redracer.core.type_spec import store
from tests.unit.commands.served import Served
from tests.unit.types.payloads import payload
from tests.unit.types.test_rdb_values import EXPIRING, OLD_VALUES, VALUES, dumped

MUTATIONS = int(os.environ.get("REDRACER_MUTATIONS", "100000"))  # of the long run
SHORT_RUN = 3000
INTERESTING = [0, 1, 2, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xC0, 0xC3, 0xF0, 0xF4, 0xFE, 0xFF]
MEMORY_LIMIT = 32 << 20  # bytes that a value of a damaged payload may take: the payloads have at most 40 KB

# What is done with a value that was restored, by type: everything that walks through it, and then what changes it.
USES = {
    b"string": [b"GET k", b"APPEND k x", b"SETRANGE k 5 y", b"BITCOUNT k"],
    b"list": [
        b"LRANGE k 0 -1",
        b"LINDEX k -2",
        b"LPOS k a RANK -1",
        b"LINSERT k BEFORE a b",
        b"LSET k 0 new",
        b"RPUSH k 1 2 3",
        b"LREM k 0 item5",
        b"LTRIM k 1 -2",
        b"LPOP k 5",
    ],
    b"set": [
        b"SMEMBERS k",
        b"SISMEMBER k 17",
        b"SRANDMEMBER k -5",
        b"SADD k new 99 100",
        b"SREM k a 3",
        b"SPOP k 4",
    ],
    b"hash": [
        b"HGETALL k",
        b"HRANDFIELD k -5 WITHVALUES",
        b"HSCAN k 0 COUNT 1000",
        b"HPEXPIRETIME k FIELDS 2 a field1",
        b"HSET k a new new a",
        b"HPEXPIRE k 1000000 FIELDS 1 a",
        b"HINCRBY k count 5",
        b"HDEL k a field7",
    ],
    b"zset": [
        b"ZRANGE k 0 -1 WITHSCORES",
        b"ZRANGEBYSCORE k (1 +inf",
        b"ZREVRANGEBYLEX k + - LIMIT 0 5",
        b"ZRANK k a",
        b"ZADD k 5 a 1.5 new",
        b"ZINCRBY k 3 b",
        b"ZREM k a",
        b"ZREMRANGEBYSCORE k 0 3",
        b"ZPOPMAX k 2",
    ],
    b"stream": [
        b"XRANGE k - +",
        b"XREVRANGE k + - COUNT 10",
        b"XINFO STREAM k FULL",
        b"XINFO GROUPS k",
        b"XREAD COUNT 10 STREAMS k 0",
        b"XREADGROUP GROUP one c1 COUNT 5 STREAMS k >",
        b"XREADGROUP GROUP one c1 COUNT 5 STREAMS k 0",
        b"XPENDING k one - + 10",
        b"XAUTOCLAIM k one c3 0 0",
        b"XADD k * a b",
        b"XDEL k 5-1 900-1",
        b"XTRIM k MAXLEN 20",
        b"XTRIM k MINID ~ 100",
        b"XGROUP DELCONSUMER k one c1",
        b"XGROUP DESTROY k one",
    ],
}


@pytest.fixture(scope="module")
def seeds():
    """RDB types and values: each encoding of each type, and the older forms."""
    server = Served()
    found = list(OLD_VALUES.values()) + [bytes([kind]) + content for kind, content in EXPIRING.items()]
    for lines in VALUES.values():
        server.run(b"FLUSHALL")
        for line in lines:
            server.run(line)
        found += [dumped(server, compression=compression)[:-10] for compression in (True, False)]
    return [content for content in found if len(content) < 40000]


def mutated(generator, content):
    """The content with a few bytes changed, moved, cut or put in."""
    data = bytearray(content)
    for _ in range(generator.choice([1, 1, 1, 2, 3, 8])):
        at = (
            generator.randrange(len(data))
            if generator.random() < 0.7
            else generator.randrange(min(len(data), 40))
        )
        way = generator.randrange(8)
        if way < 2:
            data[at] = generator.randrange(256)
        elif way < 4:
            data[at] = generator.choice(INTERESTING)
        elif way == 4:
            data[at] ^= 1 << generator.randrange(8)
        elif way == 5:
            del data[at : at + generator.randrange(1, 6)]
        elif way == 6:
            data[at:at] = bytes(generator.choices(INTERESTING, k=generator.randrange(1, 5)))
        else:
            size = generator.randrange(1, 20)
            other = generator.randrange(len(data))
            data[at : at + size] = data[other : other + size]
        if not data:
            return b"\0"
    return bytes(data)


def use(server, spec):
    """Runs every command of the type; errors are answers too, other exceptions are not caught."""
    for line in [
        b"OBJECT ENCODING k",
        b"DEBUG DIGEST-VALUE k",
        b"MEMORY USAGE k",
        b"COPY k twin REPLACE",
        *USES[spec.name],
    ]:
        server.run(line)
    if server.run(b"EXISTS k") == b":1\r\n":
        server.run([b"RESTORE", b"twin", b"0", dumped(server), b"REPLACE"])
    server.run(b"DEL k")
    server.run(b"UNLINK twin")
    while server.engine.lazy_free.run(1 << 62):
        pass


def run(seeds, count, seed):
    generator = random.Random(seed)
    server = Served()
    server.engine.config.values["enable-debug-command"] = "yes"
    restored = 0
    for _ in range(count):
        content = mutated(generator, generator.choice(seeds))
        if generator.random() < 0.3:
            limit = generator.choice([b"1", b"128"])
            server.run(
                [b"CONFIG", b"SET", b"hash-max-listpack-entries", limit, b"zset-max-listpack-entries", limit]
            )
        before = used_memory()
        try:
            spec, value = dump_payload.restore(payload(content), server.engine.config.values)
        except CorruptRdb:
            assert used_memory() == before
            continue
        restored += 1
        assert used_memory() - before < MEMORY_LIMIT
        store(spec, server.engine.databases[0], b"k", value, -1)
        del value
        use(server, spec)
    return restored


def test_damaged_payloads(seeds):
    assert 0 < run(seeds, SHORT_RUN, 1) < SHORT_RUN


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_damaged_payloads(seeds):
    restored = run(seeds, MUTATIONS, random.randrange(1 << 32))
    assert 0 < restored < MUTATIONS
