# The C interface of core/glob.pyx.

cdef bint glob_match(
    const char* pattern, Py_ssize_t pattern_length, const char* text, Py_ssize_t text_length, bint ignore_case
) noexcept
