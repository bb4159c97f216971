"""DUMP payloads made by hand, the encodings of old versions of Redis among them."""

import struct

from redracer.core.checksums import crc64
from redracer.core.listpack import Listpack
from redracer.core.numbers import parse_integer
from redracer.core.rdb_writer import RdbWriter


def payload(content, version=12):
    """A payload of RDB type and value."""
    content += version.to_bytes(2, "little")
    return content + crc64(content).to_bytes(8, "little")


def string(data):
    """A string in the RDB format, neither compressed nor an integer."""
    return length(len(data)) + data


def length(value):
    """A length in the RDB format."""
    if value < 64:
        return bytes([value])
    if value < 1 << 14:
        return struct.pack(">H", 0x4000 | value)
    return b"\x80" + struct.pack(">I", value) if value < 1 << 32 else b"\x81" + struct.pack(">Q", value)


def packed_string(data):
    """A string as the writer has it."""
    writer = RdbWriter()
    writer.string(data)
    return writer.take()


def listpack(entries):
    packed = Listpack()
    for entry in entries:
        packed.append(entry)
    return packed.to_bytes()


def ziplist(entries):
    """A ziplist as Redis before 7.0 wrote them."""
    body, before, last = b"", 0, 10
    for entry in entries:
        last = 10 + len(body)
        head = bytes([before]) if before < 254 else b"\xfe" + struct.pack("<I", before)
        encoded = head + ziplist_entry(entry)
        before = len(encoded)
        body += encoded
    count = min(len(entries), 65535)
    return struct.pack("<IIH", 11 + len(body), last, count) + body + b"\xff"


def ziplist_entry(entry):
    number = parse_integer(entry)
    if number is not None:
        return ziplist_integer(number)
    if len(entry) < 64:
        return bytes([len(entry)]) + entry
    if len(entry) < 1 << 14:
        return struct.pack(">H", 0x4000 | len(entry)) + entry
    return b"\x80" + struct.pack(">I", len(entry)) + entry


def ziplist_integer(number):
    if 0 <= number <= 12:
        return bytes([0xF1 + number])
    for head, size in ((0xFE, 1), (0xC0, 2), (0xF0, 3), (0xD0, 4), (0xE0, 8)):
        if -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1:
            return bytes([head]) + number.to_bytes(size, "little", signed=True)
    raise ValueError(number)


def zipmap(items, unused=0):
    """A zipmap as Redis before 2.6 wrote them; `unused`: bytes left over behind every value."""
    body = b"".join(
        zipmap_length(field) + field + zipmap_length(value) + bytes([unused]) + value + b"?" * unused
        for field, value in items
    )
    return bytes([min(len(items), 254)]) + body + b"\xff"


def zipmap_length(text):
    return bytes([len(text)]) if len(text) < 254 else b"\xfe" + struct.pack("<I", len(text))
