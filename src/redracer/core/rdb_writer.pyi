"""The interface of core/rdb_writer.pyx."""

from typing import Final

RDB_VERSION: Final[int]
OLDEST_RDB_VERSION: Final[int]

class NotInVersion(Exception):
    """A value holds something that the version to be written has no form for."""

class RdbWriter:
    """Collects values in the RDB format of one version.

    `version`: RDB_VERSION, or an older one down to OLDEST_RDB_VERSION, so that an older server can read what is
    written; ValueError for another. `compression`: strings are compressed where that saves something. Methods
    raise MemoryError.
    """

    version: int
    compression: bool

    def __init__(self, version: int = ..., compression: bool = True) -> None: ...
    def __len__(self) -> int:
        """The bytes that have been written and not taken."""

    def byte(self, value: int) -> None: ...
    def string(self, data: bytes) -> None: ...
    def raw(self, data: bytes) -> None: ...
    def take(self) -> bytes:
        """What was written since the last call."""
