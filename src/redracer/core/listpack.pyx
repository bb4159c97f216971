# cython: allow_none_for_extension_args=False
"""Listpacks: sequences of strings and integers in one block. core/listpack_format.pxd has the format.

The block's allocation is a function of its length (capacity_of), so the object is nothing but a pointer to
it, and an append that stays within a step does not reallocate.

Safety: the walks below trust the entries. So bytes from outside come in only through `from_bytes`, which
proves every entry; everything else was written here. A value given to a writing method must not lie in the
listpack itself.
"""

import os

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyTypeObject
from libc.stdint cimport INT64_MAX, int64_t, uint64_t
from libc.string cimport memcpy, memmove

from redracer.core.listpack_format cimport (
    COUNT_UNKNOWN, EMPTY_SIZE, END, HEADER, SIZE_LIMIT, Encoding, back_size, encode_integer, encode_string, entry_size,
    is_proven, is_string_of, load_count, load_total, read_back, read_integer, read_string, store_count, store_total,
    write_entry,
)
from redracer.core.memory cimport allocate, allocation_size, count_bytes, reallocate, release
from redracer.core.numbers cimport INT64_TEXT, format_int64, parse_int64
from redracer.core.random cimport next_random

cdef extern from "Python.h":
    PyTypeObject* object_type "Py_TYPE"(object value)

cdef extern from *:
    int __builtin_clzll(unsigned long long word) nogil

cdef enum:
    SMALL_BLOCK = 512               # bytes: up to here, blocks come in steps of 16 bytes
    BLOCK_OVERHEAD = 8              # and beyond, malloc adds as much, and a step is 1/32 to 1/16 of the size
    STEP_SHIFT = 4
    APPEND_BATCH = 16               # entries that are encoded before the block grows for them
    SEEKS_PER_LIST = 8              # `draw` walks for each value where that is cheaper than to read them all

cdef uint64_t random_state = int.from_bytes(os.urandom(8), "little")


# --- the block

cdef inline size_t capacity_of(size_t size) noexcept nogil:
    """The bytes allocated for a listpack of `size` bytes."""
    cdef size_t step
    if size <= SMALL_BLOCK:
        return allocation_size(size)
    step = <size_t>1 << (63 - STEP_SHIFT - __builtin_clzll(size))
    return ((size + BLOCK_OVERHEAD + step - 1) & ~(step - 1)) - BLOCK_OVERHEAD


cdef int grow(Listpack listpack, size_t size) except -1:
    """Makes room for `size` bytes in all, and notes the size. Raises ValueError over the limit, MemoryError."""
    cdef size_t old = capacity_of(load_total(listpack.data))
    cdef size_t new = capacity_of(size)
    if size > SIZE_LIMIT:
        raise ValueError("a listpack would exceed 1 GiB")
    if new != old:
        listpack.data = <unsigned char*>reallocate(listpack.data, old, new)
    store_total(listpack.data, size)
    return 0


cdef void shrink(Listpack listpack, size_t size) noexcept:
    cdef size_t old = capacity_of(load_total(listpack.data))
    cdef size_t new = capacity_of(size)
    if new != old:
        try:
            listpack.data = <unsigned char*>reallocate(listpack.data, old, new)
        except MemoryError:         # the longer block serves as well
            count_bytes(<Py_ssize_t>allocation_size(new) - <Py_ssize_t>allocation_size(old))
    store_total(listpack.data, size)


# --- entries

cdef bytes entry_bytes(const unsigned char* entry):
    cdef char digits[INT64_TEXT]
    cdef int64_t integer
    cdef const char* data
    cdef size_t length
    if read_integer(entry, &integer):
        return PyBytes_FromStringAndSize(digits, format_int64(integer, digits))
    read_string(entry, &data, &length)
    return PyBytes_FromStringAndSize(data, length)


cdef bint listpack_integer(const char* data, size_t length, int64_t* value) noexcept:
    """Whether a listpack stores these bytes as an integer, and which."""
    cdef long long number
    if length - 1 >= INT64_TEXT or not parse_int64(data, length, &number):
        return False
    value[0] = number
    return True


cdef int encode(Encoding* encoding, const char* data, size_t length) except -1:
    """Raises ValueError over the limit of size."""
    cdef int64_t integer
    if listpack_integer(data, length, &integer):
        encode_integer(encoding, integer)
    elif length <= SIZE_LIMIT:
        encode_string(encoding, data, length)
    else:
        raise ValueError("a listpack would exceed 1 GiB")
    return 0


