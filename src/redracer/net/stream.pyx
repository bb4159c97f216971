"""Connections whose bytes asyncio carries: TLS, and every one on a platform without epoll.

asyncio reads into `arrivals` (one buffer for all: it hands on what it has read before it reads again), and
`arrived` makes a round of it. What is to be sent goes to asyncio's transport as long as that has room.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy
from posix.uio cimport iovec

from redracer.core.resp_write cimport ReplyBuffer
from redracer.core.session cimport CLOSE_AFTER_REPLY, CLOSED, Session
from redracer.engine.timing cimport monotonic_nanoseconds

cdef bytearray arrivals = bytearray(READ_SIZE)
cdef object arrivals_view = memoryview(arrivals)


@cython.final
cdef class StreamConnection(Connection):
    """One transport of asyncio's. Set `session` before anything arrives."""

    def __init__(self, Exchange exchange not None, stream not None, int descriptor):
        self.exchange = exchange
        self.stream = stream
        self.descriptor = descriptor
        self.writable = True
        exchange.connection_count += 1

    def buffer(self):
        """Where asyncio is to read to before it calls `arrived`."""
        return arrivals_view

    def arrived(self, Py_ssize_t count):
        """Executes what the first `count` bytes of the buffer complete, and sends the replies."""
        cdef long long began
        if self.descriptor < 0:
            return
        began = monotonic_nanoseconds()
        self.exchange.executor.begin()
        try:
            self.exchange.take(self, PyByteArray_AS_STRING(arrivals), min(count, READ_SIZE))
        except Exception:
            self.exchange.failed(self)
        self.exchange.finish_round(began)
        if self.exchange.turn_list:
            self.exchange.schedule()

    def ended(self):
        """The peer has sent its last byte: returns whether it is still to get something."""
        if self.descriptor >= 0:
            self.exchange.executor.begin()
            self.exchange.ended(self, True)
        return self.descriptor >= 0

    def lost(self):
        """The transport is gone."""
        self.stream = None
        if self.descriptor >= 0:
            self.exchange.drop(self)

    def hold_writing(self):
        """asyncio's buffer is full."""
        self.writable = False

    def go_on_writing(self):
        """asyncio's buffer has room again."""
        self.writable = True
        self.wake()

    cpdef object wake(self):
        Connection.wake(self)
        self.exchange.schedule()

    cpdef object resume(self):
        Connection.resume(self)
        self.exchange.schedule()

    cdef int transmit(self) except -1:
        """Hands pending output to asyncio, until its buffer is full or SEND_SIZE; drops a session that is done."""
        cdef Session session = self.session
        cdef ReplyBuffer out = session.out
        cdef Py_ssize_t total = 0
        cdef bytes piece
        while self.writable and total < SEND_SIZE and self.descriptor >= 0 and (out.pending() or session.refill()):
            piece = self.next_piece()
            out.sent(len(piece))
            total += len(piece)
            self.exchange.writes += 1
            self.exchange.sent += len(piece)
            session.sent += len(piece)
            self.stream.write(piece)
        self.exchange.interrupted = True    # asyncio may have something to do now
        if self.descriptor < 0:
            return 0
        if out.pending():
            self.check_output()
            if self.writable and self.descriptor >= 0:
                self.wake()
            return 0
        if session.over_limit:
            self.check_output()
        if session.state & (CLOSE_AFTER_REPLY | CLOSED):
            return self.exchange.drop(self)
        return 0

    cdef bytes next_piece(self):
        """A copy of the next bytes to be sent, at most SEND_SIZE."""
        cdef iovec vectors[VECTORS]
        cdef int used = self.session.out.iovec(vectors, VECTORS)
        cdef Py_ssize_t size = 0
        cdef Py_ssize_t part
        cdef int i
        cdef bytes piece
        for i in range(used):
            size += vectors[i].iov_len
        size = min(size, SEND_SIZE)
        piece = PyBytes_FromStringAndSize(NULL, size)
        size = 0
        for i in range(used):
            part = min(<Py_ssize_t>vectors[i].iov_len, len(piece) - size)
            memcpy(PyBytes_AS_STRING(piece) + size, vectors[i].iov_base, part)
            size += part
        return piece

    cdef int disconnect(self, int descriptor) except -1:
        cdef object stream = self.stream
        self.stream = None
        self.exchange.interrupted = True
        if stream is None:
            return 0
        if self.session.state & CLOSE_AFTER_REPLY:
            stream.close()
        else:
            stream.abort()
        return 0
