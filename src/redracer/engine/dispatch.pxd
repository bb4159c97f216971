from redracer.core.clock cimport Clock
from redracer.core.histogram cimport Histogram
from redracer.core.memory cimport used_memory
from redracer.core.session cimport Executor, Session
from redracer.engine.client cimport Client
from redracer.engine.context cimport Context
from redracer.engine.effects cimport Effects
from redracer.engine.registry cimport Command
from redracer.engine.transaction cimport Transaction
from redracer.engine.timing cimport monotonic_nanoseconds, unix_microseconds

cimport cython

cdef long long _IMMEDIATE, _NO_MULTI, _PROTECTED
cdef long long _SKIP_MONITOR
cdef long long _MEMORY, _MONITORED, _NO_TOUCH, _PAUSED, _REPLY, _TRACKING
cdef long long _SKIP, _SKIP_NEXT, _SILENT, _SILENT_NEXT, _OBSERVED, _LINKED

cdef class Dispatcher(Executor):
    cdef public Context context
    cdef public Effects effects
    cdef public Clock clock
    cdef public dict commands
    cdef dict spellings
    cdef public object engine
    cdef public long long gates
    cdef public long long started
    cdef public long long attention
    cdef public long long memory_limit
    cdef public bint track_latency
    cdef public long long calls
    cdef public long long calls_before_round
    cdef public long long most_calls_per_round
    cdef public list before_sending_steps
    cdef public list ready_keys
    cdef public long long time_shift
    cdef public long long frozen
    cdef public Client current
    cdef public list deferred
    cdef public list guards
    cdef long long guarded

    cpdef object begin(self)
    cpdef long long unix_microseconds(self) noexcept
    @cython.locals(known=Command)
    cpdef object resolve(self, list argv)
    @cython.locals(known=Command)
    cpdef tuple key_range(self, object command)
    @cython.locals(client=Client)
    cpdef object execute(self, Session session, object command, list argv)
    @cython.locals(count=Py_ssize_t, dirty=cython.longlong, context=Context)
    cpdef object call(self, Client client, Command command, list argv)
    @cython.locals(now=cython.longlong, elapsed=cython.longlong, histogram=Histogram)
    cdef object account(self, Client client, Command command, list argv, bint failed)
    @cython.locals(context=Context)
    cdef object propagate(self, Client client, list argv)
    cpdef object call_nested(self, Client client, Command command, list argv)
    cpdef object call_next(self, Client client, Command command, list argv)
    @cython.locals(shown_first=bint)
    cdef object call_observed(self, Client client, Command command, list argv)
    @cython.locals(transaction=Transaction)
    cdef object execute_unusual(self, Client client, Command command, list argv)
    @cython.locals(count=Py_ssize_t, gates=cython.longlong)
    cpdef object refusal(self, Client client, Command command, list argv)
    cpdef object reject(self, Command command, bytes text)
    cpdef object send(self, Client client, bytes encoded)
    cdef object finish(self)
    @cython.locals(client=Client, encoded=bytes)
    cpdef object send_deferred(self)
    cpdef object reply(self, Client client, object reply)
    cpdef object before_sending(self)
