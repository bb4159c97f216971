from redracer.core.eviction_pool cimport EvictionPool, draw_key
from redracer.core.keyspace cimport Keyspace
from redracer.core.memory cimport used_memory
from redracer.engine.dispatch cimport Dispatcher
from redracer.engine.effects cimport Effects
from redracer.engine.timing cimport monotonic_nanoseconds

cimport cython

cdef class Eviction:
    cdef public object engine
    cdef public object statistics
    cdef public object lazy_free
    cdef Dispatcher dispatcher
    cdef Effects effects
    cdef public EvictionPool pool
    cdef public int order
    cdef public bint volatile
    cdef public bint lazy
    cdef public Py_ssize_t samples
    cdef public Py_ssize_t next_database
    cdef public long long maximum
    cdef public long long time_limit
    cdef public int result
    cdef public long long refreshed
    cdef public long long traffic
    cdef public long long exceeded_since
    cdef public long long exceeded_nanoseconds
    cdef public bint scheduled

    cpdef object refusal(self, object client, object command, list argv)
    @cython.locals(begun=cython.longlong)
    cpdef int free_memory(self)
    @cython.locals(evicted=cython.longlong)
    cdef int evict(self, long long deadline) except? -1
    @cython.locals(database=Keyspace, count=Py_ssize_t, candidates=bint)
    cdef tuple choose(self)
    @cython.locals(begun=cython.longlong)
    cdef object delete(self, Keyspace database, bytes key)
