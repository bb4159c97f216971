from redracer.scripting.lua cimport lua_State

cdef int decode(lua_State* L) noexcept
