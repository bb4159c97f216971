"""Whole RDB files, read in pieces from a descriptor or from whoever has the bytes.

Only a buffer of the file is in memory, and what one string needs. A string's announced length is not believed: the room for
it doubles as its bytes come, so that a damaged length costs at most twice what is really there.

`EntryLoader.run` is the loop over the keys. It leaves all that is not a key (which database, how many keys, functions, the
end) to its caller: a few of each file.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_SetFromErrno
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from libc.errno cimport EINTR, errno
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memcpy, memmove
from posix.unistd cimport read

from redracer.core.checksums cimport update_crc64
from redracer.core.entry cimport NO_EXPIRY, STRING
from redracer.core.keyspace cimport Keyspace
from redracer.core.rdb_codec cimport RDB_HASH_LISTPACK_EX, RDB_HASH_METADATA_PRE_GA, RdbCodec
from redracer.core.rdb_reader cimport RdbReader, RdbText, corrupt, take

from redracer.core.rdb_reader import CorruptRdb, EmptyValue

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject** value, Py_ssize_t size) except -1
    PyObject* new_bytes "PyBytes_FromStringAndSize"(const char* data, Py_ssize_t size) except NULL
    char* bytes_data "PyBytes_AS_STRING"(PyObject* value)
    void Py_XDECREF(PyObject* value)
    Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    BUFFER_SIZE = 1 << 16           # bytes
    LONG_STRING = 1 << 16           # bytes from which a string is read into its object, not through the buffer
    OPCODE_IDLE = 248
    OPCODE_FREQUENCY = 249
    OPCODE_EXPIRY_MS = 252
    OPCODE_EXPIRY_S = 253
    FIRST_OPCODE = 243
    MODULE_1 = 6                    # types of values that a module has
    MODULE_2 = 7
    NOT_GIVEN = -1
    RDB_TYPES = 256

LIMIT_REACHED = -1                  # what `run` returns besides an opcode
EMPTY_VALUE = -2
MODULE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class DuplicateKey(CorruptRdb):
    """rdb_file_reader.pyi has the contract."""


class UnknownType(CorruptRdb):
    """rdb_file_reader.pyi has the contract."""


class Starved(Exception):
    """rdb_file_reader.pyi has the contract."""


cdef class StreamRdbReader(RdbReader):
    """rdb_file_reader.pyi has the contract. Does not own the descriptor."""

    def __cinit__(self):
        self.descriptor = -1

    def __dealloc__(self):
        PyMem_Free(self.buffer)

    def open(self, int descriptor, object pull=None, bint checksum=True):
        if self.buffer != NULL:
            raise ValueError("the reader is open")
        self.buffer = <unsigned char*>PyMem_Malloc(BUFFER_SIZE)
        if self.buffer == NULL:
            raise MemoryError
        self.capacity = BUFFER_SIZE
        self.descriptor = descriptor
        self.pull = pull
        self.checksum = checksum
        self.next = self.summed = self.buffer
        self.left = 0
        self.end = 0

    def number(self):
        return self.read_length()

    def milliseconds(self):
        return self.read_milliseconds()

    def mark(self):
        self.set_mark()

    def rewind(self):
        if self.buffer == NULL:
            raise ValueError("the reader is not open")
        self.next = self.summed = self.buffer
        self.left = 0
        self.end = self.marked
        self.crc = self.marked_crc
        return self.marked

    cdef void set_mark(self) noexcept:
        if self.buffer != NULL:
            self.add_to_crc()
        self.marked = self.end - self.left
        self.marked_crc = self.crc

    @property
    def checksum_so_far(self):
        if self.buffer != NULL:
            self.add_to_crc()
        return self.crc

    cdef void add_to_crc(self) noexcept:
        if self.checksum:
            self.crc = update_crc64(self.crc, self.summed, self.next - self.summed)
        self.summed = self.next

    cdef const unsigned char* refill(self, size_t count) except NULL:
        cdef const unsigned char* data
        if self.buffer == NULL:
            raise corrupt(self, "the reader is not open")
        self.fill(count)
        data = self.next
        self.next += count
        self.left -= count
        return data

    cdef int fill(self, size_t count) except -1:
        """Has at least `count` bytes in the buffer. Raises CorruptRdb where there are fewer."""
        cdef Py_ssize_t got
        self.add_to_crc()
        memmove(self.buffer, self.next, self.left)
        self.next = self.summed = self.buffer
        if self.capacity > BUFFER_SIZE and count <= BUFFER_SIZE and self.left <= BUFFER_SIZE:
            self.resize(BUFFER_SIZE)
        while self.left < count:
            if self.left == self.capacity:
                self.resize(min(count, self.capacity * 2))
            got = self.fetch(self.buffer + self.left, self.capacity - self.left)
            if got == 0:
                raise corrupt(self, f"{count} bytes are announced, and {self.left} are left")
            self.left += got
            self.end += got
        return 0

    cdef int resize(self, size_t capacity) except -1:
        cdef void* moved = PyMem_Realloc(self.buffer, capacity)
        if moved == NULL:
            raise MemoryError
        self.buffer = <unsigned char*>moved
        self.next = self.summed = self.buffer
        self.capacity = capacity
        return 0

    cdef Py_ssize_t fetch(self, unsigned char* target, size_t room) except -1:
        """Gets up to `room` bytes; 0 at the end."""
        cdef Py_ssize_t got
        cdef bytes piece
        if self.pull is not None:
            piece = self.pull(room)
            if <size_t>PyBytes_GET_SIZE(piece) > room:
                raise ValueError("more bytes came than were asked for")
            memcpy(target, PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))
            return PyBytes_GET_SIZE(piece)
        while True:
            with nogil:
                got = read(self.descriptor, target, room)
            if got >= 0:
                return got
            if errno != EINTR:
                PyErr_SetFromErrno(OSError)

    cdef bytes read_string(self):
        cdef RdbText text
        cdef uint64_t length
        cdef unsigned int first = self.read_byte()
        if first >> 6 == 3:
            self.read_special(first & 0x3f, &text)
            return PyBytes_FromStringAndSize(text.data, text.length)
        length = self.read_long_length(first)
        if length > LONG_STRING and length > self.left:
            return self.read_long_string(length)
        return PyBytes_FromStringAndSize(<const char*>take(self, length), length)

    cdef bytes read_long_string(self, uint64_t length):
        """A string that is longer than what the buffer holds of it."""
        cdef PyObject* value
        cdef size_t have = self.left
        cdef size_t room = min(length, max(<uint64_t>have, <uint64_t>LONG_STRING) * 2)
        cdef Py_ssize_t got
        if length > <uint64_t>PY_SSIZE_T_MAX:
            raise corrupt(self, f"{length} bytes are announced, which no file has")
        value = new_bytes(NULL, room)
        try:
            memcpy(bytes_data(value), self.next, have)
            self.next += have
            self.left = 0
            self.add_to_crc()
            while have < length:
                if have == room:
                    room = min(length, <uint64_t>room * 2)
                    _PyBytes_Resize(&value, room)
                got = self.fetch(<unsigned char*>bytes_data(value) + have, room - have)
                if got == 0:
                    raise corrupt(self, f"{length} bytes are announced, and {have} are left")
                if self.checksum:
                    self.crc = update_crc64(self.crc, <unsigned char*>bytes_data(value) + have, got)
                have += got
                self.end += got
            return <bytes>value
        finally:
            Py_XDECREF(value)


cdef class EntryLoader:
    """rdb_file_reader.pyi has the contract."""

    def __init__(self, StreamRdbReader reader not None, list codecs not None, list types not None, on_expiring_fields):
        cdef int rdb_type
        if len(codecs) != RDB_TYPES or len(types) != RDB_TYPES:
            raise ValueError("there must be a place for each RDB type")
        for codec in codecs:
            if codec is not None and not isinstance(codec, RdbCodec):
                raise TypeError("no codec")
        self.reader = reader
        self.codecs = codecs
        self.types = types
        self.on_expiring_fields = on_expiring_fields
        self.rdb_type = NOT_GIVEN
        self.expire_at = NO_EXPIRY
        self.idle_seconds = self.frequency = NOT_GIVEN

    def select(self, Keyspace database not None):
        self.database = database

    def run(self, long long limit):
        cdef StreamRdbReader reader = self.reader
        cdef long long until = <long long>(reader.end - reader.left) + limit
        cdef int opcode
        cdef bint there, resumes
        if reader is None or self.database is None:
            raise ValueError("the loader was not initialized")
        resumes = reader.pull is not None
        if resumes:
            self.expire_at = NO_EXPIRY
            self.idle_seconds = self.frequency = NOT_GIVEN
            reader.set_mark()
        while True:
            self.rdb_type = NOT_GIVEN
            opcode = reader.read_byte()
            if opcode < FIRST_OPCODE:
                self.rdb_type = opcode
                there = self.load_key()
                self.expire_at = NO_EXPIRY
                self.idle_seconds = self.frequency = NOT_GIVEN
                if resumes:
                    reader.set_mark()
                if not there:
                    return EMPTY_VALUE
                if <long long>(reader.end - reader.left) >= until:
                    return LIMIT_REACHED
            elif opcode == OPCODE_EXPIRY_MS:
                self.expire_at = reader.read_milliseconds()
            elif opcode == OPCODE_EXPIRY_S:
                self.expire_at = read_seconds(reader) * 1000
            elif opcode == OPCODE_IDLE:
                self.idle_seconds = min(reader.read_length(), <uint64_t>0xffffff)
            elif opcode == OPCODE_FREQUENCY:
                self.frequency = reader.read_byte()
            else:
                return opcode

    cdef bint load_key(self) except -1:
        """Reads a key and its value. False for a value without elements, which no key can hold."""
        cdef object codec = self.codecs[self.rdb_type]
        cdef object value
        self.key = None
        self.key = self.reader.read_string()
        if codec is None:
            raise unknown_type(self.reader, self.rdb_type)
        try:
            value = (<RdbCodec>codec).read(self.reader, self.rdb_type)
        except EmptyValue:
            self.empty += 1
            return False
        if self.expire_at != NO_EXPIRY and self.expire_at < self.now and not self.keep_expired:
            self.expired += 1
            if self.on_expired is not None:
                self.on_expired(self.database, self.key)
        else:
            self.put(value)
        return True

    cdef int put(self, object value) except -1:
        """Has the key hold the value."""
        cdef int type = self.types[self.rdb_type]
        cdef bint existed
        if type == STRING:
            existed = self.database.set_string(self.key, <bytes?>value, self.expire_at)
        else:
            existed = self.database.set_object(self.key, type, value, self.expire_at)
            if RDB_HASH_METADATA_PRE_GA <= self.rdb_type <= RDB_HASH_LISTPACK_EX:
                self.on_expiring_fields(self.database, self.key, value)
        if existed and not self.replace:
            raise DuplicateKey("the key is there twice")
        if self.frequency != NOT_GIVEN and self.database.clock.lfu:
            self.database.set_frequency(self.key, self.frequency)
        elif self.idle_seconds != NOT_GIVEN and not self.database.clock.lfu:
            self.database.set_idle_seconds(self.key, self.idle_seconds)
        self.loaded += 1
        return 0


cdef int64_t read_seconds(RdbReader reader) except? -1:
    """A time in s, in 4 bytes: how versions before 3 have expiries."""
    cdef int32_t seconds
    memcpy(&seconds, take(reader, sizeof(seconds)), sizeof(seconds))
    return seconds


cdef object unknown_type(RdbReader reader, int rdb_type):
    """The error for a value that only a module, or a later version, can read."""
    if rdb_type == MODULE_2:
        return UnknownType(f"the value is of the module type '{module_type_name(reader.read_length())}'")
    if rdb_type == MODULE_1:
        return UnknownType("the value is of a type that a module has")
    return UnknownType(f"no value has the RDB type {rdb_type}")


def module_type_name(uint64_t identifier):
    return "".join([MODULE_LETTERS[identifier >> 10 + 6 * (8 - at) & 63] for at in range(9)])
