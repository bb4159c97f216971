from redracer.core.keyspace cimport Keyspace
from redracer.core.resp_parse cimport RequestParser
from redracer.core.resp_write cimport ReplyBuffer

cdef enum SessionState:
    BLOCKED = 1             # no further request is executed until the engine resumes it
    CLOSE_AFTER_REPLY = 2   # nothing more is read; closed when everything has been sent
    CLOSED = 4              # to be closed at once, or closed already

cdef class Transport:
    cpdef object wake(self)
    cpdef object resume(self)
    cpdef object close(self)

cdef class Session:
    cdef public ReplyBuffer out
    cdef public RequestParser parser
    cdef public Transport transport
    cdef public Keyspace db             # the database that its commands see
    cdef public int state
    cdef public int resp
    cdef public long long output_limit      # pending bytes from which the executor is asked
    cdef public bint over_limit             # it is asked after everything that is sent, too
    cdef public long long received          # bytes
    cdef public long long sent              # bytes
    cdef public long long last_interaction  # Unix time, ms
    cdef public Py_ssize_t query_bytes      # unread bytes held for it by the transport
    cdef public Py_ssize_t query_peak
    cdef public long long executed          # requests
    cdef public bint retry                  # with BLOCKED: the request just given is to be executed again
    cdef public object source               # writes more to `out` when called, and returns whether it did; or None

    cdef bint refill(self) except -1

cdef class Executor:
    cdef public long long now               # Unix time of this round, ms

    cpdef object begin(self)
    cpdef object resolve(self, list argv)
    cpdef tuple key_range(self, object command)
    cpdef object execute(self, Session session, object command, list argv)
    cpdef object refuse(self, Session session, bytes text)
    cpdef object check_output(self, Session session)
    cpdef object query_exceeded(self, Session session)
    cpdef object before_sending(self)
    cpdef object closed(self, Session session)
