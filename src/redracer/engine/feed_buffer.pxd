from redracer.engine.effects cimport Feed

cdef class FeedBuffer(Feed):
    cdef char* data
    cdef size_t length
    cdef size_t capacity
    cdef int target
    cdef object on_first                # called when something is put into the empty buffer, or None
    cdef public int database            # the one that commands go to now; -1: not known
    cdef readonly long long fed         # bytes that were ever put in

    cdef char* room(self, size_t size) except NULL
    cdef int begin_unit(self) except -1
    cdef int select(self, int database) except -1
    cdef int put_command(self, list argv) except -1
    cdef int put_text(self, const char* text, size_t length) except -1
