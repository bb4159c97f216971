"""Nodes of a stream. types/stream/node.pyx has the format."""

from libc.stdint cimport int64_t

from redracer.core.listpack cimport Listpack
from redracer.types.stream.id_map cimport Id

cdef enum:                          # flags of an entry
    DELETED = 1
    SAME_FIELDS = 2                 # as the master entry


cdef inline int64_t number_at(Listpack listpack, size_t position) noexcept:
    """An element that is known to be a number."""
    cdef int64_t number = 0
    listpack.integer_at(position, &number)
    return number


cdef inline int64_t live_entries(Listpack listpack) noexcept:
    return number_at(listpack, listpack.first())


cdef bint has_fields(Listpack listpack, list args, Py_ssize_t first_field) noexcept
cdef int append_entry(Listpack listpack, Id delta, bint same_fields, list args, Py_ssize_t first_field) except -1
cdef Listpack made_node(list args, Py_ssize_t first_field)
cdef int change_counts(Listpack listpack, int64_t live, int64_t deleted) except -1
cdef bint is_proven_node(Listpack listpack, int64_t* live) noexcept
