"""What a script finds in its globals: Lua's own libraries without what reaches out, and ours, all read-only.

Left out: files, processes, modules, the debug library, bytecode, and what could make finalizers (`newproxy`) or
change other functions' globals. Wrapped: what would write behind a read-only table's metatable, or read past
it. Replaced: `unpack` (its range overflows), `string.rep` (it may run for minutes), `math.random` (Redis's own).
"""

from libc.math cimport floor
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcpy, strcmp

import os

from redracer.scripting.keys cimport (
    KEY_ENVIRONMENT,
    KEY_ERROR_HANDLER,
    KEY_GLOBALS,
    KEY_LOCKED,
)
from redracer.scripting.lua cimport (
    LUA_GCCOLLECT,
    LUA_GCSTEP,
    LUA_GLOBALSINDEX,
    LUA_MULTRET,
    LUA_REGISTRYINDEX,
    LUA_TFUNCTION,
    LUA_TNIL,
    LUA_TSTRING,
    LUA_TTABLE,
    api,
    fail,
    lua_CFunction,
    lua_State,
    pop,
)
from redracer.scripting.state cimport LuaState, error_handler, load_text, owner, raise_error

REMOVED = (b"dofile", b"loadfile", b"print", b"module", b"require", b"package", b"debug", b"io")
DEPRECATED = (b"getfenv", b"setfenv")       # only with `lua-enable-deprecated-api`; newproxy never
OS_KEPT = b"clock"

cdef const char* READ_ONLY = "Attempt to modify a readonly table"

cdef enum:
    UNPACKED = 7_999        # most values that `unpack` returns: what Lua's stack can hold
    LOWEST_POSITION = -1_000_000        # at which something is inserted into a table
    HIGHEST_POSITION = 2_147_483_647
    PATTERN_LENGTH = 4_000  # longest pattern: matching calls itself once for each of its items


def open_state(long long limit, bint deprecated_api=False):
    """A LuaState with Lua's libraries; `seal` ends what its maker wants to add."""
    cdef LuaState state = LuaState(limit)
    cdef lua_State* L = state.L
    state.random_state = int.from_bytes(os.urandom(6))
    for name in (b"err", b"ok", b"double", b"big_number", b"verbatim_string", b"map", b"set", b"ignore_error_stats_update"):
        api.pushstring(L, name)
        api.ref(L, LUA_REGISTRYINDEX)
    api.pushcclosure(L, error_handler, 0)
    api.ref(L, LUA_REGISTRYINDEX)
    api.pushvalue(L, LUA_GLOBALSINDEX)
    api.ref(L, LUA_REGISTRYINDEX)
    api.createtable(L, 0, 0)
    make_read_only(state, False)
    if api.ref(L, LUA_REGISTRYINDEX) != KEY_LOCKED:
        raise AssertionError("Lua's registry counts otherwise")
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_LOCKED)
    api.getmetatable(L, -1)
    api.pushvalue(L, -2)
    api.setfield(L, -2, "__metatable")
    pop(L, 2)
    api.createtable(L, 0, 0)
    api.ref(L, LUA_REGISTRYINDEX)
    if api.cpcall(L, open_libraries, NULL):
        raise MemoryError()
    trim(L, deprecated_api)
    return state


cdef int open_libraries(lua_State* L) noexcept:
    open_library(L, "", api.open_base)
    open_library(L, "table", api.open_table)
    open_library(L, "string", api.open_string)
    open_library(L, "math", api.open_math)
    open_library(L, "os", api.open_os)
    return 0


cdef int open_library(lua_State* L, const char* name, lua_CFunction opener) noexcept:
    api.pushcclosure(L, opener, 0)
    api.pushstring(L, name)
    api.call(L, 1, 0)
    return 0


