cimport cython

from redracer.core.clock cimport Clock

@cython.final
cdef class AppendBuffer:
    cdef Clock clock
    cdef char* data
    cdef size_t length
    cdef size_t capacity
    cdef public int database            # the one that the file's commands go to now; -1: not known
    cdef public bint timestamps         # annotate the file with the time, once a second
    cdef public long long annotated     # Unix time in s of the last annotation
    cdef readonly long long fed         # bytes that were ever put in

    cdef char* room(self, size_t size) except NULL
    cdef int put_command(self, list argv) except -1
    cdef int put_text(self, const char* text, size_t length) except -1
    cdef int put_select(self, int database) except -1
    cdef int annotate(self) except -1
