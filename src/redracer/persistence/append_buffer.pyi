"""The interface of persistence/append_buffer.pyx."""

from redracer.core.clock import Clock
from redracer.engine.feed_buffer import FeedBuffer

class AppendBuffer(FeedBuffer):
    """What is to be written to the append-only file, encoded.

    `timestamps`: precede the commands of a new second with `#TS:<Unix time>`. `annotated`: the last such second.
    """

    timestamps: bool
    annotated: int

    def __init__(self, clock: Clock) -> None: ...
    def text(self, data: bytes) -> None:
        """Adds bytes that are already encoded."""

    def write(self, descriptor: int) -> int:
        """Writes all of it by one call of the system; returns the bytes that were written. Raises OSError.

        Nothing leaves the buffer: call `drop`.
        """

    def clear(self) -> None:
        """Forgets everything, and that a database was selected."""
