"""The library `struct`: values packed by a format, as Roberto Ierusalimschy defined it.

`<` `>` set the byte order, `!n` the alignment; `x` a zero byte, `b` `h` `i[n]` `l` `T` signed and, as capitals,
unsigned integers, `f` `d` floats, `s` a string that ends with a zero, `c[n]` one of n bytes (`c0`: of the length
given just before), spaces nothing.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcpy

from redracer.scripting.lua cimport LUA_GLOBALSINDEX, LUA_TNIL, api, fail, lua_State, pop
from redracer.scripting.sandbox cimport set_function
from redracer.scripting.scratch cimport begin, push_scratch, put, put_byte, scratch
from redracer.scripting.state cimport LuaState

cdef enum:
    MOST_INTEGER = 32       # bytes of an integer
    MOST_SIZE = 0x7FFFFFFF  # bytes of what is packed
    MESSAGE = 64

ctypedef struct Format:
    const char* at
    bint little
    int alignment


def open_struct(LuaState state not None):
    """Adds the global `struct`."""
    cdef lua_State* L = state.L
    api.createtable(L, 0, 3)
    set_function(L, "pack", pack)
    set_function(L, "unpack", unpack)
    set_function(L, "size", size)
    api.setfield(L, LUA_GLOBALSINDEX, "struct")


cdef int start(lua_State* L, Format* format) noexcept:
    format.at = api.checklstring(L, 1, NULL)
    format.little = True
    format.alignment = 1
    return 0


cdef int number(lua_State* L, Format* format, int otherwise) noexcept:
    """The digits that follow an option."""
    cdef long long value = 0
    if not b"0" <= format.at[0] <= b"9":
        return otherwise
    while b"0" <= format.at[0] <= b"9":
        value = value * 10 + (format.at[0] - c"0")
        if value > MOST_SIZE:
            return fail(L, "integral size overflow")
        format.at += 1
    return <int>value


cdef int option_size(lua_State* L, char option, Format* format) noexcept:
    """The bytes that an option takes; 0 for what has no size of its own. Reads its digits."""
    cdef char message[MESSAGE]
    cdef int count
    if option in (b"b", b"B", b"x"):
        return 1
    if option in (b"h", b"H"):
        return 2
    if option in (b"l", b"L", b"T", b"d"):
        return 8
    if option == b"f":
        return 4
    if option == b"c":
        return number(L, format, 1)
    if option in (b"i", b"I"):
        count = number(L, format, 4)
        if count > MOST_INTEGER:
            snprintf(message, MESSAGE, "integral size %d is larger than limit of %d", count, <int>MOST_INTEGER)
            return fail(L, message)
        return count
    return 0


cdef int control(lua_State* L, char option, Format* format) noexcept:
    """Carries out an option that stands for no value."""
    cdef char message[MESSAGE]
    cdef int count
    if option == b"<":
        format.little = True
    elif option == b">":
        format.little = False
    elif option == b"!":
        count = number(L, format, 8)
        if count < 1 or count & (count - 1):
            snprintf(message, MESSAGE, "alignment %d is not a power of 2", count)
            return fail(L, message)
        format.alignment = count
    elif option != b" ":
        snprintf(message, MESSAGE, "invalid format option '%c'", option)
        return api.argerror(L, 1, message)
    return 0


cdef bint is_control(char option) noexcept:
    return option not in (
        b"b", b"B", b"h", b"H", b"l", b"L", b"T", b"i", b"I", b"f", b"d", b"x", b"s", b"c"
    )


cdef bint is_alphanumeric(char character) noexcept:
    return b"0" <= character <= b"9" or b"A" <= character <= b"Z" or b"a" <= character <= b"z"


cdef size_t padding(Format* format, char option, int length, size_t position) noexcept:
    """The bytes that align an option of `length` bytes at `position`."""
    cdef size_t unit = min(length, format.alignment)
    if unit <= 1 or option == b"c" or option == b"s":
        return 0
    return (unit - (position & (unit - 1))) & (unit - 1)    # also of 3 bytes: as Redis has it


# --- packing

cdef int pack(lua_State* L) noexcept:
    cdef Format format
    cdef char option
    cdef int argument = 2
    cdef int length
    cdef size_t i
    start(L, &format)
    api.pushnil(L)      # in the place of the first argument that is missing
    begin()
    while format.at[0]:
        option = format.at[0]
        format.at += 1
        if is_control(option):
            control(L, option, &format)
            continue
        length = option_size(L, option, &format)
        for i in range(padding(&format, option, length, scratch.length)):
            put_byte(L, 0)
        if option == b"x":
            put_byte(L, 0)
            continue
        pack_option(L, &format, option, length, argument)
        argument += 1
    return push_scratch(L)


cdef int pack_option(lua_State* L, Format* format, char option, int length, int argument) noexcept:
    cdef double value
    cdef float single
    cdef uint64_t bits = 0
    if option == b"s" or option == b"c":
        return pack_string(L, option, length, argument)
    value = api.checknumber(L, argument)
    if option == b"d":
        memcpy(&bits, &value, 8)
    elif option == b"f":
        single = <float>value
        memcpy(&bits, &single, 4)
    else:
        return put_integer(L, format.little, wrapped(value), length)
    return put_integer(L, format.little, bits, length)


cdef uint64_t wrapped(double value) noexcept:
    """A number as 64 bits; beyond them, what C's conversion gives on the usual machines."""
    if value >= 9223372036854775808.0:
        return <uint64_t>value if value < 18446744073709551616.0 else 0
    if value >= -9223372036854775808.0:
        return <uint64_t><int64_t>value
    return <uint64_t>1 << 63


