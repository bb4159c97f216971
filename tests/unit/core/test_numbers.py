"""Numbers as text: the canonical integer, doubles as Redis 8 reads and writes them, INCRBYFLOAT's sums."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from redracer.core import numbers

INT64 = st.integers(-(2**63), 2**63 - 1)


def model_integer(text: bytes) -> int | None:
    if not re.fullmatch(rb"0|-?[1-9][0-9]*", text):
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


@given(
    st.one_of(
        st.integers().map(lambda n: b"%d" % n), st.from_regex(rb"[-+ ]?[0-9a]{0,21}\n?", fullmatch=True)
    )
)
@example(b"")
@example(b"-")
@example(b"-0")
@example(b"00")
@example(b"9223372036854775808")
@example(b"-9223372036854775809")
@example(b"18446744073709551617")
@example(b"99999999999999999999")
@example(b"1\0")
def test_integer_is_canonical(text: bytes) -> None:
    assert numbers.parse_integer(text) == model_integer(text)


@given(INT64)
@example(-(2**63))
@example(2**63 - 1)
def test_integer_round_trip(value: int) -> None:
    assert numbers.format_integer(value) == b"%d" % value
    assert numbers.parse_integer(b"%d" % value) == value


def test_integer_out_of_range() -> None:
    with pytest.raises(OverflowError):
        numbers.format_integer(2**63)


@given(st.floats(allow_nan=False))
def test_double_round_trip(value: float) -> None:
    text = numbers.format_double(value)
    read = numbers.parse_double(text)
    assert read == value
    assert math.copysign(1, read) == math.copysign(1, value)
    # Only integers that fit half of a 64-bit integer are written with more than the shortest digits.
    if not float(value).is_integer() or abs(value) > 2**62:
        assert text.strip(b"-").split(b"e")[0].replace(b".", b"").strip(b"0") == shortest_digits(value)


def shortest_digits(value: float) -> bytes:
    return repr(value).encode().strip(b"-").split(b"e")[0].replace(b".", b"").strip(b"0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, b"3"),
        (-3.5, b"-3.5"),
        (0.0, b"0"),
        (-0.0, b"-0"),
        (0.1, b"0.1"),
        (0.1 + 0.2, b"0.30000000000000004"),
        (1e-6, b"0.000001"),
        (1e-7, b"1e-7"),
        (1.5e-7, b"1.5e-7"),
        (0.00012345678, b"1.2345678e-4"),
        (1e15, b"1000000000000000"),
        (2.0**62, b"4611686018427387904"),
        (1e19, b"1e+19"),
        (1e20, b"1e+20"),
        (123456789012345680000.0, b"123456789012345680000"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (5e-324, b"5e-324"),
        (math.inf, b"inf"),
        (-math.inf, b"-inf"),
        (math.nan, b"nan"),
    ],
)
def test_double_text(value: float, text: bytes) -> None:
    assert numbers.format_double(value) == text


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" 1",
        b"\v1",
        b"1 ",
        b"1x",
        b"1\0",
        b"nan",
        b"-nan",
        b"1e400",
        b"-1e400",
        b"1e-400",
        b"1" * 400,
        b"+",
        b"0x",
    ],
)
def test_double_refused(text: bytes) -> None:
    assert numbers.parse_double(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1", 1.0),
        (b"+1", 1.0),
        (b".5", 0.5),
        (b"5.", 5.0),
        (b"-1e3", -1000.0),
        (b"0x1p3", 8.0),
        (b"inf", math.inf),
        (b"-Infinity", -math.inf),
        (b"1e-310", 1e-310),
        (b"0e0", 0.0),
        (b"9007199254740993", 9007199254740992.0),
        (b"1" * 300, float("1" * 300)),
    ],
)
def test_double_accepted(text: bytes, value: float) -> None:
    assert numbers.parse_double(text) == value


@pytest.mark.parametrize(
    ("old", "increment", "result"),
    [
        (None, b"0.5", b"0.5"),
        (b"10.50", b"0.1", b"10.6"),
        (b"5.0e3", b"2.0e2", b"5200"),
        (b"0.1", b"0.2", b"0.3"),
        (b"3", b"-3", b"0"),
        (b"0", b"-0", b"0"),
        (b"-1", b"0.99999999999999999999", b"0"),
        (b"17179869184", b"1.5", b"17179869185.5"),
        (b"x", b"1", numbers.NOT_A_FLOAT),
        (b" 1", b"1", numbers.NOT_A_FLOAT),
        (b"", b"1", numbers.NOT_A_FLOAT),
        (b"1" * 5120, b"1", numbers.NOT_A_FLOAT),
        (b"1", b"1x", numbers.INCREMENT_NOT_A_FLOAT),
        (b"1", b"nan", numbers.INCREMENT_NOT_A_FLOAT),
        (b"1", b"-inf", numbers.INCREMENT_NOT_FINITE),
        (b"inf", b"1", numbers.RESULT_NOT_FINITE),
    ],
)
def test_increment_by_float(old: bytes | None, increment: bytes, result: bytes | int) -> None:
    assert numbers.increment_by_float(old, increment) == result


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_increment_by_float_of_integers(old: int, increment: int) -> None:
    assert numbers.increment_by_float(b"%d" % old, b"%d.0" % increment) == b"%d" % (old + increment)
