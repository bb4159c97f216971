"""What a client hears besides its replies: messages, invalidations, lines of MONITOR.

The engine encodes them once for all who listen (net sends these bytes as they are); a session of this process reads
them back into values. RESP: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core.replies import Push, Status

if TYPE_CHECKING:
    from collections.abc import Iterator


def decoded(data: bytes) -> Iterator[Any]:
    """The values that whole encoded messages stand for. O(bytes)."""
    at = 0
    while at < len(data):
        value, at = _value(data, at)
        yield value


def _value(data: bytes, at: int) -> tuple[Any, int]:
    """The value that begins at an offset, and where the next one begins."""
    end = data.index(b"\r\n", at)
    kind, text, at = data[at : at + 1], data[at + 1 : end], end + 2
    if kind == b"+":
        return Status(text), at
    if kind == b":":
        return int(text), at
    if kind == b"_" or text == b"-1":
        return None, at
    size = int(text)
    if kind == b"$":
        return data[at : at + size], at + size + 2
    items = []
    for _ in range(size):
        item, at = _value(data, at)
        items.append(item)
    return (Push(items) if kind == b">" else items), at