cdef int trim(lua_State* L, bint deprecated_api) except -1:
    """Takes out of the globals what scripts may not have, and puts in what they get instead."""
    removed = REMOVED + (b"newproxy",) + (() if deprecated_api else DEPRECATED)
    for name in removed:
        api.pushnil(L)
        api.setfield(L, LUA_GLOBALSINDEX, name)
    keep_only(L, b"os", OS_KEPT)
    api.pushvalue(L, LUA_GLOBALSINDEX)
    wrap(L, "rawset", first_writable)
    wrap(L, "setmetatable", first_writable)
    wrap(L, "rawget", first_resolved)
    wrap(L, "next", first_resolved)
    set_pairs(L)
    set_function(L, "pcall", protected_call)
    set_function(L, "unpack", unpack)
    set_function(L, "loadstring", load_string)
    set_function(L, "load", load_pieces)
    set_function(L, "collectgarbage", collect_garbage)
    pop(L, 1)
    api.getfield(L, LUA_GLOBALSINDEX, "table")
    wrap(L, "insert", insert)
    for name in (b"remove", b"sort", b"setn"):
        wrap(L, name, first_writable)
    pop(L, 1)
    api.getfield(L, LUA_GLOBALSINDEX, "string")
    for name in (b"find", b"match", b"gmatch", b"gsub"):
        wrap(L, name, short_pattern)
    api.getfield(L, -1, "gmatch")
    api.setfield(L, -2, "gfind")
    set_function(L, "rep", repeat)
    pop(L, 1)
    api.getfield(L, LUA_GLOBALSINDEX, "math")
    set_function(L, "random", random)
    set_function(L, "randomseed", random_seed)
    pop(L, 1)
    return 0


cdef int keep_only(lua_State* L, bytes library, bytes function) except -1:
    """Replaces a library by one that has this function alone."""
    api.createtable(L, 0, 1)
    api.getfield(L, LUA_GLOBALSINDEX, library)
    api.getfield(L, -1, function)
    api.setfield(L, -3, function)
    pop(L, 1)
    api.setfield(L, LUA_GLOBALSINDEX, library)
    return 0


def seal(LuaState state not None):
    """Makes the libraries and the globals read-only, the last step before scripts run."""
    cdef lua_State* L = state.L
    lock_strings(L)
    for name in (b"string", b"table", b"math", b"os", b"coroutine", b"bit", b"struct", b"cjson", b"cmsgpack", b"redis"):
        api.getfield(L, LUA_GLOBALSINDEX, name)
        if api.type(L, -1) == LUA_TTABLE:
            make_read_only(state, False)
            api.setfield(L, LUA_GLOBALSINDEX, name)
        else:
            pop(L, 1)
    api.pushvalue(L, LUA_GLOBALSINDEX)
    make_read_only(state, True)
    api.pushvalue(L, -1)
    api.setfield(L, LUA_GLOBALSINDEX, "_G")
    api.pushvalue(L, -1)
    api.rawseti(L, LUA_REGISTRYINDEX, KEY_ENVIRONMENT)
    api.replace(L, LUA_GLOBALSINDEX)


def seal_for_functions(LuaState state not None):
    """`seal` for a state of libraries, which see other globals while they are loaded: `set_globals`."""
    cdef lua_State* L = state.L
    seal(state)
    api.getfield(L, LUA_REGISTRYINDEX, "loading")
    make_read_only(state, True)
    api.setfield(L, LUA_REGISTRYINDEX, "loading")


def set_globals(LuaState state not None, bint loading):
    """What the globals are from now on: those of a library that is being loaded, or those of its functions."""
    cdef lua_State* L = state.L
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_ENVIRONMENT)
    api.getmetatable(L, -1)
    if loading:
        api.getfield(L, LUA_REGISTRYINDEX, "loading")
    else:
        api.rawgeti(L, LUA_REGISTRYINDEX, KEY_GLOBALS)
    api.setfield(L, -2, "__index")
    pop(L, 2)


cdef int lock_strings(lua_State* L) noexcept:
    """Hides the metatable of strings, through which `string` could be changed."""
    api.pushlstring(L, "", 0)
    api.getmetatable(L, -1)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_LOCKED)
    api.setfield(L, -2, "__metatable")
    pop(L, 2)
    return 0


