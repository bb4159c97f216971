"""The nodes of quicklists: their limits, their data, their compression. node.pyx has the rest."""

from cpython.object cimport PyObject
from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t

from redracer.core.entry cimport bytes_length
from redracer.core.listpack cimport Listpack

cdef enum:
    LARGEST_SIZE_CLASS = 5          # -5: 64 KB
    SMALLEST_CLASS_BYTES = 4096     # of size class -1; each further one has twice as many
    COUNTED_BYTES = 8192            # most bytes of a node whose limit is a number of items

cdef struct Node:
    Node* previous
    Node* next
    PyObject* data                  # a reference the node owns: a Listpack, a plain item's bytes, or compressed bytes
    size_t size                     # bytes before compression; only while compressed
    uint32_t count                  # items
    uint8_t plain                   # one large item, as it is
    uint8_t compressed              # data is LZF's, of the item or of the listpack's block


# --- limits: the value of list-max-listpack-size

cdef inline size_t byte_limit(int size_limit) noexcept:
    """The most bytes of a listpack under a limit; for one that counts items, more than any has."""
    if size_limit >= 0:
        return <size_t>-1
    return <size_t>SMALLEST_CLASS_BYTES << (min(-size_limit, <int>LARGEST_SIZE_CLASS) - 1)


cdef inline size_t count_limit(int size_limit) noexcept:
    """The most items of a listpack under a limit; for one in bytes, more than any has."""
    return UINT32_MAX if size_limit < 0 else max(size_limit, 1)


cdef inline size_t most_bytes(int size_limit) noexcept:
    """The most bytes of a node, whatever its limit counts."""
    return byte_limit(size_limit) if size_limit < 0 else <size_t>COUNTED_BYTES


cdef inline bint exceeds_limit(int size_limit, size_t size, size_t count) noexcept:
    """Whether a listpack of that many bytes and items is over the limit."""
    return size > most_bytes(size_limit) or count > count_limit(size_limit)


# --- data

cdef inline Listpack packed_in(Node* node):
    """The listpack of a node that is neither plain nor compressed; TypeError for another."""
    return <Listpack?><object>node.data


cdef inline bytes item_in(Node* node):
    """The item of a plain node that is not compressed; TypeError for another."""
    return <bytes?><object>node.data


cdef inline size_t size_of(Node* node):
    """The bytes of the node's listpack or item, before compression."""
    if node.compressed:
        return node.size
    return bytes_length(node.data) if node.plain else packed_in(node).size_in_bytes()


cdef inline const void* address_of(Node* node) noexcept:
    """Where in memory the node's listpack or bytes lie."""
    if node.plain or node.compressed:
        return node.data
    packed = packed_in(node)
    return packed.data


cdef inline object content(Node* node):
    """The node's listpack, or the item of a plain one, to be read only."""
    return decompressed(node) if node.compressed else <object>node.data


cdef inline Listpack writable(Node* node):
    """The listpack of a node that is not plain, to be changed."""
    if node.compressed:
        expand(node)
    return packed_in(node)


cdef Node* new_node(object data, size_t count, bint plain) except NULL
cdef void set_data(Node* node, object data) noexcept
cdef void free_node(Node* node) noexcept
cdef object decompressed(Node* node)
cdef int expand(Node* node) except -1
cdef int compress(Node* node) except -1
