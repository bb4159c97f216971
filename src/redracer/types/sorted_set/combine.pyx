"""Unions, intersections and differences of sets and sorted sets. A plain set's members have the score 1.

Scores follow Redis's arithmetic: infinity times zero, and the sum of opposite infinities, are 0. The order in which a sum is
made is that of the collections given.
"""

from libc.math cimport isnan

from redracer.types.sorted_set.value cimport SortedSet

cdef enum:
    ADD = 0
    LOWER = 1
    HIGHER = 2

SUM, MINIMUM, MAXIMUM = ADD, LOWER, HIGHER


cdef list scored_members(object collection):
    """Members and scores in turn."""
    cdef list found
    if type(collection) is SortedSet:
        return (<SortedSet>collection).range(0, (<SortedSet>collection).length(), False, True)
    found = []
    for member in collection.members():
        found.append(member)
        found.append(1.0)
    return found


cdef bint find_in(object collection, bytes member, double* score) except -1:
    """Whether the collection has the member, and its score."""
    if type(collection) is SortedSet:
        return (<SortedSet>collection).find_score(member, score)
    score[0] = 1
    return collection.contains(member)


cdef inline double weighted(double score, double weight) noexcept:
    score *= weight
    return 0 if isnan(score) else score


cdef double aggregated(double first, double second, int aggregate) noexcept:
    if aggregate == ADD:
        first += second
        return 0 if isnan(first) else first
    if aggregate == LOWER:
        return second if second < first else first
    return second if second > first else first


cdef list in_order(list scored):
    """Flattens (score, member) tuples in a sorted set's order."""
    cdef list found = []
    scored.sort()
    for score, member in scored:
        found.append(member)
        found.append(score)
    return found


def union(list collections not None, list weights not None, int aggregate):
    cdef dict scores = {}
    cdef list scored
    cdef double score
    cdef Py_ssize_t at, place
    for at in range(len(collections)):
        scored = scored_members(collections[at])
        for place in range(0, len(scored), 2):
            score = weighted(scored[place + 1], weights[at])
            known = scores.get(scored[place])
            scores[scored[place]] = score if known is None else aggregated(known, score, aggregate)
    return in_order([(known, member) for member, known in scores.items()])


def intersection(list collections not None, list weights not None, int aggregate):
    cdef list scored = scored_members(collections[0])
    cdef list found = []
    cdef double score, other
    cdef Py_ssize_t at, place
    for place in range(0, len(scored), 2):
        score = weighted(scored[place + 1], weights[0])
        for at in range(1, len(collections)):
            if not find_in(collections[at], scored[place], &other):
                break
            score = aggregated(score, other * <double>weights[at], aggregate)
        else:
            found.append((score, scored[place]))
    return in_order(found)


def intersection_size(list collections not None, Py_ssize_t limit):
    cdef Py_ssize_t size = 0
    cdef Py_ssize_t at
    cdef double score
    for member in collections[0].members():
        for at in range(1, len(collections)):
            if not find_in(collections[at], member, &score):
                break
        else:
            size += 1
            if size == limit:
                break
    return size


def difference(list collections not None):
    cdef list scored = scored_members(collections[0])
    cdef list found = []
    cdef double score
    cdef Py_ssize_t at, place
    for place in range(0, len(scored), 2):
        for at in range(1, len(collections)):
            if find_in(collections[at], scored[place], &score):
                break
        else:
            found.append(scored[place])
            found.append(scored[place + 1])
    return found if type(collections[0]) is SortedSet else in_order([(1.0, member) for member in found[::2]])
