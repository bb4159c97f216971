# Strings as arrays of bits, for BITCOUNT, BITPOS, BITOP and BITFIELD.
#
# Bit 0 is the most significant bit of byte 0, so a field of whole bytes at a byte boundary is big-endian. Everything
# works on 64-bit words, loaded with memcpy (a string may lie at any address), and then byte by byte at the ends.
# The `cdef` functions trust their arguments; the `def` functions check every position against the buffer first.

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset


cdef extern from *:
    """
    #include <stddef.h>
    #include <string.h>

    #define REDRACER_COUNT_WORDS \\
        unsigned long long a, b, c, d; \\
        long long total = 0; \\
        size_t at = 0; \\
        for (; at + 32 <= length; at += 32) { \\
            memcpy(&a, data + at, 8); \\
            memcpy(&b, data + at + 8, 8); \\
            memcpy(&c, data + at + 16, 8); \\
            memcpy(&d, data + at + 24, 8); \\
            total += __builtin_popcountll(a) + __builtin_popcountll(b) \\
                   + __builtin_popcountll(c) + __builtin_popcountll(d); \\
        } \\
        for (; at < length; at++) total += __builtin_popcount(data[at]); \\
        return total

    static long long redracer_count_portable(const unsigned char *data, size_t length) { REDRACER_COUNT_WORDS; }

    #if defined(__x86_64__)
    /* The instruction is not part of the baseline that wheels are built for, so ask the CPU. */
    __attribute__((target("popcnt")))
    static long long redracer_count_popcnt(const unsigned char *data, size_t length) { REDRACER_COUNT_WORDS; }
    static long long redracer_count_ones(const unsigned char *data, size_t length) {
        return __builtin_cpu_supports("popcnt") ? redracer_count_popcnt(data, length)
                                                : redracer_count_portable(data, length);
    }
    #else
    #define redracer_count_ones redracer_count_portable
    #endif
    """
    long long redracer_count_ones(const unsigned char* data, size_t length) noexcept
    int count_leading_zeros "__builtin_clz"(unsigned int value) noexcept


cdef enum:
    BLOCK = 4096  # bytes of the result that BITOP computes from all sources before it goes on: stays in the L1 cache
    OP_AND = 0
    OP_OR = 1
    OP_XOR = 2
    OP_NOT = 3
    OP_DIFF = 4
    OP_DIFF1 = 5
    OP_ANDOR = 6
    OP_ONE = 7
    OVERFLOW_WRAP = 0
    OVERFLOW_SATURATE = 1
    OVERFLOW_FAIL = 2

AND, OR, XOR, NOT, DIFF, DIFF1, ANDOR, ONE = OP_AND, OP_OR, OP_XOR, OP_NOT, OP_DIFF, OP_DIFF1, OP_ANDOR, OP_ONE
WRAP, SATURATE, FAIL = OVERFLOW_WRAP, OVERFLOW_SATURATE, OVERFLOW_FAIL


# Counting and finding


cdef long long count_ones(const unsigned char* data, Py_ssize_t length) noexcept:
    """The number of one bits in `length` bytes."""
    return redracer_count_ones(data, <size_t>length)


cdef inline unsigned int clip(unsigned int value, long long byte, long long first, long long last) noexcept:
    """The bits of byte number `byte`, which is `value`, that are within the range first to last."""
    if byte == first >> 3:
        value &= 0xFFu >> (first & 7)
    if byte == last >> 3:
        value &= (0xFFu << (7 - (last & 7))) & 0xFFu
    return value


cdef long long count_range(const unsigned char* data, long long first, long long last) noexcept:
    """The number of one bits from bit `first` to bit `last`; 0 <= first <= last < 8 * length."""
    cdef long long first_byte = first >> 3
    cdef long long last_byte = last >> 3
    cdef unsigned char edges[2]
    edges[0] = clip(data[first_byte], first_byte, first, last)
    if first_byte == last_byte:
        return redracer_count_ones(edges, 1)
    edges[1] = clip(data[last_byte], last_byte, first, last)
    return redracer_count_ones(edges, 2) + redracer_count_ones(data + first_byte + 1, last_byte - first_byte - 1)


cdef long long find_range(const unsigned char* data, bint bit, long long first, long long last) noexcept:
    """The first position from `first` to `last` whose bit is `bit`, or -1; 0 <= first <= last < 8 * length."""
    cdef long long byte = first >> 3
    cdef long long last_byte = last >> 3
    cdef unsigned int flip = 0 if bit else 0xFF  # turns the wanted bits into ones
    cdef uint64_t skipped = 0 if bit else ~<uint64_t>0
    cdef uint64_t word
    cdef unsigned int found = clip(data[byte] ^ flip, byte, first, last)
    while not found and byte < last_byte:
        byte += 1
        while last_byte - byte >= 8:
            memcpy(&word, data + byte, 8)
            if word != skipped:
                break
            byte += 8
        found = clip(data[byte] ^ flip, byte, first, last)
    return (byte << 3) + count_leading_zeros(found) - 24 if found else -1


