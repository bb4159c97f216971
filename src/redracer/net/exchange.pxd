from redracer.core.session cimport Executor, Session, Transport

cdef class Connection(Transport):
    cdef Exchange exchange
    cdef readonly int descriptor        # of the socket; -1 once the connection is dropped
    cdef public Session session
    cdef char* held                 # unread bytes: an unfinished request, or what a blocked client has sent
    cdef Py_ssize_t held_start      # where in `held` they start
    cdef Py_ssize_t held_length
    cdef Py_ssize_t held_capacity
    cdef list waiting               # requests parsed and not yet executed (the client is blocked)
    cdef bint in_flush_list
    cdef bint in_turn_list          # goes on in the next round; until then nothing of it is executed
    cdef bint draining              # the peer has sent its last byte and still reads
    cdef bint in_parse              # what it sent is being parsed, see Exchange.serve_others

    cdef int hold(self, const char* data, Py_ssize_t length) except -1
    cdef char* room_to_read(self, Py_ssize_t size) except NULL
    cdef void release_held(self) noexcept
    cdef int transmit(self) except -1
    cdef int after_last_byte(self) except -1
    cdef int disconnect(self, int descriptor) except -1
    cdef int check_output(self) except -1

cdef struct KeyRange:
    int first                       # 0: no keys
    int last                        # negative: from the end
    int step

cdef struct Request:
    void* connection
    void* command
    void* argv
    void* key                       # the only key among its arguments, or NULL
    KeyRange keys

cdef struct Running:                # a batch in execution
    Request* batch
    int next                        # the first request that is not executed yet
    int count
    Running* outer                  # the batch from inside which this one is executed

cdef struct Resolved:
    void* name                      # the bytes object of a request's first argument
    void* command                   # the command that it names
    KeyRange keys                   # its key arguments

cdef enum:
    RESOLVED = 256                  # slots of the cache of resolved names; a power of two
    BATCH = 64                      # requests parsed before they are executed
    PREFETCHED_KEYS = 32            # of one request: more would push one another out of the cache
    READ_SIZE = 65536               # bytes read from one client in a round
    TURN_SIZE = 262144              # bytes parsed of one client in a round, when it was blocked and has sent more
    SEND_SIZE = 1048576             # bytes sent to one client in a round, and perhaps one system call more
    VECTORS = 64                    # pieces of one system call

cdef class Exchange:
    cdef public Executor executor
    cdef readonly Py_ssize_t connection_count
    cdef list flush_list
    cdef list turn_list
    cdef Request batch[BATCH]
    cdef int batched
    cdef Running* running
    cdef list resolved_names        # of each slot below: keeps them alive, so that an address is a name
    cdef Resolved resolved[RESOLVED]
    cdef public bint interrupted            # asyncio has something to do
    cdef public long long received
    cdef public long long sent
    cdef public long long reads             # system calls that read something
    cdef public long long writes            # ... and that sent something
    cdef public long long rounds
    cdef public long long busy_nanoseconds
    cdef public long long longest_round
    cdef public long long query_limit
    cdef public list touched                # sessions that were read from or written to; None: nobody asks
    cdef public object after_round          # called when the replies of a round have left, or None

    cdef int finish_round(self, long long began) except -1
    cpdef object turn(self)
    cpdef object schedule(self)
    cdef int take_turns(self) except -1
    cdef int take(self, Connection connection, const char* data, Py_ssize_t length) except -1
    cdef int ended(self, Connection connection, bint in_order) except -1
    cdef int received_from(self, Connection connection, Py_ssize_t count) except -1
    cdef int parse(self, Connection connection, const char* data, Py_ssize_t length) except -1
    cdef int resolve(self, list argv, Request* request) except -1
    cdef int take_requests(
        self, Connection connection, const char* data, Py_ssize_t length, Py_ssize_t* position
    ) except -1
    cdef int enqueue(self, Connection connection, list argv) except -1
    cdef void prefetch(self, Request* request, bint entries) noexcept
    cdef int execute_batch(self) except -1
    cdef int execute_rest(self, Running* running) except -1
    cdef int execute_outer(self) except -1
    cdef int failed(self, Connection connection) except -1
    cdef int execute_one(self, Connection connection, object command, list argv) except -1
    cdef int flush(self) except -1
    cdef int drop(self, Connection connection) except -1
