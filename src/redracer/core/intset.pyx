# cython: allow_none_for_extension_args=False
"""Sets of integers as a sorted array in one block, byte for byte Redis's.

    bytes per value (4): 2, 4 or 8 | number of values (4) | the values, ascending          all little-endian

The width is what the widest value ever added needs; it never shrinks, as in Redis. The block's allocation is
a function of its length, so the object is nothing but a pointer to it. Bytes from outside come in only
through `from_bytes`, which proves header, length and order.
"""

import os

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyTypeObject
from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memmove

from redracer.core.memory cimport allocate, allocation_size, count_bytes, reallocate, release
from redracer.core.numbers cimport INT64_TEXT, format_int64
from redracer.core.random cimport next_random

cdef extern from "Python.h":
    PyTypeObject* object_type "Py_TYPE"(object value)

cdef enum:
    HEADER = 8                      # bytes before the first value
    NARROWEST = 2                   # bytes
    COUNT_LIMIT = 0xffffffff

cdef uint64_t random_state = int.from_bytes(os.urandom(8), "little")


cdef inline uint32_t load_word(const unsigned char* field) noexcept nogil:
    return field[0] | <uint32_t>field[1] << 8 | <uint32_t>field[2] << 16 | <uint32_t>field[3] << 24


cdef inline void store_word(unsigned char* field, size_t word) noexcept nogil:
    field[0] = word & 0xff
    field[1] = word >> 8 & 0xff
    field[2] = word >> 16 & 0xff
    field[3] = word >> 24 & 0xff


cdef inline size_t stored_width(const unsigned char* data) noexcept nogil:
    return load_word(data)


cdef inline size_t stored_count(const unsigned char* data) noexcept nogil:
    return load_word(data + 4)


cdef inline int64_t load_value(const unsigned char* data, size_t width, size_t index) noexcept nogil:
    cdef const unsigned char* field = data + HEADER + index * width
    if width == 2:
        return <int16_t>(field[0] | field[1] << 8)
    if width == 4:
        return <int32_t>load_word(field)
    return <int64_t>(load_word(field) | <uint64_t>load_word(field + 4) << 32)


cdef inline void store_value(unsigned char* data, size_t width, size_t index, int64_t value) noexcept nogil:
    cdef unsigned char* field = data + HEADER + index * width
    cdef size_t at
    for at in range(width):
        field[at] = value >> 8 * at & 0xff


cdef inline size_t width_of(int64_t value) noexcept nogil:
    if <int16_t>value == value:
        return 2
    return 4 if <int32_t>value == value else 8


cdef inline size_t block_size(size_t width, size_t count) noexcept nogil:
    return HEADER + width * count


cdef inline size_t stored_size(const unsigned char* data) noexcept nogil:
    return block_size(stored_width(data), stored_count(data))


cdef inline Py_ssize_t object_size(Intset intset) noexcept:
    return allocation_size(object_type(intset).tp_basicsize)


cdef bint is_proven(const unsigned char* data, size_t size) noexcept nogil:
    """Whether these bytes are an intset: a known width, as many values as the header says, each above the last."""
    cdef size_t width, count, index
    if size < HEADER:
        return False
    width = load_word(data)
    count = load_word(data + 4)
    if width != 2 and width != 4 and width != 8 or size != block_size(width, count):
        return False
    for index in range(1, count):
        if load_value(data, width, index - 1) >= load_value(data, width, index):
            return False
    return True


