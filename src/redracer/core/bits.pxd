# The C interface of core/bits.pyx. A "range" is a pair of bit positions, both included, within the buffer.

from libc.stdint cimport int64_t, uint64_t

cdef long long count_ones(const unsigned char* data, Py_ssize_t length) noexcept
cdef long long count_range(const unsigned char* data, long long first, long long last) noexcept
cdef long long find_range(const unsigned char* data, bint bit, long long first, long long last) noexcept
cdef uint64_t load_field(const unsigned char* data, Py_ssize_t length, uint64_t offset, int width) noexcept
cdef void store_field(unsigned char* data, uint64_t offset, int width, uint64_t value) noexcept
