from redracer.core.resp_write cimport ReplyBuffer

cdef class Block:
    cdef long long number
    cdef long long start
    cdef bytearray data

cdef class Reader:
    cdef Stream stream
    cdef Block block
    cdef Py_ssize_t at              # how much of the block has been read

    cpdef Py_ssize_t move(self, ReplyBuffer out, Py_ssize_t most) except -1
    cdef bint next_block(self) except -1

cdef class Stream:
    cdef public bytes id
    cdef public bytes second_id
    cdef public long long second_end
    cdef public long long end
    cdef public long long limit
    cdef object blocks              # a deque; empty while there is no backlog
    cdef Block last                 # of them, or None
    cdef set readers

    cpdef object append(self, bytes data)
    cdef int add(self, bytes data) except -1
    cpdef object trim(self)
    cpdef object forget_second(self)