@cython.no_gc
cdef class Intset:
    """A set of integers. intset.pyi has the methods' contracts. The object owns its block."""

    def __cinit__(self):
        count_bytes(object_size(self))
        self.data = <unsigned char*>allocate(HEADER)
        store_word(self.data, NARROWEST)
        store_word(self.data + 4, 0)

    def __dealloc__(self):
        count_bytes(-object_size(self))
        if self.data != NULL:
            release(self.data, stored_size(self.data))

    @classmethod
    def from_bytes(cls, bytes data not None):
        cdef Intset intset = cls.__new__(cls)
        if not fill_intset(intset, <const unsigned char*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)):
            raise ValueError("not an intset")
        return intset

    cpdef bytes to_bytes(self):
        return PyBytes_FromStringAndSize(<char*>self.data, stored_size(self.data))

    cpdef Intset copy(self):
        cdef object kind = type(self)
        cdef Intset copied = kind.__new__(kind)
        copied.assign(self.data, stored_size(self.data))
        return copied

    cdef int assign(self, const unsigned char* source, size_t size) except -1:
        self.resize(size)
        memcpy(self.data, source, size)
        return 0

    cdef int resize(self, size_t size) except -1:
        """Makes the block that long; the caller then writes the header that says so. Raises MemoryError."""
        self.data = <unsigned char*>reallocate(self.data, stored_size(self.data), size)
        return 0

    cpdef Py_ssize_t count(self) noexcept:
        return stored_count(self.data)

    def __len__(self):
        return stored_count(self.data)

    @property
    def size(self):
        return stored_size(self.data)

    cpdef Py_ssize_t memory_usage(self) noexcept:
        return object_size(self) + <Py_ssize_t>allocation_size(stored_size(self.data))

    cdef int64_t at(self, size_t index) noexcept:
        return load_value(self.data, stored_width(self.data), index)

    cdef size_t lower_bound(self, int64_t value) noexcept:
        cdef size_t low = 0
        cdef size_t high = stored_count(self.data)
        cdef size_t width = stored_width(self.data)
        cdef size_t middle
        if high and load_value(self.data, width, high - 1) < value:     # ascending additions are common
            return high
        while low < high:
            middle = (low + high) // 2
            if load_value(self.data, width, middle) < value:
                low = middle + 1
            else:
                high = middle
        return low

    cpdef bint contains(self, int64_t value) noexcept:
        cdef size_t index = self.lower_bound(value)
        return index < stored_count(self.data) and self.at(index) == value

    cpdef bint add(self, int64_t value) except -1:
        cdef size_t count = stored_count(self.data)
        cdef size_t width = stored_width(self.data)
        cdef size_t index = self.lower_bound(value)
        if index < count and self.at(index) == value:
            return False
        if count == COUNT_LIMIT:
            raise MemoryError
        if width_of(value) > width:
            self.widen(width_of(value))
            width = stored_width(self.data)
        self.resize(block_size(width, count + 1))
        memmove(
            self.data + block_size(width, index + 1), self.data + block_size(width, index), (count - index) * width
        )
        store_value(self.data, width, index, value)
        store_word(self.data + 4, count + 1)
        return True

    cdef int widen(self, size_t width) except -1:
        """Gives every value that many bytes, more than before."""
        cdef size_t old = stored_width(self.data)
        cdef size_t index = stored_count(self.data)
        self.resize(block_size(width, index))
        while index > 0:            # from the last on: none is overwritten before it has moved
            index -= 1
            store_value(self.data, width, index, load_value(self.data, old, index))
        store_word(self.data, width)
        return 0

    cpdef bint remove(self, int64_t value) except -1:
        cdef size_t count = stored_count(self.data)
        cdef size_t width = stored_width(self.data)
        cdef size_t index = self.lower_bound(value)
        cdef unsigned char* field = self.data + block_size(width, index)
        if index == count or self.at(index) != value:
            return False
        memmove(field, field + width, (count - index - 1) * width)
        store_word(self.data + 4, count - 1)
        shrink(self, block_size(width, count), block_size(width, count - 1))
        return True

    cpdef int64_t get(self, Py_ssize_t index) except? -1:
        if index < 0:
            index += <Py_ssize_t>stored_count(self.data)
        if not 0 <= index < <Py_ssize_t>stored_count(self.data):
            raise IndexError("no such value")
        return self.at(index)

    @property
    def minimum(self):
        return self.get(0)

    @property
    def maximum(self):
        return self.get(-1)

    cdef int64_t random_value(self, uint64_t* state) noexcept:
        return self.at(next_random(state) % stored_count(self.data))

    cpdef int64_t random(self) except? -1:
        if stored_count(self.data) == 0:
            raise IndexError("an empty intset")
        return self.random_value(&random_state)

    def draw(self, Py_ssize_t count):
        cdef list found = []
        while count > 0 and stored_count(self.data):
            found.append(self.random_value(&random_state))
            count -= 1
        return found

    def draw_distinct(self, Py_ssize_t count):
        """Selection sampling (Knuth, The Art of Computer Programming, volume 2, algorithm S)."""
        cdef list found = []
        cdef uint64_t left = stored_count(self.data)
        cdef size_t index = 0
        while left and count > 0:
            if next_random(&random_state) % left < <uint64_t>count:
                found.append(self.at(index))
                count -= 1
            index += 1
            left -= 1
        return found

    cpdef list values(self):
        cdef size_t index
        return [self.at(index) for index in range(stored_count(self.data))]

    cpdef list members(self):
        cdef list found = []
        cdef char digits[INT64_TEXT]
        cdef size_t index
        for index in range(stored_count(self.data)):
            found.append(PyBytes_FromStringAndSize(digits, format_int64(self.at(index), digits)))
        return found


cdef void shrink(Intset intset, size_t old_size, size_t new_size) noexcept:
    try:
        intset.data = <unsigned char*>reallocate(intset.data, old_size, new_size)
    except MemoryError:             # the longer block serves as well
        count_bytes(<Py_ssize_t>allocation_size(new_size) - <Py_ssize_t>allocation_size(old_size))


cdef bint fill_intset(Intset intset, const unsigned char* block, size_t size) except -1:
    """Makes an empty intset one of these bytes, which may come from anywhere; False if they are no intset. O(size)."""
    if not is_proven(block, size):
        return False
    intset.assign(block, size)
    return True


cdef size_t intset_size(Intset intset) noexcept:
    """The bytes of its block."""
    return stored_size(intset.data)
