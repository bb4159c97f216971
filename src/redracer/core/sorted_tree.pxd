"""Large sorted sets: an ordered tree with ranks over elements that a hash table finds by member. core/sorted_tree.pyx is the design note.

Every range, of scores, of members or of ranks, is a range of ranks: `rank_of_score` and `rank_of_lex` say where it begins and ends.
A Position is valid until the next change. Walking:

    cdef Position position
    if members.seek(rank, &position):
        while True:
            element = position_element(&position)
            if not position_next(&position):
                break
"""

from libc.stdint cimport int64_t, uint64_t

from redracer.core.element cimport Element
from redracer.core.member_table cimport ElementTable

cdef enum:
    LEAF_CAPACITY = 30              # with the header, 512 bytes: the largest block of the small-object allocator

cdef struct Leaf:
    Leaf* previous
    Leaf* next
    uint64_t count
    uint64_t unused
    double scores[LEAF_CAPACITY]
    Element* elements[LEAF_CAPACITY]

cdef struct Position:
    Leaf* leaf
    size_t index


cdef inline Element* position_element(const Position* position) noexcept nogil:
    return position.leaf.elements[position.index]


cdef inline double position_score(const Position* position) noexcept nogil:
    return position.leaf.scores[position.index]


cdef inline bint position_next(Position* position) noexcept nogil:
    """Goes on to the next higher rank. Returns False, and stays, at the end."""
    if position.index + 1 < position.leaf.count:
        position.index += 1
        return True
    if position.leaf.next == NULL:
        return False
    position.leaf = position.leaf.next
    position.index = 0
    return True


cdef inline bint position_previous(Position* position) noexcept nogil:
    if position.index > 0:
        position.index -= 1
        return True
    if position.leaf.previous == NULL:
        return False
    position.leaf = position.leaf.previous
    position.index = position.leaf.count - 1
    return True


cdef struct Tree:
    void* root
    Leaf* first_leaf
    Leaf* last_leaf
    int height                      # levels of inner nodes; 0: the root is a leaf
    size_t count
    size_t leaf_count
    size_t inner_count


cdef class SortedMembers(ElementTable):
    cdef Tree tree

    cdef bint seek(self, Py_ssize_t rank, Position* position) noexcept      # False: there is no such rank (0 or more)

    cpdef bint add(self, bytes member, double score) except -1
    cpdef object score_of(self, bytes member)
    cdef bint find_score(self, bytes member, double* score) noexcept
    cpdef bint remove(self, bytes member) except -1
    cpdef Py_ssize_t rank_of(self, bytes member, bint reverse=*) noexcept
    cpdef Py_ssize_t rank_of_score(self, double score, bint after=*) noexcept
    cpdef Py_ssize_t rank_of_lex(self, bytes member, bint after=*) noexcept
    cpdef list range(self, Py_ssize_t start, Py_ssize_t count, bint reverse=*, bint with_scores=*)
    cpdef Py_ssize_t delete_range(self, Py_ssize_t start, Py_ssize_t count) except -1
    cpdef list pop(self, Py_ssize_t count, bint highest=*)
    cpdef list draw(self, Py_ssize_t count, bint with_scores=*)
    cpdef list draw_distinct(self, Py_ssize_t count, bint with_scores=*)
    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, bytes pattern=*)
    cpdef SortedMembers copy(self)
