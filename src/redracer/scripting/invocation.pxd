from redracer.engine.client cimport Client
from redracer.engine.context cimport Context
from redracer.engine.dispatch cimport Dispatcher
from redracer.engine.effects cimport Effects
from redracer.engine.registry cimport Command
from redracer.engine.timing cimport monotonic_nanoseconds
from redracer.scripting.state cimport Host, LuaState

cimport cython

cdef long long _NOSCRIPT, _WRITE, _CHANGES, _WITHOUT_FLAGS, _EVALUATED, _READ_ONLY, _ALLOW_OOM, _GATES
cdef long long _SCRIPT_CLIENT, _MULTI, _STALE
cdef int _ALL_TARGETS

cdef class Invocation(Host):
    cdef public object engine
    cdef Dispatcher dispatcher
    cdef Effects effects
    cdef Context context
    cdef public Client client
    cdef public Client caller
    cdef public list request
    cdef public bytes name
    cdef public bint is_eval
    cdef public bint read_only
    cdef public bint ignores_memory
    cdef public bint wrote
    cdef public bint busy
    cdef public bytes stop
    cdef public bint unrestricted
    cdef public long long started
    cdef public int targets

    @cython.locals(client=Client, context=Context, caller=Client)
    cpdef object run(
        self, LuaState state, int function, bytes name, list request, Py_ssize_t keys_end, long long flags
    )
    @cython.locals(
        command=Command, count=Py_ssize_t, gates=cython.longlong, dispatcher=Dispatcher, before=Py_ssize_t
    )
    cpdef object call(self, list argv)
    cpdef bytes interrupt(self)
