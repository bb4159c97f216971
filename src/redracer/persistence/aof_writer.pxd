cimport cython

from redracer.engine.timing cimport monotonic_nanoseconds
from redracer.persistence.append_buffer cimport AppendBuffer

cdef class AofWriter:
    cdef public AppendBuffer buffer
    cdef public object syncer
    cdef public object child
    cdef public object on_status
    cdef public object on_slow
    cdef public int descriptor
    cdef public long long end
    cdef public long long position
    cdef public long long requested
    cdef public long long synced
    cdef public long long current_size
    cdef public int policy
    cdef public bint spare_disk_in_rewrite
    cdef public long long delayed_syncs
    cdef public int write_error
    cdef public bint postponed
    cdef public double delay
    cdef long long postponed_since
    cdef long long last_sync
    cdef long long next_complaint

    cpdef object before_replies(self)
    cpdef object flush(self, bint force=*)
    cdef bint _waits_for_sync(self)
    @cython.locals(length=cython.longlong, written=cython.longlong, began=cython.longlong, elapsed=cython.longlong)
    cdef bint _write(self)
    @cython.locals(now=cython.longlong)
    cdef object _sync(self)
    @cython.locals(began=cython.longlong)
    cdef object _sync_now(self)
