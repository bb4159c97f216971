"""Elements: a member, and what belongs to it, in one allocation. element.pxd has the layout.

One layout serves sets, hashes and sorted sets, so that one hash table finds the elements of all three.
Lengths take one byte where they fit, else eight: a set's short member costs two bytes over its own. A score
and an expiry are fields of a fixed place, so that changing them never moves the element.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from redracer.core.memory cimport allocate, release

cdef extern from "python_hash.h":
    uint64_t hash_buffer(const char* data, Py_ssize_t length)

cdef enum:
    SHORT_LENGTH = 255              # bytes: the longest whose length takes one byte


cdef inline uint8_t* store_length(uint8_t* field, size_t length, bint is_long) noexcept nogil:
    """Returns where the next field is."""
    cdef uint64_t word = length
    if not is_long:
        field[0] = length
        return field + 1
    memcpy(field, &word, sizeof(word))
    return field + sizeof(word)


cdef size_t new_element_size(unsigned int flags, size_t member_length, size_t value_length) noexcept nogil:
    """The bytes of an element with these parts. `flags`: HAS_VALUE, HAS_EXPIRY, HAS_SCORE."""
    cdef size_t size = (2 if member_length <= SHORT_LENGTH else 9) + member_length
    if flags & HAS_VALUE:
        size += (1 if value_length <= SHORT_LENGTH else 8) + value_length
    if flags & HAS_EXPIRY:
        size += EXPIRY_SIZE
    if flags & HAS_SCORE:
        size += sizeof(double)
    return size


cdef void write_header(Element* element, unsigned int flags, size_t member_length, size_t value_length) noexcept nogil:
    """Writes flags and lengths."""
    cdef bint long_member = member_length > SHORT_LENGTH
    cdef bint long_value = flags & HAS_VALUE and value_length > SHORT_LENGTH
    cdef uint8_t* field
    element[0] = flags | (LONG_MEMBER if long_member else 0) | (LONG_VALUE if long_value else 0)
    field = store_length(element + 1, member_length, long_member)
    if flags & HAS_VALUE:
        store_length(field, value_length, long_value)


cdef Element* new_element(
    unsigned int flags, const char* member, size_t member_length, const char* value, size_t value_length
) except NULL:
    """A new element; expiry and score are not set. `value` may be NULL. Raises MemoryError."""
    cdef Element* element = <Element*>allocate(new_element_size(flags, member_length, value_length))
    write_header(element, flags, member_length, value_length)
    memcpy(<char*>member_data(element), member, member_length)
    if value_length:
        memcpy(<char*>value_data(element), value, value_length)
    return element


cdef Element* copied_element(const Element* element) except NULL:
    """Raises MemoryError."""
    cdef size_t size = element_size(element)
    cdef Element* copied = <Element*>allocate(size)
    memcpy(copied, element, size)
    return copied


cdef void free_element(Element* element) noexcept:
    release(element, element_size(element))


cdef size_t element_size(const Element* element) noexcept nogil:
    """The bytes of the allocation, without the allocator's rounding."""
    cdef size_t size = member_data(element) - <const char*>element + member_length(element)
    return size + value_length(element) if element[0] & HAS_VALUE else size


cdef uint64_t element_hash(void* element) noexcept:
    """The hash of the member: the number that `hash(member)` is."""
    return hash_buffer(member_data(<Element*>element), member_length(<Element*>element))


cdef bytes element_member(const Element* element):
    return PyBytes_FromStringAndSize(member_data(element), member_length(element))


cdef bytes element_value(const Element* element):
    """Only with HAS_VALUE."""
    return PyBytes_FromStringAndSize(value_data(element), value_length(element))
