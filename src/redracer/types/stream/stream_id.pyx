"""Stream IDs: a time in ms and a sequence number, written `ms-sequence`.

Numbers are read as Redis reads them, by strtoull where they are not canonical: leading zeros, spaces and signs pass.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, Py_NE
from libc.stdint cimport UINT64_MAX, uint64_t
from libc.string cimport memchr, strlen

from redracer.core.numbers cimport format_int64
from redracer.types.stream.id_map cimport Id, compare_ids

from redracer.core.errors import INVALID_STREAM_ID, CommandError

cdef enum:
    TEXT_LIMIT = 127                # bytes: longer text is no ID

LAST_SEQUENCE = UINT64_MAX


# --- numbers

cdef inline bint is_space(char character) noexcept nogil:
    return character == c" " or c"\t" <= character <= c"\r"


cdef bint read_number(const char* text, Py_ssize_t length, uint64_t* number) noexcept nogil:
    """What string2ull accepts: digits, or a number that strtoull reads to the end, but no canonical negative one."""
    cdef uint64_t value = 0
    cdef unsigned int digit
    cdef bint negative = False
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t start
    while at < length and is_space(text[at]):
        at += 1
    if at < length and (text[at] == c"-" or text[at] == c"+"):
        negative = text[at] == c"-"
        at += 1
    start = at
    while at < length:
        digit = <unsigned char>text[at] - <unsigned int>c"0"
        if digit > 9 or value > UINT64_MAX // 10 or (value == UINT64_MAX // 10 and digit > 5):
            return False
        value = value * 10 + digit
        at += 1
    if at == start:
        return False
    if negative and start == 1 and text[1] != c"0" and value <= <uint64_t>1 << 63:
        return False
    number[0] = 0 - value if negative else value
    return True


cdef int write_number(uint64_t value, char* out) noexcept:
    cdef int length
    if value >> 63 == 0:
        return format_int64(<long long>value, out)
    length = format_int64(<long long>(value // 10), out)
    out[length] = <char>(c"0" + value % 10)
    return length + 1


# --- ids

cdef bytes id_text(Id id):
    """`ms-sequence`."""
    cdef char text[ID_TEXT + 1]
    cdef int length = write_number(id.ms, text)
    text[length] = c"-"
    length += 1
    length += write_number(id.seq, text + length)
    return PyBytes_FromStringAndSize(text, length)


cdef bint increment_id(Id* id) noexcept nogil:
    if id.seq != UINT64_MAX:
        id.seq += 1
        return True
    if id.ms == UINT64_MAX:
        return False
    id.ms += 1
    id.seq = 0
    return True


cdef bint decrement_id(Id* id) noexcept nogil:
    if id.seq != 0:
        id.seq -= 1
        return True
    if id.ms == 0:
        return False
    id.ms -= 1
    id.seq = UINT64_MAX
    return True


cdef bint read_parts(bytes text, uint64_t missing_sequence, bint* sequence_given, Id* id) noexcept:
    """Reads an ID; where `sequence_given` is not NULL also `ms-*`, which it then says. Text ends at a zero byte."""
    cdef const char* data = PyBytes_AS_STRING(text)
    cdef Py_ssize_t length = PyBytes_GET_SIZE(text)
    cdef const char* dash
    if length > TEXT_LIMIT:
        return False
    length = min(length, <Py_ssize_t>strlen(data))
    dash = <const char*>memchr(data, c"-", length)
    id.seq = missing_sequence
    if dash == NULL:
        return read_number(data, length, &id.ms)
    if not read_number(data, dash - data, &id.ms):
        return False
    length -= dash - data + 1
    if sequence_given != NULL and length == 1 and dash[1] == c"*":
        sequence_given[0] = False
        return True
    return read_number(dash + 1, length, &id.seq)


cdef bint read_id(bytes text, uint64_t missing_sequence, Id* id) noexcept:
    """`parse_id` without the exception: whether the text is an ID."""
    return read_parts(text, missing_sequence, NULL, id)


cdef StreamId stream_id(Id id):
    cdef StreamId made = StreamId.__new__(StreamId)
    made.value = id
    return made


cpdef StreamId parse_id(bytes text, uint64_t missing_sequence=0):
    cdef Id id
    if not read_parts(text, missing_sequence, NULL, &id):
        raise CommandError(INVALID_STREAM_ID)
    return stream_id(id)


cpdef StreamId parse_range_id(bytes text, uint64_t missing_sequence):
    if text == b"-":
        return MINIMUM
    if text == b"+":
        return MAXIMUM
    return parse_id(text, missing_sequence)


def parse_added_id(bytes text not None):
    cdef Id id
    cdef bint sequence_given = True
    if not read_parts(text, 0, &sequence_given, &id):
        raise CommandError(INVALID_STREAM_ID)
    return stream_id(id), sequence_given


@cython.final
@cython.freelist(16)
cdef class StreamId:
    """An ID. Immutable."""

    def __init__(self, uint64_t ms=0, uint64_t sequence=0):
        self.value.ms = ms
        self.value.seq = sequence

    @property
    def ms(self):
        return self.value.ms

    @property
    def sequence(self):
        return self.value.seq

    @property
    def text(self):
        return id_text(self.value)

    @property
    def key(self):
        return (<object>self.value.ms).to_bytes(8, "big") + (<object>self.value.seq).to_bytes(8, "big")

    def next(self):
        cdef Id id = self.value
        return stream_id(id) if increment_id(&id) else None

    def previous(self):
        cdef Id id = self.value
        return stream_id(id) if decrement_id(&id) else None

    def __richcmp__(self, other, int operation):
        cdef int order
        if not isinstance(other, StreamId):
            return NotImplemented
        order = compare_ids(self.value, (<StreamId>other).value)
        if operation == Py_EQ:
            return order == 0
        if operation == Py_NE:
            return order != 0
        if operation == Py_LT:
            return order < 0
        if operation == Py_LE:
            return order <= 0
        return order > 0 if operation == Py_GT else order >= 0

    def __hash__(self):
        return hash((self.value.ms, self.value.seq))

    def __repr__(self):
        return f"StreamId({self.value.ms}, {self.value.seq})"


MINIMUM = StreamId(0, 0)
MAXIMUM = StreamId(UINT64_MAX, UINT64_MAX)
