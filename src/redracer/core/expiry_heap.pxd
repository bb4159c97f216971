"""A binary heap of the elements that have an expiry, the earliest on top; each element knows its place in it."""

from libc.stdint cimport int64_t

from redracer.core.element cimport Element

cdef struct ExpiryHeap:             # all zero: empty
    Element** elements
    size_t count
    size_t capacity
