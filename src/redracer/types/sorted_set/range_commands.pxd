# Compiled with typed helpers; the module also runs uncompiled.
from redracer.engine.context cimport Context
from redracer.types.sorted_set.storing cimport delete_if_empty, sorted_set, sorted_set_to_change
from redracer.types.sorted_set.value cimport Bounds, LexBounds, RankBounds, ScoreBounds, SortedSet, paired

cimport cython

cdef class Request:
    cdef public Bounds bounds
    cdef public bint reverse
    cdef public bint with_scores
    cdef public long long offset
    cdef public long long limit

    cpdef list read(self, SortedSet members, bint with_scores)

@cython.locals(position=cython.Py_ssize_t, with_scores=cython.bint, offset=cython.longlong, limit=cython.longlong)
cdef Request requested(list args, Py_ssize_t at, bytes by, bint reverse, bint storing=*)
cdef Bounds bounds_of(bytes by, bytes first, bytes second, bint reverse)
@cython.locals(request=Request, members=SortedSet, found=list)
cdef object reply_with(Context ctx, list args, bytes by, bint reverse)
@cython.locals(bounds=Bounds, members=SortedSet)
cdef object reply_without_options(Context ctx, list args, bytes by, bint reverse)
@cython.locals(bounds=Bounds, members=SortedSet, removed=cython.Py_ssize_t)
cdef object remove(Context ctx, list args, bytes by, str event)
