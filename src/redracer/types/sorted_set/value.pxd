"""Sorted sets: members with scores, ordered by score, then by member. types/sorted_set/value.pyx is the design note."""

from libc.stdint cimport uint64_t

from redracer.core.listpack cimport Listpack
from redracer.core.sorted_tree cimport SortedMembers

cpdef enum:                         # what `put` is to do
    PUT_NEW_ONLY = 1                # NX
    PUT_KNOWN_ONLY = 2              # XX
    PUT_GREATER = 4                 # GT
    PUT_LESS = 8                    # LT
    PUT_INCREMENT = 16              # INCR: the score is added to the member's
    PUT_COUNTS_CHANGES = 32         # CH: for ZADD's reply alone

cpdef enum:                         # what `put` did
    PUT_UNMET = 0                   # nothing: a condition was not met
    PUT_SAME = 1                    # nothing: the member has that score
    PUT_CHANGED = 2
    PUT_ADDED = 3


cdef class SortedSet(Listpack):
    cdef readonly SortedMembers large       # None while the set is small

    cpdef Py_ssize_t length(self) noexcept
    cpdef int put(self, bytes member, double score, int options=*) except -1
    cpdef object score_of(self, bytes member)
    cdef bint find_score(self, bytes member, double* score) noexcept
    cpdef bint contains(self, bytes member) noexcept
    cpdef bint discard(self, bytes member) except -1
    cpdef Py_ssize_t rank_of(self, bytes member, bint reverse=*)
    cpdef list range(self, Py_ssize_t start, Py_ssize_t count, bint reverse=*, bint with_scores=*)
    cpdef list members(self)
    cpdef Py_ssize_t delete_range(self, Py_ssize_t start, Py_ssize_t count) except -1
    cpdef list pop(self, Py_ssize_t count, bint highest=*)
    cpdef list draw_members(self, Py_ssize_t count, bint distinct, bint with_scores)
    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, bytes pattern=*)
    cpdef object convert(self)
    cpdef object keep_within(self, Py_ssize_t longest, dict settings)
    cpdef bint free_some(self, Py_ssize_t budget) except -1

    # Within this package. Small sets only, but the last two.
    cdef size_t find_small(self, bytes member) noexcept
    cdef double score_at(self, size_t position) noexcept
    cdef int order_at(self, size_t position, const char* member, size_t length) noexcept
    cdef int put_small(self, bytes member, double score) except -1
    cdef size_t place_of(self, bytes member, double score) noexcept
    cdef int put_known(self, bytes member, double score, double old, int options) except -1
    cdef int put_unconditionally(self, bytes member, double score) except -1


cdef class Bounds:
    cdef readonly Py_ssize_t start
    cdef readonly Py_ssize_t count

    cpdef object locate(self, SortedSet members, bint reverse)
    cpdef object narrow(self, Py_ssize_t offset, Py_ssize_t limit)
    cdef object found(self, SortedSet members, Py_ssize_t first, Py_ssize_t end, bint reverse)


cdef class RankBounds(Bounds):
    cdef Py_ssize_t first
    cdef Py_ssize_t last


cdef class ScoreBounds(Bounds):
    cdef double low
    cdef double high
    cdef bint above_low             # the bound itself is left out
    cdef bint below_high

    cdef bint starts_by(self, double score) noexcept
    cdef bint ends_before(self, double score) noexcept


cdef class LexBounds(Bounds):
    cdef bytes low
    cdef bytes high
    cdef int low_kind               # of `low`: -1 before all members, 0 a member, 1 after all members
    cdef int high_kind
    cdef bint above_low
    cdef bint below_high


cpdef int put_option(bytes word) noexcept
cpdef double parse_score(bytes text) except? -1
cpdef SortedSet sorted_set_of(list members_and_scores, dict settings)
cpdef list paired(list members_and_scores)
