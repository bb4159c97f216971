# What is asked for each request of a user who may not do everything.
from redracer.engine.registry cimport Command

cimport cython


cdef class Denial:
    cdef public int reason
    cdef public Py_ssize_t position


cdef class Selector:
    cdef public bint command_default
    cdef public set command_exceptions
    cdef public list command_rules
    cdef public dict first_arguments
    cdef public bint all_keys
    cdef public dict keys
    cdef public bint all_channels
    cdef public list channels

    @cython.locals(position=Py_ssize_t, needed=cython.int)
    cpdef Denial check(self, Command command, list argv, list keys)
    cpdef bint allows_command(self, Command command, list argv)
    @cython.locals(permissions=cython.int, pattern=bytes)
    cpdef bint allows_key(self, bytes key, int needed)
