"""Stream IDs as objects, and as text."""

from libc.stdint cimport uint64_t

from redracer.types.stream.id_map cimport Id

cdef enum:
    ID_TEXT = 41                    # the most characters of an ID


cdef class StreamId:
    cdef Id value


cdef StreamId stream_id(Id id)
cdef bytes id_text(Id id)
cdef bint increment_id(Id* id) noexcept nogil       # False: it was the last of all, and has not changed
cdef bint decrement_id(Id* id) noexcept nogil       # False: it was the first of all
cdef bint read_id(bytes text, uint64_t missing_sequence, Id* id) noexcept
cpdef StreamId parse_id(bytes text, uint64_t missing_sequence=*)
cpdef StreamId parse_range_id(bytes text, uint64_t missing_sequence)
