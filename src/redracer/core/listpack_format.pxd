"""The listpack format, byte for byte Redis's (S. Sanfilippo, Listpack specification,
github.com/antirez/listpack).

    total bytes (4) | entries (2; 65535: so many or more) | entry ... | 0xFF            all little-endian
    entry: encoding and value | back length: the bytes before it, 7 bits a byte, so that it reads backwards

    0xxxxxxx  integer 0 to 127              10xxxxxx  string of up to 63 bytes
    110xxxxx  13-bit integer (2 bytes)      1110xxxx  string of up to 4095 bytes (2 bytes and the string)
    11110000  string, 4 bytes of length     11110001, -10, -11, 11110100  integer of 16, 24, 32, 64 bits

What reads as a canonical 64-bit integer is always stored as one. All but `is_proven` trust the bytes that
they are given.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef enum:
    HEADER = 6                      # bytes before the first entry
    END = 0xff
    EMPTY_SIZE = HEADER + 1
    COUNT_UNKNOWN = 65535
    SIZE_LIMIT = 1 << 30            # bytes of a block: Redis's limit
    FIXED_ENTRY = 9                 # bytes of the longest encoding without a string behind it

cdef struct Encoding:               # an entry to be written
    uint8_t head[FIXED_ENTRY]
    size_t head_size
    const char* data                # the string after the head
    size_t length
    size_t body_size                # head and string
    size_t size                     # with the back length


cdef inline uint32_t load_total(const unsigned char* data) noexcept nogil:
    return data[0] | <uint32_t>data[1] << 8 | <uint32_t>data[2] << 16 | <uint32_t>data[3] << 24


cdef inline void store_total(unsigned char* data, size_t total) noexcept nogil:
    data[0] = total & 0xff
    data[1] = total >> 8 & 0xff
    data[2] = total >> 16 & 0xff
    data[3] = total >> 24 & 0xff


cdef inline unsigned int load_count(const unsigned char* data) noexcept nogil:
    return data[4] | <unsigned int>data[5] << 8


cdef inline void store_count(unsigned char* data, size_t count) noexcept nogil:
    if count > COUNT_UNKNOWN:
        count = COUNT_UNKNOWN
    data[4] = count & 0xff
    data[5] = count >> 8


cdef inline uint32_t load_length(const unsigned char* entry) noexcept nogil:
    """The length of a string whose encoding is 0xF0."""
    return load_total(entry + 1)


cdef inline size_t body_size(const unsigned char* entry) noexcept nogil:
    """The bytes of an entry without its back length."""
    cdef unsigned int head = entry[0]
    if head < 0x80:
        return 1
    if head < 0xc0:
        return 1 + (head & 0x3f)
    if head < 0xe0:
        return 2
    if head < 0xf0:
        return 2 + ((head & 0x0f) << 8 | entry[1])
    if head == 0xf0:
        return 5 + <size_t>load_length(entry)
    return 9 if head == 0xf4 else head - 0xf0 + 2       # 16, 24, 32 bits: 3, 4, 5 bytes


cdef inline size_t back_size(size_t body) noexcept nogil:
    """The bytes of the back length of an entry (Redis's bounds: 16383 takes three)."""
    if body <= 127:
        return 1
    if body < 16383:
        return 2
    if body < 2097151:
        return 3
    return 4 if body < 268435455 else 5


cdef inline size_t entry_size(const unsigned char* entry) noexcept nogil:
    cdef size_t body = body_size(entry)
    return body + back_size(body)


cdef inline void write_back(unsigned char* field, size_t body) noexcept nogil:
    cdef size_t at = back_size(body)
    while at > 0:
        at -= 1
        field[at] = body & 0x7f | 0x80
        body >>= 7
    field[0] &= 0x7f


cdef inline size_t read_back(const unsigned char* last) noexcept nogil:
    """The back length whose last byte is given: at most 5 bytes, the first of which has no bit 7."""
    cdef size_t body = last[0] & 0x7f
    cdef unsigned int shift = 7
    while last[0] & 0x80 and shift < 35:
        last -= 1
        body |= <size_t>(last[0] & 0x7f) << shift
        shift += 7
    return body


cdef inline bint read_integer(const unsigned char* entry, int64_t* value) noexcept nogil:
    """The value of an entry that is an integer; False for a string."""
    cdef unsigned int head = entry[0]
    cdef uint64_t word = 0
    cdef int size, at
    if head < 0x80:
        value[0] = head
        return True
    if 0xc0 <= head < 0xe0:
        value[0] = <int>((head & 0x1f) << 8 | entry[1])
        if value[0] & 0x1000:
            value[0] -= 0x2000
        return True
    if head <= 0xf0:
        return False
    size = 8 if head == 0xf4 else <int>head - 0xf0 + 1
    for at in range(size):
        word |= <uint64_t>entry[1 + at] << 8 * at
    value[0] = <int64_t>(word << (64 - 8 * size)) >> (64 - 8 * size)
    return True


cdef inline void read_string(const unsigned char* entry, const char** data, size_t* length) noexcept nogil:
    """The bytes of an entry that is a string."""
    cdef unsigned int head = entry[0]
    if head < 0xc0:
        length[0] = head & 0x3f
        data[0] = <const char*>entry + 1
    elif head < 0xf0:
        length[0] = (head & 0x0f) << 8 | entry[1]
        data[0] = <const char*>entry + 2
    else:
        length[0] = load_length(entry)
        data[0] = <const char*>entry + 5


cdef inline bint is_string_of(const unsigned char* entry, const char* data, size_t length) noexcept nogil:
    """Whether the entry, which is a string, is that one."""
    cdef const char* own
    cdef size_t own_length
    read_string(entry, &own, &own_length)
    return own_length == length and memcmp(own, data, length) == 0


cdef inline void encode_integer(Encoding* encoding, int64_t value) noexcept nogil:
    cdef int size, at
    encoding.length = 0
    if 0 <= value <= 127:
        encoding.head[0] = value
        size = 0
    elif -4096 <= value <= 4095:
        encoding.head[0] = 0xc0 | (value >> 8 & 0x1f)
        encoding.head[1] = value & 0xff
        size = 1
    else:
        if -32768 <= value <= 32767:
            size = 2
        elif -8388608 <= value <= 8388607:
            size = 3
        else:
            size = 4 if <int32_t>value == value else 8
        encoding.head[0] = 0xf4 if size == 8 else 0xf0 + size - 1
        for at in range(size):
            encoding.head[1 + at] = value >> 8 * at & 0xff
    encoding.head_size = encoding.body_size = 1 + size
    encoding.size = encoding.body_size + 1


cdef inline void encode_string(Encoding* encoding, const char* data, size_t length) noexcept nogil:
    """Of a string up to SIZE_LIMIT that is not an integer's text."""
    encoding.data = data
    encoding.length = length
    if length < 64:
        encoding.head[0] = 0x80 | length
        encoding.head_size = 1
    elif length < 4096:
        encoding.head[0] = 0xe0 | length >> 8
        encoding.head[1] = length & 0xff
        encoding.head_size = 2
    else:
        encoding.head[0] = 0xf0
        store_total(&encoding.head[1], length)
        encoding.head_size = 5
    encoding.body_size = encoding.head_size + length
    encoding.size = encoding.body_size + back_size(encoding.body_size)


cdef inline void write_entry(unsigned char* entry, const Encoding* encoding) noexcept nogil:
    memcpy(entry, encoding.head, encoding.head_size)
    if encoding.length:
        memcpy(entry + encoding.head_size, encoding.data, encoding.length)
    write_back(entry + encoding.body_size, encoding.body_size)


cdef inline size_t proven_entry(const unsigned char* entry, size_t available) noexcept nogil:
    """The bytes of an entry of which `available` bytes may be read; 0 if it is not a whole and right one."""
    cdef uint8_t back[5]
    cdef unsigned int head
    cdef size_t body, width
    if available < 2:
        return 0
    head = entry[0]
    if head > 0xf4 or head == 0xf0 and available < 5:
        return 0
    body = body_size(entry)         # reads at most 5 bytes: two, or five of 0xF0
    width = back_size(body)
    if body + width > available:
        return 0
    write_back(back, body)
    return body + width if memcmp(back, entry + body, width) == 0 else 0


cdef inline bint is_proven(const unsigned char* data, size_t size) noexcept nogil:
    """Whether these bytes are a listpack: header and length fit, and every entry is right."""
    cdef size_t position = HEADER
    cdef size_t count = 0
    cdef size_t entry
    if size < EMPTY_SIZE or size > SIZE_LIMIT or load_total(data) != size or data[size - 1] != END:
        return False
    while position < size - 1:
        entry = proven_entry(data + position, size - 1 - position)
        if entry == 0:
            return False
        position += entry
        count += 1
    return load_count(data) == count or load_count(data) == COUNT_UNKNOWN
