from redracer.engine.context cimport Context
from redracer.types.set.value cimport SetLimits, current_limits, use_limits

cpdef SetLimits limits_of(Context ctx)
