from collections.abc import Sequence

AND: int
OR: int
XOR: int
NOT: int
DIFF: int
DIFF1: int
ANDOR: int
ONE: int

WRAP: int
SATURATE: int
FAIL: int

def popcount(value: bytes, first: int, last: int) -> int: ...
def find_bit(value: bytes, bit: int, first: int, last: int) -> int: ...
def bitop(operation: int, sources: Sequence[bytes]) -> bytes: ...
def get_field(value: bytes, offset: int, width: int, signed: bool) -> int: ...
def set_field(value: bytearray, offset: int, width: int, field: int) -> None: ...
def fit_field(number: int, width: int, signed: bool, overflow: int) -> int | None: ...
