"""Lengths and strings in the RDB format: written as Redis writes them, read back, refused where they are wrong."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redracer.core.rdb_reader import CorruptRdb, RdbReader
from redracer.core.rdb_writer import OLDEST_RDB_VERSION, RDB_VERSION, RdbWriter


def written(data, **options):
    writer = RdbWriter(**options)
    writer.string(data)
    return writer.take()


def reader(data):
    return RdbReader(data, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", b"\0"),
        (b"abc", b"\3abc"),
        (b"0", b"\xc0\0"),
        (b"-128", b"\xc0\x80"),
        (b"128", b"\xc1\x80\0"),
        (b"-32769", b"\xc2" + struct.pack("<i", -32769)),
        (b"2147483647", b"\xc2\xff\xff\xff\x7f"),
        (b"-2147483648", b"\xc2\0\0\0\x80"),
        (b"2147483648", b"\n2147483648"),
        (b"012", b"\x03012"),
        (b"x" * 63, b"\x3f" + b"x" * 63),
        (b"x" * 64, b"\x40\x40" + b"x" * 64),
        (b"x" * 16384, b"\x80\0\0\x40\0" + b"x" * 16384),
    ],
)
def test_strings_are_written_as_redis_does(text, expected):
    assert written(text, compression=False) == expected
    assert reader(expected).string() == text


def test_compression_only_where_it_saves_something():
    assert written(b"a" * 20) == b"\x14" + b"a" * 20
    compressed = written(b"a" * 21)
    assert compressed[:1] == b"\xc3" and len(compressed) < 21
    assert reader(compressed).string() == b"a" * 21
    noise = bytes(range(100))
    assert written(noise) == b"\x40\x64" + noise


@given(
    st.lists(
        st.one_of(st.binary(), st.integers().map(b"%d".__mod__), st.binary().map(lambda part: part * 40))
    )
)
def test_strings_survive(texts):
    writer = RdbWriter()
    for text in texts:
        writer.string(text)
    size = len(writer)
    data = writer.take()
    assert len(data) == size
    assert len(writer) == 0 and writer.take() == b""
    found = reader(data)
    assert [found.string() for _ in texts] == texts
    assert found.remaining == 0 and found.offset == len(data)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"\x3f", 63),
        (b"\x40\x40", 64),
        (b"\x7f\xff", 16383),
        (b"\x80\xff\xff\xff\xff", 2**32 - 1),
        (b"\x81" + b"\xff" * 8, 2**64 - 1),
        (b"\x80\0\0\0\1", 1),
    ],
)
def test_lengths(field, expected):
    assert reader(field).length() == expected
    for cut in range(len(field)):
        with pytest.raises(CorruptRdb):
            reader(field[:cut]).length()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x82\0\0\0\0",  # no such form of a length
        b"\xbf\0\0\0\0",
        b"\xc4\0",  # no such form of a string
        b"\xff",
        b"\xc0",  # integers that end too early
        b"\xc1\0",
        b"\xc2\0\0\0",
        b"\5abcd",
        b"\x80\xff\xff\xff\xffabc",
        b"\x81" + b"\xff" * 8 + b"abc",
        b"\x81\x7f" + b"\xff" * 7 + b"abc",
        b"\xc3\5",  # compressed strings: cut, of another length, with lengths beyond anything
        b"\xc3\2\5\1ab",
        b"\xc3\3\5\1ab",
        b"\xc3\2\2\1a",
        b"\xc3\1\x81" + b"\xff" * 8 + b"\x1f",
        b"\xc3\1\x81\x7f" + b"\xff" * 7 + b"\0",
        b"\xc3\x81" + b"\xff" * 8 + b"\1a",
        b"\xc3\3\5\0a\xe0",
        b"\xc3\4\3\0a\x20\5",  # a copy from before the beginning
        b"\xc3\xc0\1\1a",  # a string in place of a length
    ],
)
def test_wrong_strings(data):
    with pytest.raises(CorruptRdb):
        reader(data).string()


def test_an_error_says_where():
    found = reader(b"\1a\5bc")
    assert found.string() == b"a"
    with pytest.raises(CorruptRdb, match=r"5 bytes are announced, and 2 are left \(before offset 3\)"):
        found.string()


def test_versions():
    assert RdbWriter().version == RDB_VERSION == 12
    assert RdbWriter(OLDEST_RDB_VERSION).version == 10
    for version in (9, 13):
        with pytest.raises(ValueError, match="version"):
            RdbWriter(version)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    found = reader(data)
    try:
        while found.remaining:
            found.string()
    except CorruptRdb:
        pass
    assert 0 <= found.offset <= len(data)


def test_raw_bytes_and_an_empty_source():
    assert reader(b"abc").raw(2) == b"ab"
    with pytest.raises(CorruptRdb):
        reader(b"").byte()


def test_nothing_is_read_beyond_the_end():
    bounded = RdbReader(b"\1a\1b", {}, end=2)
    assert (bounded.string(), bounded.remaining, bounded.offset) == (b"a", 0, 2)
    with pytest.raises(CorruptRdb):
        bounded.string()
    with pytest.raises(ValueError, match="beyond"):
        RdbReader(b"\1a", {}, end=3)
