cimport cython

from redracer.engine.client cimport Client
from redracer.engine.dispatch cimport Dispatcher
from redracer.engine.registry cimport Command


cdef class Transaction:
    cdef public list queued
    cdef public long long flags
    cdef public long long lacking
    cdef public bint failed
    cdef Py_ssize_t measured
    cdef Py_ssize_t measured_bytes

    cpdef object add(self, Command command, list argv)


cdef class Transactions:
    cdef public object engine

    @cython.locals(transaction=Transaction)
    cpdef object execute(self, Client client)
    @cython.locals(dispatcher=Dispatcher, command=Command, replies=list, argv=list)
    cdef list call_all(self, Client client, Transaction transaction)
