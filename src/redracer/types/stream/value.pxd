"""Streams. types/stream/value.pyx has what they consist of."""

from libc.stdint cimport int64_t

from redracer.types.stream.entry_log cimport EntryLog
from redracer.types.stream.group cimport Consumer, Group
from redracer.types.stream.id_map cimport Id
from redracer.types.stream.stream_id cimport StreamId


cdef class Stream(EntryLog):
    cdef readonly dict groups       # name -> Group; None until there is one

    cpdef Group group(self, bytes name)
    cpdef Group add_group(self, bytes name, StreamId last_id, int64_t entries_read)
    cpdef Group remove_group(self, bytes name)
    cpdef list deliver(self, Group group, Consumer consumer, int64_t count, bint acknowledged, int64_t now)
    cpdef list history(self, Consumer consumer, StreamId after, int64_t count, int64_t now)
    cpdef object lag(self, Group group)
    cpdef bint release(self, StreamId id, int policy) except -1
    cdef bint is_referenced(self, Id id) except -1
    cdef int drop_references(self, Id id) except -1
    cdef int advance(self, Group group, Id id) except -1
    cdef int64_t entries_up_to(self, Id id) noexcept
    cdef bint has_deleted_from(self, Id id) noexcept
    cpdef Stream copy(self)
    cpdef Py_ssize_t memory_usage(self) except -1
    cpdef bint free_some(self, Py_ssize_t budget) except -1
