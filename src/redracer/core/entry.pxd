"""The layout of a key's one allocation, and the accessors of its parts.

    Entry (8 bytes) | expiry (8, optional) | word (8, unless the value is inline) | key bytes | inline value bytes

`meta` is the LRU or LFU stamp (24 bits) above the tag (8 bits). The word is the integer, or a reference that the
entry owns. A key of 65,535 bytes or more is a reference to a bytes object, in place of the key's bytes.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

# Borrowed pointers on purpose: an `object` would touch the reference count, which a forked child must not.
cdef extern from "Python.h" nogil:
    char* bytes_data "PyBytes_AS_STRING"(PyObject* value)
    Py_ssize_t bytes_length "PyBytes_GET_SIZE"(PyObject* value)
    char* bytearray_data "PyByteArray_AS_STRING"(PyObject* value)
    Py_ssize_t bytearray_length "PyByteArray_GET_SIZE"(PyObject* value)
    bint is_bytearray "PyByteArray_CheckExact"(PyObject* value)

cpdef enum:                         # a value's type
    STRING = 0
    LIST = 1
    SET = 2
    ZSET = 3
    HASH = 4
    STREAM = 5

cdef enum:                          # the tag
    TYPE_MASK = 0x07
    KIND_MASK = 0x18
    KIND_INLINE = 0x00              # a string in the entry itself
    KIND_INTEGER = 0x08             # a string that is a canonical int64
    KIND_BYTES = 0x10               # a string in a bytes object
    KIND_OBJECT = 0x18              # a string in a bytearray (it has been changed in place), or another type's value
    HAS_EXPIRY = 0x20
    KEY_EXTERNAL = 0x40
    RAW = 0x80                      # an inline string that OBJECT ENCODING calls raw whatever its length
    TAG_MASK = 0xff
    STAMP_SHIFT = 8

cdef enum:
    ENTRY_HEADER = 8
    INLINE_LIMIT = 1024             # bytes: a longer string is an object of its own
    EMBSTR_LIMIT = 44               # bytes: Redis's limit of the encoding "embstr"

cpdef enum:                         # in place of an expiry
    NO_EXPIRY = -1
    KEEP_EXPIRY = -2

cdef struct Entry:
    uint32_t meta
    uint16_t key_length             # 65535 with KEY_EXTERNAL
    uint16_t value_length           # of an inline value

cdef struct Text:                   # a string value as bytes, borrowed from its entry
    const char* data
    Py_ssize_t length
    char digits[24]                 # an integer's text


cdef inline int entry_type(const Entry* entry) noexcept nogil:
    return entry.meta & TYPE_MASK


cdef inline int entry_kind(const Entry* entry) noexcept nogil:
    return entry.meta & KIND_MASK


cdef inline unsigned int entry_stamp(const Entry* entry) noexcept nogil:
    return entry.meta >> STAMP_SHIFT


cdef inline void set_stamp(Entry* entry, unsigned int stamp) noexcept nogil:
    entry.meta = entry.meta & TAG_MASK | stamp << STAMP_SHIFT


cdef inline int64_t* entry_expiry_field(const Entry* entry) noexcept nogil:
    """Only where HAS_EXPIRY is set."""
    return <int64_t*>(<char*>entry + ENTRY_HEADER)


cdef inline int64_t entry_expiry(const Entry* entry) noexcept nogil:
    """Unix time in ms, or NO_EXPIRY."""
    return entry_expiry_field(entry)[0] if entry.meta & HAS_EXPIRY else NO_EXPIRY


cdef inline int64_t* entry_word(const Entry* entry) noexcept nogil:
    """The integer, or the object's address. Only where the value is not inline."""
    return <int64_t*>(<char*>entry + ENTRY_HEADER + ((entry.meta & HAS_EXPIRY) >> 2))


cdef inline PyObject* entry_object(const Entry* entry) noexcept nogil:
    return (<PyObject**>entry_word(entry))[0]


cdef inline char* entry_key_field(const Entry* entry) noexcept nogil:
    """Where the key's bytes, or the reference to them, start."""
    cdef size_t offset = ENTRY_HEADER + ((entry.meta & HAS_EXPIRY) >> 2)
    if entry.meta & KIND_MASK:
        offset += 8
    return <char*>entry + offset


cdef inline const char* entry_key(const Entry* entry) noexcept nogil:
    if entry.meta & KEY_EXTERNAL:
        return bytes_data((<PyObject**>entry_key_field(entry))[0])
    return entry_key_field(entry)


cdef inline Py_ssize_t entry_key_length(const Entry* entry) noexcept nogil:
    if entry.meta & KEY_EXTERNAL:
        return bytes_length((<PyObject**>entry_key_field(entry))[0])
    return entry.key_length


cdef inline char* entry_inline_value(const Entry* entry) noexcept nogil:
    return entry_key_field(entry) + (8 if entry.meta & KEY_EXTERNAL else entry.key_length)


cdef inline size_t entry_size(const Entry* entry) noexcept nogil:
    """The bytes of the entry's own allocation."""
    cdef inline size_t size = entry_key_field(entry) - <const char*>entry
    size += sizeof(PyObject*) if entry.meta & KEY_EXTERNAL else entry.key_length
    return size + entry.value_length


cdef size_t bytes_size(PyObject* value) noexcept
cdef size_t entry_memory(const Entry* entry) noexcept
cdef Entry* entry_new(
    bytes key, unsigned int tag, unsigned int stamp, int64_t expire_at, size_t value_length
) except NULL
cdef Entry* entry_moved(const Entry* entry, bytes key, int64_t expire_at) except NULL
cdef void set_entry_object(Entry* entry, object value) noexcept
cdef void drop_entry_object(Entry* entry) noexcept
cdef void entry_free(Entry* entry) noexcept
cdef void entry_free_shell(Entry* entry) noexcept
cdef uint64_t entry_hash(void* entry) noexcept
cdef bytes entry_key_bytes(const Entry* entry)
cdef void entry_text(const Entry* entry, Text* text) noexcept
cdef object entry_value(const Entry* entry)
