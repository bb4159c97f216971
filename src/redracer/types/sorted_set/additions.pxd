"""What ZADD, ZINCRBY and GEOADD are to put into a sorted set. types/sorted_set/additions.pyx has the class."""

from redracer.types.sorted_set.value cimport SortedSet


cdef class Additions:
    cdef readonly int options       # PUT_NEW_ONLY, ...
    cdef readonly int outcome       # of the last member: PUT_UNMET, ...
    cdef readonly Py_ssize_t added
    cdef readonly Py_ssize_t changed
    cdef list args
    cdef Py_ssize_t first           # in args: the first score
    cdef double first_score
    cdef list more_scores           # of the pairs after the first

    cdef int parse_options(self) except -1
    cpdef object put_into(self, SortedSet members, object engine)
    cpdef object reply(self, SortedSet members)
