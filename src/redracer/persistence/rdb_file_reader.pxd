"""Whole RDB files, read in pieces. rdb_file_reader.pyx is the design note."""

from libc.stdint cimport uint64_t

from redracer.core.keyspace cimport Keyspace
from redracer.core.rdb_reader cimport RdbReader


cdef class StreamRdbReader(RdbReader):
    cdef int descriptor
    cdef object pull                # a callable in place of a descriptor
    cdef unsigned char* buffer
    cdef size_t capacity
    cdef bint checksum
    cdef uint64_t crc               # of what was read before `summed`
    cdef const unsigned char* summed
    cdef uint64_t marked            # the offset to which `rewind` goes back,
    cdef uint64_t marked_crc        # and what was `crc` there

    cdef void set_mark(self) noexcept
    cdef int fill(self, size_t count) except -1
    cdef int resize(self, size_t capacity) except -1
    cdef Py_ssize_t fetch(self, unsigned char* target, size_t room) except -1
    cdef void add_to_crc(self) noexcept
    cdef bytes read_long_string(self, uint64_t length)


cdef class EntryLoader:
    cdef readonly StreamRdbReader reader
    cdef readonly Keyspace database
    cdef list codecs                # by RDB type, or None
    cdef list types                 # of entry, by RDB type
    cdef object on_expiring_fields
    cdef readonly bytes key         # of the value in work
    cdef readonly int rdb_type
    cdef long long expire_at        # of the key to come
    cdef long long idle_seconds
    cdef int frequency
    cdef public long long now
    cdef public bint keep_expired
    cdef public bint replace
    cdef readonly long long loaded
    cdef readonly long long expired
    cdef readonly long long empty
    cdef public object on_expired   # called with database and key for each that is passed over, or None

    cdef bint load_key(self) except -1
    cdef int put(self, object value) except -1
