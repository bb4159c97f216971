# The C interface of Lua 5.1, as a table of functions that lua.pyx fills from lupa's library.

cdef extern from *:
    """
    #define REDRACER_LUA_IDSIZE 60
    typedef struct redracer_lua_State redracer_lua_State;
    typedef struct {
        int event;
        const char *name;
        const char *namewhat;
        const char *what;
        const char *source;
        int currentline;
        int nups;
        int linedefined;
        int lastlinedefined;
        char short_src[REDRACER_LUA_IDSIZE];
        int i_ci;
    } redracer_lua_Debug;
    """
    ctypedef struct lua_State "redracer_lua_State":
        pass
    ctypedef struct lua_Debug "redracer_lua_Debug":
        const char* what
        const char* source
        int currentline

cdef enum:
    LUA_REGISTRYINDEX = -10000
    LUA_GLOBALSINDEX = -10002
    LUA_MULTRET = -1
    LUA_TNIL = 0
    LUA_TBOOLEAN = 1
    LUA_TLIGHTUSERDATA = 2
    LUA_TNUMBER = 3
    LUA_TSTRING = 4
    LUA_TTABLE = 5
    LUA_TFUNCTION = 6
    LUA_MASKLINE = 4
    LUA_MASKCOUNT = 8
    LUA_GCSTOP = 0
    LUA_GCRESTART = 1
    LUA_GCCOLLECT = 2
    LUA_GCSTEP = 5
    LUA_MINSTACK = 20

ctypedef int (*lua_CFunction)(lua_State*) noexcept
ctypedef void (*lua_Hook)(lua_State*, lua_Debug*) noexcept
ctypedef void* (*lua_Alloc)(void*, void*, size_t, size_t) noexcept

ctypedef struct LuaApi:
    lua_State* (*newstate)(lua_Alloc, void*) noexcept
    void (*close)(lua_State*) noexcept
    void* (*atpanic)(lua_State*, lua_CFunction) noexcept
    lua_Alloc (*getallocf)(lua_State*, void**) noexcept
    int (*gettop)(lua_State*) noexcept
    void (*settop)(lua_State*, int) noexcept
    void (*pushvalue)(lua_State*, int) noexcept
    void (*remove)(lua_State*, int) noexcept
    void (*insert)(lua_State*, int) noexcept
    void (*replace)(lua_State*, int) noexcept
    int (*checkstack)(lua_State*, int) noexcept
    void (*xmove)(lua_State*, lua_State*, int) noexcept
    int (*isnumber)(lua_State*, int) noexcept
    int (*isstring)(lua_State*, int) noexcept
    int (*iscfunction)(lua_State*, int) noexcept
    int (*type)(lua_State*, int) noexcept
    const char* (*typename)(lua_State*, int) noexcept
    double (*tonumber)(lua_State*, int) noexcept
    int (*toboolean)(lua_State*, int) noexcept
    const char* (*tolstring)(lua_State*, int, size_t*) noexcept
    size_t (*objlen)(lua_State*, int) noexcept
    lua_CFunction (*tocfunction)(lua_State*, int) noexcept
    const void* (*topointer)(lua_State*, int) noexcept
    void (*pushnil)(lua_State*) noexcept
    void (*pushnumber)(lua_State*, double) noexcept
    void (*pushlstring)(lua_State*, const char*, size_t) noexcept
    void (*pushstring)(lua_State*, const char*) noexcept
    void (*pushcclosure)(lua_State*, lua_CFunction, int) noexcept
    void (*pushboolean)(lua_State*, int) noexcept
    void (*getfield)(lua_State*, int, const char*) noexcept
    void (*rawget)(lua_State*, int) noexcept
    void (*rawgeti)(lua_State*, int, int) noexcept
    void (*createtable)(lua_State*, int, int) noexcept
    int (*getmetatable)(lua_State*, int) noexcept
    void (*setfield)(lua_State*, int, const char*) noexcept
    void (*rawset)(lua_State*, int) noexcept
    void (*rawseti)(lua_State*, int, int) noexcept
    int (*setmetatable)(lua_State*, int) noexcept
    int (*setfenv)(lua_State*, int) noexcept
    void (*call)(lua_State*, int, int) noexcept
    int (*pcall)(lua_State*, int, int, int) noexcept
    int (*cpcall)(lua_State*, lua_CFunction, void*) noexcept
    int (*gc)(lua_State*, int, int) noexcept
    int (*error)(lua_State*) noexcept
    int (*next)(lua_State*, int) noexcept
    int (*getstack)(lua_State*, int, lua_Debug*) noexcept
    int (*getinfo)(lua_State*, const char*, lua_Debug*) noexcept
    int (*sethook)(lua_State*, lua_Hook, int, int) noexcept
    void* (*touserdata)(lua_State*, int) noexcept
    void (*pushlightuserdata)(lua_State*, void*) noexcept
    int (*loadbuffer)(lua_State*, const char*, size_t, const char*) noexcept
    int (*ref)(lua_State*, int) noexcept
    void (*unref)(lua_State*, int, int) noexcept
    void (*where)(lua_State*, int) noexcept
    int (*argerror)(lua_State*, int, const char*) noexcept
    double (*checknumber)(lua_State*, int) noexcept
    const char* (*checklstring)(lua_State*, int, size_t*) noexcept
    void (*checktype)(lua_State*, int, int) noexcept
    void (*checkany)(lua_State*, int) noexcept
    void (*concat)(lua_State*, int) noexcept
    lua_CFunction open_base
    lua_CFunction open_table
    lua_CFunction open_string
    lua_CFunction open_math
    lua_CFunction open_os

cdef LuaApi api

cdef inline void pop(lua_State* L, int count) noexcept:
    api.settop(L, -count - 1)

cdef int fail(lua_State* L, const char* text) noexcept
