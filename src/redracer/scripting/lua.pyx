"""Lua 5.1's C interface, taken from the library that lupa brings.

lupa's own bridge between Python and Lua costs microseconds a call, and reaches Python's builtins. Its library
exports the C interface, as Lua's authors mean it (so that modules written in C can be loaded into it). Only
that is used here: `load` finds each function by name. All types and constants are those of Lua 5.1's lua.h,
whose binary interface has not changed since 2006.

A Lua error leaves by longjmp. A function that Lua may call, or that calls one of the interface's functions
that can fail, must therefore own no Python object at that time: see state.pyx.
"""

import importlib.util


cdef extern from "dlfcn.h":
    enum:
        RTLD_NOW
        RTLD_LOCAL
    void* dlopen(const char* path, int flags)
    void* dlsym(void* library, const char* name)


class LuaMissing(Exception):
    """Lua cannot be used; the text says why, and what would help."""


MISSING = "this server runs without Lua: pip install 'redracer[lua]'"

cdef void* library = NULL


cdef void* find(str name) except NULL:
    cdef bytes encoded = name.encode()
    cdef void* address = dlsym(library, encoded)
    if address == NULL:
        raise LuaMissing(f"lupa's Lua 5.1 does not export {name}")
    return address


def load():
    """Makes the interface ready; a second call does nothing. Raises LuaMissing."""
    global library
    if library != NULL:
        return
    try:
        found = importlib.util.find_spec("lupa.lua51")
    except ImportError:
        found = None
    if found is None or not found.origin:
        raise LuaMissing(MISSING)
    path = found.origin.encode()
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL)
    if library == NULL:
        raise LuaMissing(f"{found.origin} cannot be loaded")
    try:
        find_all()
    except LuaMissing:
        library = NULL
        raise


