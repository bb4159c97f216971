# cython: allow_none_for_extension_args=False
"""Values as Redis writes them in RDB files and DUMP payloads (https://rdb.fnordig.de/file_format.html).

    length   00xxxxxx | 01xxxxxx xxxxxxxx | 10000000 and 4 bytes | 10000001 and 8 bytes          big-endian
    string   length and the bytes, or in place of the length
             11000000, -01, -10: an integer of 8, 16, 32 bits         little-endian, as times and doubles are
             11000011: LZF: compressed length, length, compressed bytes

A version is written as the Redis that had it did: 10 by 7.0, 11 by 7.2, 12 by 7.4 to 8.2. Older servers refuse a
newer version, so a writer of an older one gives what 7.0 has no form for another (core/rdb_codec.pxd has the types).

The bytes collect in memory; a subclass overrides `overflow` to write them to a file. Nothing here touches the
reference count of a value: a forked child writes its snapshot with it.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport INT8_MAX, INT8_MIN, INT16_MAX, INT16_MIN, INT32_MAX, INT32_MIN, UINT32_MAX, int64_t, uint64_t

from redracer.core.lzf cimport compress_into
from redracer.core.numbers cimport INT64_TEXT, format_int64, parse_int64

cdef enum:
    FIRST_CAPACITY = 128            # bytes
    INTEGER_TEXT = 11               # bytes: longer text is not tried as an integer of 32 bits
    COMPRESSED_FROM = 21            # bytes: shorter text is not worth compressing
    COMPRESSION_MARGIN = 4          # bytes that compression must save
    SPECIAL = 0xc0                  # in place of a length, with one of:
    INTEGER_8 = 0
    INTEGER_16 = 1
    INTEGER_32 = 2
    COMPRESSED = 3


class NotInVersion(Exception):
    """rdb_writer.pyi has the contract."""


@cython.no_gc
cdef class RdbWriter:
    """rdb_writer.pyi has the contract; the pxd what a forked child may call."""

    def __cinit__(self, int version=RDB_VERSION, bint compression=True):
        if not OLDEST_RDB_VERSION <= version <= RDB_VERSION:
            raise ValueError("that version of the RDB format is not written")
        self.version = version
        self.compression = compression

    def __dealloc__(self):
        PyMem_Free(self.data)
        PyMem_Free(self.scratch)

    def __len__(self):
        return self.size

    def byte(self, unsigned char value):
        self.put_byte(value)

    def string(self, bytes data not None):
        self.put_string(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    def raw(self, bytes data not None):
        put_raw(self, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    def take(self):
        cdef bytes written = PyBytes_FromStringAndSize(<char*>self.data, self.size) if self.size else b""
        self.size = 0
        return written

    cdef int overflow(self, const void* data, size_t length) except -1:
        """Writes bytes for which there is no room left."""
        cdef size_t capacity = max(self.size + length, self.capacity * 2, <size_t>FIRST_CAPACITY)
        cdef void* moved = PyMem_Realloc(self.data, capacity)
        if moved == NULL:
            raise MemoryError
        self.data = <unsigned char*>moved
        self.capacity = capacity
        return put_raw(self, data, length)

    cdef int put_byte(self, unsigned int byte) except -1:
        cdef unsigned char written = byte
        return put_raw(self, &written, 1)

    cdef int put_length(self, uint64_t length) except -1:
        cdef unsigned char field[9]
        cdef int size, at
        if length < 1 << 6:
            return self.put_byte(<unsigned int>length)
        if length < 1 << 14:
            field[0] = 0x40 | length >> 8
            field[1] = length & 0xff
            return put_raw(self, field, 2)
        size = 4 if length <= UINT32_MAX else 8
        field[0] = 0x80 if size == 4 else 0x81
        for at in range(size):
            field[1 + at] = length >> 8 * (size - 1 - at) & 0xff
        return put_raw(self, field, 1 + size)

    cdef int put_string(self, const void* data, size_t length) except -1:
        cdef long long integer
        if length <= INTEGER_TEXT and parse_int64(<const char*>data, length, &integer):
            if self.put_short_integer(integer):
                return 0
        elif self.compression and length >= COMPRESSED_FROM and self.put_if_compressible(data, length):
            return 0
        self.put_length(length)
        return put_raw(self, data, length)

    cdef int put_integer(self, int64_t value) except -1:
        """Writes an integer as a string."""
        cdef char digits[INT64_TEXT]
        cdef int length
        if self.put_short_integer(value):
            return 0
        length = format_int64(value, digits)
        self.put_length(length)
        return put_raw(self, digits, length)

    cdef bint put_short_integer(self, int64_t value) except -1:
        """Writes an integer of up to 32 bits; False for a longer one."""
        cdef unsigned char field[5]
        cdef int size, at
        if INT8_MIN <= value <= INT8_MAX:
            field[0] = SPECIAL | INTEGER_8
            size = 1
        elif INT16_MIN <= value <= INT16_MAX:
            field[0] = SPECIAL | INTEGER_16
            size = 2
        elif INT32_MIN <= value <= INT32_MAX:
            field[0] = SPECIAL | INTEGER_32
            size = 4
        else:
            return False
        for at in range(size):
            field[1 + at] = value >> 8 * at & 0xff
        put_raw(self, field, 1 + size)
        return True

    cdef bint put_if_compressible(self, const void* data, size_t length) except -1:
        cdef size_t room = length - COMPRESSION_MARGIN
        cdef Py_ssize_t size
        if room > self.scratch_size:
            PyMem_Free(self.scratch)
            self.scratch_size = 0
            self.scratch = <unsigned char*>PyMem_Malloc(room)
            if self.scratch == NULL:
                raise MemoryError
            self.scratch_size = room
        size = compress_into(<const unsigned char*>data, length, self.scratch, room)
        if size < 0:
            return False
        self.put_compressed(self.scratch, size, length)
        return True

    cdef int put_compressed(self, const void* data, size_t length, size_t original_length) except -1:
        """Writes a string that is already compressed by LZF."""
        self.put_byte(SPECIAL | COMPRESSED)
        self.put_length(length)
        self.put_length(original_length)
        return put_raw(self, data, length)

    cdef int put_double(self, double value) except -1:
        return put_raw(self, &value, sizeof(value))

    cdef int put_milliseconds(self, int64_t time) except -1:
        """Writes a time or a time span, in ms."""
        return put_raw(self, &time, sizeof(time))
