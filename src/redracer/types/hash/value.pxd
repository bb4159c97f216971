"""The value of a hash in its three encodings; value.pyx is the design note, value.pyi has the contracts."""

from libc.stdint cimport int64_t

from redracer.core.clock cimport Clock
from redracer.core.keyspace cimport Keyspace
from redracer.core.listpack cimport Listpack
from redracer.core.member_table cimport FieldTable


cdef class HashLimits:
    cdef readonly Clock clock
    cdef public Py_ssize_t entries
    cdef public Py_ssize_t value


cdef class ExpiringListpack(Listpack):
    pass


cpdef HashLimits current_limits(Keyspace database)
cpdef object use_limits(HashLimits limits)

cpdef bytes get_field(object value, bytes field, int64_t now)
cpdef bint has_field(object value, bytes field, int64_t now) except -1
cpdef Py_ssize_t field_length(object value, bytes field, int64_t now) except -1
cpdef Py_ssize_t count_fields(object value) except -1
cpdef list fields_of(object value, int64_t now)
cpdef list values_of(object value, int64_t now)
cpdef list items_of(object value, int64_t now)

cpdef Py_ssize_t set_fields(
    Keyspace database, bytes key, list args, Py_ssize_t start, HashLimits limits, bint keep_expiry=*
) except -1
cpdef bint remove_field(object value, bytes field) except -1

cpdef int64_t next_expiry(object value) except? -2
cpdef int64_t expiry_of(object value, bytes field) except? -3
cpdef bint set_expiry(object value, bytes field, int64_t expire_at) except -1
cpdef bint persist(object value, bytes field) except -1

# For those who read a hash from a file. A packed hash and one field of it; see value.pyx.
cdef FieldTable as_table(Listpack packed)
cdef int insert_field(
    Listpack packed, size_t position, const char* field, size_t field_length, const char* data, size_t length,
    int64_t expiry,
) except -1
cdef size_t place_for(Listpack packed, int64_t expiry) noexcept