cdef int make_read_only(LuaState state, bint strict) except -1:
    """Puts a read-only table in the place of the table at the top. `strict`: reading what is not there fails."""
    cdef lua_State* L = state.L
    if strict:
        api.createtable(L, 0, 1)
        api.pushcclosure(L, missing_global, 0)
        api.setfield(L, -2, "__index")
        api.setmetatable(L, -2)
    api.createtable(L, 0, 0)        # what scripts see
    api.createtable(L, 0, 3)        # its metatable
    api.pushvalue(L, -3)
    api.setfield(L, -2, "__index")
    api.pushcclosure(L, refuse_writing, 0)
    api.setfield(L, -2, "__newindex")
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_LOCKED)
    api.setfield(L, -2, "__metatable")
    api.setmetatable(L, -2)
    state.note_read_only(L, -1)
    api.remove(L, -2)
    return 0


cdef int set_function(lua_State* L, const char* name, lua_CFunction function) noexcept:
    """Sets a field of the table at the top to a function of ours."""
    api.pushcclosure(L, function, 0)
    api.setfield(L, -2, name)
    return 0


cdef int set_number(lua_State* L, const char* name, double value) noexcept:
    """Sets a field of the table at the top to a number."""
    api.pushnumber(L, value)
    api.setfield(L, -2, name)
    return 0


cdef int wrap(lua_State* L, const char* name, lua_CFunction wrapper) noexcept:
    """Puts a function of ours in the place of one in the table at the top; the latter is its upvalue."""
    api.getfield(L, -1, name)
    api.pushcclosure(L, wrapper, 1)
    api.setfield(L, -2, name)
    return 0


cdef int set_pairs(lua_State* L) noexcept:
    """`pairs` with `next` beside it, for read-only tables."""
    api.getfield(L, -1, "pairs")
    api.getfield(L, -2, "next")
    api.pushcclosure(L, pairs, 2)
    api.setfield(L, -2, "pairs")
    return 0


# --- called by Lua: functions that own nothing, see state.pyx

cdef bint locked(lua_State* L, int index) noexcept:
    return owner(L).is_read_only(L, index)


cdef int upvalue(int number) noexcept:
    return LUA_GLOBALSINDEX - number


cdef int call_wrapped(lua_State* L) noexcept:
    """The wrapped function, on the arguments of the wrapper."""
    return api.tocfunction(L, upvalue(1))(L)


cdef int refuse_writing(lua_State* L) noexcept:
    return fail(L, READ_ONLY)


cdef int missing_global(lua_State* L) noexcept:
    """`__index` of the globals."""
    api.where(L, 1)
    api.pushstring(L, "Script attempted to access nonexistent global variable '")
    if api.isstring(L, 2):
        api.pushvalue(L, 2)
    else:
        api.pushstring(L, api.typename(L, api.type(L, 2)))
    api.pushstring(L, "'")
    api.concat(L, 4)
    return api.error(L)


cdef int first_writable(lua_State* L) noexcept:
    """A function that changes its first argument."""
    if locked(L, 1):
        return fail(L, READ_ONLY)
    return call_wrapped(L)


cdef int insert(lua_State* L) noexcept:
    """`table.insert` at a position that is not far below the table: it moves what is in between one by one.

    Lua makes an int of the position, and the lowest one of what an int cannot hold.
    """
    if api.gettop(L) == 3 and not LOWEST_POSITION <= api.tonumber(L, 2) <= HIGHEST_POSITION:
        return api.argerror(L, 2, "position out of bounds")
    return first_writable(L)


cdef int first_resolved(lua_State* L) noexcept:
    """A function that reads its first argument behind the metatable."""
    if locked(L, 1):
        api.getmetatable(L, 1)
        api.getfield(L, -1, "__index")
        api.replace(L, 1)
        pop(L, 1)
    return call_wrapped(L)


