"""The interface of persistence/rdb_file_writer.pyx."""

from typing import Final

from redracer.core.keyspace import Keyspace
from redracer.core.rdb_codec import RdbCodec
from redracer.core.rdb_writer import RdbWriter

NO_STAMPS: Final[int]
IDLE_TIMES: Final[int]
FREQUENCIES: Final[int]

class FileRdbWriter(RdbWriter):
    """An RdbWriter that sends what is written to a descriptor: a file, a pipe or a socket that blocks.

    Every method raises OSError where the descriptor refuses.
    """

    sent: int  # bytes
    sync_every: int  # bytes; 0: never

    def open(self, descriptor: int, checksum: bool = True, sync_every: int = 0) -> None:
        """Where to write; call it first.

        `sync_every`: bytes after which the kernel starts to bring them to the disk.
        """

    def number(self, value: int) -> None:
        """Writes a length."""

    def flush(self) -> None:
        """Sends what is in the buffer."""

    def finish(self) -> None:
        """Ends the RDB file, with its checksum (0 without one), and sends all of it."""

class DatabaseWalk:
    """Writes the entries of a database, which must not change meanwhile, from the first to the last.

    `codecs`: of every type, by its number. `stamps`: what is said of an entry's use: NO_STAMPS, IDLE_TIMES,
    FREQUENCIES.
    """

    key: bytes | None  # of the entry that was written last, or could not be

    def __init__(self, database: Keyspace, codecs: list[RdbCodec], stamps: int = 0) -> None: ...
    def write(self, writer: RdbWriter, count: int) -> int:
        """Writes the next `count` entries, or how many there are; returns how many.

        Raises NotInVersion, OSError. O(bytes).
        """
