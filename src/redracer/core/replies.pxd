cdef class Status:
    cdef readonly bytes text

cdef class Error:
    cdef readonly bytes text

cdef class Double:
    cdef readonly double value
    cdef readonly bytes text

cdef class Map:
    cdef readonly list items

cdef class Set:
    cdef readonly list items

cdef class Push:
    cdef readonly list items

cdef class Several:
    cdef readonly list items

cdef class Attributed:
    cdef readonly list attributes
    cdef readonly object value

cdef class BigNumber:
    cdef readonly bytes digits

cdef class Verbatim:
    cdef readonly bytes format
    cdef readonly bytes text

cdef class Sentinel:
    cdef readonly str name

cdef Status OK
cdef Sentinel NULL_ARRAY
cdef Sentinel NO_REPLY
