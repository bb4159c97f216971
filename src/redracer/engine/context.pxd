from redracer.core.clock cimport Clock
from redracer.core.keyspace cimport Keyspace
from redracer.engine.client cimport Client
from redracer.engine.effects cimport Effects

cdef class Context:
    cdef public Keyspace db
    cdef public Client client
    cdef public long long now
    cdef public object engine
    cdef public Effects effects
    cdef public list rewritten
    cdef public bint forced
    cdef Clock clock

    cpdef object changed(self, bytes key, str event, long long count=*)
    cpdef object notify(self, bytes key, str event)
    cpdef object rewrite_as(self, list commands)
    cpdef object tell_replicas(self, list argv)
    cpdef object count_changes(self, long long count)
