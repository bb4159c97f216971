from redracer.engine.context cimport Context
from redracer.types.stream.entry_log cimport NodeLimits

cdef object _engine
cdef NodeLimits _limits

cpdef NodeLimits limits_of(Context ctx)
