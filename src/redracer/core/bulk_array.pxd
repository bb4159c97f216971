"""Arrays of bulk strings as a reply, encoded as they are gathered. See bulk_array.pyx."""

from libc.stdint cimport int64_t


cdef class BulkArray:
    cdef char* data
    cdef size_t length              # bytes used of `data`
    cdef size_t capacity
    cdef readonly Py_ssize_t count  # strings

    cdef int add(self, const char* text, size_t length) except -1
    cdef int add_integer(self, int64_t value) except -1
    cdef char* room(self, size_t size) except NULL
