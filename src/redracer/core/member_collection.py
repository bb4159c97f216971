"""What the values of sets and sorted sets have in common, so that one type's commands can read the other's."""

from __future__ import annotations

from typing import Protocol


class MemberCollection(Protocol):
    """A collection of different members; a plain set's count as having the score 1."""

    def __len__(self) -> int: ...

    def members(self) -> list[bytes]:
        """All members. O(n)."""

    def contains(self, member: bytes) -> bool:
        """O(1) in a large collection."""
