# The C interface of core/numbers.pyx.

cdef enum:
    INT64_TEXT = 20  # the most characters that format_int64 writes
    DOUBLE_TEXT = 32  # room that format_double_text needs

cdef bint parse_int64(const char* text, Py_ssize_t length, long long* out) noexcept
cdef int format_int64(long long value, char* out) noexcept
cdef bint parse_double_text(const char* text, Py_ssize_t length, double* out) noexcept
cdef int format_double_text(double value, char* out) noexcept
cpdef bytes format_double(double value)
