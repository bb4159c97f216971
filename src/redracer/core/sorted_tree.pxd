"""Large sorted sets. core/sorted_tree.pyx is the design note.

Every range, of scores, of members or of ranks, is a range of ranks: `rank_of_score` and `rank_of_lex` say
where it begins and ends. A Position (core/ranked_tree.pxd) is valid until the next change. Walking, from any
rank:

    cdef Position position
    cdef bint there = members.seek(rank, &position)
    while there:
        element = position_element(&position)
        there = position_next(&position)        # or position_previous
"""

from libc.stdint cimport uint64_t

from redracer.core.element cimport Element
from redracer.core.member_table cimport ElementTable
from redracer.core.ranked_tree cimport Position, Tree


cdef class SortedMembers(ElementTable):
    cdef Tree tree
    cdef Tree freed_tree            # what free_some has still to free

    cdef bint seek(self, Py_ssize_t rank, Position* position) noexcept      # False: there is no such rank (0 or more)
    cdef bint find_score(self, bytes member, double* score) noexcept        # False: there is no such member
    cdef int insert(self, bytes member, double score) except -1             # the member must not be there; no NaN
    cdef int set_score(self, Element* element, double score) except -1      # of an element that `find` gave; no NaN

    cpdef bint add(self, bytes member, double score) except -1
    cpdef object score_of(self, bytes member)
    cpdef bint remove(self, bytes member) noexcept
    cpdef Py_ssize_t rank_of(self, bytes member, bint reverse=*) noexcept
    cpdef Py_ssize_t rank_of_score(self, double score, bint after=*) noexcept
    cpdef Py_ssize_t rank_of_lex(self, bytes member, bint after=*) noexcept
    cpdef list range(self, Py_ssize_t start, Py_ssize_t count, bint reverse=*, bint with_scores=*)
    cpdef Py_ssize_t delete_range(self, Py_ssize_t start, Py_ssize_t count) noexcept
    cpdef list pop(self, Py_ssize_t count, bint highest=*)
    cpdef list draw(self, Py_ssize_t count, bint with_scores=*)
    cpdef list draw_distinct(self, Py_ssize_t count, bint with_scores=*)
    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, bytes pattern=*)
    cpdef SortedMembers copy(self)

    # Within this module.
    cdef int take_over(self, uint64_t hash, Element* element) except -1
    cdef void drop(self, Element* element) noexcept
