"""The interface of types/sorted_set/combine.pyx. All results are members and scores in turn, in a sorted
set's order."""

from redracer.core.member_collection import MemberCollection
from redracer.types.sorted_set.value import Flat

SUM: int
MINIMUM: int
MAXIMUM: int

def union(collections: list[MemberCollection], weights: list[float], aggregate: int) -> Flat:
    """Every member, its scores times the weights put together by `aggregate`. O(n log n), n members in
    all."""

def intersection(collections: list[MemberCollection], weights: list[float], aggregate: int) -> Flat:
    """The members that all collections have. The first should be the smallest. O(its members *
    collections)."""

def intersection_size(collections: list[MemberCollection], limit: int) -> int:
    """How many members all collections have; counts only to `limit`, if that is not 0."""

def difference(collections: list[MemberCollection]) -> Flat:
    """The members of the first that no other has, with their scores. O(members of the first *
    collections)."""
