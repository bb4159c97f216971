"""The library `cjson`, decoding: JSON (RFC 8259), and the numbers beyond it that lua-cjson takes (hexadecimal, inf,
nan) unless told otherwise. null becomes `cjson.null`. Errors have lua-cjson's texts.
"""

from libc.stdio cimport snprintf
from libc.stdlib cimport strtod
from libc.string cimport memcmp, strlen
from posix.strings cimport strncasecmp

from redracer.scripting.lua cimport api, fail, lua_State
from redracer.scripting.scratch cimport begin, put, put_byte, scratch
from redracer.scripting.state cimport MOST_DEPTH, LuaState, owner

cdef enum:
    MESSAGE = 160

ctypedef struct Source:
    const char* text        # ends with a NUL, as every Lua string
    size_t length
    size_t at
    int depth
    int limit
    bint invalid_numbers
    const char* expected    # what an error tells


cdef int decode(lua_State* L) noexcept:
    cdef Source source
    if api.gettop(L) != 1:
        return api.argerror(L, 1, "expected 1 argument")
    source.text = api.checklstring(L, 1, &source.length)
    if source.length >= 2 and (not source.text[0] or not source.text[1]):
        return fail(L, "JSON parser does not support UTF-16 or UTF-32")
    source.at = 0
    source.depth = 0
    read_settings(L, &source)
    skip_space(&source)
    decode_value(L, &source)
    skip_space(&source)
    if source.text[source.at]:      # behind a NUL nothing is read
        return unexpected(L, &source, "the end")
    return 1


cdef int read_settings(lua_State* L, Source* source) noexcept:
    cdef LuaState state = owner(L)
    source.limit = min(state.json.decode_depth, <int>MOST_DEPTH)
    source.invalid_numbers = state.json.decode_invalid
    return 0


cdef int skip_space(Source* source) noexcept:
    while source.text[source.at] in (b" ", b"\t", b"\n", b"\r"):
        source.at += 1
    return 0


cdef int complain(lua_State* L, Source* source, const char* found, size_t at) noexcept:
    cdef char message[MESSAGE]
    snprintf(
        message, MESSAGE, "Expected %s but found %s at character %lu", source.expected, found, <unsigned long>(at + 1)
    )
    return fail(L, message)


cdef int unexpected(lua_State* L, Source* source, const char* expected) noexcept:
    """Raises the error for whatever token is next, or for what is wrong with it."""
    cdef size_t at = source.at
    source.expected = expected
    return complain(L, source, token_name(L, source), at)


cdef const char* token_name(lua_State* L, Source* source) noexcept:
    """The next token, which is read to see whether it is one."""
    cdef char character = source.text[source.at]
    if character == b"{":
        return "T_OBJ_BEGIN"
    if character == b"}":
        return "T_OBJ_END"
    if character == b"[":
        return "T_ARR_BEGIN"
    if character == b"]":
        return "T_ARR_END"
    if character == b",":
        return "T_COMMA"
    if character == b":":
        return "T_COLON"
    if character == b'"':
        decode_string(L, source)
        return "T_STRING"
    if begins_number(source):
        decode_number(L, source)
        return "T_NUMBER"
    if matches(source, "true") or matches(source, "false"):
        return "T_BOOLEAN"
    if matches(source, "null"):
        return "T_NULL"
    if character == 0:
        return "T_END"
    return "invalid token"


cdef bint begins_number(Source* source) noexcept:
    """Whether a number is next: one of JSON's, or of the others that are taken."""
    cdef char character = source.text[source.at]
    return character == b"-" or b"0" <= character <= b"9" or (source.invalid_numbers and is_invalid_number(source))


cdef bint matches(Source* source, const char* word) noexcept:
    cdef size_t length = strlen(word)
    return source.length - source.at >= length and memcmp(source.text + source.at, word, length) == 0


cdef int decode_value(lua_State* L, Source* source) noexcept:
    """Pushes the value that is next, which no space precedes."""
    cdef char character = source.text[source.at]
    source.expected = "value"
    if character == b'"':
        decode_string(L, source)
    elif character == b"{":
        decode_object(L, source)
    elif character == b"[":
        decode_array(L, source)
    elif matches(source, "true"):
        api.pushboolean(L, True)
        source.at += 4
    elif matches(source, "false"):
        api.pushboolean(L, False)
        source.at += 5
    elif matches(source, "null"):
        api.pushlightuserdata(L, NULL)
        source.at += 4
    elif begins_number(source):
        decode_number(L, source)
    else:
        return unexpected(L, source, "value")
    return 0


cdef int descend(lua_State* L, Source* source) noexcept:
    """Enters an object or an array."""
    cdef char message[MESSAGE]
    source.depth += 1
    if source.depth > source.limit or not api.checkstack(L, 4):
        snprintf(
            message, MESSAGE, "Found too many nested data structures (%d) at character %lu",
            source.depth, <unsigned long>(source.at + 1),
        )
        return fail(L, message)
    source.at += 1
    skip_space(source)
    return 0


cdef int decode_object(lua_State* L, Source* source) noexcept:
    descend(L, source)
    api.createtable(L, 0, 0)
    if source.text[source.at] == b"}":
        source.at += 1
        source.depth -= 1
        return 0
    while True:
        if source.text[source.at] != b'"':
            return unexpected(L, source, "object key string")
        source.expected = "object key string"
        decode_string(L, source)
        skip_space(source)
        if source.text[source.at] != b":":
            return unexpected(L, source, "colon")
        source.at += 1
        skip_space(source)
        decode_value(L, source)
        api.rawset(L, -3)
        skip_space(source)
        if source.text[source.at] == b"}":
            break
        if source.text[source.at] != b",":
            return unexpected(L, source, "comma or object end")
        source.at += 1
        skip_space(source)
    source.at += 1
    source.depth -= 1
    return 0


