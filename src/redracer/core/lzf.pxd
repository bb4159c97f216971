# The C interface of core/lzf.pyx.

cdef Py_ssize_t compress_into(
    const unsigned char* data, Py_ssize_t length, unsigned char* out, Py_ssize_t capacity
) noexcept nogil
cdef bint decompress_into(
    const unsigned char* data, Py_ssize_t length, unsigned char* out, Py_ssize_t out_length
) noexcept nogil
cdef Py_ssize_t decompressed_length(const unsigned char* data, Py_ssize_t length) noexcept nogil
