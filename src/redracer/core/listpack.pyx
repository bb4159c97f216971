# cython: allow_none_for_extension_args=False
"""Listpacks, byte for byte Redis's (format: S. Sanfilippo, Listpack specification, github.com/antirez/listpack).

    total bytes (4) | entries (2; 65535: so many or more) | entry ... | 0xFF          all numbers little-endian
    entry: encoding and value | back length: the bytes of the part before it, 7 bits a byte, so that it reads backwards

    0xxxxxxx  integer 0 to 127          10xxxxxx  string of up to 63 bytes
    110xxxxx  13-bit integer (2 bytes)  1110xxxx  string of up to 4095 bytes (2 bytes and the string)
    11110000  string, 4 bytes of length  1111 0001, 0010, 0011, 0100  integer of 16, 24, 32, 64 bits

What reads as a canonical 64-bit integer is always stored as one. The block's allocation is a function of its length
(capacity_of), so the object is nothing but a pointer to it, and an append that stays within a step does not reallocate.

Safety: the walks below trust the entries. So bytes from outside come in only through `from_bytes`, which proves every
entry; everything else was written here. A value given to a writing method must not lie in the listpack itself.
"""

import os

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyTypeObject
from libc.stdint cimport INT64_MAX, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memmove

from redracer.core.memory cimport allocate, allocation_size, count_bytes, reallocate, release
from redracer.core.numbers cimport INT64_TEXT, format_int64, parse_int64
from redracer.core.random cimport next_random

cdef extern from "Python.h":
    PyTypeObject* object_type "Py_TYPE"(object value)

cdef enum:
    HEADER = 6                      # bytes before the first entry
    END = 0xff
    EMPTY_SIZE = HEADER + 1
    COUNT_UNKNOWN = 65535
    SIZE_LIMIT = 1 << 30            # bytes of a block: Redis's limit
    SMALL_BLOCK = 512               # bytes: up to here, blocks come in steps of 16 bytes
    BLOCK_OVERHEAD = 8              # and beyond, malloc adds as much, and a step is 1/32 to 1/16 of the size
    STEP_SHIFT = 4
    FIXED_ENTRY = 9                 # bytes of the longest encoding without a string behind it
    APPEND_BATCH = 16               # entries that are encoded before the block grows for them
    SEEKS_PER_LIST = 8              # `draw` walks for each value where that is cheaper than to read them all

cdef struct Encoding:               # an entry to be written
    uint8_t head[FIXED_ENTRY]
    size_t head_size
    const char* data                # the string after the head
    size_t length
    size_t body_size                # head and string
    size_t size                     # with the back length

cdef uint64_t random_state = int.from_bytes(os.urandom(8), "little")


# --- the block

cdef inline uint32_t load_total(const unsigned char* data) noexcept nogil:
    return data[0] | <uint32_t>data[1] << 8 | <uint32_t>data[2] << 16 | <uint32_t>data[3] << 24


cdef inline void store_total(unsigned char* data, size_t total) noexcept nogil:
    data[0] = total & 0xff
    data[1] = total >> 8 & 0xff
    data[2] = total >> 16 & 0xff
    data[3] = total >> 24 & 0xff


cdef inline unsigned int load_count(const unsigned char* data) noexcept nogil:
    return data[4] | <unsigned int>data[5] << 8


cdef inline void store_count(unsigned char* data, size_t count) noexcept nogil:
    if count > COUNT_UNKNOWN:
        count = COUNT_UNKNOWN
    data[4] = count & 0xff
    data[5] = count >> 8


cdef inline size_t capacity_of(size_t size) noexcept nogil:
    """The bytes allocated for a listpack of `size` bytes."""
    cdef size_t step
    if size <= SMALL_BLOCK:
        return allocation_size(size)
    step = <size_t>1 << (63 - STEP_SHIFT - __builtin_clzll(size))
    return ((size + BLOCK_OVERHEAD + step - 1) & ~(step - 1)) - BLOCK_OVERHEAD


cdef extern from *:
    int __builtin_clzll(unsigned long long word) nogil


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


# --- reading entries

cdef inline uint32_t load_length(const unsigned char* entry) noexcept nogil:
    """The length of a string whose encoding is 0xF0."""
    return load_total(entry + 1)


