# CRC64 of RDB files and DUMP payloads, CRC16 of cluster slots.
#
# CRC64: the "Jones" polynomial, reflected, starting at 0, no final change; eight bytes per step ("slicing by 8", from
# Michael E. Kounavis and Frank L. Berry, "A Systematic Approach to Building High Performance Software-Based CRC
# Generators", 2005). CRC16: XMODEM, polynomial 0x1021, not reflected, starting at 0. The tables are computed on import.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint16_t, uint64_t
from libc.string cimport memchr


cdef enum:
    SLOT_COUNT = 16384

SLOTS = SLOT_COUNT

cdef uint64_t JONES_REFLECTED = 0x95AC9329AC4BC9B5ULL
cdef uint64_t crc64_table[8][256]
cdef uint16_t crc16_table[256]


cdef void fill_tables() noexcept:
    """Row 0: the CRC of a byte. Row k: of a byte that k zero bytes follow."""
    cdef uint64_t crc
    cdef unsigned int short_crc
    cdef int byte
    cdef int row
    for byte in range(256):
        crc = byte
        short_crc = byte << 8
        for _ in range(8):
            crc = crc >> 1 ^ (JONES_REFLECTED if crc & 1 else 0)
            short_crc = short_crc << 1 ^ (0x1021 if short_crc & 0x8000 else 0)
        crc64_table[0][byte] = crc
        crc16_table[byte] = <uint16_t>short_crc
    for byte in range(256):
        for row in range(1, 8):
            crc = crc64_table[row - 1][byte]
            crc64_table[row][byte] = crc >> 8 ^ crc64_table[0][crc & 255]


fill_tables()


cdef uint64_t update_crc64(uint64_t crc, const unsigned char* data, size_t length) noexcept nogil:
    """The CRC of what `crc` is the CRC of (0: nothing), followed by `length` bytes."""
    cdef size_t at = 0
    while length - at >= 8:
        crc = (
            crc64_table[7][(crc ^ data[at]) & 255]
            ^ crc64_table[6][(crc >> 8 ^ data[at + 1]) & 255]
            ^ crc64_table[5][(crc >> 16 ^ data[at + 2]) & 255]
            ^ crc64_table[4][(crc >> 24 ^ data[at + 3]) & 255]
            ^ crc64_table[3][(crc >> 32 ^ data[at + 4]) & 255]
            ^ crc64_table[2][(crc >> 40 ^ data[at + 5]) & 255]
            ^ crc64_table[1][(crc >> 48 ^ data[at + 6]) & 255]
            ^ crc64_table[0][(crc >> 56 ^ data[at + 7]) & 255]
        )
        at += 8
    while at < length:
        crc = crc >> 8 ^ crc64_table[0][(crc ^ data[at]) & 255]
        at += 1
    return crc


cdef uint16_t crc16_of(const unsigned char* data, Py_ssize_t length) noexcept nogil:
    cdef unsigned int crc = 0
    cdef Py_ssize_t at
    for at in range(length):
        crc = (crc << 8 ^ crc16_table[(crc >> 8 ^ data[at]) & 255]) & 0xFFFF
    return <uint16_t>crc


cdef int key_slot_of(const unsigned char* key, Py_ssize_t length) noexcept nogil:
    """The slot of a key: of what is between its first `{` and the next `}`, if that is not empty; else of all of it."""
    cdef const unsigned char* opening = <const unsigned char*>memchr(key, c"{", length)
    cdef const unsigned char* closing
    if opening != NULL:
        closing = <const unsigned char*>memchr(opening + 1, c"}", key + length - opening - 1)
        if closing != NULL and closing > opening + 1:
            return crc16_of(opening + 1, closing - opening - 1) & (SLOT_COUNT - 1)
    return crc16_of(key, length) & (SLOT_COUNT - 1)


def crc64(bytes data not None, uint64_t crc=0):
    """Returns the CRC64 of what `crc` is the CRC64 of, followed by `data`. O(length)."""
    return update_crc64(crc, <const unsigned char*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


def crc16(bytes data not None):
    """Returns the CRC16 of `data`. O(length)."""
    return crc16_of(<const unsigned char*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


def key_slot(bytes key not None):
    """Returns the cluster slot (0 to 16383) of a key, by its hash tag if it has one. O(length)."""
    return key_slot_of(<const unsigned char*>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
