"""A binary heap of the elements that have an expiry, the earliest on top; each element knows its place in it."""

from redracer.core.element cimport Element

cdef struct ExpiryHeap:             # all zero: empty
    Element** elements
    size_t count
    size_t capacity


cdef int heap_reserve(ExpiryHeap* heap) except -1
cdef void heap_push(ExpiryHeap* heap, Element* element) noexcept
cdef void heap_remove(ExpiryHeap* heap, Element* element) noexcept
cdef void heap_update(ExpiryHeap* heap, Element* element) noexcept
cdef void heap_moved(ExpiryHeap* heap, Element* element) noexcept
cdef void heap_free(ExpiryHeap* heap) noexcept
cdef bint heap_free_some(ExpiryHeap* heap) noexcept
cdef size_t heap_memory(const ExpiryHeap* heap) noexcept
