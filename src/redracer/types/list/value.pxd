"""List values and what commands do with them. value.pyx has the contracts."""

from redracer.core.keyspace cimport Keyspace
from redracer.core.listpack cimport Listpack


cdef class Limits:
    cdef public long long size_limit        # list-max-listpack-size
    cdef public long long compress_depth    # list-compress-depth


cdef class ListpackList(Listpack):
    pass


cpdef Py_ssize_t length(object value) except -1
cpdef object grown(Keyspace keyspace, bytes key, object value, list items, Py_ssize_t start, Limits limits)
cpdef int shrink(Keyspace keyspace, bytes key, object value, Limits limits) except -1
cpdef Py_ssize_t push(
    Keyspace keyspace, bytes key, list items, Py_ssize_t start, bint at_head, bint create, Limits limits
) except -1
cpdef int push_item(object value, bytes item, bint at_head) except -1
cpdef bytes pop(object value, bint at_head)
cpdef list pop_many(object value, Py_ssize_t count, bint at_head)
cpdef list slice_of(object value, Py_ssize_t start, Py_ssize_t end)
cpdef object range_of(object value, Py_ssize_t start, Py_ssize_t end)
cpdef bytes item_at(object value, Py_ssize_t index)
cpdef bint replace(object value, Py_ssize_t index, bytes item) except -1
cpdef bint insert(object value, bytes pivot, bytes item, bint after) except -1
cpdef Py_ssize_t remove(object value, bytes item, Py_ssize_t limit, bint from_tail) except -1
cpdef int trim(object value, Py_ssize_t from_head, Py_ssize_t from_tail) except -1
cpdef list positions(
    object value, bytes item, Py_ssize_t rank, Py_ssize_t wanted, Py_ssize_t comparisons, bint from_tail
)
