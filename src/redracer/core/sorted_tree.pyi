"""The interface of core/sorted_tree.pyx to Python code; sorted_tree.pxd has positions, for compiled code."""

from redracer.core.member_table import ElementTable

class SortedMembers(ElementTable):
    """The members of a large sorted set, ordered by score, then by member as bytes. Rank 0 is the lowest.

    Every range is a range of ranks. Scores from 1 to (5: `start = rank_of_score(1.0)`, `end =
    rank_of_score(5.0)`; up to and with 5: `end = rank_of_score(5.0, after=True)`. Then `end - start` is
    ZCOUNT, `range(start, end - start)` is ZRANGEBYSCORE, `delete_range(start, end - start)`
    ZREMRANGEBYSCORE. Members likewise by `rank_of_lex`, where all scores are equal. A score is never NaN.
    """

    def __init__(self) -> None: ...
    def add(self, member: bytes, score: float) -> bool:
        """Adds the member or sets its score. Returns whether it is new.

        O(log n). Raises MemoryError, and ValueError for NaN.
        """

    def score_of(self, member: bytes) -> float | None:
        """O(1)."""

    def remove(self, member: bytes) -> bool:
        """Returns whether it was there. O(log n)."""

    def rank_of(self, member: bytes, reverse: bool = False) -> int:
        """-1: there is no such member. O(log n)."""

    def rank_of_score(self, score: float, after: bool = False) -> int:
        """How many members have a lower score (`after`: a lower or the same). O(log n)."""

    def rank_of_lex(self, member: bytes, after: bool = False) -> int:
        """How many members come before `member` (`after`: or are it), all scores being equal. O(log n)."""

    def range(
        self, start: int, count: int, reverse: bool = False, with_scores: bool = False
    ) -> list[bytes | float]:
        """Up to `count` members from rank `start` on; `reverse`: ranks count from the highest, downwards.

        With scores: flat, member and score in turn. O(log n + count).
        """

    def delete_range(self, start: int, count: int) -> int:
        """Removes up to `count` members from rank `start` on. Returns how many. O(log n + count)."""

    def pop(self, count: int, highest: bool = False) -> list[bytes | float]:
        """Removes up to `count` members of the lowest (or highest) scores.

        Returns members and scores in turn. O(log n + count).
        """

    def draw(self, count: int, with_scores: bool = False) -> list[bytes | float]:
        """`count` random members; a member may come more than once."""

    def draw_distinct(self, count: int, with_scores: bool = False) -> list[bytes | float]:
        """Up to `count` different members, each subset with equal chances. O(count)."""

    def scan(self, cursor: int, count: int, pattern: bytes | None = None) -> tuple[int, list[bytes | float]]:
        """One step of ZSCAN, promising what Keyspace.scan does: (next cursor, members and scores)."""

    def copy(self) -> SortedMembers: ...