cdef int pairs(lua_State* L) noexcept:
    if not locked(L, 1):
        api.checktype(L, 1, LUA_TTABLE)
        api.settop(L, 1)
        api.pushvalue(L, upvalue(2))
        api.insert(L, 1)
        api.pushnil(L)
        return 3
    api.settop(L, 1)
    api.pushvalue(L, upvalue(2))
    api.insert(L, 1)
    api.pushnil(L)
    return 3


cdef int protected_call(lua_State* L) noexcept:
    """`pcall`, which gives the message of an error that is a table: scripts of before Redis 7 expect a string."""
    api.checkany(L, 1)
    api.pushboolean(L, True)
    api.insert(L, 1)
    if api.pcall(L, api.gettop(L) - 2, LUA_MULTRET, 0):
        api.remove(L, 1)
        if api.type(L, -1) == LUA_TTABLE:
            api.getfield(L, -1, "err")
            if api.isstring(L, -1):
                api.replace(L, -2)
            else:
                pop(L, 1)
        api.pushboolean(L, False)
        api.insert(L, 1)
    return api.gettop(L)


cdef int unpack(lua_State* L) noexcept:
    """`unpack` with a range that cannot overflow."""
    cdef double first = 1
    cdef double last
    cdef int i
    api.checktype(L, 1, LUA_TTABLE)
    if api.type(L, 2) > LUA_TNIL:
        first = floor(api.checknumber(L, 2))
    if api.type(L, 3) > LUA_TNIL:
        last = floor(api.checknumber(L, 3))
    else:
        last = api.objlen(L, 1)
    if not first <= last:
        return 0
    if not -2147483648.0 <= first or not last <= 2147483647.0 or last - first >= UNPACKED:
        return fail(L, "too many results to unpack")
    if not api.checkstack(L, <int>(last - first) + 1):
        return fail(L, "too many results to unpack")
    for i in range(<int>(last - first) + 1):
        api.rawgeti(L, 1, <int>first + i)
    return <int>(last - first) + 1


cdef int load_string(lua_State* L) noexcept:
    """`loadstring` for source text."""
    cdef size_t length = 0
    cdef const char* code = api.checklstring(L, 1, &length)
    cdef const char* name = code
    if api.type(L, 2) > LUA_TNIL:
        name = api.checklstring(L, 2, NULL)
    return load_chunk(L, code, length, name)


cdef int load_chunk(lua_State* L, const char* code, size_t length, const char* name) noexcept:
    api.pushstring(L, name)     # anchored, see LuaState.compile
    if load_text(L, code, length, name):
        api.pushnil(L)
        api.insert(L, -2)
        return 2
    return 1


cdef int load_pieces(lua_State* L) noexcept:
    """`load`: the source comes in pieces from a function."""
    cdef const char* name = "=(load)"
    cdef const char* code
    cdef size_t length = 0
    api.checktype(L, 1, LUA_TFUNCTION)
    if api.type(L, 2) > LUA_TNIL:
        name = api.checklstring(L, 2, NULL)
    api.settop(L, 2)
    api.pushlstring(L, "", 0)
    while True:
        api.pushvalue(L, 1)
        api.call(L, 0, 1)
        if api.type(L, -1) == LUA_TNIL:
            break
        if not api.isstring(L, -1):
            return fail(L, "reader function must return a string")
        if api.objlen(L, -1) == 0:
            break
        api.concat(L, 2)
        if api.objlen(L, -1) > 1 << 30:
            return fail(L, "chunk is too long")
    pop(L, 1)
    code = api.tolstring(L, 3, &length)
    return load_chunk(L, code, length, name)


cdef int collect_garbage(lua_State* L) noexcept:
    """`collectgarbage`, without what would last beyond the script."""
    cdef const char* option = "collect"
    if api.type(L, 1) > LUA_TNIL:
        option = api.checklstring(L, 1, NULL)
    if strcmp(option, "count") == 0:
        api.pushnumber(L, owner_memory(L) / 1024.0)
        return 1
    if strcmp(option, "collect") == 0:
        api.gc(L, LUA_GCCOLLECT, 0)
    elif strcmp(option, "step") == 0:
        api.gc(L, LUA_GCSTEP, 0)
    api.pushnumber(L, 0)
    return 1


