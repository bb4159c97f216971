cimport cython

@cython.final
cdef class CommandReader:
    cdef int descriptor
    cdef unsigned char* data        # bytes of the file; at `position` the next one to read
    cdef Py_ssize_t capacity
    cdef Py_ssize_t position
    cdef Py_ssize_t end
    cdef readonly long long offset  # in the file, behind the last command
    cdef long long size             # of the file
    cdef long long left             # bytes of the file that are not in `data` yet
    cdef readonly bytes annotation

    cdef bint fill(self, Py_ssize_t size) except -1
    cdef Py_ssize_t line(self) except -2
    cdef long long number(self, Py_ssize_t length) noexcept
    cdef list arguments(self, long long count)
    cdef bytes argument(self)
    cdef object failure(self, str text)
    cpdef list next(self)
