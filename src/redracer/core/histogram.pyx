# The latencies of one command, for INFO latencystats and LATENCY HISTOGRAM.
#
# A log-linear histogram, as HdrHistogram's: each power of two of nanoseconds is divided into 32 equal parts, so a value
# is known within 3 %. Redis keeps four times as many (and eight-byte counters: 24 KB per command); 832 counters of four
# bytes are 3.3 KB. A counter that passes 2**32 carries into a second array, which few commands ever need.

from cpython.mem cimport PyMem_Calloc, PyMem_Free

cimport cython


cdef extern from *:
    int count_leading_zeros "__builtin_clzll"(unsigned long long value) noexcept


cdef enum:
    PART_BITS = 5
    PARTS = 32  # per power of two
    HIGHEST = 1000000000  # nanoseconds; longer ones count as this, as in Redis
    COUNTERS = 832  # index_of(HIGHEST) is 830
    FIRST_LEVEL = 1024  # nanoseconds: the first bucket of LATENCY HISTOGRAM
    HDR_PARTS = 128  # per power of two in Redis's histogram, which its bucket labels show


cdef inline int index_of(unsigned long long nanoseconds) noexcept:
    """The counter of a latency from 0 to HIGHEST: 0 to 63 by themselves, then 32 per power of two."""
    cdef int shift = 63 - PART_BITS - count_leading_zeros(nanoseconds | (2 * PARTS - 1))
    return (shift << PART_BITS) + <int>(nanoseconds >> shift)


cdef inline long long highest_of(int index) noexcept:
    """The highest latency in ns that a counter counts."""
    cdef int shift = (index >> PART_BITS) - 1
    if shift <= 0:
        return index
    return (<long long>(index - (shift << PART_BITS) + 1) << shift) - 1


@cython.final
cdef class Histogram:
    """Counts latencies of 0 to 1 s, in under 4 KiB that are allocated at the first record."""

    def __dealloc__(self):
        PyMem_Free(self.counters)
        PyMem_Free(self.carries)

    cpdef void record(self, long long nanoseconds) noexcept:
        """Counts a latency in ns, taken as 0 or 1 s when it is outside; drops it when out of memory. O(1)."""
        cdef int index = index_of(max(0, min(nanoseconds, <long long>HIGHEST)))
        if self.counters == NULL:
            self.counters = <uint32_t*>PyMem_Calloc(COUNTERS, sizeof(uint32_t))
            if self.counters == NULL:
                return
        self.count += 1
        self.counters[index] += 1
        if self.counters[index] == 0:
            if self.carries == NULL:
                self.carries = <uint32_t*>PyMem_Calloc(COUNTERS, sizeof(uint32_t))
            if self.carries != NULL:
                self.carries[index] += 1

    cdef uint64_t counter(self, int index) noexcept:
        cdef uint64_t carried = self.carries[index] if self.carries != NULL else 0
        return carried << 32 | self.counters[index]

    def percentile(self, double percent):
        """Returns the latency in microseconds (float, whole ns) that `percent` (0 to 100) of the records do not
        exceed: the highest that its counter counts. 0.0 without records. O(1): at most 832 steps."""
        cdef unsigned long long wanted = <unsigned long long>(max(0.0, min(percent, 100.0)) / 100 * self.count + 0.5)
        cdef unsigned long long total = 0
        cdef int index
        if self.counters == NULL:
            return 0.0
        wanted = max(wanted, <unsigned long long>1)
        for index in range(COUNTERS):
            total += self.counter(index)
            if total >= wanted:
                return highest_of(index) / 1000.0
        return HIGHEST / 1000.0

    def buckets(self):
        """Returns [(upper bound in microseconds, records up to it)] in powers of two from 1 on, only those where the
        second number grows: LATENCY HISTOGRAM's `histogram_usec`. O(1)."""
        cdef list result = []
        cdef unsigned long long total = 0
        cdef unsigned long long told = 0
        cdef long long level = FIRST_LEVEL
        cdef int index = 0
        if self.counters == NULL:
            return result
        while index < COUNTERS:
            total += self.counter(index)
            index += 1
            if index > index_of(level) or index == COUNTERS:
                if total > told:
                    # Redis tells the highest latency of *its* counter that holds the power of two: ..., 16, 33, 66.
                    result.append(((level + level // HDR_PARTS - 1) // 1000, total))
                told = total
                level *= 2
        return result

    def reset(self):
        """Forgets all records. O(1)."""
        PyMem_Free(self.counters)
        PyMem_Free(self.carries)
        self.counters = NULL
        self.carries = NULL
        self.count = 0
