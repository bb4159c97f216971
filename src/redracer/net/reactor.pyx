"""The epoll loop for plain TCP and Unix-socket clients.

It is asyncio's selector (`selector.py`): asyncio's own descriptors sit in the same epoll set, so that one
epoll_wait serves both and nothing is woken twice. `poll` runs rounds until asyncio has something to do; what
a round does between reading and sending is in `exchange.pyx`.

Fairness: a client is read once per round, at most READ_SIZE bytes (or one system call into a large
argument), and is sent at most SEND_SIZE bytes; what it has left over waits for the next round.

Ownership: `owned` holds each connection until it is dropped.
"""

cimport cython
from cpython.list cimport PyList_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.errno cimport EAGAIN, EINTR, errno
from libc.math cimport ceil
from posix.uio cimport iovec, writev
from posix.unistd cimport close

from redracer.core.resp_write cimport ReplyBuffer
from redracer.core.session cimport CLOSE_AFTER_REPLY, CLOSED
from redracer.engine.timing cimport monotonic_nanoseconds


cdef extern from "sys/socket.h" nogil:
    enum:
        MSG_NOSIGNAL
        MSG_DONTWAIT
    ssize_t recv(int descriptor, void* buffer, size_t length, int flags)
    ssize_t send(int descriptor, const void* buffer, size_t length, int flags)

cdef extern from "sys/epoll.h" nogil:
    enum:
        EPOLLIN
        EPOLLOUT
        EPOLLERR
        EPOLLHUP
        EPOLLRDHUP
        EPOLL_CLOEXEC
        EPOLL_CTL_ADD
        EPOLL_CTL_DEL
        EPOLL_CTL_MOD
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event)
    int epoll_wait(int epoll, epoll_event* events, int limit, int milliseconds)

cdef enum:
    EVENTS = 256                # ready descriptors taken by one epoll_wait
    ROUNDS = 64                 # rounds before asyncio gets its turn even if it has asked for nothing


@cython.final
cdef class SocketConnection(Connection):
    """A socket of the reactor."""

    cdef int transmit(self) except -1:
        """Sends pending output, until the socket takes no more or SEND_SIZE; drops a session that is done."""
        cdef Reactor reactor = self.reactor
        cdef Session session = self.session
        cdef ReplyBuffer out = session.out
        cdef iovec vectors[VECTORS]
        cdef ssize_t count = 0
        cdef Py_ssize_t total = 0
        cdef int used
        # Written out, because asking twice for a reply that is gone already would be a tenth of sending it.
        while (
            out.end > out.start or out.large_bytes or session.source is not None and session.refill()
        ) and total < SEND_SIZE:
            if not out.large_bytes:
                count = send(self.descriptor, out.data + out.start, out.end - out.start, MSG_NOSIGNAL)
            else:
                used = out.iovec(vectors, VECTORS)
                count = writev(self.descriptor, vectors, used)
            if count <= 0:
                break
            reactor.writes += 1
            reactor.sent += count
            session.sent += count
            total += count
            out.sent(count)
        if count < 0 and errno != EAGAIN and errno != EINTR:
            return reactor.drop(self)
        if out.end > out.start or out.large_bytes:
            self.check_output()
            return self.watch_writable(True) if self.descriptor >= 0 else 0
        if session.over_limit:
            self.check_output()
        if session.state & (CLOSE_AFTER_REPLY | CLOSED):
            return reactor.drop(self)
        if self.write_armed:
            self.watch_writable(False)
        return 0

    cdef int watch_writable(self, bint wanted) except -1:
        if self.write_armed != wanted:
            self.write_armed = wanted
            self.reactor.control(EPOLL_CTL_MOD, self.descriptor, EPOLLIN | (EPOLLOUT if wanted else 0))
        return 0

    cdef int after_last_byte(self) except -1:
        """Watches for nothing but room to send: the end of what arrives would be reported over and over."""
        self.write_armed = True
        return self.reactor.control(EPOLL_CTL_MOD, self.descriptor, EPOLLOUT)

    cdef int disconnect(self, int descriptor) except -1:
        self.reactor.owned[descriptor] = None
        close(descriptor)
        return 0


