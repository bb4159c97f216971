# Compiled with typed helpers; the module also runs uncompiled.
from redracer.engine.context cimport Context
from redracer.types.sorted_set.additions cimport Additions
from redracer.types.sorted_set.storing cimport delete_if_empty, keep, sorted_set, sorted_set_to_change
from redracer.types.sorted_set.value cimport Bounds, LexBounds, ScoreBounds, SortedSet

cimport cython

@cython.locals(members=SortedSet, changes=cython.Py_ssize_t)
cpdef object add(Context ctx, bytes name, Additions additions)
@cython.locals(members=SortedSet, removed=cython.Py_ssize_t, at=cython.Py_ssize_t)
cdef object remove(Context ctx, list args)
@cython.locals(members=SortedSet, found=cython.Py_ssize_t)
cdef object rank(Context ctx, list args, bint reverse)
@cython.locals(members=SortedSet)
cdef object count(Context ctx, bytes name, Bounds bounds)
