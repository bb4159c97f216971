# The way of each call; the module also runs uncompiled.
cimport cython

from redracer.core.memory cimport used_memory
from redracer.core.replies cimport Several, Status
from redracer.engine.client cimport Client
from redracer.engine.dispatch cimport Dispatcher
from redracer.engine.registry cimport Command

cdef int _CLOSED

cdef class Calls:
    cdef public object engine
    cdef public Dispatcher dispatcher
    cdef public object lock
    cdef object acquire
    cdef object release
    cdef public object own
    cdef public str unusable
    cdef public set sessions
    cdef public object observer
    cdef public object outlet

    @cython.locals(client=Client)
    cdef object own_session(self)
    cdef object value_of(self, list argv)
    @cython.locals(client=Client, dispatcher=Dispatcher, command=Command)
    cdef object reply(self, object session, list argv)
    cdef object late_reply(self, object session)

cdef list packed(object arguments)
@cython.locals(status=Status)
cdef object plain(object reply)
