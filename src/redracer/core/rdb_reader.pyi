"""The interface of core/rdb_reader.pyx."""

from collections.abc import Mapping
from typing import Any

class CorruptRdb(Exception):
    """The bytes are no right value. The text says what is wrong, and at which offset."""

class EmptyValue(CorruptRdb):
    """The bytes are a value without elements, which no key can hold. A file's reader may go on behind it."""

class RdbReader:
    """Reads values from bytes, which may come from anywhere: every read raises CorruptRdb where they are wrong.

    `settings`: the configuration's values (engine/config.py), whose thresholds decide on encodings. `sanitize`:
    also look for what Redis refuses only if it is asked to check in depth (duplicates, order). `end`: how many of
    the bytes are to be read, all of them by default; ValueError if there are fewer.
    """

    settings: Mapping[str, Any]
    sanitize: bool

    def __init__(
        self, source: bytes, settings: Mapping[str, Any], sanitize: bool = True, end: int = -1
    ) -> None: ...
    @property
    def offset(self) -> int:
        """How many bytes have been read."""

    @property
    def remaining(self) -> int: ...
    def byte(self) -> int: ...
    def string(self) -> bytes: ...
    def length(self) -> int: ...
    def raw(self, count: int) -> bytes: ...
