"""The interface of types/sorted_set/value.pyx to Python code."""

from typing import Any, Self

from redracer.core.listpack import Listpack
from redracer.core.sorted_tree import SortedMembers

# What `put` is to do ...
PUT_NEW_ONLY: int
PUT_KNOWN_ONLY: int
PUT_GREATER: int
PUT_LESS: int
PUT_INCREMENT: int
PUT_COUNTS_CHANGES: int
# ... and what it did.
PUT_UNMET: int
PUT_SAME: int
PUT_CHANGED: int
PUT_ADDED: int

Flat = list[Any]  # members (bytes) and scores (float) in turn

class SortedSet(Listpack):
    """The value of a key that holds a sorted set.

    Ranks count from 0, the lowest score's; with `reverse`, from the highest's. Costs are those of a large
    set; a
    small one is walked, O(n).
    """

    large: SortedMembers | None
    @property
    def encoding(self) -> bytes: ...
    def length(self) -> int: ...
    def score_of(self, member: bytes) -> float | None:
        """O(1)."""

    def contains(self, member: bytes) -> bool: ...
    def put(self, member: bytes, score: float, options: int = 0) -> int:
        """Sets the member's score as far as the options (PUT_NEW_ONLY, ...) let it. O(log n).

        Returns PUT_UNMET, PUT_SAME, PUT_CHANGED or PUT_ADDED. Raises CommandError where an increment gives no
        number.
        """

    def discard(self, member: bytes) -> bool:
        """Removes the member; returns whether it was there. O(log n)."""

    def rank_of(self, member: bytes, reverse: bool = False) -> int:
        """-1 without the member. O(log n)."""

    def range(self, start: int, count: int, reverse: bool = False, with_scores: bool = False) -> Flat:
        """Up to `count` members from rank `start` on, each with its score after it if asked for. O(log n +
        count)."""

    def members(self) -> list[bytes]: ...
    def delete_range(self, start: int, count: int) -> int:
        """Removes up to `count` members from rank `start` on. Returns how many. O(log n + count)."""

    def pop(self, count: int, highest: bool = False) -> Flat:
        """Removes up to `count` members of the lowest (or highest) scores; in the order of `range`.
        O(count log n)."""

    def draw_members(self, count: int, distinct: bool, with_scores: bool) -> Flat:
        """`count` random members; if `distinct`, up to `count` different ones. O(count)."""

    def scan(self, cursor: int, count: int, pattern: bytes | None = None) -> tuple[int, Flat]:
        """One step of ZSCAN: (next cursor, members and scores). A small set comes whole."""

    def convert(self) -> None:
        """Makes the set large."""

    def keep_within(self, longest: int, settings: dict[str, Any]) -> None:
        """Makes the set large if it has more members, or `longest` bytes in one of those added, than the
        settings (the configuration, by option name) allow."""

    def copy(self) -> Self: ...
    def memory_usage(self) -> int: ...
    def free_some(self, budget: int) -> bool:
        """Frees up to `budget` members; call again until it returns True. The set is of no use from then
        on."""

class Bounds:
    """A range that is still to be located in a set; then `start` and `count` are ranks in reading order."""

    start: int
    count: int
    def locate(self, members: SortedSet, reverse: bool) -> None:
        """O(log n)."""

    def narrow(self, offset: int, limit: int) -> None:
        """LIMIT: leaves out the first `offset`, and all after `limit` more (negative: none)."""

class RankBounds(Bounds):
    """From rank `first` to rank `last`, in reading order, as texts; negative ones count from the end.

    Raises CommandError.
    """

    def __init__(self, first: bytes, last: bytes) -> None: ...

class ScoreBounds(Bounds):
    """Scores between two texts: numbers, after `(` where they are left out. Raises CommandError."""

    def __init__(self, low: bytes, high: bytes) -> None: ...

class LexBounds(Bounds):
    """Members between two texts: `-`, `+`, or a member after `[` or `(`, all scores being equal.

    Raises CommandError.
    """

    def __init__(self, low: bytes, high: bytes) -> None: ...

def put_option(word: bytes) -> int: ...
def parse_score(text: bytes) -> float: ...
def sorted_set_of(members_and_scores: Flat, settings: dict[str, Any]) -> SortedSet: ...
def paired(members_and_scores: Flat) -> list[list[bytes | float]]: ...
