"""What the network and the engine share about one client, and what they ask of one another.

The network knows a Session (what to read into, what to send) and an Executor (who executes requests);
the engine knows a Session's Transport (how to have it flushed, resumed or closed). Neither imports the
other, so that a TCP connection, a TLS connection, the embedded store and a test are all the same to the
engine, and the engine may be compiled or not.
"""

cimport cython


cdef class Transport:
    """How the engine reaches the connection behind a session outside the session's turn."""

    cpdef object wake(self):
        """There is something in `session.out` to be sent."""

    cpdef object resume(self):
        """The session is no longer BLOCKED: execute what it has sent meanwhile."""

    cpdef object close(self):
        """Close at once, dropping what was not sent."""


cdef class Session:
    """The shared state of one client; the engine's Client extends it.

    `output_limit` is the number of pending bytes from which `Executor.check_output` is called. The executor may
    set `over_limit`, to be called after everything that is sent, until it takes that back.
    """

    def __init__(self, RequestParser parser not None, Transport transport=None):
        self.out = ReplyBuffer()
        self.parser = parser
        self.transport = transport
        self.resp = 2
        self.output_limit = (<long long>1) << 62

    cdef bint refill(self) except -1:
        """Everything in `out` has been sent: whether there is more now (what is too long to be in `out` at once)."""
        return self.source is not None and self.source()


cdef class Executor:
    """Who executes requests. The network calls, in this order in each round: `begin`; for each request
    `resolve` and `execute`; `before_sending`; then it sends what is in the sessions' buffers."""

    cpdef object begin(self):
        """A round of execution starts: decide what time it is, and set `now`."""

    cpdef object resolve(self, list argv):
        """The command that argv names, in the form that `execute` takes, or None. The executor keeps its commands
        as long as it lives; the network keeps no reference of its own."""
        raise NotImplementedError

    cpdef tuple key_range(self, object command):
        """(first, last, step) of the command's key arguments, for fetching their memory ahead; 0 for no keys,
        negative `last` counts from the end. None if the first argument alone does not name the command."""
        return None

    cpdef object execute(self, Session session, object command, list argv):
        """Executes one request and writes its reply, if any, to the session. Never raises."""
        raise NotImplementedError

    cpdef object refuse(self, Session session, bytes text):
        """The peer broke the protocol: write the error, and have the session closed after it."""
        raise NotImplementedError

    cpdef object check_output(self, Session session):
        """The session's pending output has passed its `output_limit`, or may have fallen below it again."""

    cpdef object query_exceeded(self, Session session):
        """The session's unfinished request has passed the limit; it is closed after this call."""

    cpdef object before_sending(self):
        """All requests of this round are executed and no reply has left yet."""

    cpdef object closed(self, Session session):
        """The session's connection is gone."""


globals()["BLOCKED"] = BLOCKED
globals()["CLOSE_AFTER_REPLY"] = CLOSE_AFTER_REPLY
globals()["CLOSED"] = CLOSED