cdef double owner_memory(lua_State* L) noexcept:
    return owner(L).account.used


cdef bint fits(lua_State* L, double size) noexcept:
    """Whether a script may still take `size` bytes."""
    cdef LuaState state = owner(L)
    return state.account.used + size <= state.account.limit


cdef int repeat(lua_State* L) noexcept:
    """`string.rep` in one allocation, refused before it is made."""
    cdef size_t length = 0
    cdef const char* text = api.checklstring(L, 1, &length)
    cdef double count = api.checknumber(L, 2)
    cdef double total
    if not count >= 1 or length == 0:
        api.pushlstring(L, "", 0)
        return 1
    total = floor(count) * length
    if not fits(L, 2 * total):
        return fail(L, "not enough memory")
    return push_repeated(L, text, length, <size_t>total)


cdef int push_repeated(lua_State* L, const char* text, size_t length, size_t total) noexcept:
    cdef LuaState state = owner(L)
    cdef char* block = <char*>malloc(total)
    cdef size_t done = length
    cdef size_t part
    if block == NULL:
        api.pushnil(L)
        return 1
    memcpy(block, text, length)
    while done < total:
        part = min(done, total - done)
        memcpy(block + done, block, part)
        done += part
    state.account.limited = False
    api.pushlstring(L, block, total)
    state.account.limited = True
    free(block)
    return 1


cdef int short_pattern(lua_State* L) noexcept:
    """A function that matches a pattern, its second argument: Lua's matcher calls itself along it."""
    if api.isstring(L, 2) and api.objlen(L, 2) > PATTERN_LENGTH:
        if has_items(L):
            return fail(L, "pattern too complex")
    return call_wrapped(L)


cdef bint has_items(lua_State* L) noexcept:
    """Whether the pattern has any of the characters that make it more than a plain text."""
    cdef size_t length = 0
    cdef size_t i
    cdef const char* text = api.tolstring(L, 2, &length)
    for i in range(length):
        if text[i] and memchr("^$*+?.([%-", text[i], 10) != NULL:
            return True
    return False


# --- math.random: the generator of drand48, as Redis has it

cdef unsigned int next_random(LuaState state) noexcept:
    """31 random bits."""
    state.random_state = (state.random_state * 0x5DEECE66DULL + 11) & ((<unsigned long long>1 << 48) - 1)
    return <unsigned int>(state.random_state >> 17)


cdef double random_fraction(lua_State* L) noexcept:
    cdef LuaState state = owner(L)
    return (next_random(state) % 0x7FFFFFFF) / <double>0x7FFFFFFF


cdef bint is_running(lua_State* L) noexcept:
    cdef LuaState state = owner(L)
    return state.host is not None and state.host.runs_script


cdef int set_seed(lua_State* L, int seed) noexcept:
    owner(L).random_state = ((<unsigned long long><unsigned int>seed) << 16) | 0x330E
    return 0


cdef int random(lua_State* L) noexcept:
    """`math.random`: a fraction, or an integer of 1..n, or of m..n."""
    cdef double fraction, low, high
    if not is_running(L):
        return fail(L, "math.random can only be called inside a script invocation")
    fraction = random_fraction(L)
    if api.gettop(L) == 0:
        api.pushnumber(L, fraction)
        return 1
    if api.gettop(L) > 2:
        return fail(L, "wrong number of arguments")
    low = 1 if api.gettop(L) == 1 else floor(api.checknumber(L, 1))
    high = floor(api.checknumber(L, api.gettop(L)))
    if not low <= high:
        return api.argerror(L, api.gettop(L), "interval is empty")
    api.pushnumber(L, floor(fraction * (high - low + 1)) + low)
    return 1


cdef int random_seed(lua_State* L) noexcept:
    if not is_running(L):
        return fail(L, "math.randomseed can only be called inside a script invocation")
    set_seed(L, <int><long long>api.checknumber(L, 1))
    return 0
