from redracer.scripting.lua cimport lua_CFunction, lua_State
from redracer.scripting.state cimport LuaState

cdef int make_read_only(LuaState state, bint strict) except -1
cdef int set_function(lua_State* L, const char* name, lua_CFunction function) noexcept
cdef int set_number(lua_State* L, const char* name, double value) noexcept
