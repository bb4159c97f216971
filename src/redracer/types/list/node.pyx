"""The nodes of quicklists: making them, and compressing their data.

A node is compressed only where LZF gains something. Its data is then a bytes object, as a plain item is; both are
never written to, so that copies of a list share them.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF

from redracer.core.entry cimport bytes_data, bytes_length, bytes_size
from redracer.core.listpack cimport Listpack
from redracer.core.lzf cimport compress_into, decompress_into
from redracer.core.memory cimport allocate, count_bytes, release

cdef enum:
    COMPRESSED_FROM = 48            # bytes: smaller nodes are not worth compressing
    COMPRESSION_GAIN = 8            # bytes that compression must save


cdef Node* new_node(object data, size_t count, bint plain) except NULL:
    """A node that is in no chain yet, with a new reference to `data`."""
    cdef Node* node = <Node*>allocate(sizeof(Node))
    node.previous = node.next = NULL
    node.data = NULL
    node.size = 0
    node.count = count
    node.plain = plain
    node.compressed = False
    set_data(node, data)
    return node


cdef void set_data(Node* node, object data) noexcept:
    """Exchanges the node's data. Bytes objects are counted here; a listpack counts itself."""
    cdef PyObject* old = node.data
    Py_INCREF(data)
    node.data = <PyObject*>data
    if type(data) is bytes:
        count_bytes(bytes_size(node.data))
    drop_data(old)


cdef inline void drop_data(PyObject* data) noexcept:
    if data == NULL:
        return
    if type(<object>data) is bytes:
        count_bytes(-<Py_ssize_t>bytes_size(data))
    Py_DECREF(<object>data)


cdef void free_node(Node* node) noexcept:
    drop_data(node.data)
    release(node, sizeof(Node))


cdef object decompressed(Node* node):
    """A compressed node's listpack or item, as a new object."""
    cdef bytes data = PyBytes_FromStringAndSize(NULL, node.size)
    if not decompress_into(
        <const unsigned char*>bytes_data(node.data), bytes_length(node.data),
        <unsigned char*>PyBytes_AS_STRING(data), node.size,
    ):
        raise RuntimeError("a compressed node of a list is damaged")
    return data if node.plain else Listpack.from_bytes(data)


cdef int expand(Node* node) except -1:
    """Decompresses the node in place, if it is compressed."""
    if node.compressed:
        set_data(node, decompressed(node))
        node.compressed = False
    return 0


cdef int compress(Node* node) except -1:
    """Compresses the node if it is not compressed and that saves enough."""
    cdef bytes room
    cdef Py_ssize_t size = size_of(node)
    cdef Py_ssize_t length
    cdef const unsigned char* source
    if node.compressed or size < COMPRESSED_FROM:
        return 0
    if node.plain:
        source = <const unsigned char*>bytes_data(node.data)
    else:
        packed = packed_in(node)
        source = packed.data
    room = PyBytes_FromStringAndSize(NULL, size - COMPRESSION_GAIN)
    length = compress_into(source, size, <unsigned char*>PyBytes_AS_STRING(room), size - COMPRESSION_GAIN)
    if length > 0:
        set_data(node, room[:length])
        node.size = size
        node.compressed = True
    return 0
