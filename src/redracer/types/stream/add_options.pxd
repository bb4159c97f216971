cimport cython

from redracer.engine.context cimport Context
from redracer.types.stream.limits cimport limits_of
from redracer.types.stream.stream_id cimport StreamId
from redracer.types.stream.value cimport Stream


cdef class AddOptions:
    cdef public long long max_length
    cdef public StreamId minimum
    cdef public bint approximate
    cdef public long long limit
    cdef public int policy
    cdef public bint creates
    cdef public bint trims
    cdef public Py_ssize_t threshold_at
    cdef public StreamId id
    cdef public bint sequence_given
    cdef public Py_ssize_t id_at
    cdef public list limits_at

    @cython.locals(at=Py_ssize_t, has_value=bint, word=bytes)
    cdef object _read(self, list args, bint adds)
    cdef Py_ssize_t _read_threshold(self, list args, Py_ssize_t at, bytes word) except -1
    cdef object _check(self, bint adds, bint obeys)
    @cython.locals(limit="long long")
    cdef object _set_limit(self, Context ctx, bint obeys)
    cpdef long long trim(self, Stream stream) except -1
    cpdef list exact(self, list args, Stream stream, bytes added)
