"""What happens between the bytes that arrive and those that leave, whatever carries them.

A round: what has arrived is parsed and executed; the executor's `before_sending` step (durability); every
pending reply is sent. A reply never leaves before that step. `reactor.pyx` makes rounds of what epoll finds
readable, `stream.pyx` of what asyncio has read (TLS, and platforms without epoll).

Requests are parsed into a batch of BATCH across clients before they are executed, so that the memory which
each will touch can be asked for ahead (the first third of the time of a pipelined GET is a cache miss).
Bytes of an unfinished request are copied to the connection's own buffer; an idle connection holds none.

Order: what a client sent while it was blocked is in `waiting` (parsed) and then in `held` (only read). A
client that may go on does so in its turn at the start of a round, and until then nothing newer of it runs.

Ownership: the batch and the lists hold references of their own to Connections. A dropped connection has
descriptor -1 and a CLOSED session, and is skipped wherever it still is. An exception that escapes from
serving one client closes that client and nothing else.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy, memmove

import traceback

from redracer.core.errors import ProtocolError
from redracer.engine import log

from redracer.core.keyspace cimport Keyspace
from redracer.core.resp_parse cimport RequestParser, recycle
from redracer.core.resp_write cimport ReplyBuffer
from redracer.core.session cimport BLOCKED, CLOSE_AFTER_REPLY, CLOSED
from redracer.engine.timing cimport monotonic_nanoseconds


cdef class Connection(Transport):
    """A connection and the session that it carries; how bytes come and go is a subclass's."""

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

    cdef char* room_to_read(self, Py_ssize_t size) except NULL:
        """Room for `size` bytes behind those that are held. Amortised O(1) per byte."""
        cdef char* grown
        cdef Py_ssize_t capacity
        if self.held_start > self.held_capacity // 2:
            memmove(self.held, self.held + self.held_start, self.held_length)
            self.held_start = 0
        if self.held_capacity - self.held_start - self.held_length < size:
            capacity = max(2 * self.held_capacity, self.held_start + self.held_length + size)
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
            self.exchange.flush_list.append(self)

    cpdef object resume(self):
        """Has what the client sent while it was blocked executed in the next round."""
        self.session.state &= ~BLOCKED
        if not self.in_turn_list and self.descriptor >= 0:
            self.in_turn_list = True
            self.exchange.turn_list.append(self)

    cpdef object close(self):
        """Closes the connection now; pending output is dropped."""
        if self.descriptor >= 0:
            self.exchange.drop(self)

    def flush_now(self):
        """Sends what can be sent at once, outside a round (the last words before a shutdown)."""
        if self.descriptor >= 0:
            self.transmit()

    cdef int transmit(self) except -1:
        """Sends pending output, as much as there is room for; drops a session that is done."""
        raise NotImplementedError

    cdef int after_last_byte(self) except -1:
        """The peer has sent its last byte, and is still to get its replies."""
        return 0

    cdef int disconnect(self, int descriptor) except -1:
        """Gives the descriptor back."""
        raise NotImplementedError

    cdef int check_output(self) except -1:
        """After sending: has the executor look at output that is, or was, more than allowed."""
        # What was sent to it outside its own requests counts too.
        if self.session.over_limit or self.session.out.pending() >= self.session.output_limit:
            self.exchange.executor.check_output(self.session)
        return 0


