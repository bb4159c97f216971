cimport cython

@cython.final
cdef class ReplyBuffer:
    cdef char* data                 # NULL when nothing is pending
    cdef Py_ssize_t capacity
    cdef Py_ssize_t start           # first byte not yet sent
    cdef Py_ssize_t end             # end of the bytes written
    cdef bytes shared               # whose data `data` is if capacity is 0, or None
    cdef list large                 # bytes objects sent without a copy, in order
    cdef list large_at              # for each of them, the offset in `data` before which it is sent
    cdef Py_ssize_t large_bytes     # bytes of `large` not yet sent
    cdef Py_ssize_t large_sent      # bytes already sent of large[0]
    cdef public object sink         # takes replies as they are, before they are encoded (the embedded store); or None

    cdef char* reserve(self, Py_ssize_t size) except NULL
    cdef int copy_shared(self) except -1
    cdef int write_raw(self, const char* text, Py_ssize_t length) except -1
    cpdef int write(self, object value, int resp) except -1
    cdef int write_bulk(self, bytes value) except -1
    cpdef Py_ssize_t write_shared(self, bytes text) except -1
    cdef int write_integer(self, char prefix, long long value) except -1
    cdef int refer(self, bytes value) except -1
    cdef int write_line(self, char prefix, bytes text) except -1
    cdef int write_error(self, bytes text) except -1
    cdef int write_other(self, object value, object kind, int resp) except -1
    cdef int write_items(self, object items, int resp) except -1
    cdef int write_flat(self, char resp3_prefix, list items, Py_ssize_t count, int resp) except -1
    cdef Py_ssize_t pending(self) noexcept
    cdef int iovec(self, void* vectors, int limit) noexcept
    cdef void sent(self, Py_ssize_t count)
    cdef void return_block(self)
    cdef void release(self)

cpdef bytes encode_strings(bytes prefix, list strings)
