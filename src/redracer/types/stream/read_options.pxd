cimport cython

from redracer.engine.context cimport Context


cdef class ReadOptions:
    cdef public object timeout
    cdef public long long count
    cdef public bytes group
    cdef public bytes consumer
    cdef public bint acknowledged
    cdef public Py_ssize_t first_key
    cdef public Py_ssize_t first_id

    @cython.locals(at=Py_ssize_t, more=Py_ssize_t, word=bytes)
    cdef object _read(self, Context ctx, list args, bint groups)
    cdef object _read_streams(self, list args, Py_ssize_t first_key, bint groups)
