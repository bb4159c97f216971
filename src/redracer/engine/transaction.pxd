from redracer.engine.registry cimport Command

cimport cython


cdef class Transaction:
    cdef public list commands
    cdef public list requests
    cdef public long long flags
    cdef public long long lacking
    cdef public bint failed
    cdef Py_ssize_t measured
    cdef Py_ssize_t measured_bytes

    @cython.locals(flags=cython.longlong)
    cpdef object add(self, Command command, list argv)
