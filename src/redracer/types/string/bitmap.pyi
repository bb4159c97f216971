"""The interface of types/string/bitmap.pyx."""

from collections.abc import Sequence

from redracer.core.keyspace import Keyspace

GET: int
SET: int
INCREMENT: int
CHANGED: int

def get_bit(keyspace: Keyspace, key: bytes, offset: int) -> int: ...
def set_bit(keyspace: Keyspace, key: bytes, offset: int, bit: bool) -> int: ...
def count_bits(keyspace: Keyspace, key: bytes, start: int, end: int, in_bits: bool) -> int: ...
def find_bit(
    keyspace: Keyspace, key: bytes, bit: bool, start: int, end: int, in_bits: bool, end_given: bool
) -> int: ...
def run_fields(
    keyspace: Keyspace, key: bytes, operations: Sequence[tuple[int, int, bool, int, int, int]], length: int
) -> tuple[list[int | None], int]: ...
