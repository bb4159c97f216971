# Compiled with typed helpers; the module also runs uncompiled.
from redracer.engine.context cimport Context
from redracer.types.sorted_set.storing cimport delete_if_empty, sorted_set_to_change
from redracer.types.sorted_set.value cimport SortedSet, paired

cimport cython

@cython.locals(members=SortedSet, popped=list, count=cython.Py_ssize_t)
cdef object pop(Context ctx, list args, bint highest)
@cython.locals(popped=list)
cdef list take(Context ctx, bytes name, SortedSet members, Py_ssize_t count, bint highest)
