"""Operations on string values that change or read a part of one. The value itself is in its key's entry
(core/keyspace).

Reads borrow the bytes (`entry_text`), writes change them in place (`Keyspace.writable`); neither copies a long
value. All raise CommandError(WRONG_TYPE) for a key of another type, before anything has changed.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from redracer.core.entry cimport KIND_INTEGER, Entry, Text, entry_kind, entry_text, entry_word
from redracer.core.keyspace cimport Keyspace
from redracer.core.numbers cimport parse_int64

from redracer.core.errors import NOT_INTEGER, OVERFLOW, CommandError

cdef extern from *:
    bint add_overflows "__builtin_add_overflow"(long long a, long long b, long long* sum)


cdef Py_ssize_t read_text(Keyspace keyspace, bytes key, bint read, Text* text) except -1:
    """The key's string (no bytes if there is no key), and its length."""
    cdef Entry* entry = keyspace.find_string(key, read)
    text.data = b""
    text.length = 0
    if entry != NULL:
        entry_text(entry, text)
    return text.length


cpdef long long increment(Keyspace keyspace, bytes key, long long delta) except? -1:
    """Adds `delta` to the integer that the key holds (0 if there is no key). Returns the sum. O(1).

    Raises CommandError: NOT_INTEGER, or OVERFLOW where the sum is no int64.
    """
    cdef Entry* entry = keyspace.find_string(key, False)
    cdef Text text
    cdef long long value = 0
    cdef bint in_place = entry != NULL and entry_kind(entry) == KIND_INTEGER
    if in_place:
        value = entry_word(entry)[0]
    elif entry != NULL:
        entry_text(entry, &text)
        if not parse_int64(text.data, text.length, &value):
            raise CommandError(NOT_INTEGER)
    if add_overflows(value, delta, &value):
        raise CommandError(OVERFLOW)
    if in_place:
        entry_word(entry)[0] = value
    else:
        keyspace.set_integer(key, value)
    return value


cpdef Py_ssize_t string_length(Keyspace keyspace, bytes key) except -1:
    """The length of the string in bytes, 0 if there is no key. A read. O(1)."""
    cdef Text text
    return read_text(keyspace, key, True, &text)


cpdef bytes get_range(Keyspace keyspace, bytes key, Py_ssize_t start, Py_ssize_t end):
    """The bytes from `start` to `end`, both included; a negative one counts from the string's end. A read.
    O(result)."""
    cdef Text text
    cdef Py_ssize_t length = read_text(keyspace, key, True, &text)
    if start < 0 and end < 0 and start > end:
        return b""
    if start < 0:
        start = max(start + length, 0)
    if end < 0:
        end = max(end + length, 0)
    end = min(end, length - 1)
    if start > end:
        return b""
    return PyBytes_FromStringAndSize(text.data + start, end - start + 1)


cpdef Py_ssize_t append(Keyspace keyspace, bytes key, bytes tail) except -1:
    """Adds `tail` to the string's end, or makes a string of it. Returns the new length. Amortised O(tail).

    The caller checks the length against proto-max-bulk-len.
    """
    cdef Text text
    if keyspace.find_string(key, False) == NULL:
        keyspace.set_string(key, tail)
        return PyBytes_GET_SIZE(tail)
    cdef Py_ssize_t length = read_text(keyspace, key, False, &text)
    cdef char* data = keyspace.writable(key, length + PyBytes_GET_SIZE(tail))
    memcpy(data + length, PyBytes_AS_STRING(tail), PyBytes_GET_SIZE(tail))
    return length + PyBytes_GET_SIZE(tail)


cpdef Py_ssize_t set_range(Keyspace keyspace, bytes key, Py_ssize_t offset, bytes patch) except -1:
    """Writes `patch` over the string from `offset` (not negative) on, with zeros before it where the string is
    shorter.

    Returns the new length. An empty patch changes nothing. Amortised O(patch). The caller checks the length.
    """
    cdef Text text
    cdef Py_ssize_t length = read_text(keyspace, key, False, &text)
    if offset < 0:
        raise ValueError("negative offset")
    if not PyBytes_GET_SIZE(patch):
        return length
    cdef char* data = keyspace.writable(key, offset + PyBytes_GET_SIZE(patch))
    memcpy(data + offset, PyBytes_AS_STRING(patch), PyBytes_GET_SIZE(patch))
    return max(length, offset + PyBytes_GET_SIZE(patch))


cpdef int get_bit(Keyspace keyspace, bytes key, unsigned long long offset) except -1:
    """The bit at `offset` (0: the highest bit of the first byte), 0 past the string's end. A read. O(1)."""
    cdef Text text
    if offset >> 3 >= <unsigned long long>read_text(keyspace, key, True, &text):
        return 0
    return text.data[offset >> 3] >> (7 - (offset & 7)) & 1


cpdef int set_bit(Keyspace keyspace, bytes key, unsigned long long offset, bint bit) except -1:
    """Sets the bit at `offset`, with zeros before it where the string is shorter. Returns the old bit.
    Amortised O(1).

    The caller checks the offset against proto-max-bulk-len.
    """
    cdef char* data = keyspace.writable(key, (offset >> 3) + 1) + (offset >> 3)
    cdef int shift = 7 - (offset & 7)
    cdef int old = data[0] >> shift & 1
    data[0] = <char>(data[0] & ~(1 << shift) | bit << shift)
    return old


cpdef list get_many(Keyspace keyspace, list args):
    """The strings of the keys args[1:], None for a key that is missing or of another type. O(keys)."""
    cdef list values = []
    cdef Py_ssize_t i
    for i in range(1, len(args)):
        try:
            values.append(keyspace.get_string(<bytes?>args[i]))
        except CommandError:
            values.append(None)
    return values


cpdef int set_many(Keyspace keyspace, list args) except -1:
    """Sets the keys args[1], args[3]... to the values behind each; `args` has an odd length. O(keys)."""
    cdef Py_ssize_t i
    for i in range(1, len(args) - 1, 2):
        keyspace.set_string(<bytes?>args[i], <bytes?>args[i + 1])
    return 0
