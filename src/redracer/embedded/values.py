"""Replies as Python values: what a client would have made of the bytes that a server sends.

RESP2 has fewer types: there a map is a flat list, a double or a big number a string, a boolean a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core.bulk_array import BulkArray
from redracer.core.numbers import format_double
from redracer.core.replies import (
    NULL_ARRAY,
    Attributed,
    BigNumber,
    Double,
    Error,
    Map,
    Push,
    Set,
    Status,
    Verbatim,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RESP3 = 3


class Values:
    """How to turn replies into values. `text(bytes)`: what a string becomes; `error(bytes)`: what an error becomes."""

    def __init__(self, resp: int, text: Callable[[bytes], Any], error: Callable[[bytes], Any]) -> None:
        self.resp3 = resp == RESP3
        self.text = text
        self.error = error

    def of(self, reply: Any) -> Any:
        """The value of a reply. O(its size)."""
        kind = type(reply)
        if kind is bytes:
            return self.text(reply)
        if kind is int or reply is None:
            return reply
        if kind is list or kind is tuple or kind is BulkArray:
            return [self.of(item) for item in reply]
        if kind is Status:
            return self.text(reply.text)
        if kind is Error:
            return self.error(reply.text)
        return self._of_marker(kind, reply)

    def _of_marker(self, kind: type, reply: Any) -> Any:
        if kind is Map:
            return self._of_map(reply.items)
        if kind is Set or kind is Push:
            return [self.of(item) for item in reply.items]
        if reply is NULL_ARRAY:
            return None
        if kind is float:
            return reply if self.resp3 else self.text(format_double(reply))
        if kind is bool:
            return reply if self.resp3 else int(reply)
        if kind is Double:
            if self.resp3:
                return float(reply.text) if reply.text is not None else reply.value
            return self.text(reply.text if reply.text is not None else format_double(reply.value))
        if kind is BigNumber:
            return int(reply.digits) if self.resp3 else self.text(reply.digits)
        if kind is Verbatim:
            return self.text(reply.text)
        if kind is Attributed:
            return self.of(reply.value)
        return [self.of(item) for item in reply]  # an iterator: a long reply that is made while it is read

    def _of_map(self, items: list[Any]) -> Any:
        values = [self.of(item) for item in items]
        if not self.resp3:
            return values
        return dict(zip(values[::2], values[1::2], strict=True))


def encode(value: Any) -> bytes:
    """An argument of a command as bytes: bytes as they are, text as UTF-8, numbers as decimal text.

    Raises TypeError for anything else, such as None or a bool, of which one cannot say what is meant.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        raise TypeError("a bool is no argument of a command: say 1 or 0, or a word")
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, float):
        return repr(value).encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{type(value).__name__} is no argument of a command: use bytes, str, int or float")
