"""What is to be written to the append-only file, and the writing.

    annotation    #TS:<Unix time in seconds> CR LF, before the first command of a second

The commands of a round are written by one call (engine/feed_buffer.pyx encodes them).
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.errno cimport EINTR, errno
from posix.unistd cimport write

import os

from redracer.engine.effects import TO_LOG


@cython.final
cdef class AppendBuffer(FeedBuffer):
    """append_buffer.pyi has the contract."""

    def __init__(self, Clock clock not None):
        FeedBuffer.__init__(self, TO_LOG)
        self.clock = clock

    cdef int begin_unit(self) except -1:
        """Says what time it is, if it is wanted and another second than was said last."""
        cdef long long now
        if self.timestamps:
            now = self.clock.now // 1000
            if now > self.annotated:
                self.annotated = now
                self.text(b"#TS:%d\r\n" % now)
        return 0

    def text(self, bytes data not None):
        self.put_text(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        self.fed += PyBytes_GET_SIZE(data)

    def write(self, int descriptor):
        cdef ssize_t written
        cdef const char* data = self.data
        cdef size_t length = self.length
        while True:
            with nogil:
                written = write(descriptor, data, length)
            if written >= 0:
                return written
            if errno != EINTR:
                raise OSError(errno, os.strerror(errno))

    def clear(self):
        self.drop(self.length)
        self.database = -1
