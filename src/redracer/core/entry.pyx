"""Entries: a key, its stamp, its expiry and its value (or a reference to it) in one allocation. entry.pxd has
the layout.

An entry owns one reference to each object that it points to. Only strings are counted here in the bytes held:
the values of other types count their own.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.string cimport memcpy

from redracer.core.memory cimport allocate, allocation_size, count_bytes, release
from redracer.core.numbers cimport format_int64

cdef extern from "python_hash.h":
    uint64_t hash_buffer(const char* data, Py_ssize_t length)

cdef extern from *:
    ctypedef struct PyByteArrayObject:
        Py_ssize_t ob_alloc

cdef enum:
    BYTES_HEADER = 33               # a bytes object without its bytes, with their closing NUL
    BYTEARRAY_HEADER = 56
    KEY_LENGTH_EXTERNAL = 65535     # bytes: from this length on, a key is an object of its own


cdef size_t bytes_size(PyObject* value) noexcept:
    """The bytes that a bytes object or a bytearray takes."""
    if is_bytearray(value):
        return allocation_size(BYTEARRAY_HEADER) + allocation_size((<PyByteArrayObject*>value).ob_alloc)
    return allocation_size(BYTES_HEADER + bytes_length(value))


cdef bint owns_string(const Entry* entry) noexcept:
    """Whether the value is a string in an object of its own, whose bytes the entry counts."""
    return entry_kind(entry) >= KIND_BYTES and entry_type(entry) == STRING


cdef size_t entry_memory(const Entry* entry) noexcept:
    """The bytes that the key, and a string value, take. Other types know their own."""
    cdef size_t size = allocation_size(entry_size(entry))
    if entry.meta & KEY_EXTERNAL:
        size += bytes_size((<PyObject**>entry_key_field(entry))[0])
    if owns_string(entry):
        size += bytes_size(entry_object(entry))
    return size


cdef Entry* entry_new(
    bytes key, unsigned int tag, unsigned int stamp, int64_t expire_at, size_t value_length
) except NULL:
    """A new entry: `tag` has type, kind and RAW, `expire_at` is Unix time in ms or NO_EXPIRY.

    The value is not set: `value_length` bytes inline, or the word. Raises MemoryError.
    """
    cdef size_t key_length = PyBytes_GET_SIZE(key)
    cdef bint external = key_length >= KEY_LENGTH_EXTERNAL
    cdef size_t size = ENTRY_HEADER + (sizeof(PyObject*) if external else key_length) + value_length
    if expire_at != NO_EXPIRY:
        tag |= HAS_EXPIRY
        size += 8
    if external:
        tag |= KEY_EXTERNAL
        key_length = KEY_LENGTH_EXTERNAL
    if tag & KIND_MASK:
        size += 8
    cdef Entry* entry = <Entry*>allocate(size)
    entry.meta = tag | stamp << STAMP_SHIFT
    entry.key_length = key_length
    entry.value_length = value_length
    if tag & HAS_EXPIRY:
        entry_expiry_field(entry)[0] = expire_at
    if tag & KIND_MASK:
        entry_word(entry)[0] = 0
    if external:
        Py_INCREF(key)
        (<PyObject**>entry_key_field(entry))[0] = <PyObject*>key
        count_bytes(bytes_size(<PyObject*>key))
    else:
        memcpy(entry_key_field(entry), PyBytes_AS_STRING(key), key_length)
    return entry


cdef void set_entry_object(Entry* entry, object value) noexcept:
    """Sets the word to a new reference to `value`."""
    Py_INCREF(value)
    (<PyObject**>entry_word(entry))[0] = <PyObject*>value
    if owns_string(entry):
        count_bytes(bytes_size(<PyObject*>value))


cdef void drop_entry_object(Entry* entry) noexcept:
    """Gives up the reference to the value, if it has one. The entry must not be used as it is."""
    if entry_kind(entry) < KIND_BYTES:
        return
    cdef PyObject* value = entry_object(entry)
    if value == NULL:
        return
    if owns_string(entry):
        count_bytes(-<Py_ssize_t>bytes_size(value))
    Py_DECREF(<object>value)


cdef Entry* entry_moved(const Entry* entry, bytes key, int64_t expire_at) except NULL:
    """A new entry with the same value and stamp, and with another key or expiry. `entry` must then be freed by
    `entry_free_shell`: its reference to the value has moved. Raises MemoryError."""
    cdef unsigned int tag = entry.meta & (TYPE_MASK | KIND_MASK | RAW)
    cdef Entry* moved = entry_new(key, tag, entry_stamp(entry), expire_at, entry.value_length)
    if entry_kind(entry) == KIND_INLINE:
        memcpy(entry_inline_value(moved), entry_inline_value(entry), entry.value_length)
    else:
        entry_word(moved)[0] = entry_word(entry)[0]
    return moved


cdef void entry_free_shell(Entry* entry) noexcept:
    """Frees the entry but not its value."""
    cdef PyObject* key = NULL
    if entry.meta & KEY_EXTERNAL:
        key = (<PyObject**>entry_key_field(entry))[0]
        count_bytes(-<Py_ssize_t>bytes_size(key))
    release(entry, entry_size(entry))
    if key != NULL:
        Py_DECREF(<object>key)


cdef void entry_free(Entry* entry) noexcept:
    """Frees the entry and its value."""
    drop_entry_object(entry)
    entry_free_shell(entry)


cdef uint64_t entry_hash(void* entry) noexcept:
    """The hash of the key: the number that `hash(key)` is."""
    return hash_buffer(entry_key(<Entry*>entry), entry_key_length(<Entry*>entry))


cdef bytes entry_key_bytes(const Entry* entry):
    if entry.meta & KEY_EXTERNAL:
        return <bytes>(<PyObject**>entry_key_field(entry))[0]
    return PyBytes_FromStringAndSize(entry_key_field(entry), entry.key_length)


cdef void entry_text(const Entry* entry, Text* text) noexcept:
    """The bytes of a string value, valid as long as the entry is and `text` stays in place."""
    cdef int kind = entry_kind(entry)
    if kind == KIND_INLINE:
        text.data = entry_inline_value(entry)
        text.length = entry.value_length
    elif kind == KIND_INTEGER:
        text.length = format_int64(entry_word(entry)[0], text.digits)
        text.data = text.digits
    elif kind == KIND_BYTES:
        text.data = bytes_data(entry_object(entry))
        text.length = bytes_length(entry_object(entry))
    else:
        text.data = bytearray_data(entry_object(entry))
        text.length = bytearray_length(entry_object(entry))


cdef object entry_value(const Entry* entry):
    """The value: a string as bytes, another type's as its object. O(1) but for a string that must be copied."""
    cdef Text text
    if entry_kind(entry) == KIND_BYTES or entry_type(entry) != STRING:
        return <object>entry_object(entry)
    entry_text(entry, &text)
    return PyBytes_FromStringAndSize(text.data, text.length)
