"""Hashes in RDB files and DUMP payloads: a listpack as it is, or the fields and their values.

Where fields expire, the earliest expiry comes first. A listpack's own expiries are times in ms; before a field of a table
there is a length that is 0 for never, else its expiry after the earliest one, plus 1 (in the release candidates of 7.4: the
expiry itself, and no earliest one). Older forms are zipmaps and ziplists.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport INT64_MAX, int64_t, uint64_t
from libc.string cimport memset

from redracer.core.element cimport Element, element_expiry, member_data, member_length, value_data, value_length
from redracer.core.listpack cimport Listpack, ListpackValue
from redracer.core.member_table cimport FieldTable
from redracer.core.packed_blocks cimport has_duplicates, read_listpack, read_ziplist, read_zipmap
from redracer.core.rdb_codec cimport (
    RDB_HASH, RDB_HASH_LISTPACK, RDB_HASH_LISTPACK_EX, RDB_HASH_LISTPACK_EX_PRE_GA, RDB_HASH_METADATA,
    RDB_HASH_METADATA_PRE_GA, RDB_HASH_ZIPLIST, RDB_HASH_ZIPMAP, RdbCodec, is_type,
)
from redracer.core.rdb_reader cimport RdbReader, corrupt
from redracer.core.rdb_writer cimport RdbWriter
from redracer.core.table cimport TableIterator
from redracer.types.hash.value cimport ExpiringListpack, as_table, insert_field, next_expiry, place_for

from redracer.core.rdb_writer import NotInVersion

cdef enum:
    EXPIRY_VERSION = 12             # of the RDB format that has expiries of fields
    NEVER = 0                       # as an expiry in a listpack
    PAIR = 2                        # entries of a field in a listpack
    TRIPLE = 3


cdef class HashCodec(RdbCodec):
    """Values are Listpacks, ExpiringListpacks and FieldTables."""

    reads = (
        RDB_HASH, RDB_HASH_ZIPMAP, RDB_HASH_ZIPLIST, RDB_HASH_LISTPACK, RDB_HASH_METADATA_PRE_GA,
        RDB_HASH_LISTPACK_EX_PRE_GA, RDB_HASH_METADATA, RDB_HASH_LISTPACK_EX,
    )

    cdef int rdb_type(self, RdbWriter writer, PyObject* value) except -1:
        if is_type(value, Listpack):
            return RDB_HASH_LISTPACK
        if earliest(value) >= 0 and writer.version < EXPIRY_VERSION:
            raise NotInVersion("fields of a hash expire, which the older version of the format does not have")
        if is_type(value, FieldTable):
            return RDB_HASH_METADATA if earliest(value) >= 0 else RDB_HASH
        return RDB_HASH_LISTPACK_EX if writer.version >= EXPIRY_VERSION else RDB_HASH

    cdef int write(self, RdbWriter writer, PyObject* value) except -1:
        if is_type(value, FieldTable):
            return write_table(writer, value)
        if is_type(value, ExpiringListpack):
            if writer.version < EXPIRY_VERSION:
                return write_fields(writer, <ExpiringListpack>value)
            writer.put_milliseconds(max(earliest(value), <int64_t>0))
        return writer.put_string((<Listpack>value).data, (<Listpack>value).size_in_bytes())

    cdef object read(self, RdbReader reader, int rdb_type):
        if rdb_type == RDB_HASH:
            return read_fields(reader)
        if rdb_type == RDB_HASH_METADATA or rdb_type == RDB_HASH_METADATA_PRE_GA:
            return read_expiring_fields(reader, reader.read_milliseconds() if rdb_type == RDB_HASH_METADATA else 1)
        if rdb_type == RDB_HASH_LISTPACK_EX or rdb_type == RDB_HASH_LISTPACK_EX_PRE_GA:
            if rdb_type == RDB_HASH_LISTPACK_EX:
                reader.read_milliseconds()
            return read_expiring_listpack(reader)
        return read_packed(reader, rdb_type)


# --- writing

cdef int64_t earliest(PyObject* value) except? -2:
    """The earliest expiry of the fields of a hash that can have some; negative without any."""
    if is_type(value, FieldTable):
        return (<FieldTable>value).next_expiry()
    return next_expiry(<ExpiringListpack>value)


cdef int write_table(RdbWriter writer, PyObject* value) except -1:
    cdef TableIterator walk
    cdef Element* element
    cdef int64_t expiry
    cdef int64_t first = earliest(value)
    memset(&walk, 0, sizeof(walk))
    if first >= 0:
        writer.put_milliseconds(first)
    writer.put_length((<FieldTable>value).table.count)
    element = (<FieldTable>value).next_element(&walk)
    while element != NULL:
        if first >= 0:
            expiry = element_expiry(element)
            writer.put_length(<uint64_t>(expiry - first) + 1 if expiry >= 0 else 0)
        writer.put_string(member_data(element), member_length(element))
        writer.put_string(value_data(element), value_length(element))
        element = (<FieldTable>value).next_element(&walk)
    return 0


cdef int write_fields(RdbWriter writer, ExpiringListpack packed) except -1:
    """Triples without any expiry, for a version that has none."""
    cdef size_t position = packed.first()
    cdef bytes part
    writer.put_length(packed.count() // TRIPLE)
    while position:
        for _ in range(PAIR):
            part = packed.value_at(position)
            writer.put_string(PyBytes_AS_STRING(part), PyBytes_GET_SIZE(part))
            position = packed.next(position)
        position = packed.next(position)
    return 0


# --- reading

cdef object read_packed(RdbReader reader, int rdb_type):
    cdef Listpack packed = Listpack.__new__(Listpack)
    if rdb_type == RDB_HASH_LISTPACK:
        read_listpack(reader, packed, PAIR, "Hash")
    elif rdb_type == RDB_HASH_ZIPLIST:
        read_ziplist(reader, packed, PAIR, "Hash")
    else:
        read_zipmap(reader, packed)
        if longest_entry(packed) > <size_t>reader.setting("hash-max-listpack-value"):
            return as_table(packed)         # a zipmap's own limits were others
    return within_limits(reader, packed, PAIR)


cdef size_t longest_entry(Listpack packed) except? 0:
    """The bytes of the longest entry that is no integer."""
    cdef ListpackValue value
    cdef size_t position = packed.first()
    cdef size_t longest = 0
    while position:
        packed.read(position, &value)
        if value.data != NULL:
            longest = max(longest, value.length)
        position = packed.next(position)
    return longest


cdef object within_limits(RdbReader reader, Listpack packed, size_t width):
    """The hash in the form that its size asks for."""
    if reader.sanitize and has_duplicates(packed, width):
        raise corrupt(reader, "Hash integrity check failed: listpack with dup elements")
    if packed.count() // <Py_ssize_t>width > reader.setting("hash-max-listpack-entries"):
        return as_table(packed)
    return packed


cdef object read_expiring_listpack(RdbReader reader):
    cdef ExpiringListpack packed = ExpiringListpack.__new__(ExpiringListpack)
    cdef size_t position
    cdef int64_t expiry
    cdef int64_t before = 0
    read_listpack(reader, packed, TRIPLE, "Hash")
    position = packed.first()
    while position:
        position = packed.next(packed.next(position))
        if not packed.integer_at(position, &expiry) or expiry < 0:
            raise corrupt(reader, "Hash integrity check failed: an expiry is no time")
        if expiry == NEVER:
            expiry = INT64_MAX
        if expiry < before:
            raise corrupt(reader, "Hash integrity check failed: the fields are not in the order of their expiries")
        before = expiry
        position = packed.next(position)
    return within_limits(reader, packed, TRIPLE)


cdef object read_fields(RdbReader reader):
    cdef uint64_t count = reader.read_count()
    cdef Py_ssize_t longest = reader.setting("hash-max-listpack-value")
    cdef Listpack packed = Listpack.__new__(Listpack)
    cdef FieldTable table = None
    cdef bytes field, content
    if count > <uint64_t>reader.setting("hash-max-listpack-entries"):
        table = FieldTable()
    while count:
        field = reader.read_string()
        content = reader.read_string()
        if table is None and not fits(packed, field, content, longest):
            table = as_table(packed)
        if table is not None:
            if not table.set(field, content):
                raise corrupt(reader, "Duplicate hash fields detected")
        else:
            packed.append(field)
            packed.append(content)
        count -= 1
    if table is not None:
        return table
    return within_limits(reader, packed, PAIR)


cdef inline bint fits(Listpack packed, bytes field, bytes content, Py_ssize_t longest) noexcept:
    return (
        PyBytes_GET_SIZE(field) <= longest and PyBytes_GET_SIZE(content) <= longest
        and packed.has_room(PyBytes_GET_SIZE(field) + PyBytes_GET_SIZE(content))
    )


cdef object read_expiring_fields(RdbReader reader, int64_t first):
    """`first`: the expiry that is written as 1."""
    cdef uint64_t count = reader.read_count()
    cdef Py_ssize_t longest = reader.setting("hash-max-listpack-value")
    cdef ExpiringListpack packed = ExpiringListpack.__new__(ExpiringListpack)
    cdef FieldTable table = None
    cdef int64_t expiry
    cdef bytes field, content
    if count > <uint64_t>reader.setting("hash-max-listpack-entries"):
        table = FieldTable()
    while count:
        expiry = read_expiry(reader, first)
        field = reader.read_string()
        content = reader.read_string()
        if table is None and not fits(packed, field, content, longest):
            table = as_table(packed)
        if table is None:
            insert_field(
                packed, place_for(packed, expiry), PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field),
                PyBytes_AS_STRING(content), PyBytes_GET_SIZE(content), expiry,
            )
        elif not table.set(field, content):
            raise corrupt(reader, "Duplicate hash fields detected")
        elif expiry != NEVER:
            table.set_expiry(field, expiry)
        count -= 1
    if table is not None:
        return table
    return within_limits(reader, packed, TRIPLE)


cdef int64_t read_expiry(RdbReader reader, int64_t first) except? -1:
    """The expiry of a field, or NEVER."""
    cdef uint64_t after = reader.read_length()
    if after == 0:
        return NEVER
    if first < 0 or after > <uint64_t>(INT64_MAX - first):
        raise corrupt(reader, "an expiry is beyond the end of time")
    return first + <int64_t>(after - 1)


CODEC = HashCodec()
