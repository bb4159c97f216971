"""Values as Redis writes them in RDB files and DUMP payloads. rdb_writer.pyx is the design note."""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

cpdef enum:
    RDB_VERSION = 12                # what Redis 8.2 writes
    OLDEST_RDB_VERSION = 10         # what Redis 7.0 reads


cdef class RdbWriter:
    cdef unsigned char* data
    cdef size_t size                # bytes written and not yet taken
    cdef size_t capacity
    cdef readonly int version
    cdef readonly bint compression
    cdef unsigned char* scratch     # where strings are compressed
    cdef size_t scratch_size

    cdef int overflow(self, const void* data, size_t length) except -1      # for a subclass that writes to a file
    cdef int put_byte(self, unsigned int byte) except -1
    cdef int put_length(self, uint64_t length) except -1
    cdef int put_string(self, const void* data, size_t length) except -1
    cdef int put_integer(self, int64_t value) except -1
    cdef int put_double(self, double value) except -1
    cdef int put_milliseconds(self, int64_t time) except -1
    cdef int put_compressed(self, const void* data, size_t length, size_t original_length) except -1

    # Within this module.
    cdef bint put_short_integer(self, int64_t value) except -1
    cdef bint put_if_compressible(self, const void* data, size_t length) except -1


cdef inline int put_raw(RdbWriter writer, const void* data, size_t length) except -1:
    """Writes bytes as they are."""
    if writer.capacity - writer.size < length:
        return writer.overflow(data, length)
    memcpy(writer.data + writer.size, data, length)
    writer.size += length
    return 0