cdef size_t insert_entry(Listpack listpack, size_t position, const Encoding* encoding) except 0:
    """Before `position`, or at the end if that is 0."""
    cdef size_t total = load_total(listpack.data)
    cdef size_t count = load_count(listpack.data)
    if position == 0:
        position = total - 1
    grow(listpack, total + encoding.size)
    cdef unsigned char* entry = listpack.data + position
    memmove(entry + encoding.size, entry, total - position)
    write_entry(entry, encoding)
    store_count(listpack.data, count + 1)
    return position


cdef size_t replace_entry(Listpack listpack, size_t position, const Encoding* encoding) except 0:
    cdef size_t total = load_total(listpack.data)
    cdef size_t old = entry_size(listpack.data + position)
    cdef size_t tail = total - position - old
    if encoding.size > old:
        grow(listpack, total + encoding.size - old)
    if encoding.size != old:
        memmove(listpack.data + position + encoding.size, listpack.data + position + old, tail)
    if encoding.size < old:
        shrink(listpack, total + encoding.size - old)
    write_entry(listpack.data + position, encoding)
    return position


@cython.no_gc
cdef class Listpack:
    """A sequence of strings and integers in one block. listpack.pyi has the contracts, listpack.pxd the positions.

    The object owns its block. No method hands out memory but `read`, whose value is valid until the next change.
    """

    def __cinit__(self):
        count_bytes(object_size(self))
        self.data = <unsigned char*>allocate(capacity_of(EMPTY_SIZE))
        store_total(self.data, EMPTY_SIZE)
        store_count(self.data, 0)
        self.data[HEADER] = END

    def __dealloc__(self):
        count_bytes(-object_size(self))
        if self.data != NULL:
            release(self.data, capacity_of(load_total(self.data)))

    @classmethod
    def from_bytes(cls, bytes data not None):
        cdef Listpack listpack = cls.__new__(cls)
        if not fill_listpack(listpack, <const unsigned char*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)):
            raise ValueError("not a listpack")
        return listpack

    cpdef bytes to_bytes(self):
        return PyBytes_FromStringAndSize(<char*>self.data, load_total(self.data))

    cpdef Listpack copy(self):
        cdef object kind = type(self)
        cdef Listpack copied = kind.__new__(kind)
        cdef size_t size = load_total(self.data)
        grow(copied, size)
        memcpy(copied.data, self.data, size)
        return copied

    cdef void settle(self) noexcept:
        """Moves the block to where the allocator puts one of its final size, for a listpack that grows no more: blocks
        that grew step by step lie between the holes that they left behind, a sixth of the memory of a long stream."""
        cdef size_t capacity = capacity_of(load_total(self.data))
        cdef unsigned char* moved
        try:
            moved = <unsigned char*>allocate(capacity)
        except MemoryError:         # it can stay
            return
        memcpy(moved, self.data, load_total(self.data))
        release(self.data, capacity)
        self.data = moved

    def __len__(self):
        return self.count()

    @property
    def size(self):
        return load_total(self.data)

    cpdef Py_ssize_t memory_usage(self) noexcept:
        return object_size(self) + <Py_ssize_t>allocation_size(capacity_of(load_total(self.data)))

    cdef size_t size_in_bytes(self) noexcept:
        return load_total(self.data)

    cdef bint has_room(self, size_t added) noexcept:
        return added <= SIZE_LIMIT and load_total(self.data) + added <= SIZE_LIMIT

    cpdef Py_ssize_t count(self) noexcept:
        cdef size_t count = load_count(self.data)
        cdef const unsigned char* entry
        if count != COUNT_UNKNOWN:
            return count
        count = 0
        entry = self.data + HEADER
        while entry[0] != END:
            entry += entry_size(entry)
            count += 1
        store_count(self.data, count)   # fewer again: known from here on
        return count

    # --- positions

    cdef size_t first(self) noexcept:
        return HEADER if self.data[HEADER] != END else 0

    cdef size_t last(self) noexcept:
        return self.previous(load_total(self.data) - 1)

    cdef size_t next(self, size_t position) noexcept:
        position += entry_size(self.data + position)
        return position if self.data[position] != END else 0

    cdef size_t previous(self, size_t position) noexcept:
        if position <= HEADER:
            return 0
        cdef size_t body = read_back(self.data + position - 1)
        return position - body - back_size(body)

    cdef size_t seek(self, Py_ssize_t index) noexcept:
        cdef Py_ssize_t count = load_count(self.data)
        cdef size_t position
        if count != COUNT_UNKNOWN:
            if index >= count or index < -count:
                return 0
            if index > count // 2:
                index -= count
            elif index < -(count // 2) - 1:
                index += count
        if index >= 0:
            position = self.first()
            while index > 0 and position:
                position = self.next(position)
                index -= 1
        else:
            position = self.last()
            while index < -1 and position:
                position = self.previous(position)
                index += 1
        return position

    cdef size_t search(self, const char* data, size_t length, size_t start, size_t skip) noexcept:
        """The first position from `start` (0: the first entry) on whose value equals these bytes. After each entry
        that was compared, `skip` entries are passed over. O(n)."""
        cdef const unsigned char* entry = self.data + (start if start else HEADER)
        cdef size_t passed = 0
        cdef int64_t integer = 0
        cdef int64_t own
        cdef bint is_integer = listpack_integer(data, length, &integer)
        while entry[0] != END:
            if passed:
                passed -= 1
            else:
                passed = skip
                if read_integer(entry, &own):
                    if is_integer and own == integer:
                        return entry - self.data
                elif is_string_of(entry, data, length):
                    return entry - self.data
            entry += entry_size(entry)
        return 0

    cdef size_t random_position(self, size_t width, uint64_t* state) noexcept:
        """The first entry of a random group of `width` (1 or more) entries, each with equal chances. 0: there is none."""
        cdef size_t groups = self.count() // width
        return self.seek(next_random(state) % groups * width) if groups else 0

    # --- reading at a position

    cdef void read(self, size_t position, ListpackValue* value) noexcept:
        value.data = NULL
        if not read_integer(self.data + position, &value.integer):
            read_string(self.data + position, &value.data, &value.length)

    cdef bytes value_at(self, size_t position):
        return entry_bytes(self.data + position)

    cdef bint integer_at(self, size_t position, int64_t* value) noexcept:
        """The value, if the entry is stored as an integer; False if as a string."""
        return read_integer(self.data + position, value)

    cdef bint equals(self, size_t position, const char* data, size_t length) noexcept:
        cdef const unsigned char* entry = self.data + position
        cdef int64_t own, integer
        if read_integer(entry, &own):
            return listpack_integer(data, length, &integer) and own == integer
        return is_string_of(entry, data, length)

    # --- writing at a position

    cdef size_t insert_before(self, size_t position, const char* data, size_t length) except 0:
        cdef Encoding encoding
        encode(&encoding, data, length)
        return insert_entry(self, position, &encoding)

    cdef size_t insert_after(self, size_t position, const char* data, size_t length) except 0:
        return self.insert_before(position + entry_size(self.data + position), data, length)

    cdef size_t insert_integer(self, size_t position, int64_t value) except 0:
        cdef Encoding encoding
        encode_integer(&encoding, value)
        return insert_entry(self, position, &encoding)

    cdef int append_values(self, const ListpackValue* values, size_t count) except -1:
        """Appends entries with one growth for each APPEND_BATCH of them. Where it raises, whole batches may have been
        appended."""
        cdef Encoding encodings[APPEND_BATCH]
        cdef unsigned char* entry
        cdef size_t size, at, batch
        while count:
            batch = min(count, <size_t>APPEND_BATCH)
            size = 0
            for at in range(batch):
                if values[at].data == NULL:
                    encode_integer(&encodings[at], values[at].integer)
                else:
                    encode(&encodings[at], values[at].data, values[at].length)
                size += encodings[at].size
            at = load_total(self.data) - 1
            grow(self, at + 1 + size)
            entry = self.data + at
            for at in range(batch):
                write_entry(entry, &encodings[at])
                entry += encodings[at].size
            entry[0] = END
            store_count(self.data, load_count(self.data) + batch)
            values += batch
            count -= batch
        return 0

    cdef size_t replace_at(self, size_t position, const char* data, size_t length) except 0:
        cdef Encoding encoding
        encode(&encoding, data, length)
        return replace_entry(self, position, &encoding)

    cdef size_t replace_integer(self, size_t position, int64_t value) except 0:
        cdef Encoding encoding
        encode_integer(&encoding, value)
        return replace_entry(self, position, &encoding)

    cdef size_t remove_at(self, size_t position, size_t count) noexcept:
        """Removes up to `count` entries from `position` on. Positions before it stay valid."""
        cdef const unsigned char* end = self.data + position
        cdef size_t total = load_total(self.data)
        cdef size_t known = load_count(self.data)
        cdef size_t removed = 0
        while removed < count and end[0] != END:
            end += entry_size(end)
            removed += 1
        cdef size_t size = end - self.data - position
        memmove(self.data + position, end, total - position - size)
        if known != COUNT_UNKNOWN:
            store_count(self.data, known - removed)
        shrink(self, total - size)
        return position if self.data[position] != END else 0

    # --- by index

    cpdef int append(self, bytes value) except -1:
        self.insert_before(0, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        return 0

    cpdef int prepend(self, bytes value) except -1:
        self.insert_before(HEADER, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        return 0

    cpdef int insert(self, Py_ssize_t index, bytes value) except -1:
        cdef size_t position = self.seek(index)
        if position == 0 and index != self.count():
            raise IndexError("no such entry")
        self.insert_before(position, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        return 0

    cpdef bint replace(self, Py_ssize_t index, bytes value) except -1:
        cdef size_t position = self.seek(index)
        if position:
            self.replace_at(position, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        return position != 0

    cpdef Py_ssize_t delete(self, Py_ssize_t index, Py_ssize_t count=1) except -1:
        cdef size_t position = self.seek(index)
        cdef Py_ssize_t before = self.count()
        if position == 0 or count <= 0:
            return 0
        self.remove_at(position, count)
        return before - self.count()

    cpdef bytes get(self, Py_ssize_t index):
        cdef size_t position = self.seek(index)
        return entry_bytes(self.data + position) if position else None

    cpdef Py_ssize_t find(self, bytes value, Py_ssize_t start=0, Py_ssize_t skip=0) except -2:
        cdef size_t position = self.seek(start)
        cdef size_t at
        if position == 0 or skip < 0:
            return -1
        at = self.search(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), position, skip)
        if at == 0:
            return -1
        if start < 0:
            start += self.count()
        while position < at:
            position += entry_size(self.data + position)
            start += 1
        return start

    cpdef list values(self, Py_ssize_t start, Py_ssize_t count):
        cdef list found = []
        cdef size_t position = self.seek(start)
        while position and count > 0:
            found.append(entry_bytes(self.data + position))
            position = self.next(position)
            count -= 1
        return found

    cpdef list values_at(self, list indices):
        cdef list found = []
        cdef size_t position = self.first()
        cdef Py_ssize_t at = 0
        cdef Py_ssize_t index
        for index in indices:
            if index < at:
                raise IndexError("indices must ascend")
            while at < index and position:
                position = self.next(position)
                at += 1
            if position == 0:
                raise IndexError("no such entry")
            found.append(entry_bytes(self.data + position))
        return found

    cpdef list to_list(self):
        return self.values(0, INT64_MAX)

    cpdef list draw(self, Py_ssize_t count, Py_ssize_t width=1):
        cdef Py_ssize_t groups = self.count() // max(width, 1)
        cdef list found = []
        cdef list all_values = None
        cdef size_t position
        cdef Py_ssize_t index
        width = max(width, 1)
        if groups and count * SEEKS_PER_LIST >= groups:
            all_values = self.to_list()
        while groups and count > 0:
            if all_values is not None:
                index = next_random(&random_state) % <uint64_t>groups * width
                found += all_values[index:index + width]
            else:
                position = self.random_position(width, &random_state)
                for index in range(width):
                    found.append(entry_bytes(self.data + position))
                    position = self.next(position)
            count -= 1
        return found

    cpdef list draw_distinct(self, Py_ssize_t count, Py_ssize_t width=1):
        """Selection sampling (Knuth, The Art of Computer Programming, volume 2, algorithm S)."""
        cdef Py_ssize_t left = self.count() // max(width, 1)
        cdef size_t position = self.first()
        cdef list found = []
        cdef Py_ssize_t at
        cdef bint chosen
        while left and count > 0:
            chosen = next_random(&random_state) % <uint64_t>left < <uint64_t>count
            for at in range(max(width, 1)):
                if chosen:
                    found.append(entry_bytes(self.data + position))
                position = self.next(position)
            count -= chosen
            left -= 1
        return found

    cpdef int merge(self, Listpack other) except -1:
        cdef size_t total = load_total(self.data)
        cdef size_t added = load_total(other.data) - EMPTY_SIZE
        cdef size_t count = self.count() + other.count()
        grow(self, total + added)
        memcpy(self.data + total - 1, other.data + HEADER, added)
        self.data[total - 1 + added] = END
        store_count(self.data, count)
        return 0


cdef inline Py_ssize_t object_size(Listpack listpack) noexcept:
    return allocation_size(object_type(listpack).tp_basicsize)


cdef bint fill_listpack(Listpack listpack, const unsigned char* block, size_t size) except -1:
    """Makes an empty listpack one of these bytes, which may come from anywhere; False if they are no listpack. O(size)."""
    if not is_proven(block, size):
        return False
    grow(listpack, size)
    memcpy(listpack.data, block, size)
    return True
