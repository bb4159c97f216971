"""The marker set: keys of every type that are written before a restart and must be there, unchanged, after it.

All of its content follows from a token, which is one of the keys: whoever finds the token knows what the rest must be,
so that the two halves of a verification may be two processes. Its keys expire after a day, in case nobody comes back.
"""

from __future__ import annotations

import hashlib
import secrets

from redracer.verify.checks import LIFETIME, CheckFailed, Keys, expect, sorted_reply, wait_until
from redracer.verify.connection import Connection, ServerError

STRINGS = 50  # keys of that type, so that more than one page of a file has some
ITEMS = 40  # of each collection


def written(server: Connection, keys: Keys) -> str:
    """Write the marker set in place of any other; returns what there is now."""
    server.ask("DEL", *names(keys))
    token = secrets.token_hex(8)
    values = contents(token, ITEMS)
    for number, value in enumerate(contents(token, STRINGS)):
        expect(server, b"OK", "SET", keys(f"string:{number}"), value)
    by_number = [word for pair in enumerate(values) for word in pair]
    expect(server, ITEMS, "RPUSH", keys("list"), *values)
    expect(server, ITEMS, "HSET", keys("hash"), *by_number)
    expect(server, ITEMS, "SADD", keys("set"), *values)
    expect(server, ITEMS, "ZADD", keys("sorted-set"), *by_number)
    for number, value in enumerate(values, 1):
        expect(server, b"%d-1" % number, "XADD", keys("stream"), f"{number}-1", "value", value)
    expect(server, 2, "HSET", keys("token"), "token", token, "run_id", information(server)["run_id"])
    for key in keys.used:
        expect(server, 1, "EXPIRE", key, LIFETIME)
    return f"{len(keys.used)} keys of six types"


def checked(server: Connection, keys: Keys) -> str:
    """Compare the marker set with what it must be. Raises CheckFailed, naming the first difference."""
    token = token_of(server, keys)
    values = contents(token, ITEMS)
    for number, value in enumerate(contents(token, STRINGS)):
        expect(server, value, "GET", keys(f"string:{number}"))
    expect(server, values, "LRANGE", keys("list"), 0, -1)
    for number, value in enumerate(values):
        expect(server, value, "HGET", keys("hash"), number)
    expect(server, ITEMS, "HLEN", keys("hash"))
    sorted_reply(server, values, "SMEMBERS", keys("set"))
    by_score = [word for number, value in enumerate(values) for word in (value, b"%d" % number)]
    expect(server, by_score, "ZRANGE", keys("sorted-set"), 0, -1, "WITHSCORES")
    entries = [[b"%d-1" % number, [b"value", value]] for number, value in enumerate(values, 1)]
    expect(server, entries, "XRANGE", keys("stream"), "-", "+")
    for key in keys.used:
        left = server.ask("TTL", key)
        if not 0 < left <= LIFETIME:
            raise CheckFailed(f"TTL {key}: from 1 to {LIFETIME} was expected, {left!r} came")
    return f"{len(keys.used)} keys of six types are as they were written"


def token_of(server: Connection, keys: Keys) -> str:
    """The token of the marker set that is there. Raises CheckFailed if there is none."""
    token = server.ask("HGET", keys("token"), "token")
    if token is None:
        raise CheckFailed(
            f"no marker set under {keys.prefix!r}: it was lost, or `--phase before` has not been run"
        )
    return str(token, "utf-8", "replace")


def restarted(server: Connection, keys: Keys) -> str:
    """Make sure that another process serves than the one that the marker set was written to. Raises CheckFailed."""
    token_of(server, keys)
    if server.ask("HGET", keys("token"), "run_id") == information(server)["run_id"].encode():
        raise CheckFailed("the server has not restarted: its run_id is what it was")
    return "the server is another process than before"


def contents(token: str, count: int) -> list[bytes]:
    """The values for a token: each of 64 bytes of any kind, none like another."""
    return [hashlib.blake2b(f"{token}:{number}".encode()).digest() for number in range(count)]


def names(keys: Keys) -> list[str]:
    """The keys of the marker set."""
    others = ("list", "hash", "set", "sorted-set", "stream", "token")
    return [keys(name) for name in (*others, *(f"string:{number}" for number in range(STRINGS)))]


def saved(server: Connection, patience: float) -> str:
    """Have the server save, and wait until LASTSAVE says that it has. Raises CheckFailed."""
    last: list[int] = []

    def begun() -> bool:
        last[:] = [server.ask("LASTSAVE")]
        # LASTSAVE counts seconds: only in the next one can it tell this save from the one before.
        return int(server.ask("TIME")[0]) > last[0] and begins_saving(server)

    def ended() -> bool:
        now = information(server, "persistence")
        if now["rdb_bgsave_in_progress"] != "0":
            return False
        if now["rdb_last_bgsave_status"] != "ok":
            raise CheckFailed("BGSAVE has failed: the server's log says why")
        return bool(server.ask("LASTSAVE") > last[0])

    wait_until(begun, patience, "BGSAVE begins, after what is under way")
    wait_until(ended, patience, "LASTSAVE tells of the save")
    return "BGSAVE, and LASTSAVE tells of it"


def begins_saving(server: Connection) -> bool:
    """Begins a save; False if the server is at another, or rewrites its append-only file."""
    try:
        server.ask("BGSAVE")
    except ServerError as error:
        if "in progress" in str(error) or "child process" in str(error):
            return False
        raise
    return True


def information(server: Connection, section: str = "server") -> dict[str, str]:
    """What INFO tells in a section. Raises ServerError."""
    lines = server.ask("INFO", section).decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)
