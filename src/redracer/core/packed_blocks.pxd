"""Collections that are one string in RDB files, as listpacks. packed_blocks.pyx has their formats."""

from redracer.core.listpack cimport Listpack
from redracer.core.rdb_reader cimport RdbReader

cdef int read_listpack(RdbReader reader, Listpack packed, size_t width, str kind) except -1
cdef int read_ziplist(RdbReader reader, Listpack packed, size_t width, str kind) except -1
cdef int read_zipmap(RdbReader reader, Listpack packed) except -1
cdef bint has_duplicates(Listpack packed, size_t width) except -1
