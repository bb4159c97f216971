"""The interface of persistence/append_buffer.pyx."""

from redracer.core.clock import Clock

class AppendBuffer:
    """What is to be written to the append-only file, encoded. A feed of the effects (engine/effects.py).

    `database`: the one that the file's commands go to; -1 has the next one begin with SELECT. `timestamps`: precede the
    commands of a new second with `#TS:<Unix time>`. `annotated`: the last such second. `fed`: bytes ever put in.
    """

    database: int
    timestamps: bool
    annotated: int
    fed: int

    def __init__(self, clock: Clock) -> None: ...
    def feed(self, units: list[tuple[int, list[bytes]]]) -> None:
        """Encodes commands with their databases, more than one as a transaction. O(bytes). Raises MemoryError."""

    def command(self, argv: list[bytes]) -> None:
        """Encodes a command whatever its database. O(bytes)."""

    def text(self, data: bytes) -> None:
        """Adds bytes that are already encoded."""

    def write(self, descriptor: int) -> int:
        """Writes all of it by one call of the system; returns the bytes that were written. Raises OSError.

        Nothing leaves the buffer: call `drop`.
        """

    def drop(self, count: int) -> None:
        """Forgets the first `count` bytes, which are in the file."""

    def clear(self) -> None:
        """Forgets everything, and that a database was selected."""

    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