cdef class Exchange:
    """Parses, executes and has sent, for all the connections of a server."""

    def __init__(self, Executor executor=None):
        self.executor = executor
        self.resolved_names = [None] * RESOLVED
        self.flush_list = []
        self.turn_list = []
        self.query_limit = 1 << 30

    # --- rounds

    cdef int finish_round(self, long long began) except -1:
        """Executes what is batched, makes it durable and sends the replies; `began` is when the round did."""
        if self.batched:
            self.execute_batch()
        self.executor.before_sending()
        if self.flush_list:
            self.flush()
        if self.after_round is not None:
            self.after_round()
        began = monotonic_nanoseconds() - began
        self.rounds += 1
        self.busy_nanoseconds += began
        if began > self.longest_round:
            self.longest_round = began
        return 0

    cpdef object turn(self):
        """A round without anything to read: whoever may go on does, and what is pending is sent."""
        cdef long long began = monotonic_nanoseconds()
        self.executor.begin()
        if self.turn_list:
            self.take_turns()
        self.finish_round(began)

    cpdef object schedule(self):
        """There is something to do before anything else arrives: have `turn` called soon, unless rounds come anyway."""

    cdef int take_turns(self) except -1:
        """Goes on with connections that were blocked: first what was parsed, then what was only read."""
        cdef list turns = self.turn_list
        cdef list waiting
        cdef Connection connection
        self.turn_list = []
        for connection in turns:
            if connection.in_parse:
                self.turn_list.append(connection)
                continue
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

    cdef int take(self, Connection connection, const char* data, Py_ssize_t length) except -1:
        """Takes bytes that somebody has read for this connection."""
        cdef RequestParser parser = connection.session.parser
        cdef Py_ssize_t room = 0
        cdef char* target
        self.received_from(connection, length)
        if connection.held_length == 0:
            target = parser.large_space(&room)
            if target != NULL:
                room = min(room, length)
                memcpy(target, data, room)
                parser.large_received(room)
                data += room
                length -= room
            return self.parse(connection, data, length) if length else 0
        target = connection.room_to_read(length)
        memcpy(target, data, length)
        connection.held_length += length
        connection.session.query_bytes = connection.held_length
        return self.parse(connection, connection.held + connection.held_start, connection.held_length)

    cdef int ended(self, Connection connection, bint in_order) except -1:
        """The connection broke or, `in_order`, the peer has sent its last byte: executes what it sent before,
        and closes as soon as a peer that may still be reading has its replies."""
        if self.batched:
            self.execute_batch()
        if connection.descriptor < 0:
            return 0
        self.executor.before_sending()
        connection.transmit()
        if connection.descriptor < 0:
            return 0
        if not in_order or connection.draining or connection.session.state & BLOCKED or not connection.session.out.pending():
            return self.drop(connection)
        connection.draining = True
        connection.session.state |= CLOSE_AFTER_REPLY
        return connection.after_last_byte()

    cdef int received_from(self, Connection connection, Py_ssize_t count) except -1:
        cdef Session session = connection.session
        self.reads += 1
        self.received += count
        session.received += count
        if count > session.query_peak:
            session.query_peak = count
        session.last_interaction = self.executor.now
        if self.touched is not None:
            self.touched.append(session)
        return 0

    cdef int parse(self, Connection connection, const char* data, Py_ssize_t length) except -1:
        """Takes all whole requests out of data[0:length] into the batch, and holds the rest."""
        cdef Session session = connection.session
        cdef RequestParser parser = session.parser
        cdef Py_ssize_t position = 0
        cdef Py_ssize_t turn = min(length, TURN_SIZE)
        connection.in_parse = True
        try:
            self.take_requests(connection, data, turn, &position)
        except ProtocolError as breach:
            if self.batched:
                self.execute_batch()
            if not session.state:
                self.executor.refuse(session, breach.text)
                connection.wake()
        connection.in_parse = False
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
        request.key = NULL
        self.batched += 1
        if request.keys.first > 0:
            if request.keys.first == request.keys.last < PyList_GET_SIZE(argv):     # the usual command
                request.key = <void*>PyList_GET_ITEM(argv, request.keys.first)
                connection.session.db.prefetch_bucket(<bytes>request.key)
            else:
                self.prefetch(request, False)
        return 0

    cdef void prefetch(self, Request* request, bint entries) noexcept:
        """Asks for the memory of the request's first keys: their buckets, or later their entries."""
        cdef Keyspace db = (<Connection>request.connection).session.db
        cdef list argv = <list>request.argv
        cdef Py_ssize_t count = PyList_GET_SIZE(argv)
        cdef Py_ssize_t at = request.keys.first
        cdef Py_ssize_t last = request.keys.last
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
        cdef Running running
        cdef int count = self.batched
        cdef int i
        # Executing may add to the batch (a client resumed by another), so it works on a copy.
        memcpy(batch, self.batch, count * sizeof(Request))
        self.batched = 0
        if count > 1:
            for i in range(count):
                if batch[i].key != NULL:
                    (<Connection>batch[i].connection).session.db.prefetch_entry(<bytes>batch[i].key)
                elif batch[i].keys.first > 0:
                    self.prefetch(&batch[i], True)
        running.batch = batch
        running.next = 0
        running.count = count
        running.outer = self.running
        self.running = &running
        try:
            self.execute_rest(&running)
        finally:
            self.running = running.outer
        return 0

    cdef int execute_rest(self, Running* running) except -1:
        """Executes what is left of a batch."""
        cdef Request* request = NULL
        while running.next < running.count:
            try:    # around the loop, because setting it up costs something
                while running.next < running.count:
                    request = &running.batch[running.next]
                    running.next += 1
                    self.execute_one(<Connection>request.connection, <object>request.command, <list>request.argv)
                    release(request)
            except Exception:
                self.failed(<Connection>request.connection)
                release(request)
        return 0

    def request_in_execution(self):
        """The arguments of the request that is being executed, the innermost one, or None; for a report of a crash."""
        if self.running == NULL or self.running.next == 0:
            return None
        return <list>self.running.batch[self.running.next - 1].argv

    # --- from inside a request that takes long

    cdef int execute_outer(self) except -1:
        """Executes what is left of the batches that are in execution further out."""
        cdef Running* running = self.running
        while running != NULL:
            self.execute_rest(running)
            running = running.outer
        return 0

    def serve_others(self):
        """Serves the other clients for one round, from inside a request that takes long (a script).

        Its own client must be BLOCKED. First what was parsed before is executed: the rest of the batch that the
        request is part of. A connection whose input is being parsed further out is left alone, and so are those
        that asyncio carries: it waits for the end of the request. Replies are sent as after any round.
        """
        self.execute_outer()
        self.executor.before_sending()
        self.flush()

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
            self.executor.check_output(session)
        if not connection.in_flush_list and (pending or session.state & CLOSE_AFTER_REPLY) and connection.descriptor >= 0:
            connection.in_flush_list = True
            self.flush_list.append(connection)
        return 0

    # --- sending

    cdef int flush(self) except -1:
        """Sends what every connection in the list has pending."""
        cdef list connections = self.flush_list
        cdef Connection connection
        self.flush_list = []
        for connection in connections:
            connection.in_flush_list = False
            if self.touched is not None:
                self.touched.append(connection.session)
            if connection.descriptor >= 0:
                connection.transmit()
        return 0

    cdef int drop(self, Connection connection) except -1:
        """Closes a connection and tells the executor."""
        cdef int descriptor = connection.descriptor
        if descriptor < 0:
            return 0
        connection.descriptor = -1
        connection.session.state |= CLOSED
        self.connection_count -= 1
        connection.disconnect(descriptor)
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
