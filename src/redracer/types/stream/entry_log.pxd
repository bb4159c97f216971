"""The entries of a stream in the order of their IDs. types/stream/entry_log.pyx is the design note."""

from libc.stdint cimport int64_t, uint64_t

from redracer.core.listpack cimport Listpack
from redracer.types.stream.id_map cimport Id, IdMap, IdPosition
from redracer.types.stream.stream_id cimport StreamId

cpdef enum:                         # what a deletion does about entries that consumer groups still refer to
    KEEP_REFERENCES = 1
    DELETE_REFERENCES = 2
    ACKNOWLEDGED = 3                # deletes only what no group refers to


cdef class NodeLimits:
    cdef public size_t max_bytes        # 0: no limit, as with entries
    cdef public int64_t max_entries


cdef class EntryLog:
    cdef IdMap nodes                # of Listpack objects, each with a reference that the map owns
    cdef readonly uint64_t length   # entries
    cdef public uint64_t entries_added          # ever
    cdef Id first                   # of the entries that are there; 0-0 if there is none
    cdef Id last                    # the highest ever used
    cdef Id highest_deleted         # by XDEL and its kin, not by trimming

    cpdef bytes append(
        self, list args, Py_ssize_t first_field, StreamId wanted, bint sequence_given, uint64_t now, NodeLimits limits
    )
    cdef int next_id(self, StreamId wanted, bint sequence_given, uint64_t now, Id* id) except -1
    cdef Listpack tail_with_room(self, size_t added, NodeLimits limits)

    cpdef bint contains(self, StreamId id) except -1
    cdef bint contains_id(self, Id id) except -1
    cpdef StreamId last_entry_id(self)
    cpdef list entries_after(self, StreamId id, int64_t count)
    cpdef StreamId oldest_id(self)
    cpdef list range(self, StreamId start, StreamId end, int64_t count=*, bint reverse=*)
    cpdef list entry(self, StreamId id)

    cpdef bint delete(self, StreamId id) except -1
    cdef bint delete_id(self, Id id) except -1
    cpdef object refresh_first(self)
    cdef int remove_node(self, IdPosition position) except -1
    cpdef int64_t trim(
        self, int64_t max_length, StreamId minimum, bint approximate, int64_t limit, int policy=*
    ) except -1
    cdef bint may_trim_node(self, IdPosition position, int64_t max_length, StreamId minimum) except -1
    cdef int64_t trim_within(self, IdPosition position, int64_t max_length, StreamId minimum, int policy) except -1
    cdef bint release_entry(self, Id id, int policy) except -1
    cdef int copy_entries(self, EntryLog copied) except -1
    cdef Py_ssize_t entries_memory(self) except -1
    cdef bint free_nodes(self, Py_ssize_t budget) noexcept
