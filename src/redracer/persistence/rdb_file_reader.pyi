"""The interface of persistence/rdb_file_reader.pyx."""

from collections.abc import Callable
from typing import Any, Final

from redracer.core.keyspace import Keyspace
from redracer.core.rdb_codec import RdbCodec
from redracer.core.rdb_reader import CorruptRdb, RdbReader

LIMIT_REACHED: Final[int]
EMPTY_VALUE: Final[int]

class DuplicateKey(CorruptRdb):
    """A key is in the file twice."""

class UnknownType(CorruptRdb):
    """A value is of a type that this server does not have: a module's, or a later version's."""

class Starved(Exception):
    """Raised by a `pull` that has nothing for now: the read is given up, and done again later from a mark."""

class StreamRdbReader(RdbReader):
    """An RdbReader that gets its bytes in pieces. Make it as `StreamRdbReader(b"", settings, sanitize)`, then `open`
    it.

    Reads raise CorruptRdb where the bytes are wrong or end too early, and OSError where they cannot be got.
    """

    checksum_so_far: int  # CRC64 of all that has been read; 0 without `checksum`

    def open(
        self, descriptor: int, pull: Callable[[int], bytes] | None = None, checksum: bool = True
    ) -> None:
        """Where to read: from a descriptor that blocks, or where `pull(most)` is given, what it returns (nothing: the
        end)."""

    def mark(self) -> None:
        """Notes where reading is."""

    def rewind(self) -> int:
        """Goes back to the mark, and returns its offset: `pull` is next asked for the bytes from there on. Only with a
        `pull`."""

    def number(self) -> int:
        """Reads a length."""

    def milliseconds(self) -> int:
        """Reads 8 bytes: a time, or another integer."""

class EntryLoader:
    """Reads the keys of an RDB file into databases.

    `codecs` and `types`: for each RDB type (0 to 255) the codec that reads it, or None, and the type of its entries.
    `on_expiring_fields(database, key, value)`: a hash was loaded in which fields may expire.
    """

    reader: StreamRdbReader
    database: Keyspace | None
    key: bytes | None  # that was read last, if its type was
    rdb_type: int  # of the value in work; -1 between keys
    now: int  # Unix time in ms: what expires before is not loaded,
    keep_expired: bool  # unless this is set
    replace: bool  # a key that is there already is replaced; else it is an error
    loaded: int  # keys
    expired: int  # keys that were not loaded because they had expired
    empty: int  # keys that were not loaded because their values had no elements
    on_expired: (
        Callable[[Keyspace, bytes], None] | None
    )  # called for each key that is not loaded because it had expired

    def __init__(
        self,
        reader: StreamRdbReader,
        codecs: list[RdbCodec | None],
        types: list[int],
        on_expiring_fields: Callable[[Keyspace, bytes, Any], None],
    ) -> None: ...
    def select(self, database: Keyspace) -> None:
        """The database of the keys that follow."""

    def run(self, limit: int) -> int:
        """Loads keys. Returns an opcode that is none of a key's (its content is to be read by the caller),
        LIMIT_REACHED after `limit` bytes, or EMPTY_VALUE after a key that was passed over. Raises CorruptRdb, OSError,
        and Starved if the reader's `pull` does: it has then been marked before the key in work, or the opcode that was
        returned last. O(bytes)."""

def module_type_name(identifier: int) -> str:
    """The name of nine letters that a module's type has, out of its 64 bit identifier."""
