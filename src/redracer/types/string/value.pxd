"""Operations on string values that change or read a part of one. All raise CommandError(WRONG_TYPE) for
another type."""

from redracer.core.keyspace cimport Keyspace

cpdef long long increment(Keyspace keyspace, bytes key, long long delta) except? -1
cpdef Py_ssize_t string_length(Keyspace keyspace, bytes key) except -1
cpdef bytes get_range(Keyspace keyspace, bytes key, Py_ssize_t start, Py_ssize_t end)
cpdef Py_ssize_t append(Keyspace keyspace, bytes key, bytes tail) except -1
cpdef Py_ssize_t set_range(Keyspace keyspace, bytes key, Py_ssize_t offset, bytes patch) except -1
cpdef int get_bit(Keyspace keyspace, bytes key, unsigned long long offset) except -1
cpdef int set_bit(Keyspace keyspace, bytes key, unsigned long long offset, bint bit) except -1
cpdef list get_many(Keyspace keyspace, list args)
cpdef int set_many(Keyspace keyspace, list args) except -1
