"""Histograms of the sizes of values. key_sizes.pyx explains."""

from libc.stdint cimport uint64_t

from redracer.core.keyspace cimport Keyspace

cdef enum:
    TYPES = 5                       # STRING to HASH
    BINS = 64


cdef class KeySizes:
    cdef list items                 # by type: a function that tells how many elements a value has
    cdef long long counts[TYPES][BINS]

    cpdef uint64_t count_some(self, Keyspace database, uint64_t cursor, Py_ssize_t buckets) except? 0
    cdef int count_chain(self, Keyspace database, size_t bucket) except -1
    cpdef list bins(self, int type)
