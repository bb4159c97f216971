"""Bit operations against strings of "0" and "1"."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redracer.core import bits

VALUE = st.one_of(
    st.binary(max_size=80), st.lists(st.sampled_from([b"\0" * 13, b"\xff" * 11, b"\x10"])).map(b"".join)
)
SOURCES = st.lists(st.binary(max_size=80), min_size=1, max_size=4)


def as_text(value: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in value)


@st.composite
def value_and_range(draw: st.DrawFn) -> tuple[bytes, int, int]:
    value = draw(VALUE.filter(bool))
    first = draw(st.integers(0, 8 * len(value) - 1))
    return value, first, draw(st.integers(first, 8 * len(value) - 1))


@given(value_and_range())
def test_popcount(case: tuple[bytes, int, int]) -> None:
    value, first, last = case
    assert bits.popcount(value, first, last) == as_text(value)[first : last + 1].count("1")


@given(value_and_range(), st.sampled_from([0, 1]))
def test_find_bit(case: tuple[bytes, int, int], bit: int) -> None:
    value, first, last = case
    found = as_text(value)[first : last + 1].find(str(bit))
    assert bits.find_bit(value, bit, first, last) == (found if found < 0 else found + first)


def test_ranges_are_checked() -> None:
    assert bits.popcount(b"", 0, -1) == 0
    assert bits.find_bit(b"", 1, 0, -1) == -1
    for first, last in ((0, 8), (-1, 0), (2**62, 2**63 - 1)):
        with pytest.raises(IndexError):
            bits.popcount(b"a", first, last)
        with pytest.raises(IndexError):
            bits.find_bit(b"a", 1, first, last)
    with pytest.raises(IndexError):
        bits.popcount(b"", 0, 0)


def model_bitop(operation: int, columns: list[list[int]]) -> bytes:
    def combine(column: list[int]) -> int:
        first, rest = column[0], functools.reduce(int.__or__, column[1:], 0)
        exactly_one = sum(1 << bit for bit in range(8) if sum(byte >> bit & 1 for byte in column) == 1)
        return {
            bits.AND: functools.reduce(int.__and__, column),
            bits.OR: first | rest,
            bits.XOR: functools.reduce(int.__xor__, column),
            bits.NOT: ~first & 255,
            bits.DIFF: first & ~rest,
            bits.DIFF1: ~first & rest,
            bits.ANDOR: first & rest,
            bits.ONE: exactly_one,
        }[operation]

    return bytes(combine(column) for column in columns)


@given(st.sampled_from(range(8)), SOURCES)
def test_bitop(operation: int, sources: list[bytes]) -> None:
    longest = max(map(len, sources))
    columns = [[source[at] if at < len(source) else 0 for source in sources] for at in range(longest)]
    assert bits.bitop(operation, sources) == model_bitop(operation, columns)


@pytest.mark.parametrize("operation", range(8))
def test_bitop_over_several_blocks(operation: int) -> None:
    sources = [
        bytes(i * step % 256 for i in range(size))
        for step, size in ((3, 9001), (7, 4096), (11, 4099), (1, 0))
    ]
    columns = [[source[at] if at < len(source) else 0 for source in sources] for at in range(9001)]
    assert bits.bitop(operation, sources) == model_bitop(operation, columns)


def test_bitop_refuses() -> None:
    with pytest.raises(ValueError):
        bits.bitop(bits.AND, [])
    with pytest.raises(ValueError):
        bits.bitop(8, [b""])
    with pytest.raises(TypeError):
        bits.bitop(bits.AND, [b"", None])  # type: ignore[list-item]


WIDTH = st.integers(1, 64)


@given(st.binary(max_size=12), st.integers(0, 120), WIDTH)
def test_get_field(value: bytes, offset: int, width: int) -> None:
    text = (as_text(value) + "0" * 200)[offset : offset + width]
    unsigned = int(text, 2)
    assert bits.get_field(value, offset, width, False) == unsigned
    assert bits.get_field(value, offset, width, True) == unsigned - (int(text[0]) << width)


@given(st.binary(min_size=9, max_size=12), st.integers(0, 8), WIDTH, st.integers(-(2**63), 2**64 - 1))
def test_set_field(value: bytes, offset: int, width: int, field: int) -> None:
    text = as_text(value)
    changed = bytearray(value)
    bits.set_field(changed, offset, width, field)
    assert as_text(changed) == text[:offset] + f"{field % 2**width:0{width}b}" + text[offset + width :]


def test_fields_are_checked() -> None:
    for offset, width in ((1, 8), (0, 9), (-1, 1), (0, 0), (0, 65), (2**63 - 1, 64)):
        with pytest.raises(IndexError):
            bits.set_field(bytearray(1), offset, width, 1)
    for offset, width in ((-1, 1), (0, 0), (0, 65), (2**63 - 1, 1)):
        with pytest.raises(IndexError):
            bits.get_field(b"a", offset, width, False)
    with pytest.raises(IndexError):
        bits.fit_field(1, 0, False, bits.WRAP)


@given(st.integers(-(2**65), 2**65), WIDTH, st.booleans())
def test_fit_field(number: int, width: int, signed: bool) -> None:
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    wrapped = bits.fit_field(number, width, signed, bits.WRAP)
    assert wrapped is not None
    assert low <= wrapped <= high
    assert (wrapped - number) % 2**width == 0
    assert bits.fit_field(number, width, signed, bits.SATURATE) == min(max(number, low), high)
    assert bits.fit_field(number, width, signed, bits.FAIL) == (number if low <= number <= high else None)
