cpdef long long monotonic_nanoseconds() noexcept
cpdef long long unix_microseconds() noexcept
