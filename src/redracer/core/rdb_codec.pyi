"""The interface of core/rdb_codec.pyx."""

from typing import Any

from redracer.core.rdb_reader import RdbReader
from redracer.core.rdb_writer import RdbWriter

class RdbCodec:
    """Writes and reads the values of one type; a type's package has the subclass.

    Values are as TypeSpec has them. `reads`: the RDB types of values that `load` takes.
    """

    reads: tuple[int, ...]

    def type_of(self, writer: RdbWriter, value: Any) -> int:
        """The RDB type that `save` writes a value as. Raises NotInVersion."""

    def save(self, writer: RdbWriter, value: Any) -> None:
        """Writes a value, its RDB type not included. Raises NotInVersion. O(bytes)."""

    def load(self, reader: RdbReader, rdb_type: int) -> Any:
        """Reads a value. Raises CorruptRdb, and EmptyValue for one that has no elements. O(bytes)."""
