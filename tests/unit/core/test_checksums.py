"""The checksums' published check values, against a bit-by-bit reading, and hash tags."""

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from redracer.core import checksums


def model_crc64(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc


def model_crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def test_published_values() -> None:
    assert checksums.crc64(b"123456789") == 0xE9C6D914C4B8D9CA
    assert checksums.crc16(b"123456789") == 0x31C3


@given(st.binary(max_size=60), st.integers(0, 60))
def test_against_the_definition(data: bytes, split: int) -> None:
    assert checksums.crc64(data) == model_crc64(data)
    assert checksums.crc64(data[split:], checksums.crc64(data[:split])) == model_crc64(data)
    assert checksums.crc16(data) == model_crc16(data)


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"foo", b"foo"),
        (b"", b""),
        (b"a{foo}b", b"foo"),
        (b"{}foo", b"{}foo"),
        (b"{foo", b"{foo"),
        (b"}{foo}{bar}", b"foo"),
        (b"{{foo}}", b"{foo"),
        (b"foo{}{bar}", b"foo{}{bar}"),
    ],
)
def test_key_slot(key: bytes, hashed: bytes) -> None:
    assert checksums.key_slot(key) == model_crc16(hashed) % checksums.SLOTS


def test_crc64_of_a_dump(real_server: redis.Redis) -> None:
    real_server.set("key", "value")
    payload = real_server.dump("key")
    assert payload is not None
    assert checksums.crc64(payload[:-8]) == int.from_bytes(payload[-8:], "little")
