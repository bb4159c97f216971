"""The interface of persistence/command_reader.pyx."""

class BadFormat(Exception):
    """What is at this place is no command. The text says what was expected there."""

    offset: int

class UnexpectedEnd(Exception):
    """The file ends within a command."""

class CommandReader:
    """Reads the commands of an append-only file, from where the descriptor's position is.

    `offset`: behind what was read last. `annotation`: the text of the last annotation before the last command, without
    `#` and line end; b"" if there was none.
    """

    offset: int
    annotation: bytes

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        """`offset`: of the descriptor's position; `size`: of the whole file, bytes."""

    def next(self) -> list[bytes] | None:
        """The arguments of the next command; None at the end. Raises BadFormat, UnexpectedEnd, OSError. O(bytes)."""
