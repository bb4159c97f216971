cimport cython

from redracer.core.session cimport Session

cdef class Client(Session):
    cdef public long long id
    cdef public long long flags
    cdef public long long gates
    cdef public object last_command
    cdef public object user
    cdef public bytes name
    cdef public bytes library_name
    cdef public bytes library_version
    cdef public str address
    cdef public str local_address
    cdef public int descriptor
    cdef public long long created
    cdef public long long soft_limit_since
    cdef public object blocked
    cdef public object transaction      # what it has queued since MULTI, or None
    cdef public set watched             # what it watches, or None
    cdef public object subscriptions    # what it listens to, or None
    cdef public object tracking         # what it caches, or None
    cdef public dict extra

    @cython.locals(pending=Py_ssize_t)
    cpdef Py_ssize_t send(self, bytes encoded) except -1
