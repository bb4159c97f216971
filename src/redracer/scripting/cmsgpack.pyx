"""The library `cmsgpack`: MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md).

As in Redis: a table whose keys are 1..n is an array, what is nested deeper than NESTED is nil, a number is the
shortest integer or a float that keeps it, and neither extensions nor binary strings are known.
"""

from libc.math cimport floor
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from redracer.scripting.lua cimport (
    LUA_GLOBALSINDEX,
    LUA_TBOOLEAN,
    LUA_TNIL,
    LUA_TNUMBER,
    LUA_TSTRING,
    LUA_TTABLE,
    api,
    fail,
    lua_State,
    pop,
)
from redracer.scripting.sandbox cimport set_function
from redracer.scripting.scratch cimport begin, push_scratch, put, put_byte
from redracer.scripting.state cimport LuaState

cdef enum:
    NESTED = 16         # levels of tables that are packed
    MESSAGE = 96


def open_cmsgpack(LuaState state not None):
    """Adds the global `cmsgpack`."""
    cdef lua_State* L = state.L
    api.createtable(L, 0, 4)
    set_function(L, "pack", pack)
    set_function(L, "unpack", unpack)
    set_function(L, "unpack_one", unpack_one)
    set_function(L, "unpack_limit", unpack_limit)
    api.setfield(L, LUA_GLOBALSINDEX, "cmsgpack")


# --- packing

cdef int pack(lua_State* L) noexcept:
    """All arguments, one after the other, as one string."""
    cdef int count = api.gettop(L)
    cdef int i
    if count == 0:
        return api.argerror(L, 0, "MessagePack pack needs input.")
    if not api.checkstack(L, 4 * NESTED + 8):
        return api.argerror(L, 0, "Too many arguments for MessagePack pack.")
    begin()
    for i in range(1, count + 1):
        api.pushvalue(L, i)
        pack_value(L, 0)
    return push_scratch(L)


cdef int pack_value(lua_State* L, int depth) noexcept:
    """Packs the value at the top, and takes it off."""
    cdef int kind = api.type(L, -1)
    cdef size_t length = 0
    cdef const char* text
    if kind == LUA_TSTRING:
        text = api.tolstring(L, -1, &length)
        pack_string(L, text, length)
    elif kind == LUA_TBOOLEAN:
        put_byte(L, 0xC3 if api.toboolean(L, -1) else 0xC2)
    elif kind == LUA_TNUMBER:
        pack_number(L, api.tonumber(L, -1))
    elif kind == LUA_TTABLE and depth < NESTED:
        pack_table(L, depth)
    else:
        put_byte(L, 0xC0)
    pop(L, 1)
    return 0


cdef int put_number(lua_State* L, uint8_t tag, uint64_t value, int size) noexcept:
    """A tag and the low `size` bytes of a value, most significant first."""
    cdef char packed[9]
    cdef int i
    packed[0] = <char>tag
    for i in range(size):
        packed[size - i] = <char>(value & 0xFF)
        value >>= 8
    return put(L, packed, size + 1)


cdef int pack_string(lua_State* L, const char* text, size_t length) noexcept:
    if length < 32:
        put_byte(L, 0xA0 | length)
    elif length <= 0xFF:
        put_number(L, 0xD9, length, 1)
    elif length <= 0xFFFF:
        put_number(L, 0xDA, length, 2)
    else:
        put_number(L, 0xDB, length, 4)
    return put(L, text, length)


cdef int pack_number(lua_State* L, double number) noexcept:
    cdef uint64_t bits64
    cdef uint32_t bits32
    cdef float single
    if -9223372036854775808.0 <= number < 9223372036854775808.0 and number == <double><int64_t>number:
        return pack_integer(L, <int64_t>number)
    single = <float>number
    if <double>single == number:
        memcpy(&bits32, &single, 4)
        return put_number(L, 0xCA, bits32, 4)
    memcpy(&bits64, &number, 8)
    return put_number(L, 0xCB, bits64, 8)


