cimport cython

from redracer.core.clock cimport Clock
from redracer.engine.feed_buffer cimport FeedBuffer

@cython.final
cdef class AppendBuffer(FeedBuffer):
    cdef Clock clock
    cdef public bint timestamps         # annotate the file with the time, once a second
    cdef public long long annotated     # Unix time in s of the last annotation
