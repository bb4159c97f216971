"""The values that are damaged, how they are, and what is done with one that was loaded all the same."""

from __future__ import annotations

from random import Random

from redracer.core.type_spec import type_spec
from tests.unit.commands.served import Served
from tests.unit.types.test_rdb_values import EXPIRING, OLD_VALUES, VALUES, dumped

INTERESTING = [0, 1, 2, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xC0, 0xC3, 0xF0, 0xF4, 0xFE, 0xFF]
LARGEST = 40_000  # bytes of a value
CHECKSUM_AND_VERSION = 10  # bytes at the end of a payload

# Numbers as RDB files have them: of 32 bits, of 64 bits, large ones of each, and lengths of compressed strings.
NUMBERS = [
    b"\x80\xff\xff\xff\xff",
    b"\x80\x7f\xff\xff\xff",
    b"\x81" + b"\xff" * 8,
    b"\x81\x7f" + b"\xff" * 7,
    b"\x81\0\0\0\x7f\xff\xff\xff\xff",
    b"\xc3\x05\x81\0\0\0\0\xff\xff\xff\xff",
    b"\xc3\x05\x80\x1f\xff\xff\xff",
]

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


def make_values() -> list[bytes]:
    """RDB types and values, in the order of their size: each encoding of each type, and the older forms."""
    server = Served()
    found = list(OLD_VALUES.values()) + [bytes([kind]) + content for kind, content in EXPIRING.items()]
    for lines in VALUES.values():
        server.run(b"FLUSHALL")
        for line in lines:
            server.run(line)
        found += [
            dumped(server, compression=compression)[:-CHECKSUM_AND_VERSION] for compression in (True, False)
        ]
    return sorted((content for content in found if len(content) < LARGEST), key=len)


def choose(draw: Random, values: list[bytes]) -> bytes:
    """One of them; the small more often: they are quicker, and their structure is hit more often."""
    return values[min(draw.randrange(len(values)), draw.randrange(len(values)))]


def damaged(draw: Random, content: bytes, splices: list[bytes] = NUMBERS) -> bytes:
    """The content with a few bytes changed, moved, cut, or one of `splices` put in."""
    data = bytearray(content)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 8])):
        at = draw.randrange(len(data)) if draw.random() < 0.7 else draw.randrange(min(len(data), 40))
        way = draw.randrange(9)
        if way < 2:
            data[at] = draw.randrange(256)
        elif way < 4:
            data[at] = draw.choice(INTERESTING)
        elif way == 4:
            data[at] ^= 1 << draw.randrange(8)
        elif way == 5:
            del data[at : at + draw.randrange(1, 6)]
        elif way == 6:
            data[at:at] = bytes(draw.choices(INTERESTING, k=draw.randrange(1, 5)))
        elif way == 7:
            data[at:at] = draw.choice(splices)
        else:
            size, other = draw.randrange(1, 20), draw.randrange(len(data))
            data[at : at + size] = data[other : other + size]
        if not data:
            return b"\0"
    return bytes(data)


def use(server: Served, key: bytes = b"k") -> None:
    """Runs every command of the type of a key, if it is there; errors are answers too, exceptions are not caught."""
    database = server.engine.databases[0]
    if not database.exists(key):
        return
    name = type_spec(database.type_of(key)).name
    for line in [
        b"OBJECT ENCODING k",
        b"DEBUG DIGEST-VALUE k",
        b"MEMORY USAGE k",
        b"COPY k twin REPLACE",
        *USES[name],
    ]:
        server.run([key if word == b"k" else word for word in line.split()])
    if database.exists(key):
        server.run([b"RESTORE", b"twin", b"0", dumped(server, key), b"REPLACE"])
    server.run([b"DEL", key])
    server.run(b"UNLINK twin")
    while server.engine.lazy_free.run(1 << 62):
        pass
