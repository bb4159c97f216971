"""Consumer groups: who has been given which entries, and has not acknowledged them. types/stream/group.pyx has the layout."""

from libc.stdint cimport int64_t, uint64_t

from redracer.types.stream.id_map cimport Id, IdMap
from redracer.types.stream.stream_id cimport StreamId

cdef struct Pending:                # an entry that was delivered and not acknowledged
    int64_t delivered_at            # Unix time in ms
    uint64_t deliveries
    void* consumer                  # a Consumer, borrowed from its group


cdef class Consumer:
    cdef readonly bytes name
    cdef public int64_t seen_at     # Unix time in ms of the last attempt to read or claim
    cdef public int64_t active_at   # and of the last one that got something; -1: never
    cdef IdMap pending              # of Pending*, borrowed from the group


cdef class Group:
    cdef readonly bytes name
    cdef Id last                    # of the last entry delivered
    cdef public int64_t entries_read            # of all entries ever added up to it; -1: unknown
    cdef readonly dict consumers    # name -> Consumer
    cdef IdMap pending              # of Pending*, owned

    cdef Pending* find(self, Id id) noexcept
    cdef Pending* assign(self, Id id, Consumer consumer, int64_t now, bint* is_new) except NULL
    cdef Pending* add(self, Id id, Consumer consumer, int64_t delivered_at, uint64_t deliveries) except NULL
    cdef bint forget(self, Id id) except -1
    cpdef bint acknowledge(self, StreamId id) except -1
    cpdef Consumer add_consumer(self, bytes name, int64_t now)
    cpdef Py_ssize_t remove_consumer(self, bytes name) except? -1
    cdef Py_ssize_t memory_usage(self) except -1
    cpdef bint free_some(self, Py_ssize_t budget) except -1
    cdef Group copy(self)
