cimport cython

from redracer.engine.client cimport Client
from redracer.engine.dispatch cimport Dispatcher
from redracer.engine.registry cimport Command
from redracer.engine.transaction cimport Transaction


cdef class Transactions:
    cdef public object engine

    @cython.locals(transaction=Transaction)
    cpdef object execute(self, Client client)
    @cython.locals(dispatcher=Dispatcher, command=Command, replies=list, argv=list)
    cdef list call_all(self, Client client, Transaction transaction)
