"""Looking through an RDB file without loading it: for checking it, counting what is in it, and taking keys out.

A Scan gives the parts of a file in their order, each value decoded and therefore checked, and remembers what it was
doing, so that an error can be told with all that is known. One value at a time is in memory.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from redracer.core import glob
from redracer.core.rdb_reader import CorruptRdb, EmptyValue
from redracer.core.type_spec import type_spec_of_rdb
from redracer.persistence import rdb_format
from redracer.persistence.rdb_file_reader import StreamRdbReader, UnknownType, module_type_name
from redracer.persistence.rdb_load import read_header, skip_module_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from redracer.core.type_spec import TypeSpec

__all__ = ["NO_EXPIRY", "CorruptRdb", "Note", "Record", "Scan", "matches", "text"]

NO_EXPIRY = -1
FIRST_OPCODE = 243  # below: types of values
SLOT_NUMBERS = 3  # of a SLOT_INFO


class Note(NamedTuple):
    """A part that is no key. `kind`: `field` (of the header), `database`, `function`, `module`, `checksum`."""

    kind: str
    offset: int  # behind it
    name: str = ""
    value: str = ""


class Record(NamedTuple):
    """A key. `value` is None where it has no elements, or where only a module can read it (`spec` is None)."""

    database: int
    key: bytes
    rdb_type: int
    spec: TypeSpec | None
    value: Any
    expire_at: int  # Unix time in ms, or NO_EXPIRY
    size: int  # bytes of all of it in the file


class Scan:
    """One look through a file. `settings`: the configuration's values, whose thresholds decide on encodings."""

    def __init__(self, descriptor: int, settings: Mapping[str, Any]) -> None:
        self.reader = StreamRdbReader(b"", settings)
        self.reader.open(descriptor)
        self.doing = "start"
        self.version = 0
        self.database = 0
        self.key: bytes | None = None
        self.rdb_type = 0
        self.keys = 0
        self.expires = 0

    def parts(self) -> Iterator[Note | Record]:
        """The parts of the file. Raises CorruptRdb and OSError. O(bytes)."""
        reader = self.reader
        self.version = read_header(reader)
        expire_at, start = NO_EXPIRY, reader.offset
        while True:
            self.doing, self.key = "read-type", None
            opcode = reader.byte()
            if opcode < FIRST_OPCODE:
                yield self._record(opcode, expire_at, start)
            elif opcode in (rdb_format.EXPIRY_MS, rdb_format.EXPIRY_S):
                self.doing = "read-expire"
                self.expires += 1
                if opcode == rdb_format.EXPIRY_MS:
                    expire_at = reader.milliseconds()
                else:
                    expire_at = int.from_bytes(reader.raw(4), "little", signed=True) * 1000
                continue
            elif opcode == rdb_format.IDLE:
                reader.number()
                continue
            elif opcode == rdb_format.FREQUENCY:
                reader.byte()
                continue
            elif opcode == rdb_format.END:
                yield from self._end()
                return
            else:
                yield from self._other(opcode)
            expire_at, start = NO_EXPIRY, reader.offset

    def _record(self, rdb_type: int, expire_at: int, start: int) -> Record:
        reader = self.reader
        self.rdb_type, self.doing = rdb_type, "read-key"
        self.key = reader.string()
        self.doing = "read-object-value"
        self.keys += 1
        spec = type_spec_of_rdb(rdb_type)
        value = None
        if spec is not None:
            with suppress(EmptyValue):
                value = spec.rdb.load(reader, rdb_type)
        elif rdb_type == rdb_format.MODULE_TYPE:
            reader.number()
            skip_module_data(reader)
        else:
            raise UnknownType(f"Unknown object type: {rdb_type}")
        return Record(self.database, self.key, rdb_type, spec, value, expire_at, reader.offset - start)

    def _other(self, opcode: int) -> Iterator[Note]:
        reader = self.reader
        if opcode == rdb_format.SELECT_DATABASE:
            self.doing = "read-len"
            self.database = reader.number()
            yield Note("database", reader.offset, value=str(self.database))
        elif opcode == rdb_format.RESIZE_DATABASE:
            self.doing = "read-len"
            reader.number()
            reader.number()
        elif opcode == rdb_format.SLOT_INFO:
            self.doing = "read-len"
            for _ in range(SLOT_NUMBERS):
                reader.number()
        elif opcode == rdb_format.AUX:
            self.doing = "read-aux"
            name, value = text(reader.string()), text(reader.string())
            yield Note("field", reader.offset, name, value)
        elif opcode == rdb_format.MODULE_AUX:
            self.doing = "read-module-aux"
            name = module_type_name(reader.number())
            skip_module_data(reader)
            yield Note("module", reader.offset, name)
        elif opcode == rdb_format.FUNCTION:
            self.doing = "read-function"
            code = reader.string()
            yield Note("function", reader.offset, text(code.partition(b"\n")[0]))
        else:
            raise CorruptRdb(f"Invalid opcode {opcode}")

    def _end(self) -> Iterator[Note]:
        self.doing = "check-sum"
        if self.version < rdb_format.CHECKSUM_VERSION:
            return
        found = self.reader.checksum_so_far
        expected = int.from_bytes(self.reader.raw(rdb_format.CHECKSUM_SIZE), "little")
        if expected == rdb_format.NO_CHECKSUM:
            yield Note("checksum", self.reader.offset, "disabled")
            return
        if expected != found:
            raise CorruptRdb("RDB CRC error")
        yield Note("checksum", self.reader.offset, "OK")


def damage(path: str, settings: Mapping[str, Any]) -> str:
    """What is wrong with a file that cannot be loaded, found by looking through it from the start. O(bytes)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return error.strerror or str(error)
    scan = Scan(descriptor, settings)
    try:
        for _ in scan.parts():
            pass
    except (CorruptRdb, OSError) as error:
        place = f" of the key '{text(scan.key)}'" if scan.key is not None else ""
        return f"{error}, in {scan.doing}{place}, after {max(scan.keys - 1, 0)} keys that could be read"
    finally:
        os.close(descriptor)
    return f"nothing is wrong with its form, and its {scan.keys} keys can be read"


def matches(pattern: bytes, key: bytes) -> bool:
    """Whether a glob-style pattern, as KEYS has it, matches a key. O(len(pattern) * len(key)) at worst."""
    return glob.match(pattern, key, False)


def text(name: bytes) -> str:
    """Bytes as people read them."""
    return name.decode("utf-8", "backslashreplace")
