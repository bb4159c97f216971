"""Lists outside the keyspace: their digest, and their size in an RDB file.

In an RDB file a list is the number of its nodes and, for each, what it is (one byte: plain or packed) and its
listpack's block, or its item, as a string. https://rdb.fnordig.de/file_format.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import digest
from redracer.core.entry import LIST
from redracer.core.rdb_size import length_size, string_size
from redracer.core.rewriting import in_batches
from redracer.core.type_spec import Elements, TypeSpec, register
from redracer.types.list.quicklist import Quicklist
from redracer.types.list.rdb import CODEC
from redracer.types.list.value import Limits, length, push, slice_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from redracer.core.keyspace import Keyspace
    from redracer.types.list.value import ListValue

CONTAINER_SIZE = 1  # byte that says what a node is


def serialized_length(value: ListValue) -> int:
    """The bytes that a list takes in an RDB file, its type not counted. O(n)."""
    parts = [part for _, part in value.listpacks] if isinstance(value, Quicklist) else [value.to_bytes()]
    return length_size(len(parts)) + sum(CONTAINER_SIZE + string_size(part) for part in parts)


def mix_items(start: bytes, value: ListValue) -> bytes:
    """The digest with every item added, in order. O(n)."""
    for item in slice_of(value, 0, -1):
        start = digest.mix(start, item)
    return start


def value_of(keyspace: Keyspace, key: bytes) -> ListValue:
    """The list at a key that holds one."""
    value: ListValue | None = keyspace.get_object(key, LIST, False)
    if value is None:
        raise KeyError(key)
    return value


def encoding_of(keyspace: Keyspace, key: bytes) -> bytes:
    """The encoding of the list at a key that holds one."""
    return value_of(keyspace, key).encoding


def elements_of(value: ListValue) -> Elements:
    """The items."""
    total = length(value)

    def part(start: int, count: int, reverse: bool) -> list[bytes]:
        if not reverse:
            return slice_of(value, start, start + count - 1)
        items = slice_of(value, total - start - count, total - start - 1)
        items.reverse()
        return items

    return Elements(total, True, part)


def make(keyspace: Keyspace, key: bytes, items: list[bytes], settings: Mapping[str, Any]) -> None:
    """Makes a list at a key that is free. O(n)."""
    limits = Limits(settings["list-max-listpack-size"], settings["list-compress-depth"])
    push(keyspace, key, items, 0, False, True, limits)


def commands(key: bytes, value: ListValue) -> Iterator[list[bytes]]:
    """The commands that make a list. O(n)."""
    return in_batches(b"RPUSH", key, slice_of(value, 0, -1))


register(
    TypeSpec(
        type=LIST,
        name=b"list",
        number=1,
        value=value_of,
        encoding=encoding_of,
        digest=mix_items,
        serialized_length=serialized_length,
        rdb=CODEC,
        commands=commands,
        elements=elements_of,
        make=make,
    )
)
