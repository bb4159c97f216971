"""The interface of types/set/algebra.pyx.

A set that is None is empty. The reading forms return a list of members, in no particular order; the others a new
set, to be stored, or None if it would be empty.
"""

from redracer.types.set.value import SetLimits, SetValue

def intersection(sets: list[SetValue | None]) -> list[bytes]: ...
def intersection_count(sets: list[SetValue | None], limit: int) -> int:
    """How many members the intersection has; counting ends at `limit` (0: never)."""

def stored_intersection(sets: list[SetValue | None], limits: SetLimits) -> SetValue | None:
    """O(n * m) for the smallest set of n members and m sets, as the forms above."""

def union(sets: list[SetValue | None]) -> list[bytes]: ...
def stored_union(sets: list[SetValue | None], limits: SetLimits) -> SetValue | None: ...
def difference(sets: list[SetValue | None]) -> list[bytes]:
    """The members of the first set that are in none of the others."""

def stored_difference(sets: list[SetValue | None], limits: SetLimits) -> SetValue | None: ...
