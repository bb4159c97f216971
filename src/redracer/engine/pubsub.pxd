# A message goes to every listener in a loop without Python's calls.
cimport cython

from redracer.engine.client cimport Client
from redracer.engine.dispatch cimport Dispatcher


cdef class PubSub:
    cdef public object engine
    cdef public object channels
    cdef public object patterns
    cdef public object shard_channels
    cdef public Py_ssize_t client_count

    @cython.locals(dispatcher=Dispatcher, client=Client, receivers=list, older=bytes)
    cdef Py_ssize_t _send(self, object listeners, bytes message) except -1


cpdef bytes encoded(list parts)