cdef int pack_integer(lua_State* L, int64_t number) noexcept:
    if 0 <= number <= 127 or -32 <= number < 0:
        return put_byte(L, <uint8_t>number)
    if number > 0:
        if number <= 0xFF:
            return put_number(L, 0xCC, number, 1)
        if number <= 0xFFFF:
            return put_number(L, 0xCD, number, 2)
        if number <= 0xFFFFFFFF:
            return put_number(L, 0xCE, number, 4)
        return put_number(L, 0xCF, number, 8)
    if number >= -128:
        return put_number(L, 0xD0, <uint64_t>number, 1)
    if number >= -32768:
        return put_number(L, 0xD1, <uint64_t>number, 2)
    if number >= -2147483648:
        return put_number(L, 0xD2, <uint64_t>number, 4)
    return put_number(L, 0xD3, <uint64_t>number, 8)


cdef int pack_table(lua_State* L, int depth) noexcept:
    cdef uint64_t count = 0
    cdef uint64_t i
    cdef bint is_array = measure(L, &count)
    if count < 16:
        put_byte(L, (0x90 if is_array else 0x80) | count)
    elif count <= 0xFFFF:
        put_number(L, 0xDC if is_array else 0xDE, count, 2)
    else:
        put_number(L, 0xDD if is_array else 0xDF, count, 4)
    if is_array:
        for i in range(1, count + 1):
            api.rawgeti(L, -1, i)
            pack_value(L, depth + 1)
        return 0
    api.pushnil(L)
    while api.next(L, -2):
        api.pushvalue(L, -2)
        pack_value(L, depth + 1)
        pack_value(L, depth + 1)
    return 0


cdef bint measure(lua_State* L, uint64_t* count) noexcept:
    """Sets the number of entries of the table at the top; whether their keys are 1..n."""
    cdef bint is_array = True
    cdef double key
    cdef double greatest = 0
    api.pushnil(L)
    while api.next(L, -2):
        pop(L, 1)
        count[0] += 1
        if api.type(L, -1) != LUA_TNUMBER:
            is_array = False
            continue
        key = api.tonumber(L, -1)
        if not key >= 1 or key != floor(key):
            is_array = False
        elif key > greatest:
            greatest = key
    return is_array and greatest == count[0]


# --- unpacking

ctypedef struct Source:
    const unsigned char* at
    const unsigned char* end


cdef int unpack(lua_State* L) noexcept:
    """All values that are in the string."""
    return unpack_some(L, 0, 0)


cdef int unpack_one(lua_State* L) noexcept:
    """(string [, offset]): the offset of the next value, -1 after the last, and one value."""
    return unpack_some(L, 1, offset_argument(L, 2))


cdef int unpack_limit(lua_State* L) noexcept:
    """(string, limit [, offset]): the offset of the next value, -1 after the last, and up to `limit` values.

    With a limit of 0, and from the beginning, `unpack`.
    """
    cdef int limit = whole(api.checknumber(L, 2))
    return unpack_some(L, limit, offset_argument(L, 3))


cdef int offset_argument(lua_State* L, int index) noexcept:
    return whole(api.checknumber(L, index)) if api.type(L, index) > LUA_TNIL else 0


cdef int whole(double number) noexcept:
    """A number without its fraction; less than 0 for one that no offset or limit can be."""
    return <int>number if -1 < number <= 0x7FFFFFFF else -1


cdef int unpack_some(lua_State* L, int limit, int offset) noexcept:
    cdef size_t length = 0
    cdef const char* text = api.checklstring(L, 1, &length)
    cdef bint tell_offset = limit or offset
    cdef char message[MESSAGE]
    cdef Source source
    cdef int count = 0
    if offset < 0 or limit < 0:     # Redis tells the length for the limit
        snprintf(message, MESSAGE, "Invalid request to unpack with offset of %d and limit of %d.", offset, <int>length)
        return fail(L, message)
    if <size_t>offset > length:
        snprintf(message, MESSAGE, "Start offset %d greater than input length %d.", offset, <int>length)
        return fail(L, message)
    api.settop(L, 1)
    source.at = <const unsigned char*>text + offset
    source.end = <const unsigned char*>text + length
    if tell_offset:
        api.pushnumber(L, 0)
    while source.at < source.end and (count < limit or not tell_offset):
        unpack_value(L, &source)
        count += 1
    if tell_offset:
        api.pushnumber(L, -1 if source.at >= source.end else source.at - <const unsigned char*>text)
        api.replace(L, 2)
        return count + 1
    return count


