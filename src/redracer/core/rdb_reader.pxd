"""Values as they are in RDB files and DUMP payloads. rdb_reader.pyx is the design note."""

from libc.stdint cimport int64_t, uint64_t

cdef struct RdbText:                # a string, valid until the next read
    const char* data
    size_t length
    char digits[24]                 # where an integer's text is


cdef class RdbReader:
    cdef bytes source               # no memoryview: its C code would be in every module that imports this one
    cdef size_t end                 # how many bytes of it are to be read
    cdef const unsigned char* next
    cdef size_t left                # bytes from there on
    cdef readonly object settings
    cdef readonly bint sanitize
    cdef unsigned char* scratch     # where strings are decompressed
    cdef size_t scratch_size

    cdef const unsigned char* refill(self, size_t count) except NULL    # for a subclass that reads in pieces
    cdef int read_byte(self) except -1
    cdef uint64_t read_length(self) except? 0xdead
    cdef uint64_t read_count(self) except? 0xdead       # of elements: not 0
    cdef int read_text(self, RdbText* text) except -1
    cdef bytes read_string(self)
    cdef double read_double(self) except? -1
    cdef double read_text_double(self) except? -1
    cdef int64_t read_milliseconds(self) except? -1
    cdef Py_ssize_t setting(self, str name) except? -1

    # Within this module.
    cdef int read_special(self, unsigned int kind, RdbText* text) except -1
    cdef uint64_t read_long_length(self, unsigned int first) except? 0xdead


cdef inline const unsigned char* take(RdbReader reader, size_t count) except NULL:
    """The next `count` bytes, valid until the next read. Raises CorruptRdb where there are fewer."""
    cdef const unsigned char* data = reader.next
    if count > reader.left:
        return reader.refill(count)
    reader.next += count
    reader.left -= count
    return data


cdef object corrupt(RdbReader reader, str what)
