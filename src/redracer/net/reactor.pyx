"""The epoll loop for plain TCP and Unix-socket clients.

It is asyncio's selector (`selector.py`): asyncio's own descriptors sit in the same epoll set, so that one
epoll_wait serves both and nothing is woken twice. `poll` runs rounds until asyncio has something to do. A
round: wait; read every ready client and execute what it sent; run the executor's `before_sending` step
(durability); send every pending reply. A reply never leaves before that step.

Requests are parsed into a batch of BATCH across clients before they are executed, so that the memory which
each will touch can be asked for ahead (the first third of the time of a pipelined GET is a cache miss).

Fairness: a client is read once per round, at most READ_SIZE bytes (or one system call into a large
argument), and is sent at most SEND_SIZE bytes; what it has left over waits for the next round. Bytes of an
unfinished request are copied to the connection's own buffer; an idle connection holds none.

Order: what a client sent while it was blocked is in `waiting` (parsed) and then in `held` (only read). A
client that may go on does so in its turn at the start of a round, and until then nothing newer of it runs.

Ownership: `owned` holds each Connection until it is dropped; the batch and the lists hold references of
their own. A dropped connection has descriptor -1 and a CLOSED session, and is skipped wherever it still is.
An exception that escapes from serving one client closes that client and nothing else.
"""

cimport cython
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.errno cimport EAGAIN, EINTR, errno
from libc.math cimport ceil
from libc.stdint cimport uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memmove
from posix.types cimport off_t
from posix.uio cimport iovec, writev
from posix.unistd cimport close

import traceback

from redracer.core.errors import ProtocolError
from redracer.engine import log

from redracer.core.keyspace cimport Keyspace
from redracer.core.resp_parse cimport RequestParser, recycle
from redracer.core.resp_write cimport ReplyBuffer
from redracer.core.session cimport BLOCKED, CLOSE_AFTER_REPLY, CLOSED
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
    ctypedef union epoll_data_t:
        int fd
        uint64_t u64
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int descriptor, epoll_event* event)
    int epoll_wait(int epoll, epoll_event* events, int limit, int milliseconds)

cdef enum:
    READ_SIZE = 65536           # bytes read from one client in a round
    TURN_SIZE = 262144          # bytes parsed of one client in a round, when it was blocked and has sent more
    SEND_SIZE = 1048576         # bytes sent to one client in a round, and perhaps one system call more
    EVENTS = 256                # ready descriptors taken by one epoll_wait
    VECTORS = 64                # pieces of one writev
    ROUNDS = 64                 # rounds before asyncio gets its turn even if it has asked for nothing


@cython.final
cdef class Connection(Transport):
    """One socket of the reactor, and the session that it carries."""

    cdef int hold(self, const char* data, Py_ssize_t length) except -1:
        """Keeps `length` unread bytes at `data` (which may lie inside `held`) for the next round."""
        cdef char* grown
        cdef Py_ssize_t capacity
        if length == 0:
            self.release_held()
        elif self.held != NULL and self.held <= data < self.held + self.held_capacity:
            self.held_start = data - self.held
        else:
            if length > self.held_capacity:
                capacity = max(length, 4096)
                grown = <char*>PyMem_RawRealloc(self.held, capacity)
                if grown == NULL:
                    raise MemoryError()
                self.held = grown
                self.held_capacity = capacity
            memcpy(self.held, data, length)
            self.held_start = 0
        self.held_length = length
        self.session.query_bytes = length
        return 0

    cdef char* room_to_read(self) except NULL:
        """Room for READ_SIZE bytes behind those that are held. Amortised O(1) per byte."""
        cdef char* grown
        cdef Py_ssize_t capacity
        if self.held_start > self.held_capacity // 2:
            memmove(self.held, self.held + self.held_start, self.held_length)
            self.held_start = 0
        if self.held_capacity - self.held_start - self.held_length < READ_SIZE:
            capacity = max(2 * self.held_capacity, self.held_start + self.held_length + READ_SIZE)
            grown = <char*>PyMem_RawRealloc(self.held, capacity)
            if grown == NULL:
                raise MemoryError()
            self.held = grown
            self.held_capacity = capacity
        return self.held + self.held_start + self.held_length

    cdef void release_held(self) noexcept:
        PyMem_RawFree(self.held)
        self.held = NULL
        self.held_start = self.held_capacity = self.held_length = 0

    def __dealloc__(self):
        PyMem_RawFree(self.held)

    @property
    def held_bytes(self):
        """Bytes of memory that the unread input takes."""
        return self.held_capacity

    cpdef object wake(self):
        """Has the session's pending output sent at the end of this round."""
        if not self.in_flush_list and self.descriptor >= 0:
            self.in_flush_list = True
            self.reactor.flush_list.append(self)

    cpdef object resume(self):
        """Has what the client sent while it was blocked executed in the next round."""
        self.session.state &= ~BLOCKED
        if not self.in_turn_list and self.descriptor >= 0:
            self.in_turn_list = True
            self.reactor.turn_list.append(self)

    cpdef object close(self):
        """Closes the socket now; pending output is dropped."""
        if self.descriptor >= 0:
            self.reactor.drop(self)

    def flush_now(self):
        """Sends what can be sent at once, outside a round (the last words before a shutdown)."""
        if self.descriptor >= 0:
            self.reactor.send(self)


