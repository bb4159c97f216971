# The C interface of core/checksums.pyx.

from libc.stdint cimport uint16_t, uint64_t

cdef uint64_t update_crc64(uint64_t crc, const unsigned char* data, size_t length) noexcept nogil
cdef uint16_t crc16_of(const unsigned char* data, Py_ssize_t length) noexcept nogil
cdef int key_slot_of(const unsigned char* key, Py_ssize_t length) noexcept nogil
