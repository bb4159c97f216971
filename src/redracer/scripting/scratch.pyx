"""One growing buffer in which the libraries build strings before Lua gets them.

It is shared, since only one of them runs at a time and none calls back into Lua, and so a Lua error in the middle of
building leaks nothing. It counts as the script's memory.
"""

from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from redracer.scripting.lua cimport api, fail, lua_State
from redracer.scripting.state cimport LuaState, owner

cdef enum:
    KEPT = 65_536   # bytes that stay allocated between two uses


cdef int begin() noexcept:
    """Empties the buffer."""
    if scratch.capacity > KEPT:
        free(scratch.data)
        scratch.data = NULL
        scratch.capacity = 0
    scratch.length = 0
    return 0


cdef bint room(lua_State* L, size_t needed) noexcept:
    """Whether the script may have a buffer of `needed` bytes, and the string that it becomes."""
    cdef LuaState state = owner(L)
    return state.account.used + <long long>(2 * needed) <= state.account.limit


cdef int grow(lua_State* L, size_t needed) noexcept:
    cdef size_t capacity = max(2 * scratch.capacity, needed, 256)
    cdef char* moved
    if needed > KEPT and not room(L, needed):
        return fail(L, "not enough memory")
    moved = <char*>realloc(scratch.data, capacity)
    if moved == NULL:
        return fail(L, "not enough memory")
    scratch.data = moved
    scratch.capacity = capacity
    return 0


cdef int put(lua_State* L, const char* text, size_t length) noexcept:
    """Adds bytes; raises a Lua error where there is no memory. Amortised O(length)."""
    if scratch.capacity - scratch.length < length:
        grow(L, scratch.length + length)
    memcpy(scratch.data + scratch.length, text, length)
    scratch.length += length
    return 0


cdef int put_byte(lua_State* L, unsigned char byte) noexcept:
    """Adds one byte."""
    if scratch.capacity == scratch.length:
        grow(L, scratch.length + 1)
    scratch.data[scratch.length] = <char>byte
    scratch.length += 1
    return 0


cdef int push_scratch(lua_State* L) noexcept:
    """Pushes what was built as a Lua string."""
    if scratch.length == 0:
        api.pushlstring(L, "", 0)
    else:
        api.pushlstring(L, scratch.data, scratch.length)
    return 1
