from redracer.engine.client cimport Client
from redracer.engine.context cimport Context
from redracer.engine.dispatch cimport Dispatcher
from redracer.engine.registry cimport Command
from redracer.persistence.command_reader cimport CommandReader

cimport cython

cdef class Replay:
    cdef public CommandReader reader
    cdef public object file_name
    cdef public long long valid
    cdef object engine
    cdef Context context
    cdef Dispatcher dispatcher
    cdef Client client
    cdef list queue

    @cython.locals(argv=list, command=Command)
    cpdef bint run(self, long long limit) except -1
    cdef object handle(self, Command command, list argv)
    cdef object call(self, Command command, list argv)
