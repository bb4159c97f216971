"""The interface of engine/feed_buffer.pyx."""

from collections.abc import Callable

from redracer.engine.effects import Feed

class FeedBuffer(Feed):
    """Commands that changed the data set, encoded as requests, in their order.

    `target`: TO_LOG or TO_REPLICAS (engine/effects.py). `on_first` is called before something is put into the empty
    buffer. `database`: the one that commands go to; -1 has the next one begin with SELECT. `fed`: bytes ever put in.
    """

    database: int
    fed: int

    def __init__(self, target: int, on_first: Callable[[], object] | None = None) -> None: ...
    def feed(self, units: list[tuple[int, list[bytes]]]) -> None:
        """Encodes commands with their databases, more than one as a transaction. O(bytes). Raises MemoryError."""

    def feed_alone(self, database: int, argv: list[bytes]) -> None:
        """Encodes one command. O(bytes). Raises MemoryError."""

    def command(self, argv: list[bytes]) -> None:
        """Encodes a command whatever its database. O(bytes). Raises MemoryError."""

    def drop(self, count: int) -> None:
        """Forgets the first `count` bytes."""

    def take(self) -> bytes:
        """All of it, which it forgets. O(bytes)."""

    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