cdef int decode_array(lua_State* L, Source* source) noexcept:
    cdef int i = 0
    descend(L, source)
    api.createtable(L, 0, 0)
    if source.text[source.at] == b"]":
        source.at += 1
        source.depth -= 1
        return 0
    while True:
        decode_value(L, source)
        i += 1
        api.rawseti(L, -2, i)
        skip_space(source)
        if source.text[source.at] == b"]":
            break
        if source.text[source.at] != b",":
            return unexpected(L, source, "comma or array end")
        source.at += 1
        skip_space(source)
    source.at += 1
    source.depth -= 1
    return 0


cdef int decode_number(lua_State* L, Source* source) noexcept:
    cdef char* end = NULL
    cdef double number
    if not source.invalid_numbers and is_invalid_number(source):
        return complain(L, source, "invalid number", source.at)
    number = strtod(source.text + source.at, &end)
    if end == source.text + source.at:
        return complain(L, source, "invalid number", source.at)
    source.at = end - source.text
    api.pushnumber(L, number)
    return 0


cdef bint is_invalid_number(Source* source) noexcept:
    """Whether a number is one that JSON does not have: 0x10, 012, +1, -inf, nan."""
    cdef const char* text = source.text + source.at
    if text[0] == b"+":
        return True
    if text[0] == b"-":
        text += 1
    if text[0] == b"0":
        return text[1] == b"x" or text[1] == b"X" or b"0" <= text[1] <= b"9"
    return strncasecmp(text, "inf", 3) == 0 or strncasecmp(text, "nan", 3) == 0


cdef int decode_string(lua_State* L, Source* source) noexcept:
    """Pushes the string that is next."""
    cdef size_t first = source.at + 1
    cdef char character
    source.at = first
    while True:     # most strings have no escapes and need no copy
        character = source.text[source.at]
        if character == b'"':
            api.pushlstring(L, source.text + first, source.at - first)
            source.at += 1
            return 0
        if character == b"\\":
            break
        if character == 0:
            return complain(L, source, "unexpected end of string", source.at)
        source.at += 1
    begin()
    put(L, source.text + first, source.at - first)
    while True:
        character = source.text[source.at]
        if character == b'"':
            break
        if character == 0:
            return complain(L, source, "unexpected end of string", source.at)
        if character == b"\\":
            decode_escape(L, source)
        else:
            put_byte(L, <unsigned char>character)
            source.at += 1
    source.at += 1
    if scratch.length == 0:
        api.pushlstring(L, "", 0)
    else:
        api.pushlstring(L, scratch.data, scratch.length)
    return 0


cdef int decode_escape(lua_State* L, Source* source) noexcept:
    cdef char character = source.text[source.at + 1]
    if character == b"u":
        return decode_unicode(L, source)
    if character == b'"' or character == b"\\" or character == b"/":
        put_byte(L, <unsigned char>character)
    elif character == b"b":
        put_byte(L, b"\b")
    elif character == b"f":
        put_byte(L, b"\f")
    elif character == b"n":
        put_byte(L, b"\n")
    elif character == b"r":
        put_byte(L, b"\r")
    elif character == b"t":
        put_byte(L, b"\t")
    else:
        return complain(L, source, "invalid escape code", source.at)
    source.at += 2
    return 0


cdef int hexadecimal(const char* text) noexcept:
    """The value of four digits, or -1."""
    cdef int value = 0
    cdef int i
    cdef char digit
    for i in range(4):
        digit = text[i]
        if b"0" <= digit <= b"9":
            value = value << 4 | (digit - c"0")
        elif b"a" <= digit <= b"f":
            value = value << 4 | (digit - c"a" + 10)
        elif b"A" <= digit <= b"F":
            value = value << 4 | (digit - c"A" + 10)
        else:
            return -1
    return value


cdef int decode_unicode(lua_State* L, Source* source) noexcept:
    r"""\uXXXX, or a surrogate pair of two, as UTF-8."""
    cdef int code = hexadecimal(source.text + source.at + 2)
    cdef int low
    cdef int taken = 6
    if 0xD800 <= code < 0xDC00:
        low = -1
        if source.text[source.at + 6] == b"\\" and source.text[source.at + 7] == b"u":
            low = hexadecimal(source.text + source.at + 8)
        if not 0xDC00 <= low < 0xE000:
            return complain(L, source, "invalid unicode escape code", source.at)
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        taken = 12
    elif code < 0 or 0xDC00 <= code < 0xE000:
        return complain(L, source, "invalid unicode escape code", source.at)
    source.at += taken
    if code < 0x80:
        return put_byte(L, <unsigned char>code)
    if code < 0x800:
        put_byte(L, <unsigned char>(0xC0 | code >> 6))
    elif code < 0x10000:
        put_byte(L, <unsigned char>(0xE0 | code >> 12))
        put_byte(L, <unsigned char>(0x80 | (code >> 6 & 0x3F)))
    else:
        put_byte(L, <unsigned char>(0xF0 | code >> 18))
        put_byte(L, <unsigned char>(0x80 | (code >> 12 & 0x3F)))
        put_byte(L, <unsigned char>(0x80 | (code >> 6 & 0x3F)))
    return put_byte(L, <unsigned char>(0x80 | (code & 0x3F)))
