"""Sorted sets outside the keyspace: their digest, and their size in an RDB file.

In an RDB file a small set is its listpack as a string, a large one its length and then each member with its
score, 8
bytes. In a digest members have no order, and a score is text with 17 digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import digest
from redracer.core.entry import ZSET
from redracer.core.rdb_size import length_size, string_size
from redracer.core.rewriting import in_batches
from redracer.core.type_spec import Elements, TypeSpec, register
from redracer.types.sorted_set.rdb import CODEC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.core.keyspace import Keyspace
    from redracer.types.sorted_set.value import SortedSet

TYPE_NUMBER = 3  # Redis's own
SCORE_SIZE = 8  # bytes


def value_of(keyspace: Keyspace, key: bytes) -> SortedSet:
    """The sorted set at a key that holds one."""
    value: SortedSet | None = keyspace.get_object(key, ZSET, False)
    if value is None:
        raise KeyError(key)
    return value


def encoding_of(keyspace: Keyspace, key: bytes) -> bytes:
    """The encoding of the sorted set at a key that holds one."""
    return value_of(keyspace, key).encoding


def mixed(start: bytes, members: SortedSet) -> bytes:
    """The digest with the members added. O(n)."""
    flat = members.range(0, members.length(), False, True)
    for member, score in zip(flat[::2], flat[1::2], strict=True):
        pair = digest.mix(digest.mix(digest.EMPTY, member), b"%.17g" % score)
        start = digest.combine(start, pair)
    return start


def collection_of(members: SortedSet) -> SortedSet:
    """The set as other types' commands read it: it has what they need itself."""
    return members


def serialized_length(members: SortedSet) -> int:
    """The bytes that a sorted set takes in an RDB file, its type not counted. O(n)."""
    if members.large is None:
        return string_size(members.to_bytes())
    texts = sum(string_size(member) for member in members.members())
    return length_size(members.length()) + texts + SCORE_SIZE * members.length()


def elements_of(members: SortedSet) -> Elements:
    """The members, by score."""
    return Elements(members.length(), True, members.range)


def commands(key: bytes, value: SortedSet) -> Iterator[list[bytes]]:
    """The commands that make a sorted set. O(n)."""
    flat = value.range(0, value.length(), False, True)
    words = [
        word
        for member, score in zip(flat[::2], flat[1::2], strict=True)
        for word in (b"%.17g" % score, member)
    ]
    return in_batches(b"ZADD", key, words, 2)


register(
    TypeSpec(
        type=ZSET,
        name=b"zset",
        number=TYPE_NUMBER,
        value=value_of,
        encoding=encoding_of,
        digest=mixed,
        serialized_length=serialized_length,
        rdb=CODEC,
        commands=commands,
        collection=collection_of,
        elements=elements_of,
    )
)
