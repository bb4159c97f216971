"""Encodes the commands that change the data set, for the append-only file and for the replication stream.

    unit          command | MULTI command... EXEC
    command       *<arguments> CR LF, and for each argument $<length> CR LF <bytes> CR LF

Every change of the data set passes here, so a command is encoded by one walk over its arguments into one growing
block of memory, and the usual unit, one command, makes no object.

Invariants: length <= capacity; data[0:length] is whole commands and what `begin_unit` puts between them, but for a
part at the front that has been taken out already (`drop`).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_CheckExact, PyList_GET_SIZE
from cpython.mem cimport PyMem_RawFree
from cpython.ref cimport PyObject
from libc.string cimport memcpy, memmove

from redracer.core.growing_buffer cimport room_behind
from redracer.core.numbers cimport format_int64

from redracer.engine.effects import for_target

# Without Cython's reference counting of the item.
cdef extern from "Python.h":
    PyObject* list_item "PyList_GET_ITEM"(PyObject* items, Py_ssize_t index)

cdef enum:
    FIRST_CAPACITY = 4096       # bytes
    KEPT_CAPACITY = 1 << 20     # bytes: an empty buffer above this gives its memory back
    AROUND_TEXT = 28            # bytes at most around an argument: `$`, its length, two line ends


cdef inline char* put_header(char* at, char kind, Py_ssize_t number) noexcept:
    """Writes `kind`, a number that is not negative and a line end: at most 23 bytes. Returns what is behind them."""
    at[0] = kind
    if number < 10:
        at[1] = <char>(48 + number)
        at += 2
    elif number < 100:
        at[1] = <char>(48 + number // 10)
        at[2] = <char>(48 + number % 10)
        at += 3
    else:
        at += 1 + format_int64(number, at + 1)
    at[0] = b"\r"
    at[1] = b"\n"
    return at + 2


cdef class FeedBuffer(Feed):
    """feed_buffer.pyi has the contract."""

    def __cinit__(self):
        self.database = -1

    def __init__(self, int target, on_first=None):
        self.target = target
        self.on_first = on_first

    def __dealloc__(self):
        PyMem_RawFree(self.data)

    def __len__(self):
        return self.length

    def __bytes__(self):
        return PyBytes_FromStringAndSize(self.data, self.length)

    cdef char* room(self, size_t size) except NULL:
        """Room for `size` bytes behind what is there. Raises MemoryError."""
        return room_behind(&self.data, self.length, &self.capacity, size, FIRST_CAPACITY)

    cdef int begin_unit(self) except -1:
        """A unit is about to be put in."""
        if self.length == 0 and self.on_first is not None:
            self.on_first()
        return 0

    cpdef object feed(self, list units):
        cdef size_t before
        cdef int selected = self.database
        cdef bint transaction, opening
        cdef tuple unit
        for unit in units:
            if not PyList_CheckExact(unit[1]):  # it is for some feeds only
                units = for_target(units, self.target)
                break
        transaction = opening = PyList_GET_SIZE(units) > 1
        self.begin_unit()
        before = self.length
        try:
            for unit in units:
                self.select(unit[0])
                if opening:
                    self.put_text(b"*1\r\n$5\r\nMULTI\r\n", 15)
                    opening = False
                self.put_command(<list>unit[1])
            if transaction:
                self.put_text(b"*1\r\n$4\r\nEXEC\r\n", 14)
        except BaseException:   # a half of it would be worse than none
            self.length = before
            self.database = selected
            raise
        self.fed += self.length - before

    cpdef object feed_alone(self, int database, list argv):
        cdef size_t before
        self.begin_unit()
        before = self.length
        self.select(database)
        self.put_command(argv)
        self.fed += self.length - before

    def command(self, list argv not None):
        cdef size_t before
        self.begin_unit()
        before = self.length
        self.put_command(argv)
        self.fed += self.length - before

    cdef int select(self, int database) except -1:
        """Has the next command go to a database."""
        if database != self.database:
            self.put_command([b"SELECT", b"%d" % database])
            self.database = database
        return 0

    cdef int put_text(self, const char* text, size_t length) except -1:
        memcpy(self.room(length), text, length)
        self.length += length
        return 0

    cdef int put_command(self, list argv) except -1:
        """Encodes one command; a MemoryError or TypeError leaves the buffer as it was."""
        cdef Py_ssize_t count = PyList_GET_SIZE(argv)
        cdef size_t size = AROUND_TEXT
        cdef Py_ssize_t i, length
        cdef PyObject* argument
        cdef char* at
        for i in range(count):
            argument = list_item(<PyObject*>argv, i)
            if not PyBytes_CheckExact(<object>argument):
                raise TypeError("a command's arguments are bytes")
            size += AROUND_TEXT + PyBytes_GET_SIZE(<object>argument)
        at = put_header(self.room(size), b"*", count)
        for i in range(count):
            argument = list_item(<PyObject*>argv, i)
            length = PyBytes_GET_SIZE(<object>argument)
            at = put_header(at, b"$", length)
            memcpy(at, PyBytes_AS_STRING(<object>argument), length)
            at += length
            at[0] = b"\r"
            at[1] = b"\n"
            at += 2
        self.length = at - self.data
        return 0

    def drop(self, size_t count):
        if count < self.length:
            memmove(self.data, self.data + count, self.length - count)
            self.length -= count
            return
        self.length = 0
        if self.capacity > KEPT_CAPACITY:
            PyMem_RawFree(self.data)
            self.data = NULL
            self.capacity = 0

    def take(self):
        cdef bytes taken = PyBytes_FromStringAndSize(self.data, self.length)
        self.drop(self.length)
        return taken
