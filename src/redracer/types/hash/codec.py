"""Hashes outside the keyspace: their digest, and their size in an RDB file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import digest
from redracer.core.entry import HASH
from redracer.core.listpack import Listpack
from redracer.core.rdb_size import length_size, string_size
from redracer.core.rewriting import in_batches
from redracer.core.type_spec import TypeSpec, register
from redracer.types.hash.rdb import CODEC
from redracer.types.hash.value import (
    ExpiringListpack,
    count_fields,
    encoding_of,
    expiry_of,
    get_field,
    items_of,
    next_expiry,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.core.keyspace import Keyspace
    from redracer.types.hash.value import HashValue

EXPIRES = b"!!hexpire!!"  # what stands for a field's expiry in a digest: when is not part of it
EXPIRY_SIZE = 8  # bytes of the earliest expiry, before the fields of a hash where some expire


def value_of(keyspace: Keyspace, key: bytes) -> HashValue:
    """The hash at a key that holds one."""
    value: HashValue | None = keyspace.get_object(key, HASH, False)
    if value is None:
        raise KeyError(key)
    return value


def encoding_at(keyspace: Keyspace, key: bytes) -> bytes:
    """The encoding of the hash at a key that holds one."""
    return encoding_of(value_of(keyspace, key))


def mix(start: bytes, value: HashValue) -> bytes:
    """The digest with the fields of a hash added. O(n)."""
    items = items_of(value, -1)
    for field, content in zip(items[::2], items[1::2], strict=True):
        pair = digest.mix(digest.mix(digest.EMPTY, field), content)
        if expiry_of(value, field) >= 0:
            pair = digest.combine(pair, EXPIRES)
        start = digest.combine(start, pair)
    return start


def serialized_length(value: HashValue) -> int:
    """The bytes that a hash takes in an RDB file, its type not counted. O(n)."""
    if isinstance(value, Listpack):
        packed = string_size(value.to_bytes())
        return EXPIRY_SIZE + packed if isinstance(value, ExpiringListpack) else packed
    items = items_of(value, -1)
    size = length_size(len(items) // 2) + sum(map(string_size, items))
    first = next_expiry(value)
    if first < 0:
        return size
    # Each field has its time to live after the first of them, and one ms, before it; 0 where it has none.
    expiries = [expiry_of(value, field) for field in items[::2]]
    return size + EXPIRY_SIZE + sum(length_size(when - first + 1 if when >= 0 else 0) for when in expiries)


def commands(key: bytes, value: HashValue) -> Iterator[list[bytes]]:
    """The commands that make a hash; its fields' expiries are set one by one. O(n)."""
    items = items_of(value, -1)
    yield from in_batches(b"HMSET", key, items, 2)
    if next_expiry(value) < 0:
        return
    for field in items[::2]:
        when = expiry_of(value, field)
        if when >= 0:
            yield [b"HPEXPIREAT", key, b"%d" % when, b"FIELDS", b"1", field]


register(
    TypeSpec(
        type=HASH,
        name=b"hash",
        number=4,
        value=value_of,
        encoding=encoding_at,
        digest=mix,
        serialized_length=serialized_length,
        rdb=CODEC,
        commands=commands,
        next_expiry=next_expiry,
        field=get_field,
        items=count_fields,
    )
)
