# cython: allow_none_for_extension_args=False
"""Collections that are one string in RDB files: listpacks, and the ziplists and zipmaps of Redis before 7.0.

Ziplists and zipmaps are read only, into listpacks. All integers are little-endian but where said.

    ziplist   total bytes (4) | offset of the last entry (4) | entries (2; 65535: so many or more) | entry ... | 0xFF
    entry     length of the entry before (1; from 254 on: 0xFE and 4) | encoding | content
    00xxxxxx  string of up to 63 bytes      01xxxxxx xxxxxxxx  of up to 16383      10...... and 4 bytes  longer (big-endian)
    11000000  integer of 16 bits            11010000  32      11100000  64      11110000  24      11111110  8
    1111xxxx  (0001 to 1101) the integer xxxx - 1

    zipmap    entries (1; 254 or more: count them) | item ... | 0xFF
    item      length (1; from 254 on: 0xFE and 4) | field | length | unused bytes (1) | value | the unused bytes

(ziplist.c and zipmap.c of Redis 6.2 describe them.) Everything is untrusted: an entry is used only once it was found to
lie within the block.
"""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from redracer.core.listpack cimport Listpack, ListpackValue, fill_listpack
from redracer.core.member_table cimport MemberTable
from redracer.core.numbers cimport INT64_TEXT, format_int64
from redracer.core.rdb_reader cimport RdbReader, RdbText, corrupt

from redracer.core.rdb_reader import EmptyValue

cdef extern from "python_hash.h":
    uint64_t hash_buffer(const char* data, Py_ssize_t length)

cdef enum:
    END = 0xff
    LONG_LENGTH = 0xfe              # a length follows in 4 bytes
    ZIPLIST_HEADER = 10
    ZIPMAP_HEADER = 1
    COUNT_UNKNOWN = 65535           # of a ziplist's entries
    INTEGER_16 = 0xc0
    INTEGER_32 = 0xd0
    INTEGER_64 = 0xe0
    INTEGER_24 = 0xf0
    INTEGER_8 = 0xfe
    IMMEDIATE_FIRST = 0xf1
    IMMEDIATE_LAST = 0xfd


cdef inline uint32_t load_word(const unsigned char* field) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, field, sizeof(word))
    return word


# --- the three, from a reader

cdef int read_listpack(RdbReader reader, Listpack packed, size_t width, str kind) except -1:
    """Fills an empty listpack with the next string, a listpack of groups of `width` entries. `kind`: of value, for people.
    Raises CorruptRdb, and EmptyValue for one without entries."""
    cdef RdbText text
    reader.read_text(&text)
    if not fill_listpack(packed, <const unsigned char*>text.data, text.length):
        raise corrupt(reader, f"{kind} listpack integrity check failed")
    return check_groups(reader, packed, width, kind)


cdef int read_ziplist(RdbReader reader, Listpack packed, size_t width, str kind) except -1:
    """The same for a ziplist."""
    cdef RdbText text
    cdef bint right
    reader.read_text(&text)
    try:
        right = fill_from_ziplist(packed, <const unsigned char*>text.data, text.length)
    except ValueError:              # no listpack is as long
        right = False
    if not right:
        raise corrupt(reader, f"{kind} ziplist integrity check failed")
    return check_groups(reader, packed, width, kind)


cdef int read_zipmap(RdbReader reader, Listpack packed) except -1:
    """The same for a zipmap, whose fields and values become entries in turn."""
    cdef RdbText text
    cdef bint right
    reader.read_text(&text)
    try:
        right = fill_from_zipmap(packed, <const unsigned char*>text.data, text.length)
    except ValueError:              # no listpack is as long
        right = False
    if not right:
        raise corrupt(reader, "Zipmap integrity check failed")
    return check_groups(reader, packed, 2, "Zipmap")


cdef int check_groups(RdbReader reader, Listpack packed, size_t width, str kind) except -1:
    cdef size_t count = packed.count()
    if count == 0:
        raise EmptyValue("a packed value has no elements")
    if count % width:
        raise corrupt(reader, f"{kind} integrity check failed: {count} entries")
    return 0


cdef bint has_duplicates(Listpack packed, size_t width) except -1:
    """Whether the first entries of two groups of `width` entries are equal. O(n)."""
    cdef MemberTable seen = MemberTable.__new__(MemberTable)
    cdef ListpackValue value
    cdef char digits[INT64_TEXT]
    cdef size_t position = packed.first()
    cdef size_t passed
    while position:
        packed.read(position, &value)
        if value.data == NULL:
            value.length = format_int64(value.integer, digits)
            value.data = digits
        if not seen.add_buffer(value.data, value.length, hash_buffer(value.data, value.length)):
            return True
        for passed in range(width):
            position = packed.next(position)
            if position == 0:
                break
    return False


# --- ziplists

