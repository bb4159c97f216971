"""Hash tables of elements for large sets and hashes. core/member_table.pyx is the design note; core/element.pxd
the layout.

An Element* is valid until the next call that changes the table. Walking (for compiled code, a forked child's
included: it touches no reference count):

    cdef TableIterator walk
    memset(&walk, 0, sizeof(walk))
    element = table.next_element(&walk)     # NULL at the end
"""

from libc.stdint cimport int64_t, uint64_t

from redracer.core.element cimport Element
from redracer.core.expiry_heap cimport ExpiryHeap
from redracer.core.table cimport Table, TableIterator

cdef enum:                              # what the flat lists have of each element
    MEMBER_PART = 1
    VALUE_PART = 2
    SCORE_PART = 4


cdef class ElementTable:
    cdef Table table                    # table.count: the number of elements
    cdef Table freed                    # what free_some has still to free
    cdef TableIterator free_position
    cdef size_t element_bytes           # that the elements take, allocator's rounding included

    cdef Element* find(self, bytes member) noexcept
    cdef Element* find_buffer(self, const char* data, size_t length) noexcept
    cdef Element* next_element(self, TableIterator* iterator) noexcept nogil
    cdef Element* random_element(self) noexcept             # with equal chances; NULL if empty

    cpdef bint contains(self, bytes member) noexcept
    cpdef bint free_some(self, Py_ssize_t budget) except -1
    cpdef Py_ssize_t memory_usage(self) noexcept

    # For subclasses.
    cdef uint64_t* slot_of(self, const char* data, size_t length, uint64_t hash) noexcept
    cdef uint64_t* slot_of_element(self, uint64_t hash, Element* element) noexcept
    cdef int insert_element(self, uint64_t hash, Element* element) except -1
    cdef void take_out(self, uint64_t hash, uint64_t* slot) noexcept
    cdef int copy_elements(self, ElementTable source) except -1
    cdef Py_ssize_t collect(self, size_t bucket, list found, int parts, bytes pattern, int64_t now) except -1
    cdef list all_parts(self, int parts, int64_t now)
    cdef tuple scan_parts(self, uint64_t cursor, Py_ssize_t count, bytes pattern, int parts, int64_t now)
    cdef list draw_parts(self, Py_ssize_t count, int parts)
    cdef list draw_distinct_parts(self, Py_ssize_t count, int parts)
    cdef list sample_parts(self, Py_ssize_t count, size_t living, int parts, int64_t now)


cdef class MemberTable(ElementTable):
    cpdef bint add(self, bytes member) except -1
    cdef bint add_buffer(self, const char* data, size_t length, uint64_t hash) except -1
    cpdef bint remove(self, bytes member) noexcept
    cpdef bytes random(self)
    cpdef bytes pop(self)
    cpdef list draw(self, Py_ssize_t count)
    cpdef list draw_distinct(self, Py_ssize_t count)
    cpdef list members(self)
    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, bytes pattern=*)
    cpdef MemberTable copy(self)

    cdef bint drop(self, uint64_t hash, uint64_t* slot) noexcept


cdef class FieldTable(ElementTable):
    cdef ExpiryHeap heap
    cdef ExpiryHeap freed_heap          # what free_some has still to free of it

    cpdef bint set(self, bytes field, bytes value, bint keep_expiry=*) except -1
    cpdef bytes get(self, bytes field, int64_t now=*)
    cpdef bint has(self, bytes field, int64_t now=*) noexcept
    cpdef bint remove(self, bytes field) noexcept
    cpdef Py_ssize_t value_length(self, bytes field, int64_t now=*) noexcept
    cpdef int64_t expiry_of(self, bytes field) noexcept
    cpdef bint set_expiry(self, bytes field, int64_t expire_at) except -1
    cpdef bint persist(self, bytes field) except -1
    cpdef int64_t next_expiry(self) noexcept
    cpdef Py_ssize_t expiring(self) noexcept
    cpdef list take_expired(self, int64_t now, Py_ssize_t limit)
    cpdef list fields(self, int64_t now=*)
    cpdef list values(self, int64_t now=*)
    cpdef list items(self, int64_t now=*)
    cpdef list draw(self, Py_ssize_t count, bint with_values=*, int64_t now=*)
    cpdef list draw_distinct(self, Py_ssize_t count, bint with_values=*, int64_t now=*)
    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, bytes pattern=*, bint with_values=*, int64_t now=*)
    cpdef FieldTable copy(self)

    # Within this module.
    cdef uint64_t* slot_of_field(self, bytes field) noexcept
    cdef Element* living(self, bytes field, int64_t now) noexcept
    cdef Element* rebuild(self, uint64_t* slot, unsigned int flags, const char* value, size_t length) except NULL
    cdef void drop(self, uint64_t hash, uint64_t* slot) noexcept
    cdef bint any_expired(self, int64_t now) noexcept
    cdef Element* random_living(self, int64_t now) noexcept
    cdef size_t count_living(self, int64_t now) noexcept
