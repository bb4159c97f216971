# The C interface of core/histogram.pyx.

from libc.stdint cimport uint32_t, uint64_t


cdef class Histogram:
    cdef uint32_t* counters  # NULL before the first record
    cdef uint32_t* carries  # per counter, how often it passed 2**32; NULL until one does
    cdef readonly unsigned long long count

    cpdef void record(self, long long nanoseconds) noexcept
    cdef uint64_t counter(self, int index) noexcept
