from redracer.engine.context cimport Context
from redracer.types.hash.value cimport HashLimits, current_limits, use_limits

cpdef HashLimits limits_of(Context ctx)
