"""The candidates for eviction. eviction_pool.pyx explains."""

from libc.stdint cimport uint64_t

from redracer.core.entry cimport Entry
from redracer.core.keyspace cimport Keyspace

cpdef enum:                         # what makes a key a better candidate
    LEAST_RECENT = 0                # the time since its last use
    LEAST_FREQUENT = 1              # how seldom it is used
    SOONEST_TO_EXPIRE = 2           # how soon it expires

cdef enum:
    POOL_SIZE = 16


cdef class EvictionPool:
    cdef readonly Py_ssize_t length
    cdef list keys                      # [POOL_SIZE], the best candidate last, as are:
    cdef uint64_t scores[POOL_SIZE]
    cdef int databases[POOL_SIZE]

    cdef int consider(self, Keyspace database, const Entry* entry, uint64_t score) except -1
    cdef void move(self, Py_ssize_t source, Py_ssize_t target)
    cpdef int offer(self, Keyspace database, bint volatile, Py_ssize_t samples, int order) except -1
    cpdef tuple take(self, list databases, bint volatile)
    cpdef object clear(self)


cpdef bytes draw_key(Keyspace database, bint volatile)
