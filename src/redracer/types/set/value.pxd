"""The value of a set in its three encodings; value.pyx is the design note, value.pyi has the contracts."""

from libc.stdint cimport int64_t

from redracer.core.clock cimport Clock
from redracer.core.keyspace cimport Keyspace
from redracer.core.member_table cimport MemberTable
from redracer.core.numbers cimport INT64_TEXT
from redracer.core.table cimport TableIterator


cdef class SetLimits:
    cdef readonly Clock clock
    cdef public Py_ssize_t integers
    cdef public Py_ssize_t entries
    cdef public Py_ssize_t value


# A walk over the members of a set that does not change meanwhile: all zero at the start, then one member after each call of
# `next_member`, valid until the next.
cdef struct MemberWalk:
    const char* data
    size_t length
    size_t position
    TableIterator iterator
    char digits[INT64_TEXT]


cpdef SetLimits current_limits(Keyspace database)
cpdef object use_limits(SetLimits limits)

cpdef Py_ssize_t count_members(object value) except -1
cpdef bint has_member(object value, bytes member) except -1
cpdef list members_of(object value)
cpdef bytes random_member(object value)

cpdef Py_ssize_t add_members(Keyspace database, bytes key, list args, Py_ssize_t start, SetLimits limits) except -1
cpdef bint remove_member(object value, bytes member) except -1
cpdef bytes pop_member(object value)

cdef bint next_member(object value, MemberWalk* walk) except -1
cdef bint has_buffer(object value, const char* data, size_t length) except -1
cdef object add_buffer(object value, const char* data, size_t length, SetLimits limits, bint* added)
cdef MemberTable as_table(object value)
