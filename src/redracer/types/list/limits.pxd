from redracer.engine.context cimport Context
from redracer.types.list.value cimport Limits

cdef object _engine
cdef Limits _limits

cpdef Limits limits_of(Context ctx)