cdef const unsigned char* take(lua_State* L, Source* source, size_t length) noexcept:
    """The next bytes of the source; raises a Lua error where they are missing."""
    cdef const unsigned char* found = source.at
    if <size_t>(source.end - source.at) < length:
        fail(L, "Missing bytes in input.")
    source.at += length
    return found


cdef uint64_t take_number(lua_State* L, Source* source, int size) noexcept:
    cdef const unsigned char* found = take(L, source, size)
    cdef uint64_t value = 0
    cdef int i
    for i in range(size):
        value = value << 8 | found[i]
    return value


cdef int unpack_value(lua_State* L, Source* source) noexcept:
    """Pushes the next value."""
    cdef uint8_t tag = take(L, source, 1)[0]
    if not api.checkstack(L, 4):
        return fail(L, "too many return values at once; use unpack_one or unpack_limit instead.")
    if tag < 0x80:
        api.pushnumber(L, tag)
    elif tag >= 0xE0:
        api.pushnumber(L, <int8_t>tag)
    elif tag < 0x90:
        unpack_map(L, source, tag & 15)
    elif tag < 0xA0:
        unpack_array(L, source, tag & 15)
    elif tag < 0xC0:
        unpack_string(L, source, tag & 31)
    elif tag == 0xC0:
        api.pushnil(L)
    elif tag == 0xC2 or tag == 0xC3:
        api.pushboolean(L, tag & 1)
    elif 0xCA <= tag <= 0xD3:
        unpack_number(L, source, tag)
    elif 0xD9 <= tag <= 0xDB:
        unpack_string(L, source, take_number(L, source, 1 << (tag - 0xD9)))
    elif tag == 0xDC or tag == 0xDD:
        unpack_array(L, source, take_number(L, source, 2 if tag == 0xDC else 4))
    elif tag == 0xDE or tag == 0xDF:
        unpack_map(L, source, take_number(L, source, 2 if tag == 0xDE else 4))
    else:
        return fail(L, "Bad data format in input.")
    return 0


cdef int unpack_number(lua_State* L, Source* source, uint8_t tag) noexcept:
    cdef uint64_t bits64
    cdef uint32_t bits32
    cdef float single
    cdef double number
    if tag == 0xCA:
        bits32 = <uint32_t>take_number(L, source, 4)
        memcpy(&single, &bits32, 4)
        number = single
    elif tag == 0xCB:
        bits64 = take_number(L, source, 8)
        memcpy(&number, &bits64, 8)
    elif tag < 0xCF:
        number = <double>take_number(L, source, 1 << (tag - 0xCC))
    elif tag == 0xD0:
        number = <int8_t>take_number(L, source, 1)
    elif tag == 0xD1:
        number = <int16_t>take_number(L, source, 2)
    elif tag == 0xD2:
        number = <int32_t>take_number(L, source, 4)
    else:       # the unsigned one too: Lua's integers, in Redis, are signed
        number = <double><int64_t>take_number(L, source, 8)
    api.pushnumber(L, number)
    return 0


cdef int unpack_string(lua_State* L, Source* source, size_t length) noexcept:
    cdef const unsigned char* text = take(L, source, length)
    api.pushlstring(L, <const char*>text, length)
    return 0


cdef int unpack_array(lua_State* L, Source* source, size_t count) noexcept:
    cdef size_t i
    api.createtable(L, 0, 0)    # not of the size that the input claims
    for i in range(1, count + 1):
        unpack_value(L, source)
        api.rawseti(L, -2, i)
    return 0


cdef int unpack_map(lua_State* L, Source* source, size_t count) noexcept:
    cdef size_t i
    cdef double key
    api.createtable(L, 0, 0)
    for i in range(count):
        unpack_value(L, source)
        unpack_value(L, source)
        key = api.tonumber(L, -2)
        if api.type(L, -2) == LUA_TNIL:
            return no_key(L, "table index is nil")
        if api.type(L, -2) == LUA_TNUMBER and key != key:
            return no_key(L, "table index is NaN")
        api.rawset(L, -3)
    return 0


cdef int no_key(lua_State* L, const char* text) noexcept:
    """Raises the error of a table that does not take a key, as Lua itself does in C: without a place."""
    api.pushstring(L, text)
    return api.error(L)
