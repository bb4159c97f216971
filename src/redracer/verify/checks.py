"""The checks of data: a function for each type or ability, which uses a few commands and compares every reply.

A check gets a connection that is logged in, and `Keys`, which names its keys and remembers them for the clean-up. It
returns what it did, in words, or raises CheckFailed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from redracer.verify.connection import Connection, ServerError, Word

LIFETIME = 86_400  # s after which the server removes what an interrupted verification left
PAUSE = 0.02  # s between two looks at something that is to come
BINARY = bytes(range(256)) + b"\r\n$-1\r\n"  # a value that would break what is not binary-safe


class CheckFailed(Exception):
    """The server did not do what it must; the text says what, and what it did instead."""


class Keys:
    """The keys that a verification uses: all of them are under its prefix, and known."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.used: list[str] = []

    def __call__(self, name: str) -> str:
        """The key of that name, remembered."""
        key = self.prefix + name
        if key not in self.used:
            self.used.append(key)
        return key


def expect(server: Connection, wanted: Any, *words: Word) -> None:
    """Send a command whose reply must be `wanted`. Raises CheckFailed, naming both."""
    try:
        reply = server.ask(*words)
    except ServerError as error:
        raise CheckFailed(f"{spelled(words)}: {error}") from error
    if reply != wanted:
        raise CheckFailed(f"{spelled(words)}: {wanted!r} was expected, {reply!r} came")


def spelled(words: tuple[Word, ...]) -> str:
    """A command as a person would write it, cut where it is long. No command with a password gets here."""
    text = " ".join(repr(word)[2:-1] if isinstance(word, bytes) else str(word) for word in words)
    return text if len(text) <= 120 else text[:117] + "..."


