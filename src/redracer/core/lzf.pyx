# LZF, the compression of strings in RDB files and of packed list nodes (format: liblzf by Marc Lehmann).
#
# Compressed data is a row of
#   000nnnnn                     n + 1 bytes that follow as they are (1 to 32)
#   nnnooooo oooooooo            copy n + 2 bytes (n is 1 to 6) from o + 1 bytes back in the output
#   111ooooo nnnnnnnn oooooooo   copy n + 9 bytes
# A copy may reach into what it is writing: from one byte back, it repeats that byte.
#
# Compressed data may come from an untrusted file or RESTORE: the decompressor compares every length with what is left
# of its input and its output, and every distance with what has been written, before it moves a byte.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset


cdef enum:
    LITERAL_MAX = 32
    COPY_MIN = 3
    COPY_MAX = 264
    DISTANCE_MAX = 8192
    TABLE_BITS = 13  # 32 KiB of stack: where each of 8192 hashes of three bytes was seen last
    SMALLEST_TABLE_BITS = 8  # for short data: to clear the whole table would take longer than to compress
    LENGTH_MAX = 0x7FFFFFFF  # positions are kept in 32 bits


cdef inline unsigned int hash_of(const unsigned char* data, int bits) noexcept nogil:
    """A hash of three bytes in that many bits."""
    cdef unsigned int sequence = data[0] << 16 | data[1] << 8 | data[2]
    # Knuth's multiplicative hash: the top bits of a product with 2**32 divided by the golden ratio.
    return (sequence * <uint32_t>2654435761u) >> (32 - bits)


cdef Py_ssize_t write_literals(
    const unsigned char* data, Py_ssize_t length, unsigned char* out, Py_ssize_t at, Py_ssize_t capacity
) noexcept nogil:
    """Writes bytes as they are to `out` from `at` on; returns the index behind them, or -1 when they do not fit."""
    cdef Py_ssize_t size
    while length:
        size = min(length, <Py_ssize_t>LITERAL_MAX)
        if capacity - at < size + 1:
            return -1
        out[at] = <unsigned char>(size - 1)
        memcpy(out + at + 1, data, size)
        at += size + 1
        data += size
        length -= size
    return at


cdef Py_ssize_t write_copy(
    Py_ssize_t distance, Py_ssize_t length, unsigned char* out, Py_ssize_t at, Py_ssize_t capacity
) noexcept nogil:
    """Writes a copy of COPY_MIN to COPY_MAX bytes from `distance` bytes back; returns as write_literals."""
    cdef Py_ssize_t offset = distance - 1
    if capacity - at < 3:
        return -1
    length -= 2
    if length < 7:
        out[at] = <unsigned char>(length << 5 | offset >> 8)
    else:
        out[at] = <unsigned char>(7 << 5 | offset >> 8)
        at += 1
        out[at] = <unsigned char>(length - 7)
    out[at + 1] = <unsigned char>(offset & 255)
    return at + 2


cdef Py_ssize_t match_length(const unsigned char* earlier, const unsigned char* data, Py_ssize_t limit) noexcept nogil:
    cdef Py_ssize_t length = 0
    while length < limit and earlier[length] == data[length]:
        length += 1
    return length


cdef Py_ssize_t compress_into(
    const unsigned char* data, Py_ssize_t length, unsigned char* out, Py_ssize_t capacity
) noexcept nogil:
    """Compresses `length` bytes; returns the compressed length, or -1 when it would exceed `capacity`."""
    cdef uint32_t last_seen[1 << TABLE_BITS]  # position + 1; 0: not seen
    cdef Py_ssize_t position = 0
    cdef Py_ssize_t pending = 0  # where the bytes that are not written yet begin
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t earlier
    cdef Py_ssize_t size
    cdef unsigned int slot
    cdef int bits = SMALLEST_TABLE_BITS
    if length > LENGTH_MAX:
        return -1
    while bits < TABLE_BITS and <Py_ssize_t>1 << bits < length:
        bits += 1
    memset(last_seen, 0, sizeof(uint32_t) << bits)
    while position + COPY_MIN <= length:
        slot = hash_of(data + position, bits)
        earlier = <Py_ssize_t>last_seen[slot] - 1
        last_seen[slot] = <uint32_t>(position + 1)
        size = 0
        if earlier >= 0 and position - earlier <= DISTANCE_MAX:
            size = match_length(data + earlier, data + position, min(length - position, <Py_ssize_t>COPY_MAX))
        if size < COPY_MIN:
            position += 1
            continue
        at = write_literals(data + pending, position - pending, out, at, capacity)
        if at >= 0:
            at = write_copy(position - earlier, size, out, at, capacity)
        if at < 0:
            return -1
        position += size
        pending = position
        if position + COPY_MIN <= length:
            # Of what was copied, the end alone is noted, with what follows it: where a later copy may go on.
            last_seen[hash_of(data + position - 2, bits)] = <uint32_t>(position - 1)
            last_seen[hash_of(data + position - 1, bits)] = <uint32_t>position
    return write_literals(data + pending, length - pending, out, at, capacity)


