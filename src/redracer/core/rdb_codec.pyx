"""How the values of a type are written in RDB files and DUMP payloads: what a type's package implements.

`write` takes a borrowed pointer in place of an object: it is called for every value of a snapshot in a forked child, where
a changed reference count would copy the value's page.
"""

from cpython.object cimport PyObject

from redracer.core.rdb_reader cimport RdbReader
from redracer.core.rdb_writer cimport RdbWriter


cdef class RdbCodec:
    """rdb_codec.pyi has the contract. Subclasses implement `rdb_type`, `write` and `read`."""

    cdef int rdb_type(self, RdbWriter writer, PyObject* value) except -1:
        raise NotImplementedError

    cdef int write(self, RdbWriter writer, PyObject* value) except -1:
        raise NotImplementedError

    cdef object read(self, RdbReader reader, int rdb_type):
        raise NotImplementedError

    def type_of(self, RdbWriter writer not None, object value):
        return self.rdb_type(writer, <PyObject*>value)

    def save(self, RdbWriter writer not None, object value):
        self.write(writer, <PyObject*>value)

    def load(self, RdbReader reader not None, int rdb_type):
        if rdb_type not in self.reads:
            raise ValueError("a value of another type")
        return self.read(reader, rdb_type)
