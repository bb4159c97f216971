# Who waits is asked with every change while anyone does, so the module is compiled; it also runs uncompiled.
cimport cython


cdef class Waiter:
    cdef public object client
    cdef public object command
    cdef public list argv
    cdef public list keys
    cdef public int type
    cdef public long long deadline
    cdef public object timeout_reply
    cdef public int database


cdef class Blocking:
    cdef public object engine
    cdef public dict waiters
    cdef public dict queues
    cdef public set ready
    cdef public Waiter resuming
    cdef public list deadlines
    cdef public Py_ssize_t stale_deadlines
    cdef public long long sequence
    cdef public long long timer_at
    cdef public object timer

    cpdef object key_changed(self, int database, bytes key, str event)
    cdef object _make_ready(self, tuple place)
    cpdef object serve(self)
    @cython.locals(type=int)
    cdef object _serve_key(self, tuple place)
    cdef int _type_of(self, tuple place) except? -2
    @cython.locals(reply=object)
    cdef object _call_again(self, Waiter waiter)
    cdef object _finish(self, Waiter waiter, object reply)
    @cython.locals(waiter=Waiter)
    cpdef object forget(self, object client)
    cdef object _leave_queue(self, tuple place, Waiter waiter)
    cdef object _give_up(self, Waiter waiter, object reply)
    @cython.locals(waiter=Waiter)
    cpdef object expire_deadlines(self)
    cdef object _drop_deadlines(self)
    cdef object _set_timer(self)
