"""Sets of integers as a sorted array in one block, byte for byte Redis's. core/intset.pyx has the format."""

from libc.stdint cimport int64_t, uint64_t


cdef class Intset:
    cdef unsigned char* data

    cdef int64_t at(self, size_t index) noexcept            # not checked: index < count()
    cdef size_t lower_bound(self, int64_t value) noexcept   # the index of the first value that is not below
    cdef int64_t random_value(self, uint64_t* random_state) noexcept    # not checked: not empty

    cdef int widen(self, size_t width) except -1
    cdef int resize(self, size_t size) except -1
    cdef int assign(self, const unsigned char* source, size_t size) except -1

    cpdef Py_ssize_t count(self) noexcept
    cpdef bint add(self, int64_t value) except -1
    cpdef bint remove(self, int64_t value) except -1
    cpdef bint contains(self, int64_t value) noexcept
    cpdef int64_t get(self, Py_ssize_t index) except? -1
    cpdef int64_t random(self) except? -1
    cpdef list values(self)
    cpdef list members(self)
    cpdef Intset copy(self)
    cpdef bytes to_bytes(self)
    cpdef Py_ssize_t memory_usage(self) noexcept


cdef bint fill_intset(Intset intset, const unsigned char* block, size_t size) except -1
cdef size_t intset_size(Intset intset) noexcept
