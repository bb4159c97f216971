"""DUMP payloads: one value in the RDB format, as DUMP gives it away and RESTORE takes it.

    RDB type (1) | value | RDB version (2) | CRC64 of all before (8)        the last two little-endian

A CRC64 of 0 stands for none: Redis 8.4 leaves it out where it trusts its connection, and later versions take it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core.checksums import crc64
from redracer.core.rdb_reader import CorruptRdb, RdbReader
from redracer.core.rdb_writer import RDB_VERSION, RdbWriter
from redracer.core.type_spec import TypeSpec, type_spec_of_rdb

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION_SIZE = 2  # bytes
CHECKSUM_SIZE = 8
NO_CHECKSUM = 0


def dump(spec: TypeSpec, value: Any, compression: bool = True, version: int = RDB_VERSION) -> bytes:
    """The payload of a value. `version`: of the RDB format, see RdbWriter. Raises NotInVersion. O(bytes)."""
    writer = RdbWriter(version, compression)
    writer.byte(spec.rdb.type_of(writer, value))
    spec.rdb.save(writer, value)
    content = writer.take() + version.to_bytes(VERSION_SIZE, "little")
    return content + crc64(content).to_bytes(CHECKSUM_SIZE, "little")


def is_readable(payload: bytes, check: bool = True) -> bool:
    """Whether a payload is of a version that we know, and (`check`) has the right checksum. O(bytes)."""
    if len(payload) < VERSION_SIZE + CHECKSUM_SIZE:
        return False
    version = int.from_bytes(payload[-VERSION_SIZE - CHECKSUM_SIZE : -CHECKSUM_SIZE], "little")
    if version > RDB_VERSION:
        return False
    checksum = int.from_bytes(payload[-CHECKSUM_SIZE:], "little")
    return not check or checksum in (NO_CHECKSUM, crc64(payload[:-CHECKSUM_SIZE]))


def restore(payload: bytes, settings: Mapping[str, Any]) -> tuple[TypeSpec, Any]:
    """The value of a payload that `is_readable`, and the row of its type; everything in it is checked.

    `settings`: the configuration, whose thresholds decide on the encoding. Raises CorruptRdb. O(bytes).
    """
    reader = RdbReader(payload, settings, end=len(payload) - VERSION_SIZE - CHECKSUM_SIZE)
    rdb_type = reader.byte()
    spec = type_spec_of_rdb(rdb_type)
    if spec is None:
        raise CorruptRdb(f"no known value has the type {rdb_type}")
    return spec, spec.rdb.load(reader, rdb_type)
