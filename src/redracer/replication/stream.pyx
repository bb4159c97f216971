"""The replication stream: what changed, as a history that has a name and a length.

The history is named by an id of 40 hexadecimal digits; a place in it is the number of bytes that come before.
Two servers whose data sets come from the same history differ by the bytes between their places, and the one
that is ahead can send just those, if it still has them: the backlog. A server that is promoted starts a
history of its own, and keeps the name of the one before with the place up to which both are the same, so that
its former siblings can go on from there.

The bytes are kept once, in blocks, for the backlog and for every replica that has not been sent them yet: a
replica is a Reader, a place in the blocks. A block is dropped when the blocks behind it make up the backlog
and nobody has to read it any more.
https://redis.io/docs/latest/operate/oss_and_stack/management/replication/

It is compiled because something is added in every round, and read by every replica.

Invariants: the blocks follow one another in the history, `number` by `number`, and `last` is the last of them. A
reader's block is one of them while the reader is among `readers`. A block only grows; 0 <= at <= len(block.data).
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE

import os
from collections import deque

from redracer.core.resp_write cimport ReplyBuffer

BLOCK = FULL    # bytes of a block, but for values that are longer
NO_ID = b"0" * 40

cdef enum:
    FULL = 16384
    BLOCKS = 16     # parts of the backlog at least, into which what is larger is divided
    NOWHERE = -1


def new_id():
    return os.urandom(20).hex().encode()


def database_of(fields):
    cdef bytes number = fields.get(b"repl-stream-db", b"")
    return int(number) if number.isdigit() else 0


cdef class Block:
    """Bytes of the stream from the place `start`; `number` counts the blocks."""

    def __init__(self, long long number, long long start):
        self.number = number
        self.start = start
        self.data = bytearray()


cdef class Reader:
    """stream.pyi has the contract of this and of Stream."""

    def __init__(self, Stream stream not None, long long place):
        self.stream = stream
        self.block = stream.find(place)
        self.at = place - self.block.start
        stream.readers.add(self)

    @property
    def place(self):
        return self.block.start + self.at

    @property
    def behind(self):
        return self.stream.end - self.block.start - self.at

    cpdef Py_ssize_t move(self, ReplyBuffer out, Py_ssize_t most) except -1:
        if out is None:
            raise TypeError("there is nothing to write to")
        cdef Py_ssize_t moved = 0
        cdef Py_ssize_t count
        while moved < most and (self.at < PyByteArray_GET_SIZE(self.block.data) or self.next_block()):
            count = min(PyByteArray_GET_SIZE(self.block.data) - self.at, most - moved)
            out.write_raw(PyByteArray_AS_STRING(self.block.data) + self.at, count)
            self.at += count
            moved += count
        return moved

    cdef bint next_block(self) except -1:
        """Goes on to the next block, if there is one."""
        cdef Stream stream = self.stream
        if self.block is stream.last or self not in stream.readers:
            return False
        self.block = stream.blocks[self.block.number + 1 - (<Block>stream.blocks[0]).number]
        self.at = 0
        stream.trim()
        return True

    def close(self):
        self.stream.readers.discard(self)
        self.stream.trim()


cdef class Stream:

    def __init__(self, long long limit):
        self.id = new_id()
        self.limit = limit
        self.blocks = deque()
        self.readers = set()
        self.forget_second()

    @property
    def active(self):
        return self.last is not None

    @property
    def first(self):
        return self.end - self.kept

    @property
    def kept(self):
        return self.end - (<Block>self.blocks[0]).start if self.blocks else 0

    def open(self):
        if self.last is None:
            self.last = Block(0, self.end)
            self.blocks.append(self.last)

    def drop(self):
        for reader in list(self.readers):
            reader.close()
        self.blocks.clear()
        self.last = None

    cpdef object append(self, bytes data):
        if self.last is None:
            raise ValueError("the stream is not kept")
        cdef Py_ssize_t length = len(data)
        cdef Py_ssize_t most, at
        if length <= FULL:
            self.add(data)
        else:   # or a large value would be kept long after the backlog is past it
            most = max(self.limit // BLOCKS, FULL)
            for at in range(0, length, most):
                self.add(data[at:at + most])
        self.trim()

    cdef int add(self, bytes data) except -1:
        """Adds bytes to one block."""
        cdef Block block = self.last
        if PyByteArray_GET_SIZE(block.data) + len(data) > FULL and PyByteArray_GET_SIZE(block.data):
            self.last = block = Block(block.number + 1, self.end)
            self.blocks.append(block)
        block.data += data
        self.end += len(data)
        return 0

    cpdef object trim(self):
        cdef Reader reader
        if self.end - self.limit <= 0:
            return
        while len(self.blocks) > 1 and (<Block>self.blocks[1]).start <= self.end - self.limit:
            for reader in self.readers:
                if reader.block is self.blocks[0]:
                    return
            self.blocks.popleft()

    def find(self, long long place):
        """The block that holds a place; ValueError if it is not kept. O(log blocks)."""
        cdef Py_ssize_t low = 0
        cdef Py_ssize_t high = len(self.blocks) - 1
        cdef Py_ssize_t middle
        if not self.blocks or not self.first <= place <= self.end:
            raise ValueError(f"place {place} of the stream is not kept")
        while low < high:   # bisect would need a list of the starts
            middle = (low + high + 1) // 2
            if (<Block>self.blocks[middle]).start <= place:
                low = middle
            else:
                high = middle - 1
        return self.blocks[low]

    def can_resume(self, bytes replication_id, place):
        known = replication_id == self.id or (replication_id == self.second_id and place <= self.second_end)
        return known and self.active and self.first <= place <= self.end

    def rename(self):
        self.follow(new_id())

    def follow(self, bytes replication_id):
        self.second_id, self.second_end = self.id, self.end
        self.id = replication_id

    def restart(self, bytes replication_id, long long place):
        self.id, self.end = replication_id, place
        self.forget_second()
        self.drop()
        self.open()

    cpdef object forget_second(self):
        self.second_id, self.second_end = NO_ID, NOWHERE
