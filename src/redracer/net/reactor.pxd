from libc.stdint cimport uint32_t, uint64_t

from redracer.core.session cimport Executor, Session
from redracer.net.exchange cimport READ_SIZE, SEND_SIZE, VECTORS, Connection, Exchange

cdef extern from "sys/epoll.h" nogil:
    ctypedef union epoll_data_t:
        int fd
        uint64_t u64
    struct epoll_event:
        uint32_t events
        epoll_data_t data

cdef class SocketConnection(Connection):
    cdef Reactor reactor
    cdef bint write_armed           # epoll watches for room to send

    cdef int watch_writable(self, bint wanted) except -1

cdef class Reactor(Exchange):
    cdef readonly int epoll
    cdef list owned                 # by descriptor: the SocketConnection, or None
    cdef dict callbacks             # descriptor -> callable, called when it is readable
    cdef char* read_buffer

    cdef int control(self, int operation, int descriptor, unsigned int events) except -1
    cpdef list poll(self, double timeout)
    cdef int round(self, int milliseconds, list foreign) except -1
    cdef int serve(self, epoll_event* events, int count, list foreign) except -1
    cdef SocketConnection connection_of(self, int descriptor)
    cdef int other_ready(self, int descriptor, unsigned int events, list foreign) except -1
    cdef int ready(self, SocketConnection connection, unsigned int events) except -1
    cdef int read(self, SocketConnection connection) except -1
