"""The interface of types/stream/stream_id.pyx."""

from typing import Final

class StreamId:
    """The ID of an entry: a time (Unix time in ms) and a sequence number, both unsigned 64-bit. Immutable, ordered."""

    def __init__(self, ms: int = 0, sequence: int = 0) -> None: ...
    @property
    def ms(self) -> int: ...
    @property
    def sequence(self) -> int: ...
    @property
    def text(self) -> bytes:
        """As clients write it: `ms-sequence`."""

    @property
    def key(self) -> bytes:
        """16 bytes, big-endian, that sort as the IDs do: how RDB files write it."""

    def next(self) -> StreamId | None:
        """The ID after this one; None after MAXIMUM."""

    def previous(self) -> StreamId | None:
        """The ID before this one; None before MINIMUM."""

    def __lt__(self, other: StreamId) -> bool: ...
    def __le__(self, other: StreamId) -> bool: ...
    def __gt__(self, other: StreamId) -> bool: ...
    def __ge__(self, other: StreamId) -> bool: ...
    def __hash__(self) -> int: ...

MINIMUM: Final[StreamId]
MAXIMUM: Final[StreamId]
LAST_SEQUENCE: Final[int]

def parse_id(text: bytes, missing_sequence: int = 0) -> StreamId:
    """The ID that `ms-sequence` or `ms` says; without a sequence number, `missing_sequence` is it.

    Raises CommandError(INVALID_STREAM_ID).
    """

def parse_range_id(text: bytes, missing_sequence: int) -> StreamId:
    """`parse_id` that also takes `-`, the first ID of all, and `+`, the last."""

def parse_added_id(text: bytes) -> tuple[StreamId, bool]:
    """XADD's ID, and whether its sequence number is given: `ms-*` leaves it to the stream. Raises as `parse_id`."""
