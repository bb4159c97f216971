from redracer.scripting.lua cimport lua_State

cdef int push_strings(lua_State* L, list strings, Py_ssize_t first, Py_ssize_t end) except -1
cdef int push_value(lua_State* L, object value, int resp) except -1
cdef object take_value(lua_State* L, int resp)
cdef list take_arguments(lua_State* L)
