"""An ordered tree with ranks over elements that have scores. core/ranked_tree.pyx is the design note.

A Position and a Path are valid until the next change of the tree.
"""

from libc.stdint cimport uint64_t

from redracer.core.element cimport Element, member_data, member_length

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

cdef struct Key:                    # a place between two entries
    double score
    const char* member
    size_t length
    bint by_score                   # False: all scores are equal
    bint by_member                  # False: after all entries of that score, or before them
    bint after                      # after an entry that equals the key, or before it

cdef struct Path:                   # from the root to an entry
    Inner* nodes[MAXIMUM_HEIGHT]
    size_t indices[MAXIMUM_HEIGHT]  # of the child in each
    Leaf* leaf
    size_t index


cdef inline void element_key(Key* key, double score, const Element* element) noexcept nogil:
    """The place before that entry."""
    key.score = score
    key.member = member_data(element)
    key.length = member_length(element)
    key.by_score = key.by_member = True
    key.after = False


cdef void descend(const Tree* tree, Key* key, Path* path) noexcept nogil
cdef void descend_to_rank(const Tree* tree, size_t rank, Path* path) noexcept nogil
cdef size_t rank_before(const Tree* tree, const Key* key) noexcept nogil
cdef int tree_insert(Tree* tree, double score, Element* element) except -1
cdef bint tree_rescore(Tree* tree, Path* path, double score) noexcept nogil
cdef void tree_remove(Tree* tree, Path* path, size_t count) noexcept
cdef bint tree_free_some(Tree* tree, Py_ssize_t budget) noexcept
cdef size_t tree_memory(const Tree* tree) noexcept nogil
