# Dispatch reads these fields for every command, so they are C fields.


cdef class Command:
    cdef public bytes name
    cdef public object handler
    cdef public int arity
    cdef public long long flags
    cdef public long long acl_categories
    cdef public int first_key
    cdef public int last_key
    cdef public int key_step
    cdef public tuple key_specs
    cdef public object key_function
    cdef public object channels
    cdef public object find_secrets
    cdef public object flags_of
    cdef public dict subcommands
    cdef public Command parent
    cdef public object documentation
    # Statistics, kept by dispatch.
    cdef public long long calls
    cdef public long long nanoseconds
    cdef public long long rejected_calls
    cdef public long long failed_calls
    cdef public object latency_histogram

    cpdef long long request_flags(self, list args) except? -1
    cpdef bint accepts(self, Py_ssize_t argument_count)