@cython.final
cdef class Reactor:
    """The event loop over all connections; also asyncio's selector, through `selector.py`."""

    def __cinit__(self):
        self.epoll = -1
        self.read_buffer = <char*>PyMem_RawMalloc(READ_SIZE)
        if self.read_buffer == NULL:
            raise MemoryError()

    def __init__(self, Executor executor=None):
        self.executor = executor
        self.owned = []
        self.resolved_names = [None] * RESOLVED
        self.callbacks = {}
        self.flush_list = []
        self.turn_list = []
        self.query_limit = 1 << 30
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
        """Takes over a connected, non-blocking socket; set the Connection's `session` before the next round."""
        cdef Connection connection = Connection.__new__(Connection)
        self.control(EPOLL_CTL_ADD, descriptor, EPOLLIN)
        connection.reactor = self
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
        cdef int count, i
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
        for i in range(count):
            self.ready(events[i].data.fd, events[i].events, foreign)
        if self.batched:
            self.execute_batch()
        self.executor.before_sending()
        if self.flush_list:
            self.flush()
        began = monotonic_nanoseconds() - began
        self.rounds += 1
        self.busy_nanoseconds += began
        if began > self.longest_round:
            self.longest_round = began
        return count

    cdef int ready(self, int descriptor, unsigned int events, list foreign) except -1:
        """Serves one ready descriptor."""
        cdef object known = None
        cdef Connection connection
        if descriptor < PyList_GET_SIZE(self.owned):
            known = self.owned[descriptor]
        if known is None:
            callback = self.callbacks.get(descriptor)
            if callback is None:
                foreign.append((descriptor, events))
            else:
                callback()
            return 0
        connection = <Connection>known
        if events & EPOLLOUT and connection.descriptor >= 0:
            connection.wake()
        if events & (EPOLLIN | EPOLLHUP | EPOLLERR) and connection.descriptor >= 0:
            try:
                self.read(connection)
            except Exception:
                self.failed(connection)
        return 0

    cdef int take_turns(self) except -1:
        """Goes on with connections that were blocked: first what was parsed, then what was only read."""
        cdef list turns = self.turn_list
        cdef list waiting
        cdef Connection connection
        self.turn_list = []
        for connection in turns:
            connection.in_turn_list = False
            waiting = connection.waiting
            connection.waiting = None
            try:
                if waiting is not None:
                    for argv in waiting:
                        self.enqueue(connection, argv)
                    if self.batched:
                        self.execute_batch()
                if connection.held_length and connection.descriptor >= 0 and not connection.session.state & BLOCKED:
                    self.parse(connection, connection.held + connection.held_start, connection.held_length)
            except Exception:
                self.failed(connection)
        return 0

    # --- reading

    cdef int read(self, Connection connection) except -1:
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
            target = connection.room_to_read()
            count = recv(connection.descriptor, target, READ_SIZE, 0)
            if count > 0:
                connection.held_length += count
                session.query_bytes = connection.held_length
                self.received_from(connection, count)
                return self.parse(connection, connection.held + connection.held_start, connection.held_length)
        if count < 0 and (errno == EAGAIN or errno == EINTR):
            return 0
        return self.ended(connection, count == 0)

    cdef int ended(self, Connection connection, bint in_order) except -1:
        """The connection broke or, `in_order`, the peer has sent its last byte: executes what it sent before,
        and closes as soon as a peer that may still be reading has its replies."""
        if self.batched:
            self.execute_batch()
        if connection.descriptor < 0:
            return 0
        self.executor.before_sending()
        self.send(connection)
        if connection.descriptor < 0:
            return 0
        if not in_order or connection.draining or connection.session.state & BLOCKED or not connection.session.out.pending():
            return self.drop(connection)
        connection.draining = connection.write_armed = True
        connection.session.state |= CLOSE_AFTER_REPLY
        return self.control(EPOLL_CTL_MOD, connection.descriptor, EPOLLOUT)

    cdef int received_from(self, Connection connection, Py_ssize_t count) except -1:
        cdef Session session = connection.session
        self.reads += 1
        self.received += count
        session.received += count
        if count > session.query_peak:
            session.query_peak = count
        session.last_interaction = self.executor.now
        return 0

    cdef int parse(self, Connection connection, const char* data, Py_ssize_t length) except -1:
        """Takes all whole requests out of data[0:length] into the batch, and holds the rest."""
        cdef Session session = connection.session
        cdef RequestParser parser = session.parser
        cdef Py_ssize_t position = 0
        cdef Py_ssize_t turn = min(length, TURN_SIZE)
        try:
            self.take_requests(connection, data, turn, &position)
        except ProtocolError as breach:
            if self.batched:
                self.execute_batch()
            if not session.state:
                self.executor.refuse(session, breach.text)
                connection.wake()
        if connection.descriptor < 0:
            return 0
        if session.state & (CLOSE_AFTER_REPLY | CLOSED):
            position = length
        elif turn < length and not session.state:
            connection.resume()
        if position < length or connection.held != NULL:
            connection.hold(data + position, length - position)
        if (position < length or parser.remaining) and length - position + parser.held_bytes > self.query_limit:
            self.executor.query_exceeded(session)
            self.drop(connection)
        return 0

    cdef int take_requests(
        self, Connection connection, const char* data, Py_ssize_t length, Py_ssize_t* position
    ) except -1:
        """Moves whole requests from data[position:length] into the batch while the session may go on."""
        cdef Session session = connection.session
        cdef RequestParser parser = session.parser
        cdef list argv
        while not session.state and not connection.in_turn_list:
            argv = parser.next_request(data, length, position)
            if argv is None:
                return 0
            self.enqueue(connection, argv)
            if self.batched == BATCH or parser.restricted:
                self.execute_batch()
        return 0

    # --- executing

    cdef int resolve(self, list argv, Request* request) except -1:
        """Sets the command that argv names and the places of its keys. The parser gives equal names as the same
        object most of the time, so that the object's address finds the command without looking at the name."""
        cdef void* name = <void*>PyList_GET_ITEM(argv, 0)
        cdef Py_ssize_t slot = (<uintptr_t>name >> 4) & (RESOLVED - 1)
        cdef Resolved* known = &self.resolved[slot]
        cdef object command
        if known.name != name:
            command = self.executor.resolve(argv)
            place = None if command is None else self.executor.key_range(command)
            if place is None:
                request.command = <void*>command
                request.keys.first = 0
                return 0
            self.resolved_names[slot] = argv[0]
            known.name = name
            known.command = <void*>command
            known.keys.first, known.keys.last, known.keys.step = place
        request.command = known.command
        request.keys = known.keys
        return 0

    cdef int enqueue(self, Connection connection, list argv) except -1:
        """Adds one request to the batch and asks for the buckets of its keys."""
        cdef Request* request
        if self.batched == BATCH:
            self.execute_batch()
        request = &self.batch[self.batched]
        self.resolve(argv, request)
        Py_INCREF(connection)
        Py_INCREF(argv)
        request.connection = <void*>connection
        request.argv = <void*>argv
        self.batched += 1
        if request.keys.first > 0:
            self.prefetch(request, False)
        return 0

    cdef void prefetch(self, Request* request, bint entries) noexcept:
        """Asks for the memory of the request's first keys: their buckets, or later their entries."""
        cdef Keyspace db = (<Connection>request.connection).session.db
        cdef list argv = <list>request.argv
        cdef Py_ssize_t count = PyList_GET_SIZE(argv)
        cdef Py_ssize_t at = request.keys.first
        cdef Py_ssize_t last = request.keys.last
        if last == at:      # the usual command has one key
            if at < count:
                if entries:
                    db.prefetch_entry(<bytes>PyList_GET_ITEM(argv, at))
                else:
                    db.prefetch_bucket(<bytes>PyList_GET_ITEM(argv, at))
            return
        if last < 0:
            last += count
        last = min(last, count - 1, at + PREFETCHED_KEYS)
        while at <= last:
            if entries:
                db.prefetch_entry(<bytes>PyList_GET_ITEM(argv, at))
            else:
                db.prefetch_bucket(<bytes>PyList_GET_ITEM(argv, at))
            at += max(request.keys.step, 1)

    cdef int execute_batch(self) except -1:
        """Executes the batch in order and empties it."""
        cdef Request batch[BATCH]
        cdef int count = self.batched
        cdef int i
        # Executing may add to the batch (a client resumed by another), so it works on a copy.
        memcpy(batch, self.batch, count * sizeof(Request))
        self.batched = 0
        if count > 1:
            for i in range(count):
                if batch[i].keys.first > 0:
                    self.prefetch(&batch[i], True)
        i = 0
        while i < count:
            try:    # around the loop, because setting it up costs something
                while i < count:
                    self.execute_one(
                        <Connection>batch[i].connection, <object>batch[i].command, <list>batch[i].argv
                    )
                    release(&batch[i])
                    i += 1
            except Exception:
                self.failed(<Connection>batch[i].connection)
                release(&batch[i])
                i += 1
        return 0

    cdef int failed(self, Connection connection) except -1:
        """An exception came out of serving a connection, whose state is unknown now: logs it, and closes."""
        log.warning("Internal error; its client is closed.\n" + traceback.format_exc())
        return self.drop(connection)

    cdef int execute_one(self, Connection connection, object command, list argv) except -1:
        cdef Session session = connection.session
        cdef ReplyBuffer out = session.out
        cdef Py_ssize_t pending
        if session.state or connection.in_turn_list:
            if not session.state & ~BLOCKED:
                if connection.waiting is None:
                    connection.waiting = []
                connection.waiting.append(argv)
            return 0
        self.executor.execute(session, command, argv)
        if session.retry:
            session.retry = False
            if connection.waiting is None:
                connection.waiting = []
            connection.waiting.append(argv)
        pending = out.end - out.start + out.large_bytes
        if pending >= session.output_limit:
            self.executor.output_exceeded(session)
        if not connection.in_flush_list and (pending or session.state & CLOSE_AFTER_REPLY):
            connection.wake()
        return 0

    # --- sending

    cdef int flush(self) except -1:
        """Sends what every connection in the list has pending."""
        cdef list connections = self.flush_list
        cdef Connection connection
        self.flush_list = []
        for connection in connections:
            connection.in_flush_list = False
            if connection.descriptor >= 0:
                self.send(connection)
        return 0

    cdef int send(self, Connection connection) except -1:
        """Sends pending output, until the socket takes no more or SEND_SIZE; closes a session that is done."""
        cdef Session session = connection.session
        cdef ReplyBuffer out = session.out
        cdef iovec vectors[VECTORS]
        cdef ssize_t count = 0
        cdef Py_ssize_t total = 0
        cdef int used
        while (out.pending() or session.refill()) and total < SEND_SIZE:
            if not out.large_bytes:
                count = send(connection.descriptor, out.data + out.start, out.end - out.start, MSG_NOSIGNAL)
            else:
                used = out.iovec(vectors, VECTORS)
                count = writev(connection.descriptor, vectors, used)
            if count <= 0:
                break
            self.writes += 1
            self.sent += count
            session.sent += count
            total += count
            out.sent(count)
        if count < 0 and errno != EAGAIN and errno != EINTR:
            return self.drop(connection)
        if out.pending():
            if out.pending() >= session.output_limit:   # what was sent to it outside its own requests counts too
                self.executor.output_exceeded(session)
                if connection.descriptor < 0:
                    return 0
            return self.watch_writable(connection, True)
        if session.state & (CLOSE_AFTER_REPLY | CLOSED):
            return self.drop(connection)
        if connection.write_armed:
            self.watch_writable(connection, False)
        return 0

    cdef int watch_writable(self, Connection connection, bint wanted) except -1:
        if connection.write_armed != wanted:
            connection.write_armed = wanted
            self.control(EPOLL_CTL_MOD, connection.descriptor, EPOLLIN | (EPOLLOUT if wanted else 0))
        return 0

    cdef int drop(self, Connection connection) except -1:
        """Closes the socket and tells the executor."""
        cdef int descriptor = connection.descriptor
        if descriptor < 0:
            return 0
        connection.descriptor = -1
        connection.session.state |= CLOSED
        self.owned[descriptor] = None
        self.connection_count -= 1
        close(descriptor)
        connection.waiting = None
        connection.session.out.release()
        connection.session.source = None
        self.executor.closed(connection.session)
        connection.session.transport = None     # they held one another
        return 0


cdef void release(Request* request) noexcept:
    """Gives up the references of a request of the batch; the command's is the executor's."""
    Py_DECREF(<Connection>request.connection)
    recycle(<PyObject*>request.argv)
