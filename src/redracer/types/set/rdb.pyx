"""Sets in RDB files and DUMP payloads: an intset or a listpack as it is, or the members."""

from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memset

from redracer.core.element cimport Element, member_data, member_length
from redracer.core.intset cimport Intset, fill_intset, intset_size
from redracer.core.listpack cimport Listpack
from redracer.core.member_table cimport MemberTable
from redracer.core.packed_blocks cimport has_duplicates, read_listpack
from redracer.core.rdb_codec cimport RDB_SET, RDB_SET_INTSET, RDB_SET_LISTPACK, RdbCodec, is_type
from redracer.core.rdb_reader cimport RdbReader, RdbText, corrupt
from redracer.core.rdb_writer cimport RdbWriter
from redracer.core.table cimport TableIterator
from redracer.types.set.value cimport MemberWalk, SetLimits, add_buffer, as_table, next_member

from redracer.core.rdb_reader import EmptyValue

cdef enum:
    LISTPACK_VERSION = 11           # of the RDB format that has sets as listpacks


cdef class SetCodec(RdbCodec):
    """Values are Intsets, Listpacks and MemberTables."""

    reads = (RDB_SET, RDB_SET_INTSET, RDB_SET_LISTPACK)

    cdef int rdb_type(self, RdbWriter writer, PyObject* value) except -1:
        if is_type(value, Intset):
            return RDB_SET_INTSET
        if is_type(value, Listpack) and writer.version >= LISTPACK_VERSION:
            return RDB_SET_LISTPACK
        return RDB_SET

    cdef int write(self, RdbWriter writer, PyObject* value) except -1:
        if is_type(value, Intset):
            return writer.put_string((<Intset>value).data, intset_size(<Intset>value))
        if is_type(value, MemberTable):
            return write_table(writer, value)
        if writer.version >= LISTPACK_VERSION:
            return writer.put_string((<Listpack>value).data, (<Listpack>value).size_in_bytes())
        return write_members(writer, <Listpack>value)

    cdef object read(self, RdbReader reader, int rdb_type):
        cdef Intset integers
        cdef Listpack packed
        cdef RdbText text
        if rdb_type == RDB_SET:
            return read_members(reader)
        if rdb_type == RDB_SET_LISTPACK:
            packed = Listpack.__new__(Listpack)
            read_listpack(reader, packed, 1, "Set")
            if reader.sanitize and has_duplicates(packed, 1):
                raise corrupt(reader, "Set integrity check failed: listpack with dup elements")
            return as_table(packed) if packed.count() > reader.setting("set-max-listpack-entries") else packed
        integers = Intset.__new__(Intset)
        reader.read_text(&text)
        if not fill_intset(integers, <const unsigned char*>text.data, text.length):
            raise corrupt(reader, "Intset integrity check failed")
        if integers.count() == 0:
            raise EmptyValue("a set has no members")
        return as_table(integers) if integers.count() > reader.setting("set-max-intset-entries") else integers


cdef int write_table(RdbWriter writer, PyObject* value) except -1:
    cdef TableIterator walk
    cdef Element* element
    memset(&walk, 0, sizeof(walk))
    writer.put_length((<MemberTable>value).table.count)
    element = (<MemberTable>value).next_element(&walk)
    while element != NULL:
        writer.put_string(member_data(element), member_length(element))
        element = (<MemberTable>value).next_element(&walk)
    return 0


cdef int write_members(RdbWriter writer, Listpack packed) except -1:
    """A listpack for a version that has no sets of that form."""
    cdef MemberWalk walk
    memset(&walk, 0, sizeof(walk))
    writer.put_length(packed.count())
    while next_member(packed, &walk):
        writer.put_string(walk.data, walk.length)
    return 0


cdef object read_members(RdbReader reader):
    cdef RdbText text
    cdef bint added = False
    cdef uint64_t count = reader.read_count()
    cdef SetLimits limits = SetLimits.__new__(SetLimits)
    limits.integers = reader.setting("set-max-intset-entries")
    limits.entries = reader.setting("set-max-listpack-entries")
    limits.value = reader.setting("set-max-listpack-value")
    value = Intset() if count <= <uint64_t>limits.integers else MemberTable()
    while count:
        reader.read_text(&text)
        value = add_buffer(value, text.data, text.length, limits, &added)
        if not added:
            raise corrupt(reader, "Duplicate set members detected")
        count -= 1
    return value


CODEC = SetCodec()