cdef inline size_t body_size(const unsigned char* entry) noexcept nogil:
    """The bytes of an entry without its back length."""
    cdef unsigned int head = entry[0]
    if head < 0x80:
        return 1
    if head < 0xc0:
        return 1 + (head & 0x3f)
    if head < 0xe0:
        return 2
    if head < 0xf0:
        return 2 + ((head & 0x0f) << 8 | entry[1])
    if head == 0xf0:
        return 5 + <size_t>load_length(entry)
    return 9 if head == 0xf4 else head - 0xf0 + 2       # 16, 24, 32 bits: 3, 4, 5 bytes


cdef inline size_t back_size(size_t body) noexcept nogil:
    """The bytes of the back length of an entry (Redis's bounds: 16383 takes three)."""
    if body <= 127:
        return 1
    if body < 16383:
        return 2
    if body < 2097151:
        return 3
    return 4 if body < 268435455 else 5


cdef inline size_t entry_size(const unsigned char* entry) noexcept nogil:
    cdef size_t body = body_size(entry)
    return body + back_size(body)


cdef inline void write_back(unsigned char* field, size_t body) noexcept nogil:
    cdef size_t at = back_size(body)
    while at > 0:
        at -= 1
        field[at] = body & 0x7f | 0x80
        body >>= 7
    field[0] &= 0x7f


cdef inline size_t read_back(const unsigned char* last) noexcept nogil:
    """The back length whose last byte is given: at most 5 bytes, the first of which has no bit 7."""
    cdef size_t body = last[0] & 0x7f
    cdef unsigned int shift = 7
    while last[0] & 0x80 and shift < 35:
        last -= 1
        body |= <size_t>(last[0] & 0x7f) << shift
        shift += 7
    return body


cdef inline bint read_integer(const unsigned char* entry, int64_t* value) noexcept nogil:
    """The value of an entry that is an integer; False for a string."""
    cdef unsigned int head = entry[0]
    cdef uint64_t word = 0
    cdef int size, at
    if head < 0x80:
        value[0] = head
        return True
    if 0xc0 <= head < 0xe0:
        value[0] = <int>((head & 0x1f) << 8 | entry[1])
        if value[0] & 0x1000:
            value[0] -= 0x2000
        return True
    if head <= 0xf0:
        return False
    size = 8 if head == 0xf4 else <int>head - 0xf0 + 1
    for at in range(size):
        word |= <uint64_t>entry[1 + at] << 8 * at
    value[0] = <int64_t>(word << (64 - 8 * size)) >> (64 - 8 * size)
    return True


cdef inline void read_string(const unsigned char* entry, const char** data, size_t* length) noexcept nogil:
    """The bytes of an entry that is a string."""
    cdef unsigned int head = entry[0]
    if head < 0xc0:
        length[0] = head & 0x3f
        data[0] = <const char*>entry + 1
    elif head < 0xf0:
        length[0] = (head & 0x0f) << 8 | entry[1]
        data[0] = <const char*>entry + 2
    else:
        length[0] = load_length(entry)
        data[0] = <const char*>entry + 5


cdef bytes entry_bytes(const unsigned char* entry):
    cdef char digits[INT64_TEXT]
    cdef int64_t integer
    cdef const char* data
    cdef size_t length
    if read_integer(entry, &integer):
        return PyBytes_FromStringAndSize(digits, format_int64(integer, digits))
    read_string(entry, &data, &length)
    return PyBytes_FromStringAndSize(data, length)


cdef inline bint is_string_of(const unsigned char* entry, const char* data, size_t length) noexcept nogil:
    """Whether the entry, which is a string, is that one."""
    cdef const char* own
    cdef size_t own_length
    read_string(entry, &own, &own_length)
    return own_length == length and memcmp(own, data, length) == 0


cdef bint listpack_integer(const char* data, size_t length, int64_t* value) noexcept:
    """Whether a listpack stores these bytes as an integer, and which."""
    cdef long long number
    if length - 1 >= INT64_TEXT or not parse_int64(data, length, &number):
        return False
    value[0] = number
    return True


# --- writing entries

