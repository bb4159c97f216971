# The hot commands are compiled with a typed context; the module also runs uncompiled.
from redracer.engine.context cimport Context
from redracer.types.list.limits cimport limits_of
from redracer.types.list.value cimport length, pop, pop_many, push, range_of, shrink

cimport cython

@cython.locals(total=Py_ssize_t)
cdef object pushed(Context ctx, list args, bint at_head, bint create)
@cython.locals(count=Py_ssize_t)
cdef object popped(Context ctx, list args, bint at_head)
cpdef object removed(Context ctx, bytes name, object value, str event, Py_ssize_t count)
