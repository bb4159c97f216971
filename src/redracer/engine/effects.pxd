cimport cython

cdef class Feed:
    cpdef object feed(self, list units)
    cpdef object feed_alone(self, int database, list argv)

cdef class Effects:
    cdef public long long dirty
    cdef public bint observed
    cdef public list feeds
    cdef public list observers
    cdef public list pending
    cdef readonly int held

    cpdef object add_feed(self, Feed feed)
    cpdef object remove_feed(self, object feed)
    cpdef object observe(self, object observer)
    cpdef object stop_observing(self, object observer)
    cpdef object key_changed(self, int database, bytes key, str event)
    cpdef object key_event(self, int database, bytes key, str event)
    cpdef object propagate(self, int database, list argv)
    @cython.locals(feed=Feed)
    cpdef object propagate_alone(self, int database, list argv)
    cpdef object hold(self)
    cpdef object release(self)
    cpdef object flush(self, bint apart=*)
    @cython.locals(feed=Feed)
    cdef object _feed(self, list units)
