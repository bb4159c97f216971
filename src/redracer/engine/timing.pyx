"""The two clocks that the engine reads: monotonic for durations, the wall for expiry."""

from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec


cpdef long long monotonic_nanoseconds() noexcept:
    """Nanoseconds of a clock that never goes back."""
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <long long>now.tv_sec * 1000000000 + now.tv_nsec


cpdef long long unix_microseconds() noexcept:
    """Unix time in microseconds."""
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    return <long long>now.tv_sec * 1000000 + now.tv_nsec // 1000
