from redracer.net.exchange cimport READ_SIZE, SEND_SIZE, VECTORS, Connection, Exchange

cdef class StreamConnection(Connection):
    cdef object stream              # asyncio's transport; None once the connection is dropped
    cdef bint writable              # asyncio's own buffer has room

    cdef bytes next_piece(self)
