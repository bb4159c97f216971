"""Sets outside the keyspace: their digest, and their size in an RDB file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import digest
from redracer.core.entry import SET
from redracer.core.member_table import MemberTable
from redracer.core.rdb_size import length_size, string_size
from redracer.core.rewriting import in_batches
from redracer.core.type_spec import Elements, TypeSpec, register
from redracer.types.set.rdb import CODEC
from redracer.types.set.value import MembersOf, count_members, encoding_of, members_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.core.keyspace import Keyspace
    from redracer.types.set.value import SetValue


def value_of(keyspace: Keyspace, key: bytes) -> SetValue:
    """The set at a key that holds one."""
    value: SetValue | None = keyspace.get_object(key, SET, False)
    if value is None:
        raise KeyError(key)
    return value


def encoding_at(keyspace: Keyspace, key: bytes) -> bytes:
    """The encoding of the set at a key that holds one."""
    return encoding_of(value_of(keyspace, key))


def mix(start: bytes, value: SetValue) -> bytes:
    """The digest with the members of a set added. O(n)."""
    for member in members_of(value):
        start = digest.combine(start, member)
    return start


def serialized_length(value: SetValue) -> int:
    """The bytes that a set takes in an RDB file, its type not counted. O(n)."""
    if isinstance(value, MemberTable):
        return length_size(len(value)) + sum(map(string_size, value.members()))
    return string_size(value.to_bytes())


def elements_of(value: SetValue) -> Elements:
    """The members."""

    def part(start: int, count: int, reverse: bool) -> list[bytes]:
        return members_of(value)[start : start + count]

    return Elements(count_members(value), False, part)


def commands(key: bytes, value: SetValue) -> Iterator[list[bytes]]:
    """The commands that make a set. O(n)."""
    return in_batches(b"SADD", key, members_of(value))


register(
    TypeSpec(
        type=SET,
        name=b"set",
        number=2,
        value=value_of,
        encoding=encoding_at,
        digest=mix,
        serialized_length=serialized_length,
        rdb=CODEC,
        commands=commands,
        collection=MembersOf,
        elements=elements_of,
    )
)
