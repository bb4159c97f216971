"""Quicklists: a doubly linked chain of listpacks. quicklist.pyx has the rules."""

from redracer.core.listpack cimport Listpack
from redracer.types.list.node cimport Node


cpdef bint set_packed_threshold(size_t size) noexcept


cdef class Quicklist:
    cdef Node* head
    cdef Node* tail
    cdef Py_ssize_t count
    cdef Py_ssize_t node_count
    cdef int size_limit             # list-max-listpack-size
    cdef int compress_depth         # list-compress-depth

    cpdef int push(self, bytes value, bint at_head) except -1
    cpdef bytes pop(self, bint at_head)
    cpdef bytes get(self, Py_ssize_t index)
    cpdef list slice(self, Py_ssize_t start, Py_ssize_t count)
    cdef object encoded_slice(self, Py_ssize_t start, Py_ssize_t count)
    cpdef bint replace(self, Py_ssize_t index, bytes value) except -1
    cpdef bint insert(self, bytes pivot, bytes value, bint after) except -1
    cpdef int delete_range(self, Py_ssize_t start, Py_ssize_t count) except -1
    cpdef Py_ssize_t remove(self, bytes value, Py_ssize_t limit, bint from_tail) except -1
    cpdef list positions(self, bytes value, Py_ssize_t rank, Py_ssize_t wanted, Py_ssize_t comparisons, bint from_tail)
    cpdef int append_listpack(self, Listpack packed) except -1
    cpdef Quicklist copy(self)
    cpdef Py_ssize_t memory_usage(self)
    cpdef bint free_some(self, Py_ssize_t budget)
    cdef Listpack only_listpack(self)

    # Within this module.
    cdef Node* locate(self, Py_ssize_t* index) except NULL
    cdef bint has_room(self, Node* node, size_t length) noexcept
    cdef bint is_large(self, size_t length) noexcept
    cdef Node* new_item(self, bytes value) except NULL
    cdef void link(self, Node* node, Node* before, Node* after) noexcept
    cdef void unlink(self, Node* node) noexcept
    cdef Node* open_gap(self, Node* node, size_t position) except? NULL
    cdef Node* split(self, Node* node, size_t position) except NULL
    cdef void merge_around(self, Node* node) noexcept
    cdef bint merge(self, Node* left, Node* right) noexcept
    cdef int replace_by_node(self, Node* node, size_t position, bytes value) except -1
    cdef int insert_at(self, Node* node, size_t position, bytes value, bint after) except -1
    cdef void settle(self, Node* touched) noexcept


cdef int append_plain(Quicklist list, bytes item) except -1
