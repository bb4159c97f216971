"""Lists in RDB files and DUMP payloads: the number of nodes, and for each what it is and its listpack or item.

Older forms are the items themselves, one ziplist, and nodes that are ziplists. A list of one node that is within the
limits of a listpack is read as one.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t

from redracer.core.entry cimport bytes_data, bytes_length
from redracer.core.listpack cimport Listpack
from redracer.core.packed_blocks cimport read_listpack, read_ziplist
from redracer.core.rdb_codec cimport (
    RDB_LIST, RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2, RDB_LIST_ZIPLIST, RdbCodec, is_type,
)
from redracer.core.rdb_reader cimport RdbReader, RdbText, corrupt
from redracer.core.rdb_writer cimport RdbWriter
from redracer.types.list.node cimport Node, byte_limit, count_limit
from redracer.types.list.quicklist cimport Quicklist, append_plain
from redracer.types.list.value cimport ListpackList

from redracer.core.rdb_reader import EmptyValue

cdef enum:
    PLAIN = 1                       # what a node is
    PACKED = 2


cdef class ListCodec(RdbCodec):
    """Values are ListpackLists and Quicklists."""

    reads = (RDB_LIST, RDB_LIST_ZIPLIST, RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2)

    cdef int rdb_type(self, RdbWriter writer, PyObject* value) except -1:
        return RDB_LIST_QUICKLIST_2

    cdef int write(self, RdbWriter writer, PyObject* value) except -1:
        cdef Node* node
        if is_type(value, ListpackList):
            writer.put_length(1)
            writer.put_length(PACKED)
            return writer.put_string((<Listpack>value).data, (<Listpack>value).size_in_bytes())
        writer.put_length((<Quicklist>value).node_count)
        node = (<Quicklist>value).head
        while node != NULL:
            write_node(writer, node)
            node = node.next
        return 0

    cdef object read(self, RdbReader reader, int rdb_type):
        cdef Quicklist large = Quicklist.__new__(
            Quicklist, reader.settings["list-max-listpack-size"], reader.settings["list-compress-depth"]
        )
        cdef uint64_t count = 1 if rdb_type == RDB_LIST_ZIPLIST else reader.read_count()
        while count:
            if rdb_type == RDB_LIST:
                large.push(reader.read_string(), False)
            elif rdb_type != RDB_LIST_QUICKLIST_2:
                read_packed(reader, large, True)
            else:
                read_node(reader, large)
            count -= 1
        if large.count == 0:
            raise EmptyValue("a list has no items")
        return smallest(large)


cdef int write_node(RdbWriter writer, const Node* node) except -1:
    writer.put_length(PLAIN if node.plain else PACKED)
    if node.compressed:
        return writer.put_compressed(bytes_data(node.data), bytes_length(node.data), node.size)
    if node.plain:
        return writer.put_string(bytes_data(node.data), bytes_length(node.data))
    return writer.put_string((<Listpack>node.data).data, (<Listpack>node.data).size_in_bytes())


cdef int read_node(RdbReader reader, Quicklist large) except -1:
    cdef RdbText text
    cdef uint64_t kind = reader.read_length()
    if kind == PACKED:
        return read_packed(reader, large, False)
    if kind != PLAIN:
        raise corrupt(reader, "Quicklist integrity check failed: a node is neither plain nor packed")
    reader.read_text(&text)
    if text.length == 0:
        raise corrupt(reader, "Quicklist integrity check failed: a plain node is empty")
    return append_plain(large, PyBytes_FromStringAndSize(text.data, text.length))


cdef int read_packed(RdbReader reader, Quicklist large, bint is_ziplist) except -1:
    """Reads a listpack as the last node. One without items is passed over: Redis 3.2 to 6.2 could write such."""
    cdef Listpack packed = Listpack.__new__(Listpack)
    try:
        if is_ziplist:
            read_ziplist(reader, packed, 1, "List")
        else:
            read_listpack(reader, packed, 1, "List")
    except EmptyValue:
        return 0
    return large.append_listpack(packed)


cdef object smallest(Quicklist large):
    """The list in the form that commands give one of its size: as a listpack if it is one node within the limits."""
    cdef ListpackList small
    cdef Listpack packed = large.only_listpack()
    if packed is None or packed.size_in_bytes() > byte_limit(large.size_limit) or (
        <size_t>large.count > count_limit(large.size_limit)
    ):
        return large
    small = ListpackList.__new__(ListpackList)
    small.data, packed.data = packed.data, small.data
    return small


CODEC = ListCodec()
