"""The interface of types/sorted_set/additions.pyx."""

from typing import Any

from redracer.types.sorted_set.value import SortedSet

class Additions:
    """Scores and members in turn from `args[first]` on, options of ZADD before them (ZINCRBY takes them, too).

    Everything is checked at once: raises CommandError as ZADD refuses its arguments.
    """

    options: int
    outcome: int
    added: int
    changed: int
    def __init__(self, args: list[bytes], first: int, options: int) -> None: ...
    def put_into(self, members: SortedSet, engine: Any) -> None:
        """Puts them into the set, and counts in `added` and `changed`; the engine's configuration has the limits."""

    def reply(self, members: SortedSet | None) -> int | float | None:
        """What ZADD returns: the count of its kind, or with INCR the score, or None where a condition kept
        it back."""
