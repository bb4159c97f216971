"""Strings outside the keyspace: their digest, and their size in an RDB file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import digest
from redracer.core.entry import STRING
from redracer.core.rdb_size import string_size
from redracer.core.type_spec import TypeSpec, register
from redracer.types.string.rdb import CODEC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redracer.core.keyspace import Keyspace


def value_of(keyspace: Keyspace, key: bytes) -> bytes:
    """The string at a key that holds one."""
    value = keyspace.peek_string(key)
    if value is None:
        raise KeyError(key)
    return value


def encoding_of(keyspace: Keyspace, key: bytes) -> bytes:
    """The encoding of the string at a key that holds one."""
    encoding = keyspace.encoding_of_string(key)
    if encoding is None:
        raise KeyError(key)
    return encoding


def commands(key: bytes, value: bytes) -> Iterator[list[bytes]]:
    """The command that sets a string."""
    yield [b"SET", key, value]


register(
    TypeSpec(
        type=STRING,
        name=b"string",
        number=0,
        value=value_of,
        encoding=encoding_of,
        digest=digest.mix,
        serialized_length=string_size,
        rdb=CODEC,
        commands=commands,
    )
)
