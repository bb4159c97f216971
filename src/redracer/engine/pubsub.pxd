# A message goes to every listener in a loop without Python's calls.
cimport cython

from redracer.core.resp_write cimport encode_strings
from redracer.engine.client cimport Client
from redracer.engine.dispatch cimport Dispatcher


cdef class Kind:
    cdef readonly str field
    cdef readonly bytes subscribed
    cdef readonly bytes unsubscribed
    cdef readonly dict topics


cdef class PubSub:
    cdef public object engine
    cdef Dispatcher dispatcher
    cdef readonly Kind channels
    cdef readonly Kind patterns
    cdef readonly Kind shard_channels
    cdef readonly Py_ssize_t client_count

    @cython.locals(receivers=Py_ssize_t)
    cpdef Py_ssize_t publish(self, bytes channel, bytes message) except -1
    @cython.locals(dispatcher=Dispatcher, client=Client, receivers=list, array=bytes, push=bytes)
    cdef Py_ssize_t _send(self, object listeners, list parts) except -1
