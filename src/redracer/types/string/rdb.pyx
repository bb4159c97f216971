"""Strings in RDB files and DUMP payloads."""

from cpython.object cimport PyObject

from redracer.core.entry cimport bytes_data, bytes_length
from redracer.core.rdb_codec cimport RDB_STRING, RdbCodec
from redracer.core.rdb_reader cimport RdbReader
from redracer.core.rdb_writer cimport RdbWriter


cdef class StringCodec(RdbCodec):
    """Values are bytes objects."""

    reads = (RDB_STRING,)

    cdef int rdb_type(self, RdbWriter writer, PyObject* value) except -1:
        return RDB_STRING

    cdef int write(self, RdbWriter writer, PyObject* value) except -1:
        return writer.put_string(bytes_data(value), bytes_length(value))

    cdef object read(self, RdbReader reader, int rdb_type):
        return reader.read_string()


CODEC = StringCodec()
