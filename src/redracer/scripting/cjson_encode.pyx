"""The library `cjson`, encoding, and what it is set to. Texts and defaults are lua-cjson 2.1's, which scripts rely on."""

from libc.math cimport floor, isinf, isnan
from libc.stdio cimport snprintf
from libc.string cimport strcmp

from redracer.scripting.cjson_decode cimport decode
from redracer.scripting.lua cimport (
    LUA_GLOBALSINDEX,
    LUA_TBOOLEAN,
    LUA_TLIGHTUSERDATA,
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
from redracer.scripting.state cimport MOST_DEPTH, JsonSettings, LuaState, owner

cdef enum:
    NUMBER_TEXT = 40
    MESSAGE = 128


def open_cjson(LuaState state not None):
    """Adds the global `cjson`."""
    cdef lua_State* L = state.L
    state.json = JsonSettings(
        sparse_convert=False, sparse_ratio=2, sparse_safe=10, encode_depth=1000, decode_depth=1000,
        encode_invalid=0, decode_invalid=True, precision=14, keep_buffer=True,
    )
    api.createtable(L, 0, 16)
    set_function(L, "encode", encode)
    set_function(L, "decode", decode)
    set_function(L, "encode_sparse_array", encode_sparse_array)
    set_function(L, "encode_max_depth", encode_max_depth)
    set_function(L, "decode_max_depth", decode_max_depth)
    set_function(L, "encode_number_precision", encode_number_precision)
    set_function(L, "encode_keep_buffer", encode_keep_buffer)
    set_function(L, "encode_invalid_numbers", encode_invalid_numbers)
    set_function(L, "decode_invalid_numbers", decode_invalid_numbers)
    api.pushlightuserdata(L, NULL)
    api.setfield(L, -2, "null")
    api.pushstring(L, "cjson")
    api.setfield(L, -2, "_NAME")
    api.pushstring(L, "2.1.0")
    api.setfield(L, -2, "_VERSION")
    api.setfield(L, LUA_GLOBALSINDEX, "cjson")


cdef JsonSettings* settings(lua_State* L) noexcept:
    cdef LuaState state = owner(L)
    return &state.json


# --- encoding

cdef int encode(lua_State* L) noexcept:
    if api.gettop(L) != 1:
        return api.argerror(L, 1, "expected 1 argument")
    begin()
    encode_value(L, settings(L), 0)
    return push_scratch(L)


cdef int encode_value(lua_State* L, JsonSettings* options, int depth) noexcept:
    """Encodes the value at the top, and leaves it there."""
    cdef int kind = api.type(L, -1)
    if kind == LUA_TSTRING:
        return encode_string(L, -1)
    if kind == LUA_TNUMBER:
        return encode_number(L, options, api.tonumber(L, -1))
    if kind == LUA_TBOOLEAN:
        return put(L, "true", 4) if api.toboolean(L, -1) else put(L, "false", 5)
    if kind == LUA_TTABLE:
        return encode_table(L, options, depth + 1)
    if kind == LUA_TNIL or (kind == LUA_TLIGHTUSERDATA and api.touserdata(L, -1) == NULL):
        return put(L, "null", 4)
    return refuse(L, "type not supported")


cdef int refuse(lua_State* L, const char* reason) noexcept:
    """Raises the error for the value at the top, which cannot be encoded."""
    api.where(L, 1)
    api.pushstring(L, "Cannot serialise ")
    api.pushstring(L, api.typename(L, api.type(L, -3)))
    api.pushstring(L, ": ")
    api.pushstring(L, reason)
    api.concat(L, 5)
    return api.error(L)


cdef int encode_string(lua_State* L, int index) noexcept:
    cdef size_t length = 0
    cdef const char* text = api.tolstring(L, index, &length)
    cdef size_t done = 0
    cdef size_t i
    cdef unsigned char character
    put_byte(L, b'"')
    for i in range(length):
        character = <unsigned char>text[i]
        if character >= 0x20 and character != b'"' and character != b"\\" and character != b"/" and character != 0x7F:
            continue
        put(L, text + done, i - done)
        done = i + 1
        escape(L, character)
    put(L, text + done, length - done)
    return put_byte(L, b'"')


cdef int escape(lua_State* L, unsigned char character) noexcept:
    cdef const char* digits = "0123456789abcdef"
    put_byte(L, b"\\")
    if character == b'"' or character == b"\\" or character == b"/":
        return put_byte(L, character)
    if character == b"\b":
        return put_byte(L, b"b")
    if character == b"\t":
        return put_byte(L, b"t")
    if character == b"\n":
        return put_byte(L, b"n")
    if character == b"\f":
        return put_byte(L, b"f")
    if character == b"\r":
        return put_byte(L, b"r")
    put(L, "u00", 3)
    put_byte(L, <unsigned char>digits[character >> 4])
    return put_byte(L, <unsigned char>digits[character & 15])


cdef int encode_number(lua_State* L, JsonSettings* options, double number) noexcept:
    cdef char text[NUMBER_TEXT]
    if isinf(number) or isnan(number):
        if options.encode_invalid == 0:
            api.pushnumber(L, number)   # it may be a key
            return refuse(L, "must not be NaN or Inf")
        if options.encode_invalid == 2:
            return put(L, "null", 4)
        if isnan(number):
            return put(L, "nan", 3)
    return put(L, text, snprintf(text, NUMBER_TEXT, "%.*g", options.precision, number))


cdef int encode_table(lua_State* L, JsonSettings* options, int depth) noexcept:
    cdef long long length
    cdef char message[MESSAGE]
    if depth > min(options.encode_depth, <int>MOST_DEPTH) or not api.checkstack(L, 8):
        snprintf(message, MESSAGE, "Cannot serialise, excessive nesting (%d)", depth)
        return fail(L, message)
    length = array_length(L, options)
    if length > 0:
        return encode_array(L, options, depth, length)
    return encode_object(L, options, depth)


cdef long long array_length(lua_State* L, JsonSettings* options) noexcept:
    """The greatest key of the table at the top, where all are positive integers of C; -1 for an object."""
    cdef double key
    cdef double greatest = 0
    cdef double count = 0
    api.pushnil(L)
    while api.next(L, -2):
        pop(L, 1)
        key = api.tonumber(L, -1) if api.type(L, -1) == LUA_TNUMBER else 0
        if not 1 <= key <= 0x7FFFFFFF or key != floor(key):
            pop(L, 1)
            return -1
        count += 1
        if key > greatest:
            greatest = key
    if options.sparse_ratio > 0 and greatest > count * options.sparse_ratio and greatest > options.sparse_safe:
        if not options.sparse_convert:
            return refuse(L, "excessively sparse array")
        return -1
    return <long long>greatest


cdef int encode_array(lua_State* L, JsonSettings* options, int depth, long long length) noexcept:
    cdef long long i
    put_byte(L, b"[")
    for i in range(1, length + 1):
        if i > 1:
            put_byte(L, b",")
        api.rawgeti(L, -1, <int>i)
        encode_value(L, options, depth)
        pop(L, 1)
    return put_byte(L, b"]")


cdef int encode_object(lua_State* L, JsonSettings* options, int depth) noexcept:
    cdef bint first = True
    put_byte(L, b"{")
    api.pushnil(L)
    while api.next(L, -2):
        if not first:
            put_byte(L, b",")
        first = False
        if api.type(L, -2) == LUA_TSTRING:
            encode_string(L, -2)
        elif api.type(L, -2) == LUA_TNUMBER:
            put_byte(L, b'"')
            encode_number(L, options, api.tonumber(L, -2))
            put_byte(L, b'"')
        else:
            pop(L, 1)
            return refuse(L, "table key must be a number or string")
        put_byte(L, b":")
        encode_value(L, options, depth)
        pop(L, 1)
    return put_byte(L, b"}")


# --- settings: each takes new values for what is given, and returns what is in force

cdef int integer_setting(lua_State* L, int index, int* setting, int least, int most) noexcept:
    """Sets an integer setting if the argument is there, and pushes it."""
    cdef char message[MESSAGE]
    cdef double value
    if api.type(L, index) > LUA_TNIL:
        value = api.checknumber(L, index)
        if not least <= value <= most:
            snprintf(message, MESSAGE, "expected integer between %d and %d", least, most)
            return api.argerror(L, index, message)
        setting[0] = <int>value
    api.pushnumber(L, setting[0])
    return 1


cdef int boolean_setting(lua_State* L, int index, bint* setting) noexcept:
    """Sets a boolean setting (true, false, "on", "off") if the argument is there, and pushes it."""
    cdef char message[MESSAGE]
    cdef const char* word
    if api.type(L, index) == LUA_TBOOLEAN:
        setting[0] = api.toboolean(L, index)
    elif api.type(L, index) > LUA_TNIL:
        word = api.checklstring(L, index, NULL)
        if strcmp(word, "on") != 0 and strcmp(word, "off") != 0:
            snprintf(message, MESSAGE, "invalid option '%.80s'", word)
            return api.argerror(L, index, message)
        setting[0] = strcmp(word, "on") == 0
    api.pushboolean(L, setting[0])
    return 1


cdef int encode_sparse_array(lua_State* L) noexcept:
    cdef JsonSettings* options = settings(L)
    api.settop(L, 3)
    boolean_setting(L, 1, &options.sparse_convert)
    integer_setting(L, 2, &options.sparse_ratio, 0, 0x7FFFFFFF)
    integer_setting(L, 3, &options.sparse_safe, 0, 0x7FFFFFFF)
    return 3


cdef int encode_max_depth(lua_State* L) noexcept:
    return integer_setting(L, 1, &settings(L).encode_depth, 1, 0x7FFFFFFF)


cdef int decode_max_depth(lua_State* L) noexcept:
    return integer_setting(L, 1, &settings(L).decode_depth, 1, 0x7FFFFFFF)


cdef int encode_number_precision(lua_State* L) noexcept:
    return integer_setting(L, 1, &settings(L).precision, 1, 14)


cdef int encode_keep_buffer(lua_State* L) noexcept:
    """There is one buffer, which is kept while it is small."""
    return boolean_setting(L, 1, &settings(L).keep_buffer)


cdef int encode_invalid_numbers(lua_State* L) noexcept:
    """false, true, or "null": null in their place."""
    cdef JsonSettings* options = settings(L)
    cdef bint allowed = options.encode_invalid == 1
    if api.type(L, 1) == LUA_TSTRING and strcmp(api.tolstring(L, 1, NULL), "null") == 0:
        options.encode_invalid = 2
    else:
        boolean_setting(L, 1, &allowed)
        if api.type(L, 1) > LUA_TNIL:
            options.encode_invalid = allowed
    if options.encode_invalid == 2:
        api.pushstring(L, "null")
    else:
        api.pushboolean(L, options.encode_invalid)
    return 1


cdef int decode_invalid_numbers(lua_State* L) noexcept:
    return boolean_setting(L, 1, &settings(L).decode_invalid)
