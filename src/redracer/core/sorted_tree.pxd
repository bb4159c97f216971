"""Large sorted sets: an ordered tree with ranks, over elements that a hash table finds by member.

core/sorted_tree.pyx is the design note. Every range, of scores, of members or of ranks, is a range of ranks: `rank_of_score`
and `rank_of_lex` say where it begins and ends. A Position is valid until the next change. Walking, from any rank:

    cdef Position position
    cdef bint there = members.seek(rank, &position)
    while there:
        element = position_element(&position)
        there = position_next(&position)        # or position_previous
"""

from libc.stdint cimport uint64_t

from redracer.core.element cimport Element
from redracer.core.member_table cimport ElementTable

cdef enum:
    LEAF_CAPACITY = 30              # with the header, 504 bytes: the small-object allocator's largest block is 512
    INNER_CAPACITY = 64
    MAXIMUM_HEIGHT = 20             # 16 children at least, but at the right edge: more than 2**64 entries

cdef struct Leaf:
    Leaf* previous
    Leaf* next
    uint64_t count
    double scores[LEAF_CAPACITY]
    Element* elements[LEAF_CAPACITY]

cdef struct Inner:
    uint64_t count                  # children: 2 or more
    double scores[INNER_CAPACITY]   # of the first entry under each child
    Element* elements[INNER_CAPACITY]
    void* children[INNER_CAPACITY]
    uint64_t sizes[INNER_CAPACITY]  # entries under each child

cdef struct Tree:                   # all zero: empty
    void* root                      # an Inner, or if the height is 0 a Leaf
    Leaf* first_leaf
    Leaf* last_leaf
    size_t height                   # levels of inner nodes
    size_t count                    # entries
    size_t leaf_count
    size_t inner_count

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
    """Goes on to the next lower rank. Returns False, and stays, at the end."""
    if position.index > 0:
        position.index -= 1
        return True
    if position.leaf.previous == NULL:
        return False
    position.leaf = position.leaf.previous
    position.index = position.leaf.count - 1
    return True


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