cdef bint in_buffer(Py_ssize_t length, long long first, long long last) noexcept:
    return 0 <= first <= last and last >> 3 < length


def popcount(bytes value not None, long long first, long long last):
    """Returns the number of one bits from bit `first` to bit `last` (both included); 0 for an empty range. IndexError
    outside the buffer. O(range)."""
    if first > last:
        return 0
    if not in_buffer(PyBytes_GET_SIZE(value), first, last):
        raise IndexError("bit range outside the string")
    return count_range(<const unsigned char*>PyBytes_AS_STRING(value), first, last)


def find_bit(bytes value not None, bint bit, long long first, long long last):
    """Returns the first position from bit `first` to bit `last` (both included) that holds `bit`, or -1. IndexError
    outside the buffer. O(range)."""
    if first > last:
        return -1
    if not in_buffer(PyBytes_GET_SIZE(value), first, last):
        raise IndexError("bit range outside the string")
    return find_range(<const unsigned char*>PyBytes_AS_STRING(value), bit, first, last)


# BITOP


cdef inline uint64_t apply(int operation, uint64_t left, uint64_t right) noexcept:
    if operation == OP_AND:
        return left & right
    if operation == OP_OR:
        return left | right
    if operation == OP_XOR:
        return left ^ right
    if operation == OP_DIFF:
        return right & ~left
    return left & ~right


cdef inline void combine_words(
    unsigned char* result, const unsigned char* source, Py_ssize_t length, int operation
) noexcept:
    cdef uint64_t left
    cdef uint64_t right
    cdef Py_ssize_t at = 0
    while at + 8 <= length:
        memcpy(&left, result + at, 8)
        memcpy(&right, source + at, 8)
        left = apply(operation, left, right)
        memcpy(result + at, &left, 8)
        at += 8
    while at < length:
        result[at] = <unsigned char>apply(operation, result[at], source[at])
        at += 1


cdef void combine(unsigned char* result, const unsigned char* source, Py_ssize_t length, int operation) noexcept:
    """Puts `result operation source` into result; OP_DIFF is source & ~result, OP_DIFF1 is result & ~source. The
    operation is a constant in each call, so that each becomes a loop of its own."""
    if operation == OP_AND:
        combine_words(result, source, length, OP_AND)
    elif operation == OP_OR:
        combine_words(result, source, length, OP_OR)
    elif operation == OP_XOR:
        combine_words(result, source, length, OP_XOR)
    elif operation == OP_DIFF:
        combine_words(result, source, length, OP_DIFF)
    else:
        combine_words(result, source, length, OP_DIFF1)


cdef Py_ssize_t within_block(bytes source, Py_ssize_t start, Py_ssize_t length) noexcept:
    """How many bytes `source` has in the block of `length` bytes at `start`."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(source) - start
    return 0 if size < 0 else min(size, length)


cdef void begin_block(unsigned char* result, bytes source, Py_ssize_t start, Py_ssize_t length) noexcept:
    """Fills the block with the source's bytes, zeros behind its end."""
    cdef Py_ssize_t size = within_block(source, start, length)
    if size:
        memcpy(result, PyBytes_AS_STRING(source) + start, size)
    memset(result + size, 0, length - size)


cdef void combine_block(
    unsigned char* result, bytes source, Py_ssize_t start, Py_ssize_t length, int operation
) noexcept:
    """Combines the block with the source's bytes there, taken as zeros behind its end."""
    cdef Py_ssize_t size = within_block(source, start, length)
    if size:
        combine(result, <const unsigned char*>PyBytes_AS_STRING(source) + start, size, operation)
    if operation == OP_AND or operation == OP_DIFF:
        memset(result + size, 0, length - size)


cdef void block_of_one(unsigned char* result, list sources, Py_ssize_t start, Py_ssize_t length) noexcept:
    """Sets the bits of the block that are one in exactly one of the sources."""
    cdef unsigned char repeated[BLOCK]
    cdef unsigned char both[BLOCK]
    cdef Py_ssize_t size
    cdef bytes source
    begin_block(result, <bytes>sources[0], start, length)
    memset(repeated, 0, length)
    for index in range(1, len(sources)):
        source = <bytes>sources[index]
        size = within_block(source, start, length)
        memcpy(both, result, size)
        combine_block(both, source, start, size, OP_AND)
        combine(repeated, both, size, OP_OR)
        combine_block(result, source, start, length, OP_XOR)
    combine(result, repeated, length, OP_DIFF1)


cdef void block_of(unsigned char* result, list sources, Py_ssize_t start, Py_ssize_t length, int operation) noexcept:
    """Computes one block of BITOP's result for every operation but ONE."""
    cdef Py_ssize_t index
    if operation == OP_DIFF or operation == OP_DIFF1 or operation == OP_ANDOR:
        memset(result, 0, length)
        for index in range(1, len(sources)):
            combine_block(result, <bytes>sources[index], start, length, OP_OR)
        combine_block(result, <bytes>sources[0], start, length, OP_AND if operation == OP_ANDOR else operation)
        return
    begin_block(result, <bytes>sources[0], start, length)
    if operation == OP_NOT:
        for index in range(length):
            result[index] = ~result[index]
        return
    for index in range(1, len(sources)):
        combine_block(result, <bytes>sources[index], start, length, operation)


