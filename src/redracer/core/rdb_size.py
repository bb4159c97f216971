"""How many bytes a value takes in an RDB file, for what reports it without writing one (DEBUG OBJECT).

An integer of up to 32 bits is written in 2, 3 or 5 bytes; other text has its length before it (1, 2, 5 or 9
bytes) and is compressed by LZF where that gains anything.
https://rdb.fnordig.de/file_format.html#string-encoding
"""

from __future__ import annotations

from redracer.core import lzf
from redracer.core.numbers import parse_integer

INTEGER_TEXT = 11  # bytes: longer text is not tried as an integer of 32 bits
COMPRESSED_FROM = 21  # bytes: shorter text is not worth compressing
COMPRESSION_MARGIN = 4  # bytes that compression must save


def length_size(length: int) -> int:
    """The bytes that a length takes."""
    if length < 1 << 6:
        return 1
    if length < 1 << 14:
        return 2
    return 5 if length < 1 << 32 else 9


def string_size(value: bytes) -> int:
    """The bytes that a string takes, its type not counted. O(len(value))."""
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
