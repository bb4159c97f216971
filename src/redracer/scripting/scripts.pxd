from redracer.scripting.state cimport LuaState

cimport cython

cdef class Script:
    cdef public bytes body
    cdef public bytes sha1
    cdef public int function
    cdef public long long flags
    cdef public bint evaluated
    cdef public long long used

cdef class Scripts:
    cdef public object engine
    cdef public LuaState lua
    cdef public dict by_sha1
    cdef public dict by_body
    cdef public int evaluated           # scripts that may be evicted
    cdef public long long uses
    cdef public long long evicted
    cdef public long long text_bytes

    @cython.locals(script=Script)
    cpdef Script evaluate(self, bytes body)
    @cython.locals(script=Script)
    cpdef Script find(self, bytes sha1)