def bitop(int operation, sources not None):
    """Returns the bytes of a BITOP: `operation` is AND, OR, XOR, NOT (first source only), DIFF (first without the
    others), DIFF1 (others without the first), ANDOR (first and any other) or ONE (in exactly one). Sources are
    extended with zeros to the longest. ValueError without sources. O(number of sources * longest)."""
    cdef list values = [<bytes?>source for source in sources]
    cdef Py_ssize_t longest = 0
    cdef Py_ssize_t start
    cdef Py_ssize_t length
    cdef bytes result
    cdef unsigned char* data
    if not values or not OP_AND <= operation <= OP_ONE:
        raise ValueError("no sources, or an unknown operation")
    for value in values:
        if value is None:
            raise TypeError("a source is None")
        longest = max(longest, PyBytes_GET_SIZE(value))
    result = PyBytes_FromStringAndSize(NULL, longest)
    data = <unsigned char*>PyBytes_AS_STRING(result)
    for start in range(0, longest, BLOCK):
        length = min(<Py_ssize_t>BLOCK, longest - start)
        if operation == OP_ONE:
            block_of_one(data + start, values, start, length)
        else:
            block_of(data + start, values, start, length, operation)
    return result


# Bit fields


cdef uint64_t load_field(const unsigned char* data, Py_ssize_t length, uint64_t offset, int width) noexcept:
    """The `width` (1 to 64) bits at bit `offset` as an unsigned number; bits behind the end of the buffer are zeros."""
    cdef uint64_t first = offset >> 3
    cdef uint64_t last = (offset + width - 1) >> 3
    cdef uint64_t value = 0
    cdef uint64_t byte
    cdef int surplus = 7 - <int>((offset + width - 1) & 7)
    for byte in range(first, last):
        value = value << 8 | (data[byte] if byte < <uint64_t>length else 0)
    # The last byte may be the ninth: shift by what is wanted of it only.
    value = value << (8 - surplus) | ((data[last] if last < <uint64_t>length else 0) >> surplus)
    return value if width == 64 else value & ((<uint64_t>1 << width) - 1)


cdef void store_field(unsigned char* data, uint64_t offset, int width, uint64_t value) noexcept:
    """Writes the low `width` (1 to 64) bits of `value` at bit `offset`; the buffer holds all of them."""
    cdef uint64_t byte = (offset + width - 1) >> 3
    cdef int shift = 7 - <int>((offset + width - 1) & 7)
    cdef int size
    cdef unsigned int mask
    while width > 0:
        size = min(width, 8 - shift)
        mask = ((1u << size) - 1) << shift
        data[byte] = (data[byte] & ~mask) | ((<unsigned int>(value & 0xFF) << shift) & mask)
        value >>= size
        width -= size
        shift = 0
        byte -= 1


cdef inline bint valid_field(long long offset, int width) noexcept:
    return 1 <= width <= 64 and 0 <= offset <= 0x7FFFFFFFFFFFFF00


def get_field(bytes value not None, long long offset, int width, bint signed):
    """Returns the integer of `width` bits (1 to 64) at bit `offset`; what is behind the end of the string counts
    as zeros. IndexError for a negative offset or a bad width. O(1)."""
    cdef const unsigned char* data = <const unsigned char*>PyBytes_AS_STRING(value)
    cdef uint64_t field
    if not valid_field(offset, width):
        raise IndexError("no such bit field")
    field = load_field(data, PyBytes_GET_SIZE(value), offset, width)
    if not signed:
        return field
    # Move the sign bit to the top, and back with sign extension.
    return <long long>(field << (64 - width)) >> (64 - width)


def set_field(bytearray value not None, long long offset, int width, field):
    """Writes the low `width` bits (1 to 64) of the integer `field` at bit `offset`, in place. IndexError when it is not
    wholly within the buffer. O(1)."""
    if not valid_field(offset, width) or (offset + width - 1) >> 3 >= PyByteArray_GET_SIZE(value):
        raise IndexError("bit field outside the string")
    store_field(<unsigned char*>PyByteArray_AS_STRING(value), offset, width, <uint64_t>(field & 0xFFFFFFFFFFFFFFFF))


def fit_field(number, int width, bint signed, int overflow):
    """Returns the integer that a field of `width` bits (1 to 64) stores for `number` (of any size): itself if it fits;
    else by `overflow`: WRAP its low bits, SATURATE the nearest limit, FAIL None. O(1)."""
    if not 1 <= width <= 64:
        raise IndexError("no such bit field")
    # Python integers throughout: a sum of two 64-bit numbers does not fit 64 bits.
    values = <object>1 << width
    low = -(values >> 1) if signed else 0
    high = low + values - 1
    if low <= number <= high:
        return number
    if overflow == OVERFLOW_FAIL:
        return None
    if overflow == OVERFLOW_SATURATE:
        return high if number > high else low
    return ((number - low) & (values - 1)) + low
