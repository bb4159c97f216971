"""The library `bit`: operations on 32-bit integers, as LuaJIT defines them."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from redracer.scripting.lua cimport LUA_GLOBALSINDEX, LUA_TNIL, api, lua_State
from redracer.scripting.sandbox cimport set_function
from redracer.scripting.state cimport LuaState

cdef double ROUNDING = 6755399441055744.0       # 2**52 + 2**51: adding it leaves an integer in the low bits


def open_bit(LuaState state not None):
    """Adds the global `bit`."""
    cdef lua_State* L = state.L
    api.createtable(L, 0, 16)
    set_function(L, "tobit", tobit)
    set_function(L, "bnot", bnot)
    set_function(L, "band", band)
    set_function(L, "bor", bor)
    set_function(L, "bxor", bxor)
    set_function(L, "lshift", lshift)
    set_function(L, "rshift", rshift)
    set_function(L, "arshift", arshift)
    set_function(L, "rol", rol)
    set_function(L, "ror", ror)
    set_function(L, "bswap", bswap)
    set_function(L, "tohex", tohex)
    api.setfield(L, LUA_GLOBALSINDEX, "bit")


cdef union Bits:
    double number
    int64_t bits


cdef uint32_t argument(lua_State* L, int index) noexcept:
    """A number, modulo 2**32."""
    cdef Bits value
    value.number = api.checknumber(L, index) + ROUNDING
    return <uint32_t>value.bits


cdef int result(lua_State* L, uint32_t bits) noexcept:
    api.pushnumber(L, <double><int32_t>bits)
    return 1


cdef int tobit(lua_State* L) noexcept:
    return result(L, argument(L, 1))


cdef int bnot(lua_State* L) noexcept:
    return result(L, ~argument(L, 1))


cdef int band(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    cdef int i
    for i in range(api.gettop(L), 1, -1):
        bits &= argument(L, i)
    return result(L, bits)


cdef int bor(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    cdef int i
    for i in range(api.gettop(L), 1, -1):
        bits |= argument(L, i)
    return result(L, bits)


cdef int bxor(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    cdef int i
    for i in range(api.gettop(L), 1, -1):
        bits ^= argument(L, i)
    return result(L, bits)


# The arguments are read one after the other, since C may evaluate those of an expression in any order, and the one that
# an error names is to be Redis's: the first here, the last of the operations above.

cdef int lshift(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    return result(L, bits << (argument(L, 2) & 31))


cdef int rshift(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    return result(L, bits >> (argument(L, 2) & 31))


cdef int arshift(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    return result(L, <uint32_t>(<int32_t>bits >> (argument(L, 2) & 31)))


cdef uint32_t rotated(uint32_t bits, uint32_t count) noexcept:
    """`bits` rotated to the left."""
    count &= 31
    return bits << count | bits >> (-count & 31)


cdef int rol(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    return result(L, rotated(bits, argument(L, 2)))


cdef int ror(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    return result(L, rotated(bits, 0 - argument(L, 2)))


cdef int bswap(lua_State* L) noexcept:
    cdef uint32_t bits = argument(L, 1)
    return result(L, bits >> 24 | (bits >> 8 & 0xFF00) | (bits & 0xFF00) << 8 | bits << 24)


cdef int tohex(lua_State* L) noexcept:
    """The last 8 hexadecimal digits, or as many as the second argument says; negative: capital letters."""
    cdef uint32_t bits = argument(L, 1)
    cdef int64_t count = 8
    cdef const char* digits = "0123456789abcdef"
    cdef char text[8]
    cdef int i
    if api.type(L, 2) >= LUA_TNIL:
        count = <int32_t>argument(L, 2)
    if count < 0:
        count = -count
        digits = "0123456789ABCDEF"
    if count > 8:
        count = 8
    for i in range(<int>count - 1, -1, -1):
        text[i] = digits[bits & 15]
        bits >>= 4
    api.pushlstring(L, text, count)
    return 1
