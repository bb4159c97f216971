"""The layout of one element of a large set, hash or sorted set, in one allocation, and the accessors of its parts.

    flags (1 byte) | member length (1; 8 with LONG_MEMBER) | with HAS_VALUE: value length (1; 8 with LONG_VALUE)
    | with HAS_EXPIRY: expiry (8), its place in the heap of expiries (4) | with HAS_SCORE: score (8) | member | value

"Member" is also what a hash calls a field. Nothing in it is aligned.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    LONG_MEMBER = 0x01              # 256 bytes or more
    HAS_VALUE = 0x02
    LONG_VALUE = 0x04
    HAS_EXPIRY = 0x08
    HAS_SCORE = 0x10

cdef enum:
    EXPIRY_SIZE = 12                # bytes: the expiry and the place

ctypedef uint8_t Element            # its first byte: the flags


cdef inline size_t load_length(const uint8_t* field, bint is_long) noexcept nogil:
    cdef uint64_t length
    if not is_long:
        return field[0]
    memcpy(&length, field, 8)
    return length


cdef inline size_t member_length(const Element* element) noexcept nogil:
    return load_length(element + 1, element[0] & LONG_MEMBER)


cdef inline size_t value_length(const Element* element) noexcept nogil:
    """Only with HAS_VALUE."""
    return load_length(element + (9 if element[0] & LONG_MEMBER else 2), element[0] & LONG_VALUE)


cdef inline uint8_t* after_lengths(const Element* element) noexcept nogil:
    cdef size_t offset = 9 if element[0] & LONG_MEMBER else 2
    if element[0] & HAS_VALUE:
        offset += 8 if element[0] & LONG_VALUE else 1
    return <uint8_t*>element + offset


cdef inline uint8_t* score_field(const Element* element) noexcept nogil:
    return after_lengths(element) + (EXPIRY_SIZE if element[0] & HAS_EXPIRY else 0)


cdef inline const char* member_data(const Element* element) noexcept nogil:
    return <const char*>score_field(element) + (sizeof(double) if element[0] & HAS_SCORE else 0)


cdef inline const char* value_data(const Element* element) noexcept nogil:
    """Only with HAS_VALUE."""
    return member_data(element) + member_length(element)


cdef inline int64_t element_expiry(const Element* element) noexcept nogil:
    """Unix time in ms, or -1."""
    cdef int64_t expiry
    if not element[0] & HAS_EXPIRY:
        return -1
    memcpy(&expiry, after_lengths(element), 8)
    return expiry


cdef inline void set_element_expiry(Element* element, int64_t expiry) noexcept nogil:
    """Only with HAS_EXPIRY, as the two that follow."""
    memcpy(after_lengths(element), &expiry, 8)


cdef inline uint32_t heap_place(const Element* element) noexcept nogil:
    cdef uint32_t place
    memcpy(&place, after_lengths(element) + 8, 4)
    return place


cdef inline void set_heap_place(Element* element, uint32_t place) noexcept nogil:
    memcpy(after_lengths(element) + 8, &place, 4)


cdef inline double element_score(const Element* element) noexcept nogil:
    """Only with HAS_SCORE."""
    cdef double score
    memcpy(&score, score_field(element), 8)
    return score


cdef inline void set_element_score(Element* element, double score) noexcept nogil:
    memcpy(score_field(element), &score, 8)


cdef size_t new_element_size(unsigned int flags, size_t member_length, size_t value_length) noexcept nogil
cdef void write_header(Element* element, unsigned int flags, size_t member_length, size_t value_length) noexcept nogil
cdef Element* new_element(
    unsigned int flags, const char* member, size_t member_length, const char* value, size_t value_length
) except NULL
cdef Element* copied_element(const Element* element) except NULL
cdef void free_element(Element* element) noexcept
cdef size_t element_size(const Element* element) noexcept nogil
cdef uint64_t element_hash(void* element) noexcept
cdef bytes element_member(const Element* element)
cdef bytes element_value(const Element* element)
