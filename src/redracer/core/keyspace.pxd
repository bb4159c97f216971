"""One database: the table of keys (key_table.pxd has its lookups) with what commands do to it. See
docs/design/keyspace.md."""

from libc.stdint cimport uint64_t

from redracer.core.entry cimport Entry
from redracer.core.key_table cimport KeyTable


cdef class Keyspace(KeyTable):
    # Strings.
    cpdef bytes get_string(self, bytes key)
    cpdef bytes peek_string(self, bytes key)
    cpdef bint set_string(self, bytes key, bytes value, long long expire_at=*) except -1
    cpdef bint set_raw_string(self, bytes key, bytes value, long long expire_at=*) except -1
    cpdef bint set_integer(self, bytes key, long long value, long long expire_at=*) except -1
    cdef char* writable(self, bytes key, Py_ssize_t length) except NULL
    cpdef bytes encoding_of_string(self, bytes key)

    # Values of other types.
    cpdef object get_object(self, bytes key, int type, bint read=*)
    cpdef bint set_object(self, bytes key, int type, object value, long long expire_at=*) except -1
    cpdef object take(self, bytes key)

    # Keys.
    cpdef int type_of(self, bytes key) except? -2
    cpdef bint exists(self, bytes key) except -1
    cpdef bint touch(self, bytes key) except -1
    cpdef bint delete(self, bytes key) except -1
    cpdef bint discard(self, bytes key) noexcept
    cpdef bint move(self, bytes key, Keyspace target, bytes new_key) except -1
    cpdef bint copy(self, bytes key, Keyspace target, bytes new_key) except -1
    cpdef long long expiry_of(self, bytes key, bint read=*) except? -3
    cpdef bint set_expiry(self, bytes key, long long expire_at) except -1
    cpdef bint persist(self, bytes key) except -1
    cpdef long long idle_seconds(self, bytes key) except? -2
    cpdef bint set_idle_seconds(self, bytes key, long long seconds) except -1
    cpdef int frequency(self, bytes key) except? -2
    cpdef bint set_frequency(self, bytes key, int value) except -1
    cpdef Py_ssize_t memory_of(self, bytes key) except? -2

    # The whole.
    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, int type=*, bytes pattern=*)
    cpdef list keys(self, bytes pattern)
    cpdef bytes random_key(self)
    cpdef tuple sample_expired(self, Py_ssize_t count)

    # Within this module.
    cdef bint store_text(self, bytes key, bytes value, unsigned int tag, long long expire_at) except -1
    cdef Py_ssize_t collect(self, size_t bucket, int type, bytes pattern, list found, list expired) except -1
