"""The interface of core/bulk_array.pyx to Python code."""

from collections.abc import Iterator

class BulkArray:
    """An array of bulk strings, as a reply. `count` is how many there are."""

    count: int
    def append(self, text: bytes) -> None: ...
    def encoded(self) -> bytes:
        """The strings as they are sent, without the array's header. O(n)."""

    def to_list(self) -> list[bytes]: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...