cdef int find_all() except -1:
    api.newstate = <lua_State* (*)(lua_Alloc, void*) noexcept>find("lua_newstate")
    api.close = <void (*)(lua_State*) noexcept>find("lua_close")
    api.atpanic = <void* (*)(lua_State*, lua_CFunction) noexcept>find("lua_atpanic")
    api.getallocf = <lua_Alloc (*)(lua_State*, void**) noexcept>find("lua_getallocf")
    api.gettop = <int (*)(lua_State*) noexcept>find("lua_gettop")
    api.settop = <void (*)(lua_State*, int) noexcept>find("lua_settop")
    api.pushvalue = <void (*)(lua_State*, int) noexcept>find("lua_pushvalue")
    api.remove = <void (*)(lua_State*, int) noexcept>find("lua_remove")
    api.insert = <void (*)(lua_State*, int) noexcept>find("lua_insert")
    api.replace = <void (*)(lua_State*, int) noexcept>find("lua_replace")
    api.checkstack = <int (*)(lua_State*, int) noexcept>find("lua_checkstack")
    api.xmove = <void (*)(lua_State*, lua_State*, int) noexcept>find("lua_xmove")
    api.isnumber = <int (*)(lua_State*, int) noexcept>find("lua_isnumber")
    api.isstring = <int (*)(lua_State*, int) noexcept>find("lua_isstring")
    api.iscfunction = <int (*)(lua_State*, int) noexcept>find("lua_iscfunction")
    api.type = <int (*)(lua_State*, int) noexcept>find("lua_type")
    api.typename = <const char* (*)(lua_State*, int) noexcept>find("lua_typename")
    api.tonumber = <double (*)(lua_State*, int) noexcept>find("lua_tonumber")
    api.toboolean = <int (*)(lua_State*, int) noexcept>find("lua_toboolean")
    api.tolstring = <const char* (*)(lua_State*, int, size_t*) noexcept>find("lua_tolstring")
    api.objlen = <size_t (*)(lua_State*, int) noexcept>find("lua_objlen")
    api.tocfunction = <lua_CFunction (*)(lua_State*, int) noexcept>find("lua_tocfunction")
    api.topointer = <const void* (*)(lua_State*, int) noexcept>find("lua_topointer")
    api.pushnil = <void (*)(lua_State*) noexcept>find("lua_pushnil")
    api.pushnumber = <void (*)(lua_State*, double) noexcept>find("lua_pushnumber")
    api.pushlstring = <void (*)(lua_State*, const char*, size_t) noexcept>find("lua_pushlstring")
    api.pushstring = <void (*)(lua_State*, const char*) noexcept>find("lua_pushstring")
    api.pushcclosure = <void (*)(lua_State*, lua_CFunction, int) noexcept>find("lua_pushcclosure")
    api.pushboolean = <void (*)(lua_State*, int) noexcept>find("lua_pushboolean")
    api.getfield = <void (*)(lua_State*, int, const char*) noexcept>find("lua_getfield")
    api.rawget = <void (*)(lua_State*, int) noexcept>find("lua_rawget")
    api.rawgeti = <void (*)(lua_State*, int, int) noexcept>find("lua_rawgeti")
    api.createtable = <void (*)(lua_State*, int, int) noexcept>find("lua_createtable")
    api.getmetatable = <int (*)(lua_State*, int) noexcept>find("lua_getmetatable")
    api.setfield = <void (*)(lua_State*, int, const char*) noexcept>find("lua_setfield")
    api.rawset = <void (*)(lua_State*, int) noexcept>find("lua_rawset")
    api.rawseti = <void (*)(lua_State*, int, int) noexcept>find("lua_rawseti")
    api.setmetatable = <int (*)(lua_State*, int) noexcept>find("lua_setmetatable")
    api.setfenv = <int (*)(lua_State*, int) noexcept>find("lua_setfenv")
    api.call = <void (*)(lua_State*, int, int) noexcept>find("lua_call")
    api.pcall = <int (*)(lua_State*, int, int, int) noexcept>find("lua_pcall")
    api.cpcall = <int (*)(lua_State*, lua_CFunction, void*) noexcept>find("lua_cpcall")
    api.gc = <int (*)(lua_State*, int, int) noexcept>find("lua_gc")
    api.error = <int (*)(lua_State*) noexcept>find("lua_error")
    api.next = <int (*)(lua_State*, int) noexcept>find("lua_next")
    api.getstack = <int (*)(lua_State*, int, lua_Debug*) noexcept>find("lua_getstack")
    api.getinfo = <int (*)(lua_State*, const char*, lua_Debug*) noexcept>find("lua_getinfo")
    api.sethook = <int (*)(lua_State*, lua_Hook, int, int) noexcept>find("lua_sethook")
    api.touserdata = <void* (*)(lua_State*, int) noexcept>find("lua_touserdata")
    api.pushlightuserdata = <void (*)(lua_State*, void*) noexcept>find("lua_pushlightuserdata")
    api.loadbuffer = <int (*)(lua_State*, const char*, size_t, const char*) noexcept>find("luaL_loadbuffer")
    api.ref = <int (*)(lua_State*, int) noexcept>find("luaL_ref")
    api.unref = <void (*)(lua_State*, int, int) noexcept>find("luaL_unref")
    api.where = <void (*)(lua_State*, int) noexcept>find("luaL_where")
    api.argerror = <int (*)(lua_State*, int, const char*) noexcept>find("luaL_argerror")
    api.checknumber = <double (*)(lua_State*, int) noexcept>find("luaL_checknumber")
    api.checklstring = <const char* (*)(lua_State*, int, size_t*) noexcept>find("luaL_checklstring")
    api.checktype = <void (*)(lua_State*, int, int) noexcept>find("luaL_checktype")
    api.checkany = <void (*)(lua_State*, int) noexcept>find("luaL_checkany")
    api.concat = <void (*)(lua_State*, int) noexcept>find("lua_concat")
    api.open_base = <lua_CFunction>find("luaopen_base")
    api.open_table = <lua_CFunction>find("luaopen_table")
    api.open_string = <lua_CFunction>find("luaopen_string")
    api.open_math = <lua_CFunction>find("luaopen_math")
    api.open_os = <lua_CFunction>find("luaopen_os")
    return 0


cdef int fail(lua_State* L, const char* text) noexcept:
    """Raises a Lua error with the place of the caller before the text; does not return."""
    api.where(L, 1)
    api.pushstring(L, text)
    api.concat(L, 2)
    return api.error(L)
