"""Whole RDB files, written to a descriptor; core/rdb_writer.pyx has the format of what is in them.

A forked child writes its snapshot with this. So an entry and its value are borrowed pointers throughout, and no reference
count of the data set changes: a changed count would have the kernel copy the page. Memory is bounded: a buffer, and where a
long string is compressed the room for that.

The checksum is taken over the buffer as it leaves. With `sync_every`, the kernel is told to start writing that many bytes
to the disk as soon as they are there, so that the fsync at the end does not have all of it to do, and no burst of dirty
pages stalls everybody's disk.
"""

from cpython.exc cimport PyErr_SetFromErrno
from cpython.mem cimport PyMem_Malloc
from cpython.object cimport PyObject
from libc.errno cimport EINTR, errno
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset
from posix.unistd cimport write

from redracer.core.checksums cimport update_crc64
from redracer.core.entry cimport (
    HAS_EXPIRY, KIND_INTEGER, STRING, Entry, Text, entry_expiry, entry_key, entry_key_bytes, entry_key_length,
    entry_kind, entry_object, entry_stamp, entry_text, entry_type, entry_word,
)
from redracer.core.keyspace cimport Keyspace
from redracer.core.rdb_codec cimport RDB_STRING, RdbCodec
from redracer.core.rdb_writer cimport RdbWriter

cdef extern from "fcntl.h" nogil:
    int sync_file_range(int descriptor, int64_t offset, int64_t count, unsigned int flags)
    const unsigned int SYNC_FILE_RANGE_WRITE

cdef enum:
    BUFFER_SIZE = 1 << 16           # bytes
    WRITE_MOST = 1 << 30            # bytes per call: the kernel takes no more than 2 GiB
    TYPES = 6
    OPCODE_IDLE = 248
    OPCODE_FREQUENCY = 249
    OPCODE_EXPIRY_MS = 252
    OPCODE_END = 255

NO_STAMPS, IDLE_TIMES, FREQUENCIES = range(3)


cdef class FileRdbWriter(RdbWriter):
    """rdb_file_writer.pyi has the contract. Does not own the descriptor."""

    def open(self, int descriptor, bint checksum=True, uint64_t sync_every=0):
        self.descriptor = descriptor
        self.checksum = checksum
        self.sync_every = sync_every
        if self.data == NULL:
            self.data = <unsigned char*>PyMem_Malloc(BUFFER_SIZE)
            if self.data == NULL:
                raise MemoryError
            self.capacity = BUFFER_SIZE

    def number(self, uint64_t value):
        self.put_length(value)

    def flush(self):
        self.send_buffer()

    def finish(self):
        cdef uint64_t crc
        self.put_byte(OPCODE_END)
        self.send_buffer()
        crc = self.crc if self.checksum else 0
        self.send(<const unsigned char*>&crc, sizeof(crc))

    cdef int overflow(self, const void* data, size_t length) except -1:
        self.send_buffer()
        if length >= self.capacity:
            return self.send(<const unsigned char*>data, length)
        memcpy(self.data, data, length)
        self.size = length
        return 0

    cdef int send_buffer(self) except -1:
        cdef size_t size = self.size
        self.size = 0
        return self.send(self.data, size)

    cdef int send(self, const unsigned char* data, size_t length) except -1:
        cdef Py_ssize_t taken
        if self.checksum:
            self.crc = update_crc64(self.crc, data, length)
        while length:
            with nogil:
                taken = write(self.descriptor, data, min(length, <size_t>WRITE_MOST))
            if taken < 0:
                if errno == EINTR:
                    continue
                PyErr_SetFromErrno(OSError)
            data += taken
            length -= taken
            self.sent += taken
        if self.sync_every and self.sent - self.synced >= self.sync_every:
            # Best effort: where it is not possible, the fsync at the end does it all.
            sync_file_range(self.descriptor, self.synced, self.sent - self.synced, SYNC_FILE_RANGE_WRITE)
            self.synced = self.sent
        return 0


cdef class DatabaseWalk:
    """rdb_file_writer.pyi has the contract."""

    def __init__(self, Keyspace database not None, list codecs not None, int stamps=0):
        cdef int type
        if len(codecs) != TYPES:
            raise ValueError("there must be a codec for each type")
        for type in range(TYPES):
            self.codec[type] = <PyObject*><RdbCodec?>codecs[type]
        self.codecs = codecs
        self.database = database
        self.stamps = stamps
        memset(&self.position, 0, sizeof(self.position))

    @property
    def key(self):
        return entry_key_bytes(self.current) if self.current != NULL else None

    def write(self, RdbWriter writer not None, Py_ssize_t count):
        cdef Py_ssize_t written = 0
        if self.codecs is None:
            raise ValueError("the walk was not initialized")
        while written < count:
            self.current = self.database.next_entry(&self.position)
            if self.current == NULL:
                break
            self.write_entry(writer, self.current)
            written += 1
        return written

    cdef int write_entry(self, RdbWriter writer, Entry* entry) except -1:
        cdef Text text
        cdef PyObject* codec
        if entry.meta & HAS_EXPIRY:
            writer.put_byte(OPCODE_EXPIRY_MS)
            writer.put_milliseconds(entry_expiry(entry))
        if self.stamps == 1:
            writer.put_byte(OPCODE_IDLE)
            writer.put_length(self.database.clock.idle_seconds(entry_stamp(entry)))
        elif self.stamps == 2:
            writer.put_byte(OPCODE_FREQUENCY)
            writer.put_byte(self.database.clock.frequency(entry_stamp(entry)))
        if entry_type(entry) == STRING:
            writer.put_byte(RDB_STRING)
            writer.put_string(entry_key(entry), entry_key_length(entry))
            if entry_kind(entry) == KIND_INTEGER:
                return writer.put_integer(entry_word(entry)[0])
            entry_text(entry, &text)
            return writer.put_string(text.data, text.length)
        codec = self.codec[entry_type(entry)]
        writer.put_byte((<RdbCodec>codec).rdb_type(writer, entry_object(entry)))
        writer.put_string(entry_key(entry), entry_key_length(entry))
        return (<RdbCodec>codec).write(writer, entry_object(entry))