def wait_until(condition: Callable[[], bool], patience: float, what: str) -> None:
    """Look until it is so. Raises CheckFailed after `patience` seconds; `what` says what was waited for."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise CheckFailed(f"{what}: not within {patience:g} s")
        time.sleep(PAUSE)


def sorted_reply(server: Connection, wanted: list[bytes], *words: Word) -> None:
    """As `expect`, for a reply whose order the server may choose."""
    reply = server.ask(*words)
    if not isinstance(reply, list) or sorted(reply) != sorted(wanted):
        raise CheckFailed(f"{spelled(words)}: {wanted!r} was expected in any order, {reply!r} came")


def strings(server: Connection, keys: Keys) -> str:
    key = keys("string")
    expect(server, b"OK", "SET", key, BINARY)
    expect(server, BINARY, "GET", key)
    expect(server, 1, "EXISTS", key)
    expect(server, 1, "DEL", key)
    expect(server, 0, "EXISTS", key)
    expect(server, None, "GET", key)
    expect(server, 1, "INCR", key)
    expect(server, 42, "INCRBY", key, 41)
    expect(server, 4, "APPEND", key, "00")
    return "SET, GET (binary), EXISTS, DEL, INCR, APPEND"


def lists(server: Connection, keys: Keys) -> str:
    key = keys("list")
    expect(server, 3, "LPUSH", key, "item1", "item2", "item3")
    expect(server, [b"item3", b"item2", b"item1"], "LRANGE", key, 0, -1)
    expect(server, b"item3", "LPOP", key)
    expect(server, 3, "RPUSH", key, "item4")
    expect(server, b"item4", "RPOP", key)
    expect(server, 2, "LLEN", key)
    return "LPUSH, LRANGE, LPOP, RPUSH, RPOP, LLEN"


def hashes(server: Connection, keys: Keys) -> str:
    key = keys("hash")
    expect(server, 2, "HSET", key, "name", "John Doe", "email", "john@example.com")
    expect(server, b"John Doe", "HGET", key, "name")
    sorted_reply(server, [b"name", b"John Doe", b"email", b"john@example.com"], "HGETALL", key)
    expect(server, 7, "HINCRBY", key, "visits", 7)
    expect(server, 1, "HDEL", key, "email")
    expect(server, 0, "HEXISTS", key, "email")
    return "HSET, HGET, HGETALL, HINCRBY, HDEL, HEXISTS"


def sets(server: Connection, keys: Keys) -> str:
    key, other = keys("set"), keys("set:other")
    expect(server, 3, "SADD", key, "member1", "member2", "member3")
    sorted_reply(server, [b"member1", b"member2", b"member3"], "SMEMBERS", key)
    expect(server, 1, "SISMEMBER", key, "member1")
    expect(server, 0, "SISMEMBER", key, "stranger")
    expect(server, 2, "SADD", other, "member3", "member4")
    expect(server, [b"member3"], "SINTER", key, other)
    expect(server, 1, "SREM", key, "member1")
    return "SADD, SMEMBERS, SISMEMBER, SINTER, SREM"


def sorted_sets(server: Connection, keys: Keys) -> str:
    key = keys("sorted-set")
    expect(server, 3, "ZADD", key, 100, "user1", 200, "user3", 150, "user2")
    in_order = [b"user1", b"100", b"user2", b"150", b"user3", b"200"]
    expect(server, in_order, "ZRANGE", key, 0, -1, "WITHSCORES")
    expect(server, 1, "ZRANK", key, "user2")
    expect(server, b"201.5", "ZINCRBY", key, 51.5, "user2")
    expect(server, [b"user2"], "ZREVRANGEBYSCORE", key, "+inf", "(200")
    expect(server, 1, "ZREM", key, "user1")
    return "ZADD, ZRANGE, ZRANK, ZINCRBY, ZREVRANGEBYSCORE, ZREM"


def streams(server: Connection, keys: Keys) -> str:
    key = keys("stream")
    expect(server, b"1-1", "XADD", key, "1-1", "event", "login")
    expect(server, b"1-2", "XADD", key, "1-2", "event", "logout")
    first, second = [b"1-1", [b"event", b"login"]], [b"1-2", [b"event", b"logout"]]
    expect(server, [first, second], "XRANGE", key, "-", "+")
    expect(server, b"OK", "XGROUP", "CREATE", key, "group", 0)
    taken = [[key.encode(), [first]]]
    expect(server, taken, "XREADGROUP", "GROUP", "group", "me", "COUNT", 1, "STREAMS", key, ">")
    expect(server, 1, "XACK", key, "group", "1-1")
    expect(server, 2, "XLEN", key)
    return "XADD, XRANGE, XGROUP, XREADGROUP, XACK, XLEN"


def bitmaps(server: Connection, keys: Keys) -> str:
    key = keys("bitmap")
    expect(server, 0, "SETBIT", key, 1000, 1)
    expect(server, 1, "GETBIT", key, 1000)
    expect(server, 1, "BITCOUNT", key)
    return "SETBIT, GETBIT, BITCOUNT"


def hyperloglogs(server: Connection, keys: Keys) -> str:
    key = keys("hyperloglog")
    expect(server, 1, "PFADD", key, "a", "b", "c")
    expect(server, 3, "PFCOUNT", key)
    return "PFADD, PFCOUNT"


def geo(server: Connection, keys: Keys) -> str:
    key = keys("geo")
    expect(server, 2, "GEOADD", key, 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania")
    expect(server, b"166274.1516", "GEODIST", key, "Palermo", "Catania")
    return "GEOADD, GEODIST"


def transactions(server: Connection, keys: Keys) -> str:
    key = keys("transaction")
    expect(server, b"OK", "MULTI")
    expect(server, b"QUEUED", "SET", key, 1)
    expect(server, b"QUEUED", "INCR", key)
    expect(server, [b"OK", 2], "EXEC")
    return "MULTI, EXEC"


def publishing(server: Connection, keys: Keys) -> str:
    channel = (keys.prefix + "channel").encode()
    with Connection(server.target) as subscriber:
        subscriber.login()
        expect(subscriber, [b"subscribe", channel, 1], "SUBSCRIBE", channel)
        receivers = server.ask("PUBLISH", channel, BINARY)
        if not isinstance(receivers, int) or receivers < 1:
            raise CheckFailed(f"PUBLISH to a channel with a subscriber: {receivers!r} received it")
        message = subscriber.reply()
        if message != [b"message", channel, BINARY]:
            raise CheckFailed(f"the subscriber received {message!r}")
        expect(subscriber, [b"unsubscribe", channel, 0], "UNSUBSCRIBE", channel)
    return "SUBSCRIBE, PUBLISH, UNSUBSCRIBE"


def expiry(server: Connection, keys: Keys) -> str:
    key, kept = keys("expiry"), keys("expiry:kept")
    expect(server, b"OK", "SET", kept, "v", "EX", LIFETIME)
    left = server.ask("TTL", kept)
    if not LIFETIME - 600 <= left <= LIFETIME:
        raise CheckFailed(f"TTL of a key that expires in {LIFETIME} s: {left!r}")
    expect(server, 1, "PERSIST", kept)
    expect(server, -1, "TTL", kept)
    expect(server, b"OK", "SET", key, "v", "PX", 50)
    wait_until(lambda: server.ask("EXISTS", key) == 0, 10, "a key with 50 ms to live goes away")
    expect(server, -2, "PTTL", key)
    expect(server, None, "GET", key)
    return "SET with EX and PX, TTL, PERSIST, and the key is gone in time"


DATA_CHECKS: dict[str, Callable[[Connection, Keys], str]] = {
    "strings": strings,
    "lists": lists,
    "hashes": hashes,
    "sets": sets,
    "sorted sets": sorted_sets,
    "streams": streams,
    "bitmaps": bitmaps,
    "hyperloglogs": hyperloglogs,
    "geo": geo,
    "transactions": transactions,
    "pub/sub": publishing,
    "expiry": expiry,
}
