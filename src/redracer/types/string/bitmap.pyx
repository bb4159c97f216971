"""String values as bitmaps, read where they lie and changed in place, so that a bit of a large string costs O(1).

All functions raise CommandError(WRONG_TYPE) for a key of another type. A missing key is an endless row of zeros. Bit 0
is the most significant bit of the first byte. The pointer to a string's bytes is valid until the keyspace is used
again; nothing here uses it between taking the pointer and the last access.
"""

from redracer.core.bits cimport count_range, find_range, load_field, store_field
from redracer.core.entry cimport Entry, Text, entry_text
from redracer.core.keyspace cimport Keyspace

from redracer.core.bits import fit_field


cdef enum:
    FIELD_GET = 0
    FIELD_SET = 1
    FIELD_INCREMENT = 2
    CHANGED_FLAG = 2

GET, SET, INCREMENT = FIELD_GET, FIELD_SET, FIELD_INCREMENT
CHANGED = CHANGED_FLAG  # in set_bit's answer


cdef bint look(Keyspace keyspace, bytes key, bint read, Text* text) except -1:
    """Finds the string's bytes; whether there is such a key. Without one the text is empty."""
    cdef Entry* entry = keyspace.find_string(key, read)
    text.data = NULL
    text.length = 0
    if entry == NULL:
        return False
    entry_text(entry, text)
    return True


def get_bit(Keyspace keyspace not None, bytes key not None, long long offset):
    """Returns the bit at `offset` (not negative). A read. O(1)."""
    cdef Text text
    look(keyspace, key, True, &text)
    if offset < 0 or offset >> 3 >= text.length:
        return 0
    return <unsigned char>text.data[offset >> 3] >> (7 - (offset & 7)) & 1


def set_bit(Keyspace keyspace not None, bytes key not None, long long offset, bint bit):
    """Sets the bit at `offset` (not negative), making the string as long as that takes. Returns what the bit was, plus
    CHANGED if the string is now another. O(1), but for growing."""
    cdef Text text
    cdef char* byte
    cdef int mask = 0x80 >> (offset & 7)
    cdef bint old
    cdef bint grown
    if offset < 0:
        raise IndexError("negative bit offset")
    look(keyspace, key, False, &text)
    grown = offset >> 3 >= text.length
    byte = keyspace.writable(key, (offset >> 3) + 1) + (offset >> 3)
    old = byte[0] & mask != 0
    byte[0] = <char>(byte[0] | mask if bit else byte[0] & ~mask)
    return old | (CHANGED_FLAG if grown or old != bit else 0)


cdef bint clamp(long long* start, long long* end, Py_ssize_t length, bint in_bits) noexcept:
    """Turns a range as clients give it (bytes or bits, both ends included, negative from the end) into bit positions
    within the string; False if it is empty."""
    cdef long long total = length << 3 if in_bits else length
    if start[0] < 0:
        start[0] = max(start[0] + total, 0)
    if end[0] < 0:
        end[0] = max(end[0] + total, 0)
    end[0] = min(end[0], total - 1)
    if start[0] > end[0]:
        return False
    if not in_bits:
        start[0] = start[0] << 3
        end[0] = end[0] << 3 | 7
    return True


def count_bits(Keyspace keyspace not None, bytes key not None, long long start, long long end, bint in_bits):
    """Returns the number of one bits from `start` to `end`, which count bits or bytes, as BITCOUNT takes them. A read.
    O(range)."""
    cdef Text text
    look(keyspace, key, True, &text)
    if (start < 0 and end < 0 and start > end) or not clamp(&start, &end, text.length, in_bits):
        return 0
    return count_range(<const unsigned char*>text.data, start, end)


def find_bit(
    Keyspace keyspace not None, bytes key not None, bint bit, long long start, long long end, bint in_bits,
    bint end_given
):
    """Returns the first position from `start` to `end` that holds `bit`, or -1, as BITPOS does: without `end_given`
    zeros follow the string. A read. O(range)."""
    cdef Text text
    cdef long long found
    if not look(keyspace, key, True, &text):
        return -1 if bit else 0
    if not clamp(&start, &end, text.length, in_bits):
        return -1
    found = find_range(<const unsigned char*>text.data, bit, start, end)
    return end + 1 if found < 0 and not bit and not end_given else found


cdef long long signed_value(unsigned long long field, int width) noexcept:
    return <long long>(field << (64 - width)) >> (64 - width)


cdef object run_field(unsigned char* data, Py_ssize_t length, operation, long long* changes):
    """Performs one BITFIELD operation; the fields it writes are within the string. Returns its reply."""
    cdef int kind = operation[0]
    cdef int overflow = operation[1]
    cdef bint signed = operation[2]
    cdef int width = operation[3]
    cdef unsigned long long offset = operation[4]
    cdef unsigned long long stored = load_field(data, length, offset, width)
    cdef object old = stored
    if signed:
        old = signed_value(stored, width)
    if kind == FIELD_GET:
        return old
    number = operation[5] if kind == FIELD_SET else old + operation[5]
    if kind == FIELD_SET and not signed:
        # Redis takes the value as an unsigned 64-bit number: SET u8 0 -1 saturates at 255.
        number &= 0xFFFFFFFFFFFFFFFF
    new = fit_field(number, width, signed, overflow)
    if new is None:
        return None
    store_field(data, offset, width, <unsigned long long>(new & 0xFFFFFFFFFFFFFFFF))
    changes[0] += new != old
    return old if kind == FIELD_SET else new


def run_fields(Keyspace keyspace not None, bytes key not None, operations not None, Py_ssize_t length):
    """Performs BITFIELD operations in order: tuples (GET, SET or INCREMENT; overflow of core.bits; signed; width;
    offset in bits; value or increment, for GET unused). `length` in bytes holds every written field; 0: a read. Returns
    the replies (int, or None for a refused overflow) and the number of changes. IndexError for a field that is not within
    `length`, or no field at all. O(operations), but for growing."""
    cdef Text text
    cdef unsigned char* data
    cdef bint grown = False
    cdef long long changes = 0
    cdef list replies = []
    for kind, _, _, width, offset, _ in operations:
        if not 1 <= width <= 64 or offset < 0 or offset > 1 << 62:
            raise IndexError("no such bit field")
        if kind != FIELD_GET and offset + width > <object>length * 8:
            raise IndexError("bit field outside the string")
    look(keyspace, key, length == 0, &text)
    data = <unsigned char*>text.data
    if length:
        grown = length > text.length
        data = <unsigned char*>keyspace.writable(key, length)
    length = max(length, text.length)
    for operation in operations:
        before = changes
        reply = run_field(data, length, operation, &changes)
        replies.append(reply)
        # In a string that has grown every write counts, as in Redis.
        if grown and reply is not None and operation[0] != FIELD_GET and changes == before:
            changes += 1
    return replies, changes
