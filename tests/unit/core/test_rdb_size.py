"""The size of strings in an RDB file."""

import pytest

from redracer.core.rdb_size import length_size, string_size


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (b"", 1),
        (b"0", 2),
        (b"127", 2),
        (b"128", 3),
        (b"-128", 2),
        (b"-129", 3),
        (b"32767", 3),
        (b"32768", 5),
        (b"-2147483648", 5),
        (b"2147483648", 11),
        (b"-2147483649", 12),
        (b"007", 4),
        (b"+1", 3),
        (bytes(range(63)), 64),
        (bytes(range(64)), 66),
        (bytes(range(256)), 258),
    ],
)
def test_integers_take_their_bytes_and_text_its_length_before_it(value, size):
    assert string_size(value) == size


def test_repetitive_text_is_compressed():
    assert string_size(b"a" * 20) == 21
    assert string_size(b"abcdefgh" * 1000) < 200


@pytest.mark.parametrize(
    ("length", "size"), [(63, 1), (64, 2), (16383, 2), (16384, 5), ((1 << 32) - 1, 5), (1 << 32, 9)]
)
def test_the_size_of_a_length(length, size):
    assert length_size(length) == size
