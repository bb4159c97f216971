# cython: allow_none_for_extension_args=False
"""Values as they are in RDB files and DUMP payloads; core/rdb_writer.pyx has the format.

The bytes may come from anywhere. So nothing is read that was not first found to be there (`take`), nothing is allocated
because of a number in the bytes alone (a compressed string is measured before it is decompressed), and a count of
elements is only believed as long as elements follow. What a string holds is proved by who makes a value of it.

All errors are CorruptRdb. A subclass that has only a piece of its source at hand overrides `refill`.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport INFINITY, isnan
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint64_t
from libc.string cimport memcpy

from redracer.core.lzf cimport decompress_into, decompressed_length
from redracer.core.numbers cimport format_int64, parse_double_text

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    SPECIAL = 3                     # the two highest bits of a first byte; the others say what:
    INTEGER_8 = 0
    INTEGER_16 = 1
    INTEGER_32 = 2
    COMPRESSED = 3
    LENGTH_32 = 0x80                # first bytes of long lengths
    LENGTH_64 = 0x81
    TEXT_NAN = 253                  # in place of the length of a double's text
    TEXT_INFINITY = 254
    TEXT_MINUS_INFINITY = 255

cdef const unsigned char* NOTHING = b""


class CorruptRdb(Exception):
    """rdb_reader.pyi has the contract."""


class EmptyValue(CorruptRdb):
    """rdb_reader.pyi has the contract."""


cdef object corrupt(RdbReader reader, str what):
    """The error to raise."""
    return CorruptRdb(f"{what} (before offset {reader.offset})")


@cython.no_gc
cdef class RdbReader:
    """rdb_reader.pyi has the contract. The object owns its scratch, and holds on to its source."""

    def __cinit__(self, bytes source not None, settings not None, bint sanitize=True, Py_ssize_t end=-1):
        if end > PyBytes_GET_SIZE(source):
            raise ValueError("the end is beyond the bytes")
        self.source = source
        self.end = PyBytes_GET_SIZE(source) if end < 0 else end
        self.settings = settings
        self.sanitize = sanitize
        self.left = self.end
        self.next = <const unsigned char*>PyBytes_AS_STRING(source)

    def __dealloc__(self):
        PyMem_Free(self.scratch)

    @property
    def offset(self):
        return self.end - self.left

    @property
    def remaining(self):
        return self.left

    def byte(self):
        return self.read_byte()

    def string(self):
        return self.read_string()

    def length(self):
        return self.read_length()

    def raw(self, size_t count):
        cdef const unsigned char* data = take(self, count)
        return PyBytes_FromStringAndSize(<const char*>data, count)

    cdef const unsigned char* refill(self, size_t count) except NULL:
        """`take` where too few bytes are at hand."""
        raise corrupt(self, f"{count} bytes are announced, and {self.left} are left")

    cdef int read_byte(self) except -1:
        return take(self, 1)[0]

    # --- lengths and strings

    cdef uint64_t read_length(self) except? 0xdead:
        cdef unsigned int first = self.read_byte()
        if first >> 6 == SPECIAL:
            raise corrupt(self, "a length has the form of a string")
        return self.read_long_length(first)

    cdef uint64_t read_long_length(self, unsigned int first) except? 0xdead:
        """The length that begins with the byte `first`."""
        cdef const unsigned char* field
        cdef uint64_t length = 0
        cdef int size, at
        if first >> 6 == 0:
            return first
        if first >> 6 == 1:
            return (first & 0x3f) << 8 | take(self, 1)[0]
        if first != LENGTH_32 and first != LENGTH_64:
            raise corrupt(self, f"no length begins with {first}")
        size = 4 if first == LENGTH_32 else 8
        field = take(self, size)
        for at in range(size):
            length = length << 8 | field[at]
        return length

    cdef uint64_t read_count(self) except? 0xdead:
        cdef uint64_t count = self.read_length()
        if count == 0:
            raise EmptyValue("a value has no elements")
        return count

    cdef int read_text(self, RdbText* text) except -1:
        cdef unsigned int first = self.read_byte()
        if first >> 6 == SPECIAL:
            return self.read_special(first & 0x3f, text)
        text.length = self.read_long_length(first)
        text.data = <const char*>take(self, text.length)
        return 0

    cdef int read_special(self, unsigned int kind, RdbText* text) except -1:
        """A string that is an integer, or compressed."""
        cdef const unsigned char* field
        cdef int16_t short_integer
        cdef int32_t integer
        cdef uint64_t size, length
        cdef Py_ssize_t measured
        if kind == COMPRESSED:
            size = self.read_length()
            length = self.read_length()
            field = take(self, size)
            measured = decompressed_length(field, size)
            if measured < 0 or <uint64_t>measured != length:
                raise corrupt(self, "a compressed string is not as long as announced")
            if length > self.scratch_size or self.scratch == NULL:
                PyMem_Free(self.scratch)
                self.scratch_size = 0
                self.scratch = <unsigned char*>PyMem_Malloc(length)     # for 0 bytes, not NULL either
                if self.scratch == NULL:
                    raise MemoryError
                self.scratch_size = length
            if not decompress_into(field, size, self.scratch, length):
                raise corrupt(self, "a compressed string is damaged")
            text.data = <const char*>NOTHING
            if length:
                text.data = <const char*>self.scratch
            text.length = length
            return 0
        if kind == INTEGER_8:
            integer = <int8_t>take(self, 1)[0]
        elif kind == INTEGER_16:
            memcpy(&short_integer, take(self, sizeof(short_integer)), sizeof(short_integer))
            integer = short_integer
        elif kind == INTEGER_32:
            memcpy(&integer, take(self, sizeof(integer)), sizeof(integer))
        else:
            raise corrupt(self, f"no string has the form {kind}")
        text.length = format_int64(integer, text.digits)
        text.data = text.digits
        return 0

    cdef bytes read_string(self):
        cdef RdbText text
        self.read_text(&text)
        return PyBytes_FromStringAndSize(text.data, text.length)

    # --- numbers

    cdef double read_double(self) except? -1:
        """A double in 8 bytes; it may be any, NaN too."""
        cdef double value
        memcpy(&value, take(self, sizeof(value)), sizeof(value))
        return value

    cdef double read_text_double(self) except? -1:
        """A double as text, of before version 8."""
        cdef double value
        cdef int length = self.read_byte()
        cdef const char* text
        if length == TEXT_INFINITY:
            return INFINITY
        if length == TEXT_MINUS_INFINITY:
            return -INFINITY
        if length == TEXT_NAN:
            raise corrupt(self, "a score is not a number")
        text = <const char*>take(self, length)
        if not parse_double_text(text, length, &value):
            raise corrupt(self, "a score is not a number")
        return value

    cdef int64_t read_milliseconds(self) except? -1:
        cdef int64_t time
        memcpy(&time, take(self, sizeof(time)), sizeof(time))
        return time

    cdef Py_ssize_t setting(self, str name) except? -1:
        """A threshold of the configuration."""
        return min(self.settings[name], PY_SSIZE_T_MAX)