cdef bint decompress_into(
    const unsigned char* data, Py_ssize_t length, unsigned char* out, Py_ssize_t out_length
) noexcept nogil:
    """Decompresses into exactly `out_length` bytes; False when the data is malformed or yields another length."""
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t written = 0
    cdef Py_ssize_t size
    cdef Py_ssize_t distance
    cdef unsigned int control
    while at < length:
        control = data[at]
        at += 1
        if control < LITERAL_MAX:
            size = control + 1
            if size > length - at or size > out_length - written:
                return False
            memcpy(out + written, data + at, size)
            at += size
            written += size
            continue
        size = (control >> 5) + 2
        if size == 9:
            if at >= length:
                return False
            size += data[at]
            at += 1
        if at >= length:
            return False
        distance = ((control & 31) << 8 | data[at]) + 1
        at += 1
        if distance > written or size > out_length - written:
            return False
        copy_within(out + written, distance, size)
        written += size
    return written == out_length


cdef Py_ssize_t decompressed_length(const unsigned char* data, Py_ssize_t length) noexcept nogil:
    """How many bytes compressed data stands for, so that no more are allocated than will be written; -1 where it ends in
    the middle of a row. O(length), and mostly far less."""
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t total = 0
    cdef unsigned int control
    while at < length:
        control = data[at]
        at += 1
        if control < LITERAL_MAX:
            at += control + 1
            total += control + 1
        else:
            total += (control >> 5) + 2
            if control >> 5 == 7:
                if at >= length:
                    return -1
                total += data[at]
                at += 1
            at += 1
        if at > length:
            return -1
    return total


cdef inline void copy_within(unsigned char* out, Py_ssize_t distance, Py_ssize_t size) noexcept nogil:
    """Copies from `distance` bytes back, as if byte by byte."""
    cdef Py_ssize_t index
    if distance >= size:
        memcpy(out, out - distance, size)
        return
    for index in range(size):
        out[index] = out[index - distance]


def compress(bytes data not None, Py_ssize_t max_length):
    """Returns `data` compressed, or None when that would take more than `max_length` bytes. O(length)."""
    cdef Py_ssize_t length = PyBytes_GET_SIZE(data)
    # Literals alone take a byte per 32: no more room is ever needed.
    cdef Py_ssize_t capacity = min(max(max_length, 0), length + length // LITERAL_MAX + 4)
    cdef bytes out = PyBytes_FromStringAndSize(NULL, capacity)
    cdef Py_ssize_t size = compress_into(
        <const unsigned char*>PyBytes_AS_STRING(data), length, <unsigned char*>PyBytes_AS_STRING(out), capacity
    )
    return out[:size] if size >= 0 else None


def decompress(bytes data not None, Py_ssize_t length):
    """Returns the `length` bytes that `data` is compressed from, or None when it is not that many's
    compressed form. O(length)."""
    cdef bytes out
    # No three bytes stand for more than 264: a length beyond that is a lie, and not worth allocating.
    if length < 0 or length > PyBytes_GET_SIZE(data) * COPY_MAX:
        return None
    out = PyBytes_FromStringAndSize(NULL, length)
    if decompress_into(
        <const unsigned char*>PyBytes_AS_STRING(data),
        PyBytes_GET_SIZE(data),
        <unsigned char*>PyBytes_AS_STRING(out),
        length,
    ):
        return out
    return None