cdef void encode_integer(Encoding* encoding, int64_t value) noexcept nogil:
    cdef int size, at
    encoding.length = 0
    if 0 <= value <= 127:
        encoding.head[0] = value
        size = 0
    elif -4096 <= value <= 4095:
        encoding.head[0] = 0xc0 | (value >> 8 & 0x1f)
        encoding.head[1] = value & 0xff
        size = 1
    else:
        if -32768 <= value <= 32767:
            size = 2
        elif -8388608 <= value <= 8388607:
            size = 3
        else:
            size = 4 if <int32_t>value == value else 8
        encoding.head[0] = 0xf4 if size == 8 else 0xf0 + size - 1
        for at in range(size):
            encoding.head[1 + at] = value >> 8 * at & 0xff
    encoding.head_size = encoding.body_size = 1 + size
    encoding.size = encoding.body_size + 1


cdef int encode(Encoding* encoding, const char* data, size_t length) except -1:
    """Raises ValueError over the limit of size."""
    cdef int64_t integer
    if listpack_integer(data, length, &integer):
        encode_integer(encoding, integer)
        return 0
    if length > SIZE_LIMIT:
        raise ValueError("a listpack would exceed 1 GiB")
    encoding.data = data
    encoding.length = length
    if length < 64:
        encoding.head[0] = 0x80 | length
        encoding.head_size = 1
    elif length < 4096:
        encoding.head[0] = 0xe0 | length >> 8
        encoding.head[1] = length & 0xff
        encoding.head_size = 2
    else:
        encoding.head[0] = 0xf0
        store_total(&encoding.head[1], length)
        encoding.head_size = 5
    encoding.body_size = encoding.head_size + length
    encoding.size = encoding.body_size + back_size(encoding.body_size)
    return 0


cdef void write_entry(unsigned char* entry, const Encoding* encoding) noexcept nogil:
    memcpy(entry, encoding.head, encoding.head_size)
    if encoding.length:
        memcpy(entry + encoding.head_size, encoding.data, encoding.length)
    write_back(entry + encoding.body_size, encoding.body_size)


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


# --- checking bytes from outside

cdef size_t proven_entry(const unsigned char* entry, size_t available) noexcept nogil:
    """The bytes of an entry of which `available` bytes may be read; 0 if it is not a whole and right one."""
    cdef uint8_t back[5]
    cdef unsigned int head
    cdef size_t body, width
    if available < 2:
        return 0
    head = entry[0]
    if head > 0xf4 or head == 0xf0 and available < 5:
        return 0
    body = body_size(entry)         # reads at most 5 bytes: two, or five of 0xF0
    width = back_size(body)
    if body + width > available:
        return 0
    write_back(back, body)
    return body + width if memcmp(back, entry + body, width) == 0 else 0


cdef bint is_proven(const unsigned char* data, size_t size) noexcept nogil:
    """Whether these bytes are a listpack: header and length fit, and every entry is right."""
    cdef size_t position = HEADER
    cdef size_t count = 0
    cdef size_t entry
    if size < EMPTY_SIZE or size > SIZE_LIMIT or load_total(data) != size or data[size - 1] != END:
        return False
    while position < size - 1:
        entry = proven_entry(data + position, size - 1 - position)
        if entry == 0:
            return False
        position += entry
        count += 1
    return load_count(data) == count or load_count(data) == COUNT_UNKNOWN


@cython.no_gc
cdef class Listpack:
    """A sequence of strings and integers in one block. listpack.pyi has the methods' contracts, listpack.pxd the positions.

    Ownership: the object owns its block. No method hands out memory but `read`, whose value is valid until the next change.
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
        cdef size_t size = PyBytes_GET_SIZE(data)
        if not is_proven(<const unsigned char*>PyBytes_AS_STRING(data), size):
            raise ValueError("not a listpack")
        grow(listpack, size)
        memcpy(listpack.data, PyBytes_AS_STRING(data), size)
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
        """The first position from `start` (0: the first entry) on whose value equals these bytes. After each entry that was
        compared, `skip` entries are passed over."""
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
        """The first entry of a random group of `width` (1 or more) entries; each group has equal chances. 0: there is none."""
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
        """Appends entries with one growth for each APPEND_BATCH of them. Where it raises, whole batches may have been appended."""
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
