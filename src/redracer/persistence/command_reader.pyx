"""Reads the commands of an append-only file.

    command       *<arguments> line end, and for each argument $<length> line end <bytes> CR LF
    annotation    #<text> line end

The same files are read as redis-server reads, which is lenient: a line may end with LF alone, what follows a number in
its line is passed over, and the two bytes behind an argument may be any. (redis-check-aof, and aof_check.py, are not.)
No length is believed before so many bytes are there: a damaged one costs no memory.

Invariants: 0 <= position <= end <= capacity; nothing outside data[0:end] is read.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.errno cimport EINTR, errno
from libc.string cimport memchr, memmove
from posix.unistd cimport read

import os

cdef enum:
    BLOCK = 1 << 18             # bytes read by one system call
    LINE_LIMIT = 127            # bytes of a line with a number

cdef long long NUMBER_LIMIT = <long long>1 << 62


class BadFormat(Exception):
    """command_reader.pyi has the contract."""

    def __init__(self, text, offset):
        super().__init__(text)
        self.offset = offset


class UnexpectedEnd(Exception):
    """command_reader.pyi has the contract."""


@cython.final
cdef class CommandReader:
    """command_reader.pyi has the contract."""

    def __cinit__(self, int descriptor, long long offset, long long size):
        self.descriptor = descriptor
        self.offset = offset
        self.size = size
        self.left = max(size - offset, 0)
        self.annotation = b""

    def __dealloc__(self):
        PyMem_RawFree(self.data)

    cdef bint fill(self, Py_ssize_t size) except -1:
        """Has `size` bytes from `position` on in `data`; False if the file ends before. Amortised O(1) a byte."""
        cdef Py_ssize_t held = self.end - self.position
        cdef Py_ssize_t capacity
        cdef unsigned char* grown
        cdef ssize_t count
        if held >= size:
            return True
        if size - held > self.left:
            return False
        if self.position:
            memmove(self.data, self.data + self.position, held)
            self.position = 0
            self.end = held
        capacity = max(size, <Py_ssize_t>BLOCK)
        if capacity > self.capacity:
            grown = <unsigned char*>PyMem_RawRealloc(self.data, capacity)
            if grown == NULL:
                raise MemoryError
            self.data = grown
            self.capacity = capacity
        while self.end < size:
            with nogil:
                count = read(self.descriptor, self.data + self.end, self.capacity - self.end)
            if count < 0:
                if errno == EINTR:
                    continue
                raise OSError(errno, os.strerror(errno))
            if count == 0:
                self.left = 0
                return False
            self.end += count
            self.left = max(self.left - count, 0)
        return True

    cdef Py_ssize_t line(self) except -2:
        """The length of the line at `position` with its end, at most LINE_LIMIT; what is left at the end of the file
        counts as a line. -1 for a longer one."""
        cdef Py_ssize_t held = self.end - self.position
        cdef void* found = NULL
        if held:
            found = memchr(self.data + self.position, b"\n", min(held, <Py_ssize_t>LINE_LIMIT))
        if found == NULL and held < LINE_LIMIT and self.left:
            self.fill(min(held + self.left, <Py_ssize_t>LINE_LIMIT))
            held = self.end - self.position
            found = memchr(self.data + self.position, b"\n", min(held, <Py_ssize_t>LINE_LIMIT))
        if found != NULL:
            return <unsigned char*>found - self.data - self.position + 1
        return held if held < LINE_LIMIT else -1

    cdef long long number(self, Py_ssize_t length) noexcept:
        """The number behind the first byte of the line at `position`; what follows it does not count. -1 for none."""
        cdef Py_ssize_t at = self.position + 1
        cdef Py_ssize_t end = self.position + length
        cdef long long value = 0
        if at < end and self.data[at] == b"+":
            at += 1
        if at == end or not b"0" <= self.data[at] <= b"9":
            return -1
        while at < end and b"0" <= self.data[at] <= b"9":
            if value > NUMBER_LIMIT // 10 - 1:
                return NUMBER_LIMIT
            value = value * 10 + self.data[at] - 48
            at += 1
        return value

    cdef object failure(self, str text):
        return BadFormat(text, self.size - self.left - (self.end - self.position))

    cpdef list next(self):
        cdef Py_ssize_t length
        cdef long long count
        cdef list argv
        self.annotation = b""
        while True:
            length = self.line()
            if length == 0:
                return None
            if self.data[self.position] != b"#":
                break
            self.skip_annotation(length)
        if self.data[self.position] != b"*":
            raise self.failure("a command begins with '*'")
        if length == 1:
            raise UnexpectedEnd
        count = self.number(length) if length > 0 else -1
        if count < 1:
            raise self.failure("a command has a number of arguments")
        self.position += length
        argv = self.arguments(count)
        self.offset = self.size - self.left - (self.end - self.position)
        return argv

    cdef list arguments(self, long long count):
        cdef list argv = []
        cdef long long i
        for i in range(count):
            argv.append(self.argument())
        return argv

    cdef bytes argument(self):
        cdef Py_ssize_t length = self.line()
        cdef long long size
        cdef bytes text
        if length == 0:
            raise UnexpectedEnd
        if self.data[self.position] != b"$":
            raise self.failure("an argument begins with '$'")
        size = self.number(length) if length > 0 else -1
        if size < 0 and length == 1:
            raise UnexpectedEnd
        if size < 0:
            raise self.failure("an argument has a length")
        self.position += length
        if size > self.size or not self.fill(size + 2):
            raise UnexpectedEnd
        text = PyBytes_FromStringAndSize(<char*>self.data + self.position, size)
        self.position += size + 2
        return text

    def skip_annotation(self, Py_ssize_t length):
        """Passes over the line at `position`, which may be longer than LINE_LIMIT."""
        cdef void* found
        cdef Py_ssize_t held
        if length > 0:
            self.annotation = (<char*>self.data)[self.position + 1:self.position + length].rstrip(b"\r\n")
            self.position += length
            return
        while True:
            held = self.end - self.position
            found = memchr(self.data + self.position, b"\n", held)
            if found != NULL:
                self.position = <unsigned char*>found - self.data + 1
                return
            self.position = self.end
            if not self.left or not self.fill(1):
                return
