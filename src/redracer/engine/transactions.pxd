cimport cython

from redracer.engine.client cimport Client
from redracer.engine.dispatch cimport Dispatcher
from redracer.engine.effects cimport Effects
from redracer.engine.registry cimport Command
from redracer.engine.timing cimport monotonic_nanoseconds
from redracer.engine.transaction cimport Transaction

cdef long long _DIRTY, _MULTI, _NO_BLOCKING, _GATE_TRANSACTION, _GATE_USER


cdef class Transactions:
    cdef public object engine
    cdef Dispatcher dispatcher
    cdef Effects effects

    cpdef object begin(self, Client client)
    cpdef object end(self, Client client)
    cdef object unwatch(self, Client client)
    @cython.locals(transaction=Transaction, may_block=bint, began=cython.longlong)
    cpdef object execute(self, Client client)
    @cython.locals(dispatcher=Dispatcher, command=Command, replies=list, argv=list, place=Py_ssize_t)
    cdef list call_all(self, Client client, Transaction transaction)
