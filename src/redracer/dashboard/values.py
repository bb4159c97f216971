"""How a value is read in parts: what the page shows of each type, and where the next part begins.

No part takes the server long: at most PART elements, or BYTES of a string.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from redracer.dashboard.resp import Connection, ServerError, to_bytes, to_text

PART = 100  # elements
BYTES = 64 * 1024  # of a string
NO_TTL = -1


async def describe(connection: Connection, name: str, cursor: str) -> dict[str, Any]:
    """Type, time to live (ms, None for none), encoding, bytes and a part of a key's value; type "none" if missing.

    `cursor`: where the part begins, as an earlier answer's `next` says; empty for the beginning.
    """
    key = to_bytes(name)
    kind, ttl, encoding, size = await connection.run_all(
        [("TYPE", key), ("PTTL", key), ("OBJECT", "ENCODING", key), ("MEMORY", "USAGE", key)]
    )
    if isinstance(kind, ServerError):
        raise kind
    shown: dict[str, Any] = {"name": name, "type": to_text(kind)}
    shown["ttl"] = None if isinstance(ttl, ServerError) or ttl == NO_TTL else ttl
    # A user may lack the permission for these two; the value is shown all the same.
    shown["encoding"] = to_text(encoding) if isinstance(encoding, bytes) else None
    shown["bytes"] = size if isinstance(size, int) else None
    read = READERS.get(shown["type"])
    shown.update(await read(connection, key, cursor) if read is not None else {})
    return shown


async def _string(connection: Connection, key: bytes, cursor: str) -> dict[str, Any]:
    start = int(cursor or 0)
    length, text = await _all(connection, ("STRLEN", key), ("GETRANGE", key, start, start + BYTES - 1))
    end = start + len(text)
    return {"length": length, "value": to_text(text), "next": str(end) if end < length else ""}


async def _list(connection: Connection, key: bytes, cursor: str) -> dict[str, Any]:
    start = int(cursor or 0)
    length, items = await _all(connection, ("LLEN", key), ("LRANGE", key, start, start + PART - 1))
    rows = [[start + number, to_text(item)] for number, item in enumerate(items)]
    end = start + len(items)
    return {"length": length, "rows": rows, "next": str(end) if end < length else ""}


async def _set(connection: Connection, key: bytes, cursor: str) -> dict[str, Any]:
    length, (following, members) = await _all(
        connection, ("SCARD", key), ("SSCAN", key, cursor or "0", "COUNT", PART)
    )
    rows = [[to_text(member)] for member in members]
    return {"length": length, "rows": rows, "next": "" if following == b"0" else to_text(following)}


async def _hash(connection: Connection, key: bytes, cursor: str) -> dict[str, Any]:
    length, (following, parts) = await _all(
        connection, ("HLEN", key), ("HSCAN", key, cursor or "0", "COUNT", PART)
    )
    fields, values = parts[::2], parts[1::2]
    ttls: Any = [None] * len(fields)
    if fields:
        (found,) = await connection.run_all([("HPTTL", key, "FIELDS", len(fields), *fields)])
        if isinstance(found, list):  # older servers have no such command
            ttls = [ttl if ttl >= 0 else None for ttl in found]
    rows = [
        [to_text(field), to_text(value), ttl] for field, value, ttl in zip(fields, values, ttls, strict=False)
    ]
    return {"length": length, "rows": rows, "next": "" if following == b"0" else to_text(following)}


async def _sorted_set(connection: Connection, key: bytes, cursor: str) -> dict[str, Any]:
    start = int(cursor or 0)
    length, pairs = await _all(
        connection, ("ZCARD", key), ("ZRANGE", key, start, start + PART - 1, "WITHSCORES")
    )
    # JSON has no infinity.
    rows = [
        [start + number, to_text(member), score if isfinite(score) else str(score)]
        for number, (member, score) in enumerate(pairs)
    ]
    end = start + len(rows)
    return {"length": length, "rows": rows, "next": str(end) if end < length else ""}


async def _stream(connection: Connection, key: bytes, cursor: str) -> dict[str, Any]:
    length, entries = await _all(
        connection, ("XLEN", key), ("XREVRANGE", key, cursor or "+", "-", "COUNT", PART)
    )
    rows = [
        [to_text(id), [[to_text(a), to_text(b)] for a, b in zip(parts[::2], parts[1::2], strict=True)]]
        for id, parts in entries
    ]
    return {"length": length, "rows": rows, "next": f"({rows[-1][0]}" if len(rows) == PART else ""}


READERS = {
    "string": _string,
    "list": _list,
    "set": _set,
    "hash": _hash,
    "zset": _sorted_set,
    "stream": _stream,
}


async def _all(connection: Connection, *requests: tuple[Any, ...]) -> list[Any]:
    """The replies to requests sent together; raises the first ServerError among them."""
    replies = await connection.run_all(list(requests))
    for reply in replies:
        if isinstance(reply, ServerError):
            raise reply
    return replies
