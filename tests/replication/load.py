"""Random commands of all families that change data, on few keys, so that they meet; some make errors, and may."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

Argv: TypeAlias = list[object]
SCRIPT = """
local kept = redis.call('incr', KEYS[1])
redis.call('lpush', KEYS[2], kept)
redis.pcall('incr', KEYS[2])
return redis.call('expire', KEYS[1], 1000)
"""


class Load:
    """Makes commands. Keys are named after their type, but now and then a command meets another type."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.families: list[Callable[[], Argv]] = [
            self.string,
            self.string,
            self.list,
            self.set,
            self.hash,
            self.sorted_set,
            self.stream,
            self.key,
            self.other,
        ]

    def commands(self) -> list[Argv]:
        """One command, or some that belong together in a transaction."""
        if self.random.random() < 0.08:
            return [self.command() for _ in range(self.random.randint(2, 5))]
        return [self.command()]

    def command(self) -> Argv:
        """One command."""
        return self.random.choice(self.families)()

    def name(self, kind: str) -> str:
        """A key that holds this kind, or nearly always does."""
        draw = self.random
        if draw.random() < 0.02:
            kind = draw.choice(["s", "l", "u", "h", "z", "x"])
        return f"{kind}{draw.randrange(25)}"

    def text(self) -> object:
        """A value: short, a number, or now and then long."""
        draw = self.random
        kind = draw.random()
        if kind < 0.4:
            return draw.randrange(1000)
        if kind < 0.97:
            return "v" * draw.randrange(1, 40) + str(draw.randrange(100))
        return draw.choice("abc") * draw.randrange(1000, 20000)

    def member(self) -> str:
        """An element of a collection."""
        return f"m{self.random.randrange(200)}"

    def milliseconds(self) -> int:
        """A time to live: many end soon."""
        return self.random.choice([50, 200, 1000, 100_000, 1_000_000])

    def string(self) -> Argv:
        draw, key = self.random, self.name("s")
        return draw.choice(
            [
                ["SET", key, self.text()],
                ["SET", key, self.text(), "PX", self.milliseconds()],
                ["SET", key, self.text(), "KEEPTTL"],
                ["SETEX", key, draw.randint(1, 1000), self.text()],
                ["GETSET", key, self.text()],
                ["GETDEL", key],
                ["GETEX", key, "PX", self.milliseconds()],
                ["APPEND", key, draw.randrange(100)],
                ["INCR", key],
                ["INCRBYFLOAT", key, draw.choice(["0.1", "-3.25", "1e3"])],
                ["SETRANGE", key, draw.randrange(50), "range"],
                ["SETBIT", key, draw.randrange(500), draw.randrange(2)],
                ["BITFIELD", key, "INCRBY", "i8", draw.randrange(40), 3],
                ["BITOP", "OR", key, self.name("s"), self.name("s")],
                ["MSET", key, self.text(), self.name("s"), self.text()],
                ["PFADD", f"p{draw.randrange(5)}", self.member(), self.member()],
                ["PFMERGE", f"p{draw.randrange(5)}", f"p{draw.randrange(5)}"],
            ]
        )

    def list(self) -> Argv:
        draw, key = self.random, self.name("l")
        return draw.choice(
            [
                ["LPUSH", key, *(self.text() for _ in range(draw.randint(1, 4)))],
                ["RPUSH", key, *(self.text() for _ in range(draw.randint(1, 4)))],
                ["LPOP", key, draw.randint(1, 3)],
                ["RPOP", key],
                [
                    "LMOVE",
                    key,
                    self.name("l"),
                    draw.choice(["LEFT", "RIGHT"]),
                    draw.choice(["LEFT", "RIGHT"]),
                ],
                ["BLMPOP", "0.01", 2, key, self.name("l"), "LEFT", "COUNT", 2],
                ["LINSERT", key, "BEFORE", draw.randrange(1000), "x"],
                ["LREM", key, 1, draw.randrange(1000)],
                ["LSET", key, draw.randrange(5), self.text()],
                ["LTRIM", key, 0, draw.randint(20, 200)],
                ["SORT", key, "ALPHA", "STORE", self.name("l")],
            ]
        )

    def set(self) -> Argv:
        draw, key = self.random, self.name("u")
        return draw.choice(
            [
                ["SADD", key, *(draw.choice([self.member(), draw.randrange(300)]) for _ in range(4))],
                ["SADD", key, draw.randrange(300)],
                ["SREM", key, self.member(), draw.randrange(300)],
                ["SPOP", key],
                ["SPOP", key, draw.randint(1, 5)],
                ["SMOVE", key, self.name("u"), self.member()],
                ["SUNIONSTORE", key, self.name("u"), self.name("u")],
                ["SDIFFSTORE", key, self.name("u"), self.name("u")],
                ["SINTERSTORE", key, self.name("u"), self.name("u")],
            ]
        )

    def hash(self) -> Argv:
        draw, key = self.random, self.name("h")
        return draw.choice(
            [
                ["HSET", key, self.member(), self.text(), self.member(), self.text()],
                ["HSETNX", key, self.member(), self.text()],
                ["HINCRBY", key, f"n{draw.randrange(9)}", draw.randrange(100)],
                ["HINCRBYFLOAT", key, f"n{draw.randrange(9)}", "0.5"],
                ["HDEL", key, self.member(), self.member()],
            ]
        )

    def sorted_set(self) -> Argv:
        draw, key = self.random, self.name("z")
        return draw.choice(
            [
                ["ZADD", key, draw.random() * 100, self.member(), draw.randrange(50), self.member()],
                ["ZADD", key, "GT", "CH", draw.randrange(50), self.member()],
                ["ZINCRBY", key, draw.random(), self.member()],
                ["ZREM", key, self.member()],
                ["ZPOPMIN", key, 2],
                ["BZMPOP", "0.01", 1, key, "MAX"],
                ["ZREMRANGEBYRANK", key, 100, -1],
                ["ZUNIONSTORE", key, 2, self.name("z"), self.name("z"), "WEIGHTS", 1, "0.5"],
                ["ZRANGESTORE", key, self.name("z"), 0, 20],
                ["GEOADD", f"g{draw.randrange(3)}", draw.random() * 90, draw.random() * 80, self.member()],
            ]
        )

    def stream(self) -> Argv:
        draw, key = self.random, self.name("x")
        group, consumer = f"g{draw.randrange(2)}", f"c{draw.randrange(3)}"
        return draw.choice(
            [
                ["XADD", key, "*", "field", self.text()],
                ["XADD", key, "MAXLEN", "~", 50, "*", "f", self.text(), "g", draw.randrange(9)],
                ["XGROUP", "CREATE", key, group, "0", "MKSTREAM"],
                ["XREADGROUP", "GROUP", group, consumer, "COUNT", 3, "STREAMS", key, ">"],
                ["XACK", key, group, "1-1"],
                ["XAUTOCLAIM", key, group, consumer, 0, "0", "COUNT", 2],
                ["XTRIM", key, "MAXLEN", draw.randint(10, 60)],
                ["XGROUP", "DELCONSUMER", key, group, consumer],
            ]
        )

    def key(self) -> Argv:
        draw = self.random
        kind = draw.choice("sluhzx")
        key, other = self.name(kind), self.name(kind)
        return draw.choice(
            [
                ["DEL", key],
                ["UNLINK", key, other],
                ["PEXPIRE", key, self.milliseconds()],
                ["EXPIRE", key, draw.randint(1, 1000), "NX"],
                ["PERSIST", key],
                ["RENAME", key, other],
                ["COPY", key, other, "REPLACE"],
                ["MOVE", key, draw.randrange(3)],
            ]
        )

    def other(self) -> Argv:
        draw = self.random
        if draw.random() < 0.03:
            return draw.choice([["SWAPDB", draw.randrange(3), draw.randrange(3)], ["FLUSHDB"], ["FLUSHALL"]])
        return draw.choice(
            [
                ["EVAL", SCRIPT, 2, self.name("s"), self.name("l")],
                ["SELECT", draw.randrange(3)],
                ["PUBLISH", "channel", self.text()],
            ]
        )
