"""LZF: round trips, a real server reading ours and ours reading its, and arbitrary input."""

import random

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from redracer.core import checksums, lzf

REPETITIVE = st.lists(st.sampled_from([b"a" * 300, b"abc", b"xyz" * 90, b"\0", b"0123456789" * 4])).map(
    b"".join
)
DATA = st.one_of(st.binary(max_size=300), REPETITIVE)


@given(DATA)
def test_round_trip(data: bytes) -> None:
    compressed = lzf.compress(data, 2 * len(data) + 4)
    assert compressed is not None
    assert lzf.decompress(compressed, len(data)) == data
    assert lzf.decompress(compressed, len(data) + 1) is None
    assert not data or lzf.decompress(compressed, len(data) - 1) is None


@given(DATA, st.integers(0, 300))
def test_no_longer_than_allowed(data: bytes, limit: int) -> None:
    compressed = lzf.compress(data, limit)
    needed = lzf.compress(data, 2 * len(data) + 4)
    assert needed is not None
    assert compressed == (needed if len(needed) <= limit else None)


def test_far_references() -> None:
    noise = random.Random(1).randbytes(8189)
    for filler in (noise, noise + b"1", noise + b"12", noise + b"123", noise + b"1234"):
        data = b"pattern" + filler[7:] + b"pattern" * 3
        compressed = lzf.compress(data, 2 * len(data))
        assert compressed is not None
        assert lzf.decompress(compressed, len(data)) == data


def test_it_compresses() -> None:
    compressed = lzf.compress(b"a" * 10000, 10000)
    assert compressed is not None
    assert len(compressed) < 130


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (b"\x00", 1),  # a literal without its byte
        (b"\x01a", 2),
        (b"\x20\x00", 3),  # a copy from before the beginning
        (b"\x00a\x20\x01", 4),
        (b"\x00a\x20", 4),  # a copy without its distance
        (b"\x00a\xe0", 9),
        (b"\x00a\xe0\x00", 10),
        (b"\x00a\x20\x00", 3),  # more than was promised
        (b"\x00a\x20\x00", 5),  # less
        (b"\x00a", -1),
        (b"\x00a", 2**62),
    ],
)
def test_malformed(data: bytes, length: int) -> None:
    assert lzf.decompress(data, length) is None


@settings(max_examples=300)
@given(
    st.lists(st.one_of(st.binary(max_size=3), st.just(b"\x00a"), st.just(b"\x20\x00"))).map(b"".join),
    st.integers(0, 400),
)
def test_any_input_is_safe(data: bytes, length: int) -> None:
    result = lzf.decompress(data, length)
    assert result is None or len(result) == length


def rdb_length(length: int) -> bytes:
    return bytes([0x40 | length >> 8, length & 255])


@pytest.mark.parametrize(
    "data", [b"a" * 100, b"abcabcabd" * 300, bytes(range(256)) * 9, b"hello world, " * 40 + b"x"]
)
def test_as_the_server(real_server: redis.Redis, data: bytes) -> None:
    real_server.delete("key")
    real_server.config_set("rdbcompression", "yes")  # the server is shared with tests that turn it off
    compressed = lzf.compress(data, len(data) - 4)
    assert compressed is not None
    payload = b"\x00\xc3" + rdb_length(len(compressed)) + rdb_length(len(data)) + compressed + b"\x09\x00"
    real_server.restore("key", 0, payload + checksums.crc64(payload).to_bytes(8, "little"))
    assert real_server.get("key") == data
    dumped = real_server.dump("key")
    assert dumped is not None
    assert dumped[:2] == b"\x00\xc3"
    start = 3 if dumped[2] < 64 else 4
    assert lzf.decompress(dumped[start + 2 : -10], len(data)) == data
