from redracer.engine.acl.key_needs cimport key_needs
from redracer.engine.acl.selector cimport Denial, Selector
from redracer.engine.registry cimport Command

cimport cython


cdef class User:
    cdef public bytes name
    cdef public bint pubsub_default
    cdef public bint enabled
    cdef public bint no_password
    cdef public bint sanitize
    cdef public list passwords
    cdef public list selectors
    cdef public bint unrestricted

    @cython.locals(selector=Selector, denial=Denial, worst=Denial, keys=list)
    cpdef Denial check(self, Command command, list argv)
