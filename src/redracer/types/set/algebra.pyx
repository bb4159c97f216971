"""Intersection, union and difference of sets in any encodings.

A set to be stored begins as the smallest encoding and grows as SADD lets it, so that the result is the encoding that Redis
gives it. An intersection walks over the smallest set. A difference is made in one of two ways, whichever looks at
fewer members: test each of the first set's against all others, or remove all others' from a copy.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint64_t
from libc.string cimport memset

from redracer.core.intset cimport Intset
from redracer.core.listpack cimport Listpack
from redracer.core.member_table cimport MemberTable
from redracer.types.set.value cimport (
    MemberWalk, SetLimits, add_buffer, count_members, has_buffer, members_of, next_member, remove_member,
)

cdef extern from "python_hash.h":
    uint64_t hash_buffer(const char* data, Py_ssize_t length)


cdef inline bytes member_of(const MemberWalk* walk):
    return PyBytes_FromStringAndSize(walk.data, walk.length)


cdef list by_size(list sets):
    """The sets in order of size, or an empty list if one of them is empty."""
    cdef list ordered = []
    for value in sets:
        if value is None:
            return []
        ordered.append((count_members(value), len(ordered), value))
    ordered.sort()
    return [item[2] for item in ordered]


cdef bint in_all(list sets, Py_ssize_t start, const MemberWalk* walk) except -1:
    """Whether the walk's member is in every set from `start` on."""
    cdef Py_ssize_t index
    for index in range(start, len(sets)):
        if not has_buffer(sets[index], walk.data, walk.length):
            return False
    return True


cdef bint in_any(list sets, Py_ssize_t start, const MemberWalk* walk) except -1:
    cdef Py_ssize_t index
    for index in range(start, len(sets)):
        if sets[index] is not None and has_buffer(sets[index], walk.data, walk.length):
            return True
    return False


def intersection(list sets not None):
    cdef list ordered = by_size(sets)
    cdef list found = []
    cdef MemberWalk walk
    memset(&walk, 0, sizeof(walk))
    while ordered and next_member(ordered[0], &walk):
        if in_all(ordered, 1, &walk):
            found.append(member_of(&walk))
    return found


def intersection_count(list sets not None, Py_ssize_t limit):
    cdef list ordered = by_size(sets)
    cdef Py_ssize_t count = 0
    cdef MemberWalk walk
    memset(&walk, 0, sizeof(walk))
    while ordered and next_member(ordered[0], &walk):
        if in_all(ordered, 1, &walk):
            count += 1
            if count == limit:
                break
    return count


def stored_intersection(list sets not None, SetLimits limits not None):
    cdef list ordered = by_size(sets)
    cdef object result
    cdef bint added = False
    cdef MemberWalk walk
    if not ordered:
        return None
    result = Intset.__new__(Intset) if type(ordered[0]) is Intset else Listpack.__new__(Listpack)
    memset(&walk, 0, sizeof(walk))
    while next_member(ordered[0], &walk):
        if in_all(ordered, 1, &walk):
            result = add_buffer(result, walk.data, walk.length, limits, &added)
    return as_integers(result, limits) if count_members(result) else None


cdef object as_integers(object value, SetLimits limits):
    """The set as an intset, if it is one of integers and not too large; itself otherwise."""
    cdef object integers = Intset.__new__(Intset)
    cdef bint added = False
    cdef MemberWalk walk
    if type(value) is Intset or count_members(value) > limits.integers:
        return value
    memset(&walk, 0, sizeof(walk))
    while next_member(value, &walk):
        integers = add_buffer(integers, walk.data, walk.length, limits, &added)
        if type(integers) is not Intset:
            return value
    return integers


def union(list sets not None):
    cdef MemberTable seen = MemberTable.__new__(MemberTable)
    cdef list found = []
    cdef MemberWalk walk
    for value in sets:
        if value is None:
            continue
        memset(&walk, 0, sizeof(walk))
        while next_member(value, &walk):
            if seen.add_buffer(walk.data, walk.length, hash_buffer(walk.data, walk.length)):
                found.append(member_of(&walk))
    return found


def stored_union(list sets not None, SetLimits limits not None):
    cdef object result = Intset.__new__(Intset)
    cdef bint added = False
    cdef MemberWalk walk
    for value in sets:
        if value is None:
            continue
        memset(&walk, 0, sizeof(walk))
        while next_member(value, &walk):
            result = add_buffer(result, walk.data, walk.length, limits, &added)
    return result if count_members(result) else None


cdef bint testing_is_cheaper(list sets) except -1:
    """Whether to test each member of the first set against the others, rather than to remove theirs from a copy. Testing
    often ends at the first others, so that it counts half."""
    cdef Py_ssize_t tests = 0
    cdef Py_ssize_t removals = 0
    for value in sets:
        if value is not None:
            tests += count_members(sets[0])
            removals += count_members(value)
    return tests // 2 <= removals


def difference(list sets not None):
    cdef list found = []
    cdef MemberWalk walk
    if sets[0] is None:
        return found
    if not testing_is_cheaper(sets):
        return members_of(removed_from_copy(sets))
    memset(&walk, 0, sizeof(walk))
    while next_member(sets[0], &walk):
        if not in_any(sets, 1, &walk):
            found.append(member_of(&walk))
    return found


def stored_difference(list sets not None, SetLimits limits not None):
    cdef object result = Intset.__new__(Intset)
    cdef bint added = False
    cdef MemberWalk walk
    if sets[0] is None:
        return None
    if not testing_is_cheaper(sets):
        return stored_union([removed_from_copy(sets)], limits)
    memset(&walk, 0, sizeof(walk))
    while next_member(sets[0], &walk):
        if not in_any(sets, 1, &walk):
            result = add_buffer(result, walk.data, walk.length, limits, &added)
    return result if count_members(result) else None


cdef object removed_from_copy(list sets):
    """A copy of the first set without the members of the others."""
    cdef object copied = sets[0].copy()
    cdef Py_ssize_t index
    cdef MemberWalk walk
    for index in range(1, len(sets)):
        if sets[index] is None:
            continue
        memset(&walk, 0, sizeof(walk))
        while count_members(copied) and next_member(sets[index], &walk):
            remove_member(copied, member_of(&walk))
    return copied
