"""Strings outside the keyspace: their digest, and their size in an RDB file.

The RDB format: an integer of up to 32 bits is written in 2, 3 or 5 bytes; other text has its length before it
(1, 2, 5 or 9 bytes) and is compressed by LZF where that gains anything.
https://rdb.fnordig.de/file_format.html#string-encoding
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redracer.core import digest, lzf
from redracer.core.entry import STRING
from redracer.core.numbers import parse_integer
from redracer.core.type_spec import TypeSpec, register

if TYPE_CHECKING:
    from redracer.core.keyspace import Keyspace

INTEGER_TEXT = 11  # bytes: longer text is not tried as an integer of 32 bits
COMPRESSED_FROM = 21  # bytes: shorter text is not worth compressing
COMPRESSION_MARGIN = 4  # bytes that compression must save


def length_size(length: int) -> int:
    """The bytes that a length takes in an RDB file."""
    if length < 1 << 6:
        return 1
    if length < 1 << 14:
        return 2
    return 5 if length < 1 << 32 else 9


def serialized_length(value: bytes) -> int:
    """The bytes that a string takes in an RDB file, its type not counted. O(len(value))."""
    if len(value) <= INTEGER_TEXT:
        number = parse_integer(value)
        if number is not None:
            for bits, size in ((8, 2), (16, 3), (32, 5)):
                if -(1 << bits - 1) <= number < 1 << bits - 1:
                    return size
    if len(value) >= COMPRESSED_FROM:
        compressed = lzf.compress(value, len(value) - COMPRESSION_MARGIN)
        if compressed is not None:
            return 1 + length_size(len(compressed)) + length_size(len(value)) + len(compressed)
    return length_size(len(value)) + len(value)


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


register(
    TypeSpec(
        type=STRING,
        name=b"string",
        number=0,
        value=value_of,
        encoding=encoding_of,
        digest=digest.mix,
        serialized_length=serialized_length,
    )
)
