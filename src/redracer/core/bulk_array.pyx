"""Arrays of bulk strings as a reply, encoded as they are gathered.

A command that reads many strings out of packed memory (LRANGE) would make an object of each, for `resp_write` to
copy it to where it was copied from before. It adds them to a BulkArray instead, where they stand as they are sent:
bulk strings are the same in RESP2 and RESP3. Who wants the strings themselves iterates.

Invariants: length <= capacity; data[0:length] is `count` bulk strings, and nothing else.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_RawFree
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from redracer.core.growing_buffer cimport room_behind
from redracer.core.numbers cimport INT64_TEXT, format_int64

cdef enum:
    FIRST_CAPACITY = 1024           # bytes
    AROUND_TEXT = 28                # bytes, at most, around a string: `$`, its length, two line ends


@cython.final
@cython.no_gc
cdef class BulkArray:
    """An array of bulk strings, as a reply."""

    def __dealloc__(self):
        PyMem_RawFree(self.data)

    cdef char* room(self, size_t size) except NULL:
        """Room for `size` bytes behind what is there. Raises MemoryError."""
        return room_behind(&self.data, self.length, &self.capacity, size, FIRST_CAPACITY)

    cdef int add(self, const char* text, size_t length) except -1:
        """Adds a string. O(length)."""
        cdef char* start = self.room(length + AROUND_TEXT)
        cdef char* at = start + 1
        start[0] = b"$"
        if length < 10:
            at[0] = <char>(48 + length)
            at += 1
        elif length < 100:
            at[0] = <char>(48 + length // 10)
            at[1] = <char>(48 + length % 10)
            at += 2
        else:
            at += format_int64(length, at)
        at[0] = b"\r"
        at[1] = b"\n"
        memcpy(at + 2, text, length)
        at += 2 + length
        at[0] = b"\r"
        at[1] = b"\n"
        self.length += at + 2 - start
        self.count += 1
        return 0

    cdef int add_integer(self, int64_t value) except -1:
        """Adds an integer's decimal text. O(1)."""
        cdef char digits[INT64_TEXT]
        return self.add(digits, format_int64(value, digits))

    def append(self, bytes text not None):
        self.add(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))

    def encoded(self):
        return PyBytes_FromStringAndSize(self.data, self.length)

    def to_list(self):
        cdef bytes data = self.encoded()
        cdef list elements = []
        cdef Py_ssize_t at = 0
        cdef Py_ssize_t line_end, size
        for _ in range(self.count):
            line_end = data.index(b"\r\n", at)
            size = int(data[at + 1:line_end])
            elements.append(data[line_end + 2:line_end + 2 + size])
            at = line_end + size + 4
        return elements

    def __len__(self):
        return self.count

    def __iter__(self):
        return iter(self.to_list())
