"""Splitting, quoting and reading numbers, as Redis does it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redracer.engine.config_text import (
    canonical_integer,
    decimal,
    loose_integer,
    memory_size,
    quoted,
    split_arguments,
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b"  \t ", []),
        (b"port 6379", [b"port", b"6379"]),
        (b"  a\tb\r\nc ", [b"a", b"b", b"c"]),
        (b'a ""', [b"a", b""]),
        (b"a ''", [b"a", b""]),
        (b'"a b" c', [b"a b", b"c"]),
        (b'x"y z"', [b"xy z"]),
        (rb'"\n\r\t\b\a\q\\\"" z', [b'\n\r\t\b\aq\\"', b"z"]),
        (rb'"\x41\xfF\xzz\x4"', [b"A\xffxzzx4"]),
        (rb"'it\'s \n'", [rb"it's \n"]),
        (rb"a\b", [rb"a\b"]),
        (b"a#b", [b"a#b"]),
        (b"a\0b", [b"a"]),
    ],
)
def test_words_of_a_line(line: bytes, words: list[bytes]) -> None:
    assert split_arguments(line) == words


@pytest.mark.parametrize("line", [b'"a', b"'a", b'"a"b', b"'a'b", b'a "', b'"a\\"', rb'"a\x41'])
def test_unbalanced_quotes(line: bytes) -> None:
    assert split_arguments(line) is None


@given(st.lists(st.binary()))
def test_quoting_is_the_inverse_of_splitting(words: list[bytes]) -> None:
    assert split_arguments(b" ".join(quoted(word) for word in words)) == words


@given(st.binary())
def test_any_line_is_split_or_refused(line: bytes) -> None:
    words = split_arguments(line)
    assert words is None or all(isinstance(word, bytes) for word in words)


@pytest.mark.parametrize(
    ("word", "size"),
    [
        (b"", 0),
        (b"10", 10),
        (b"10b", 10),
        (b"1k", 1000),
        (b"1K", 1000),
        (b"1kb", 1024),
        (b"2m", 2_000_000),
        (b"2Mb", 2 << 20),
        (b"3g", 3_000_000_000),
        (b"3GB", 3 << 30),
        (b"1x", None),
        (b"-1", None),
        (b"1 mb", None),
        (b"1.5gb", None),
        (b"1bk", None),
        (b"1" * 128, None),
    ],
)
def test_memory_sizes(word: bytes, size: int | None) -> None:
    assert memory_size(word) == size


@pytest.mark.parametrize("word", [b"", b"+1", b"007", b" 1", b"1 ", b"1_0", b"-0", b"9" * 20, b"x"])
def test_not_a_canonical_integer(word: bytes) -> None:
    assert canonical_integer(word) is None


@given(st.integers(-(2**63), 2**63 - 1))
def test_canonical_integers(value: int) -> None:
    assert canonical_integer(b"%d" % value) == value


@pytest.mark.parametrize(
    ("word", "base", "value"),
    [
        (b"", 10, 0),
        (b" 5", 10, 5),
        (b"+5", 10, 5),
        (b"-5", 10, -5),
        (b"5 ", 10, None),
        (b" ", 10, None),
        (b"-", 10, None),
        (b"0755", 8, 0o755),
        (b"8", 8, None),
        (b"9" * 30, 10, 2**63 - 1),
    ],
)
def test_integers_as_c_reads_them(word: bytes, base: int, value: int | None) -> None:
    assert loose_integer(word, base) == value


@pytest.mark.parametrize(
    ("value", "text"), [(50.0, b"50"), (99.9, b"99.9"), (0.0, b"0"), (1 / 3, b"0.333333")]
)
def test_decimals(value: float, text: bytes) -> None:
    assert decimal(value) == text
