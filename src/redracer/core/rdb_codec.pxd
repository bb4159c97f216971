"""How the values of a type are written in RDB files and DUMP payloads. rdb_codec.pyx has the contracts."""

from cpython.object cimport PyObject

from redracer.core.rdb_reader cimport RdbReader
from redracer.core.rdb_writer cimport RdbWriter

cdef enum:                          # what is before a value; the comment says which Redis brought it
    RDB_STRING = 0
    RDB_LIST = 1
    RDB_SET = 2
    RDB_ZSET = 3
    RDB_HASH = 4
    RDB_ZSET_2 = 5                  # 4.0
    RDB_HASH_ZIPMAP = 9
    RDB_LIST_ZIPLIST = 10
    RDB_SET_INTSET = 11
    RDB_ZSET_ZIPLIST = 12
    RDB_HASH_ZIPLIST = 13
    RDB_LIST_QUICKLIST = 14         # 3.2
    RDB_STREAM_LISTPACKS = 15       # 5.0
    RDB_HASH_LISTPACK = 16          # 7.0, as the next three
    RDB_ZSET_LISTPACK = 17
    RDB_LIST_QUICKLIST_2 = 18
    RDB_STREAM_LISTPACKS_2 = 19
    RDB_SET_LISTPACK = 20           # 7.2 (version 11), as the next
    RDB_STREAM_LISTPACKS_3 = 21
    RDB_HASH_METADATA_PRE_GA = 22   # release candidates of 7.4
    RDB_HASH_LISTPACK_EX_PRE_GA = 23
    RDB_HASH_METADATA = 24          # 7.4 (version 12), as the next
    RDB_HASH_LISTPACK_EX = 25
    RDB_TYPE_COUNT = 26


cdef class RdbCodec:
    cdef int rdb_type(self, RdbWriter writer, PyObject* value) except -1
    cdef int write(self, RdbWriter writer, PyObject* value) except -1
    cdef object read(self, RdbReader reader, int rdb_type)


cdef inline bint is_type(PyObject* value, type kind) noexcept:
    """Whether a borrowed value is of that very class. Touches no reference count of it."""
    return <PyObject*>value.ob_type == <PyObject*>kind