@cython.final
cdef class Reactor(Exchange):
    """The event loop over all connections; also asyncio's selector, through `selector.py`."""

    multiplexing = "epoll"

    def __cinit__(self):
        self.epoll = -1
        self.read_buffer = <char*>PyMem_RawMalloc(READ_SIZE)
        if self.read_buffer == NULL:
            raise MemoryError()

    def __init__(self, Executor executor=None):
        Exchange.__init__(self, executor)
        self.owned = []
        self.callbacks = {}
        self.epoll = epoll_create1(EPOLL_CLOEXEC)
        if self.epoll < 0:
            raise OSError(errno, "epoll_create1 failed")

    def __dealloc__(self):
        PyMem_RawFree(self.read_buffer)
        if self.epoll >= 0:
            close(self.epoll)

    # --- registration

    def watch(self, int descriptor, unsigned int events):
        """Has epoll watch a descriptor. Raises OSError."""
        self.control(EPOLL_CTL_ADD, descriptor, events)

    def rewatch(self, int descriptor, unsigned int events):
        """Changes what a watched descriptor is watched for. Raises OSError."""
        self.control(EPOLL_CTL_MOD, descriptor, events)

    def unwatch(self, int descriptor):
        """Has epoll forget a descriptor; one that was closed is forgotten already."""
        try:
            self.control(EPOLL_CTL_DEL, descriptor, 0)
        except OSError:
            pass

    cdef int control(self, int operation, int descriptor, unsigned int events) except -1:
        cdef epoll_event event
        event.events = events
        event.data.u64 = 0
        event.data.fd = descriptor
        if epoll_ctl(self.epoll, operation, descriptor, &event) < 0:
            raise OSError(errno, "epoll_ctl failed")
        return 0

    def add_connection(self, int descriptor):
        """Takes over a connected, non-blocking socket; set the connection's `session` before the next round."""
        cdef SocketConnection connection = SocketConnection.__new__(SocketConnection)
        self.control(EPOLL_CTL_ADD, descriptor, EPOLLIN)
        connection.exchange = connection.reactor = self
        connection.descriptor = descriptor
        while len(self.owned) <= descriptor:
            self.owned.append(None)
        self.owned[descriptor] = connection
        self.connection_count += 1
        return connection

    def add_callback(self, int descriptor, callback not None):
        """Calls `callback()` whenever the descriptor is readable (listening sockets)."""
        self.control(EPOLL_CTL_ADD, descriptor, EPOLLIN)
        self.callbacks[descriptor] = callback

    def remove_callback(self, int descriptor):
        """Forgets a descriptor of `add_callback`."""
        if self.callbacks.pop(descriptor, None) is not None:
            self.unwatch(descriptor)

    # --- rounds

    cpdef list poll(self, double timeout):
        """Serves clients until a descriptor of asyncio's is ready, `timeout` seconds have passed (negative:
        no limit), or someone set `interrupted`; returns the ready ones as (descriptor, epoll events)."""
        cdef list foreign = []
        cdef long long deadline = -1
        cdef long long left
        cdef int milliseconds, count
        if timeout > 0:
            deadline = monotonic_nanoseconds() + <long long>(timeout * 1e9)
        for count in range(ROUNDS):
            if self.interrupted or timeout == 0 or self.turn_list or self.flush_list:
                milliseconds = 0
            elif deadline < 0:
                milliseconds = -1
            else:
                left = deadline - monotonic_nanoseconds()
                if left <= 0 and count:
                    break
                milliseconds = <int>min(ceil(left / 1e6), 1e9) if left > 0 else 0
            if not self.round(milliseconds, foreign) and not self.turn_list and not self.flush_list:
                break
            if foreign or self.interrupted or timeout == 0:
                break
        self.interrupted = False
        return foreign

    cdef int round(self, int milliseconds, list foreign) except -1:
        """One round; returns the number of ready descriptors."""
        cdef epoll_event events[EVENTS]
        cdef int count
        cdef long long began
        if milliseconds == 0:
            count = epoll_wait(self.epoll, events, EVENTS, 0)
        else:
            with nogil:
                count = epoll_wait(self.epoll, events, EVENTS, milliseconds)
        if count < 0:
            if errno != EINTR:
                raise OSError(errno, "epoll_wait failed")
            self.interrupted = True     # let Python run its signal handlers
            return 0
        if count == 0 and not self.turn_list and not self.flush_list:
            return 0
        began = monotonic_nanoseconds()
        self.executor.begin()
        if self.turn_list:
            self.take_turns()
        self.serve(events, count, foreign)
        self.finish_round(began)
        return count

    def serve_others(self):
        """As Exchange's, and reads what the others have sent since."""
        cdef char* outer_buffer = self.read_buffer      # which may be in use further out
        cdef char* buffer = <char*>PyMem_RawMalloc(READ_SIZE)
        if buffer == NULL:
            return
        self.read_buffer = buffer
        try:
            self.execute_outer()
            self.round(0, [])
        finally:
            PyMem_RawFree(buffer)
            self.read_buffer = outer_buffer

    cdef int serve(self, epoll_event* events, int count, list foreign) except -1:
        """Serves the ready descriptors."""
        cdef SocketConnection connection = None
        cdef int at = 0
        while at < count:
            try:    # around the loop, because setting it up costs something
                while at < count:
                    connection = self.connection_of(events[at].data.fd)
                    at += 1
                    if connection is None:
                        self.other_ready(events[at - 1].data.fd, events[at - 1].events, foreign)
                    else:
                        self.ready(connection, events[at - 1].events)
            except Exception:
                if connection is None:
                    raise
                self.failed(connection)
        return 0

    cdef SocketConnection connection_of(self, int descriptor):
        """The connection that a descriptor belongs to, or None."""
        if descriptor < PyList_GET_SIZE(self.owned):
            return <SocketConnection>self.owned[descriptor]
        return None

    cdef int other_ready(self, int descriptor, unsigned int events, list foreign) except -1:
        """Serves a listening socket, or leaves a descriptor of asyncio's to it."""
        callback = self.callbacks.get(descriptor)
        if callback is None:
            foreign.append((descriptor, events))
        else:
            callback()
        return 0

    cdef int ready(self, SocketConnection connection, unsigned int events) except -1:
        """Serves one ready connection."""
        if events & EPOLLOUT and connection.descriptor >= 0:
            connection.wake()
        if events & (EPOLLIN | EPOLLHUP | EPOLLERR) and connection.descriptor >= 0 and not connection.in_parse:
            self.read(connection)
        return 0

    cdef int read(self, SocketConnection connection) except -1:
        """Reads once from a connection, parses, and batches what is complete."""
        cdef Session session = connection.session
        cdef Py_ssize_t room = 0
        cdef ssize_t count
        cdef char* target
        target = session.parser.large_space(&room)
        if target != NULL and connection.held_length == 0:
            count = recv(connection.descriptor, target, min(room, 16 * READ_SIZE), 0)
            if count > 0:
                session.parser.large_received(count)
                return self.received_from(connection, count)
        elif connection.held_length == 0:
            count = recv(connection.descriptor, self.read_buffer, READ_SIZE, 0)
            if count > 0:
                self.received_from(connection, count)
                return self.parse(connection, self.read_buffer, count)
        else:
            target = connection.room_to_read(READ_SIZE)
            count = recv(connection.descriptor, target, READ_SIZE, 0)
            if count > 0:
                connection.held_length += count
                session.query_bytes = connection.held_length
                self.received_from(connection, count)
                return self.parse(connection, connection.held + connection.held_start, connection.held_length)
        if count < 0 and (errno == EAGAIN or errno == EINTR):
            return 0
        return self.ended(connection, count == 0)