cdef int put_integer(lua_State* L, bint little, uint64_t bits, int length) noexcept:
    """An integer; beyond its 64 bits come zeros, for negative ones too."""
    cdef char packed[MOST_INTEGER]
    cdef int i
    for i in range(length):
        packed[i if little else length - 1 - i] = <char>(bits & 0xFF)
        bits >>= 8
    return put(L, packed, length)


cdef int pack_string(lua_State* L, char option, int length, int argument) noexcept:
    cdef size_t available = 0
    cdef const char* text = api.checklstring(L, argument, &available)
    if option == b"s":
        put(L, text, available)
        return put_byte(L, 0)
    if length == 0:
        return put(L, text, available)
    if available < <size_t>length:
        return api.argerror(L, argument + 1, "string too short")    # as Redis counts here
    return put(L, text, length)


# --- unpacking

cdef int unpack(lua_State* L) noexcept:
    """The values, and the position behind the last of them."""
    cdef Format format
    cdef char option
    cdef size_t available = 0
    cdef size_t position = 0
    cdef size_t length
    cdef const char* data
    cdef int count = 0
    start(L, &format)
    data = api.checklstring(L, 2, &available)
    if api.type(L, 3) > LUA_TNIL:
        position = wrapped(api.checknumber(L, 3))
        if position == 0:
            return api.argerror(L, 3, "offset must be 1 or greater")
        position -= 1
    api.settop(L, 2)
    while format.at[0]:
        option = format.at[0]
        format.at += 1
        length = option_size(L, option, &format)
        position += padding(&format, option, <int>length, position)
        if position > available or length > available - position:
            return api.argerror(L, 2, "data string too short")
        if is_control(option):
            control(L, option, &format)
            continue
        if option == b"x":
            position += 1
            continue
        if not api.checkstack(L, 3):
            return fail(L, "too many results")
        if option == b"s":
            length = zero_terminated(L, data + position, available - position)
            api.pushlstring(L, data + position, length - 1)
        elif option == b"c":
            if length == 0:
                length = announced_length(L, count, available - position)
                count -= 1
            api.pushlstring(L, data + position, length)
        else:
            push_number(L, format.little, option, data + position, <int>length)
        position += length
        count += 1
    api.pushnumber(L, <double>position + 1)
    return count + 1


cdef size_t zero_terminated(lua_State* L, const char* text, size_t available) noexcept:
    """The length of a string with its zero."""
    cdef const void* end = memchr(text, 0, available) if available else NULL
    if end == NULL:
        fail(L, "unfinished string in data")
    return <size_t>(<const char*>end - text) + 1


cdef size_t announced_length(lua_State* L, int count, size_t available) noexcept:
    """Takes the length of `c0` off the stack, the value just before."""
    cdef size_t length
    if count == 0 or not api.isnumber(L, -1):
        fail(L, "format 'c0' needs a previous size")
    length = wrapped(api.tonumber(L, -1))
    if length > available:
        api.argerror(L, 2, "data string too short")
    pop(L, 1)
    return length


cdef int push_number(lua_State* L, bint little, char option, const char* data, int length) noexcept:
    cdef uint64_t bits = 0
    cdef double value
    cdef float single
    cdef int i
    for i in range(min(length, 8)):
        bits |= <uint64_t><unsigned char>data[i if little else length - 1 - i] << (8 * i)
    if option == b"d":
        memcpy(&value, &bits, 8)
    elif option == b"f":
        memcpy(&single, &bits, 4)
        value = single
    elif option in (b"B", b"H", b"I", b"L", b"T"):
        value = <double>bits
    else:
        if 0 < length < 8 and bits >> (8 * length - 1):
            bits |= ~<uint64_t>0 << (8 * length)
        value = <double><int64_t>bits
    api.pushnumber(L, value)
    return 0


cdef int size(lua_State* L) noexcept:
    """The bytes that a format takes; it may have no strings without a length."""
    cdef Format format
    cdef char option
    cdef size_t total = 0
    cdef int length
    start(L, &format)
    while format.at[0]:
        option = format.at[0]
        format.at += 1
        if is_control(option):
            if not is_alphanumeric(option):     # of which Redis's size() passes over those that are no options
                control(L, option, &format)
            continue
        length = option_size(L, option, &format)
        total += padding(&format, option, length, total)
        if option == b"s":
            return api.argerror(L, 1, "option 's' has no fixed size")
        if option == b"c" and length == 0:
            return api.argerror(L, 1, "option 'c0' has no fixed size")
        if length > MOST_SIZE - total:
            return api.argerror(L, 1, "format result too large")
        total += length
    api.pushnumber(L, total)
    return 1