cdef size_t ziplist_entry(
    const unsigned char* entry, size_t available, size_t before, ListpackValue* value
) noexcept nogil:
    """Reads an entry of which `available` bytes may be read, after one of `before` bytes. Returns its bytes; 0 if it is not a
    whole and right one."""
    cdef size_t head = 5 if entry[0] == LONG_LENGTH else 1
    cdef size_t size
    cdef unsigned int encoding
    if available < head + 1:
        return 0
    if before != (load_word(entry + 1) if head == 5 else entry[0]):
        return 0
    entry += head
    available -= head
    encoding = entry[0]
    if encoding >= INTEGER_16:
        size = ziplist_integer(entry, available, value)
    elif encoding >> 6 == 0:
        size = ziplist_string(entry, 1, encoding, available, value)
    elif available < 5 and (encoding >> 6 == 2 or available < 2):
        return 0
    elif encoding >> 6 == 1:
        size = ziplist_string(entry, 2, (encoding & 0x3f) << 8 | entry[1], available, value)
    else:
        size = ziplist_string(
            entry, 5, <uint32_t>entry[1] << 24 | entry[2] << 16 | entry[3] << 8 | entry[4], available, value
        )
    return head + size if size else 0


cdef size_t ziplist_string(
    const unsigned char* entry, size_t head, size_t length, size_t available, ListpackValue* value
) noexcept nogil:
    if length > available - head:
        return 0
    value.data = <const char*>entry + head
    value.length = length
    return head + length


cdef size_t ziplist_integer(const unsigned char* entry, size_t available, ListpackValue* value) noexcept nogil:
    cdef unsigned int encoding = entry[0]
    cdef uint64_t word = 0
    cdef size_t size, at
    value.data = NULL
    if IMMEDIATE_FIRST <= encoding <= IMMEDIATE_LAST:
        value.integer = <int64_t>encoding - IMMEDIATE_FIRST
        return 1
    if encoding == INTEGER_8:
        size = 1
    elif encoding == INTEGER_16:
        size = 2
    elif encoding == INTEGER_24:
        size = 3
    elif encoding == INTEGER_32:
        size = 4
    elif encoding == INTEGER_64:
        size = 8
    else:
        return 0
    if available < 1 + size:
        return 0
    for at in range(size):
        word |= <uint64_t>entry[1 + at] << 8 * at
    value.integer = <int64_t>(word << (64 - 8 * size)) >> (64 - 8 * size)
    return 1 + size


cdef bint fill_from_ziplist(Listpack packed, const unsigned char* block, size_t size) except -1:
    """Appends the entries of a ziplist; False if it is not a right one."""
    cdef ListpackValue value
    cdef size_t position = ZIPLIST_HEADER
    cdef size_t last = ZIPLIST_HEADER
    cdef size_t before = 0
    cdef size_t count = 0
    cdef unsigned int known
    if size < ZIPLIST_HEADER + 1 or load_word(block) != size or block[size - 1] != END:
        return False
    while position < size - 1:
        before = ziplist_entry(block + position, size - 1 - position, before, &value)
        if before == 0:
            return False
        packed.append_values(&value, 1)
        last = position
        position += before
        count += 1
    known = block[8] | <unsigned int>block[9] << 8
    return load_word(block + 4) == last and (known == count or known == COUNT_UNKNOWN)


# --- zipmaps

cdef bint zipmap_length(const unsigned char** at, const unsigned char* end, size_t* length) noexcept nogil:
    """Reads a length, and goes behind it; False if it does not lie before `end`."""
    cdef size_t first
    if at[0] == end:
        return False
    first = at[0][0]
    at[0] += 1
    length[0] = first
    if first < LONG_LENGTH:
        return True
    if first == END or end - at[0] < 4:
        return False
    length[0] = load_word(at[0])
    at[0] += 4
    return length[0] >= LONG_LENGTH         # shorter ones have the short form


cdef bint zipmap_item(const unsigned char** at, const unsigned char* end, ListpackValue* pair) noexcept nogil:
    """Reads a field and its value, and goes behind them; False if they do not lie before `end`."""
    cdef size_t length, unused
    if not zipmap_length(at, end, &length) or length > <size_t>(end - at[0]):
        return False
    pair[0].data = <const char*>at[0]
    pair[0].length = length
    at[0] += length
    if not zipmap_length(at, end, &length) or at[0] == end:
        return False
    unused = at[0][0]
    at[0] += 1
    if length + unused > <size_t>(end - at[0]):
        return False
    pair[1].data = <const char*>at[0]
    pair[1].length = length
    at[0] += length + unused
    return True


cdef bint fill_from_zipmap(Listpack packed, const unsigned char* block, size_t size) except -1:
    """Appends the fields and values of a zipmap; False if it is not a right one."""
    cdef ListpackValue pair[2]
    cdef const unsigned char* at
    cdef const unsigned char* end
    cdef size_t count = 0
    if size < ZIPMAP_HEADER + 1 or block[size - 1] != END:
        return False
    at = block + ZIPMAP_HEADER
    end = block + size - 1
    while at != end:
        if not zipmap_item(&at, end, pair):
            return False
        packed.append_values(pair, 2)
        count += 1
    return count > 0 and (block[0] >= LONG_LENGTH or block[0] == count)     # no empty one was ever written
