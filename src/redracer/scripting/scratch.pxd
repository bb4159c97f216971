from redracer.scripting.lua cimport lua_State

cdef struct Scratch:
    char* data
    size_t length
    size_t capacity

cdef Scratch scratch

cdef int begin() noexcept
cdef int put(lua_State* L, const char* text, size_t length) noexcept
cdef int put_byte(lua_State* L, unsigned char byte) noexcept
cdef int push_scratch(lua_State* L) noexcept
