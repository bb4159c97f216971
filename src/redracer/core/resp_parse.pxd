cimport cython
from cpython.ref cimport PyObject

@cython.final
cdef class RequestParser:
    cdef public bint restricted         # not authenticated yet: only short requests are taken
    cdef public long long maximum_bulk  # bytes (proto-max-bulk-len)
    cdef readonly Py_ssize_t held_bytes # of the arguments read so far of an unfinished request
    cdef list argv                      # the request being read
    cdef Py_ssize_t remaining           # arguments of it still to come; 0 between requests
    cdef Py_ssize_t bulk_length         # length of the argument being read, -1 before its header
    cdef Py_ssize_t scanned             # bytes of an unfinished inline line already searched
    cdef bytes large                    # a big argument, filled straight from the socket
    cdef Py_ssize_t large_filled
    cdef int line_end_to_skip           # bytes of line end still to come after `large`

    cdef list next_request(self, const char* data, Py_ssize_t length, Py_ssize_t* position)
    cdef char* large_space(self, Py_ssize_t* room) noexcept
    cdef void large_received(self, Py_ssize_t count) noexcept
    cdef int start_multibulk(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1
    cdef int read_argument(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1
    cdef int read_bulk_header(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1
    cdef int begin_large(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1
    cdef int finish_large(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1
    cdef int check_bulk(self) except -1
    cdef int read_inline(self, const char* data, Py_ssize_t length, Py_ssize_t* position) except -1

cdef void recycle(PyObject* argv) noexcept
