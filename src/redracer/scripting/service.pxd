from redracer.scripting.invocation cimport Invocation
from redracer.scripting.scripts cimport Script, Scripts

cimport cython

cdef class Scripting:
    cdef public object engine
    cdef public Invocation invocation
    cdef public Scripts scripts
    cdef public object functions

    @cython.locals(script=Script)
    cpdef object evaluate(self, list args, Py_ssize_t keys_end, long long flags)
    @cython.locals(script=Script)
    cpdef object evaluate_sha(self, list args, Py_ssize_t keys_end, long long flags)
