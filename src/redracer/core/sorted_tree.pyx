# cython: allow_none_for_extension_args=False
"""Large sorted sets: an ordered tree with ranks (core/ranked_tree) beside a hash table, over the same elements.

An element (core/element) holds member and score in one allocation; the table finds it by member, the tree
keeps it in order.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport isnan
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from redracer.core.element cimport (
    HAS_SCORE, Element, copied_element, element_hash, element_member, element_score, free_element, new_element,
    set_element_score,
)
from redracer.core.member_table cimport MEMBER_PART, SCORE_PART, ElementTable
from redracer.core.ranked_tree cimport (
    LEAF_CAPACITY, Key, Leaf, Path, Position, descend, descend_to_rank, element_key, position_element,
    position_next, position_previous, position_score, rank_before, tree_free_some, tree_insert, tree_memory,
    tree_remove, tree_rescore,
)
from redracer.core.table cimport prefetch

cdef extern from "python_hash.h":
    uint64_t hash_bytes(bytes key)

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX


cdef void prefetch_elements(const Leaf* leaf, size_t start, size_t count) noexcept nogil:
    """Asks for elements of a leaf, which are far apart in memory, before one is read."""
    cdef size_t index
    for index in range(start, start + count):
        prefetch(leaf.elements[index])


cdef inline int parts_of(bint with_scores) noexcept:
    return MEMBER_PART | SCORE_PART if with_scores else MEMBER_PART


@cython.no_gc
cdef class SortedMembers(ElementTable):
    """The members of a large sorted set. Every element of the table is an entry of the tree, under its own score."""

    def __dealloc__(self):
        tree_free_some(&self.tree, PY_SSIZE_T_MAX)
        tree_free_some(&self.freed_tree, PY_SSIZE_T_MAX)

    cpdef Py_ssize_t memory_usage(self) noexcept:
        return ElementTable.memory_usage(self) + <Py_ssize_t>(tree_memory(&self.tree) + tree_memory(&self.freed_tree))

    cpdef bint free_some(self, Py_ssize_t budget) except -1:
        cdef bint emptied = self.table.count > 0
        cdef bint done = ElementTable.free_some(self, budget)
        if emptied:
            tree_free_some(&self.freed_tree, PY_SSIZE_T_MAX)
            self.tree, self.freed_tree = self.freed_tree, self.tree
        return done and tree_free_some(&self.freed_tree, budget)

    # --- members and scores

    cpdef bint add(self, bytes member, double score) except -1:
        if isnan(score):
            raise ValueError("a score is a number")
        cdef Element* element = self.find(member)
        if element == NULL:
            self.insert(member, score)
            return True
        self.set_score(element, score)
        return False

    cdef int insert(self, bytes member, double score) except -1:
        cdef uint64_t hash = hash_bytes(member)
        cdef Element* element = new_element(
            HAS_SCORE, PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), NULL, 0
        )
        set_element_score(element, score)
        return self.take_over(hash, element)

    cdef int take_over(self, uint64_t hash, Element* element) except -1:
        """Adds an element, whose score is set; frees it where there is no memory (MemoryError)."""
        self.insert_element(hash, element)
        try:
            tree_insert(&self.tree, element_score(element), element)
        except MemoryError:
            self.take_out(hash, self.slot_of_element(hash, element))
            free_element(element)
            raise
        return 0

    cdef int set_score(self, Element* element, double score) except -1:
        cdef Key key
        cdef Path path
        cdef double old = element_score(element)
        if score == old:
            return 0
        element_key(&key, old, element)
        descend(&self.tree, &key, &path)
        if not tree_rescore(&self.tree, &path, score):
            # For a moment the tree has it twice: where there is no memory, nothing has changed.
            tree_insert(&self.tree, score, element)
            descend(&self.tree, &key, &path)
            tree_remove(&self.tree, &path, 1)
        set_element_score(element, score)
        return 0

    cpdef object score_of(self, bytes member):
        cdef Element* element = self.find(member)
        return element_score(element) if element != NULL else None

    cdef bint find_score(self, bytes member, double* score) noexcept:
        cdef Element* element = self.find(member)
        if element == NULL:
            return False
        score[0] = element_score(element)
        return True

    cpdef bint remove(self, bytes member) noexcept:
        cdef Key key
        cdef Path path
        cdef Element* element = self.find(member)
        if element == NULL:
            return False
        element_key(&key, element_score(element), element)
        descend(&self.tree, &key, &path)
        tree_remove(&self.tree, &path, 1)
        self.drop(element)
        return True

    cdef void drop(self, Element* element) noexcept:
        """Takes an element that is out of the tree out of the table, and frees it."""
        cdef uint64_t hash = element_hash(element)
        self.take_out(hash, self.slot_of_element(hash, element))
        free_element(element)

    # --- ranks

    cpdef Py_ssize_t rank_of(self, bytes member, bint reverse=False) noexcept:
        cdef Key key
        cdef Py_ssize_t rank
        cdef Element* element = self.find(member)
        if element == NULL:
            return -1
        element_key(&key, element_score(element), element)
        rank = rank_before(&self.tree, &key)
        return <Py_ssize_t>self.tree.count - 1 - rank if reverse else rank

    cpdef Py_ssize_t rank_of_score(self, double score, bint after=False) noexcept:
        cdef Key key
        key.score = score
        key.by_score = True
        key.by_member = False
        key.after = after
        return rank_before(&self.tree, &key)

    cpdef Py_ssize_t rank_of_lex(self, bytes member, bint after=False) noexcept:
        cdef Key key
        key.member = PyBytes_AS_STRING(member)
        key.length = PyBytes_GET_SIZE(member)
        key.by_score = False
        key.by_member = True
        key.after = after
        return rank_before(&self.tree, &key)

    cdef bint seek(self, Py_ssize_t rank, Position* position) noexcept:
        cdef Path path
        if not 0 <= rank < <Py_ssize_t>self.tree.count:
            return False
        descend_to_rank(&self.tree, rank, &path)
        position.leaf = path.leaf
        position.index = path.index
        return True

    cpdef list range(self, Py_ssize_t start, Py_ssize_t count, bint reverse=False, bint with_scores=False):
        cdef list found = []
        cdef Position at
        cdef size_t ahead
        cdef bint there = self.seek(<Py_ssize_t>self.tree.count - 1 - start if reverse else start, &at)
        cdef bint enters = True
        while there and count > 0:
            if enters:
                ahead = min(<size_t>count, at.index + 1 if reverse else at.leaf.count - at.index)
                prefetch_elements(at.leaf, at.index + 1 - ahead if reverse else at.index, ahead)
            found.append(element_member(position_element(&at)))
            if with_scores:
                found.append(position_score(&at))
            there = position_previous(&at) if reverse else position_next(&at)
            enters = at.index == (at.leaf.count - 1 if reverse else 0)
            count -= 1
        return found

    cpdef Py_ssize_t delete_range(self, Py_ssize_t start, Py_ssize_t count) noexcept:
        cdef Element* removed[LEAF_CAPACITY]
        cdef Path path
        cdef Py_ssize_t deleted = 0
        cdef size_t length, index
        if start < 0:
            return 0
        while deleted < count and start < <Py_ssize_t>self.tree.count:
            descend_to_rank(&self.tree, start, &path)
            length = min(path.leaf.count - path.index, <size_t>(count - deleted))
            prefetch_elements(path.leaf, path.index, length)
            memcpy(removed, &path.leaf.elements[path.index], length * sizeof(Element*))
            tree_remove(&self.tree, &path, length)
            for index in range(length):
                self.drop(removed[index])
            deleted += length
        return deleted

    cpdef list pop(self, Py_ssize_t count, bint highest=False):
        cdef list popped = self.range(0, count, highest, True)
        cdef Py_ssize_t length = len(popped) // 2
        self.delete_range(<Py_ssize_t>self.tree.count - length if highest else 0, length)
        return popped

    # --- many at once

    cpdef list draw(self, Py_ssize_t count, bint with_scores=False):
        return self.draw_parts(count, parts_of(with_scores))

    cpdef list draw_distinct(self, Py_ssize_t count, bint with_scores=False):
        return self.draw_distinct_parts(count, parts_of(with_scores))

    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, bytes pattern=None):
        return self.scan_parts(cursor, count, pattern, MEMBER_PART | SCORE_PART, -1)

    cpdef SortedMembers copy(self):
        cdef object kind = type(self)
        cdef SortedMembers copied = kind.__new__(kind)
        cdef Position at
        cdef bint there = self.seek(0, &at)
        while there:
            copied.take_over(element_hash(position_element(&at)), copied_element(position_element(&at)))
            there = position_next(&at)
        return copied
