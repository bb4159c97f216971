"""One Lua interpreter: its memory, its time, and how our code and Lua's meet.

**longjmp.** A Lua error leaves a C function without unwinding it; a Python reference that this function owns
would leak. So each function that Lua calls is two: an outer one that owns nothing, takes part in Lua's errors
and calls an inner one; and the inner one, which may own Python objects and never fails in Lua. It cannot, because
the only errors of the calls that it makes are those of memory and of finalizers: the memory limit holds for
Lua's own allocations alone (`Account.limited`), and scripts cannot make finalizers (there is no `newproxy`).

**Memory.** The allocator counts exactly, and refuses a script what would pass the limit: the script gets Lua's
"not enough memory", nobody else notices.

**Time.** A hook runs every HOOK_INSTRUCTIONS and asks the Host whether to go on. To stop a script that catches
its errors, the hook then comes at every line.

**Read-only tables.** Lua 5.1 has none: what a script sees (`_G`, `redis`, `string`...) is an empty table whose
metatable reads from the real one and refuses writing; functions that would go behind the metatable are wrapped
in sandbox.pyx.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_SIZE
from libc.stdlib cimport abort, free, realloc

from redracer.scripting.lua cimport (
    LUA_GCCOLLECT,
    LUA_GCSTEP,
    LUA_MASKCOUNT,
    LUA_MASKLINE,
    LUA_REGISTRYINDEX,
    LUA_TBOOLEAN,
    LUA_TSTRING,
    LUA_TTABLE,
    api,
    lua_Debug,
    lua_State,
    pop,
)
from redracer.scripting.keys cimport KEY_COUNTED, KEY_ERR, KEY_ERROR_HANDLER, KEY_GLOBALS
from redracer.scripting.values cimport push_strings, take_value

from redracer.engine import log
from redracer.scripting import lua

cdef enum:
    HOOK_INSTRUCTIONS = 100_000     # of Lua's, about half a millisecond
    COLLECT_EVERY = 50              # scripts between two steps of the collector
    COLLECT_STEP = 50               # its size, in KB


cdef void* allocate(void* user, void* block, size_t old, size_t size) noexcept:
    """lua_Alloc: counts in the state's account, and refuses a script more than its limit."""
    cdef Account* account = <Account*>user
    cdef void* moved
    if size == 0:
        free(block)
        account.used -= old
        return NULL
    if size > old and account.limited and account.used + <long long>(size - old) > account.limit:
        return NULL
    moved = realloc(block, size)
    if moved == NULL:
        if account.limited or size <= old:
            return NULL
        abort()     # as Redis does where the machine has no more
    account.used += <long long>size - <long long>old
    return moved


cdef LuaState owner(lua_State* L):
    """The LuaState that an interpreter's thread belongs to."""
    cdef void* user = NULL
    api.getallocf(L, &user)
    return <LuaState><void*>(<char*>user - ACCOUNT_OFFSET)


cdef Py_ssize_t ACCOUNT_OFFSET = 0


cdef class Host:
    """Who stands behind a running script, or behind a library that is being loaded (`runs_script` False).

    `resp`: the protocol whose values the script gets.
    """

    cpdef object call(self, list argv):
        """Executes a command and returns its reply; an Error is counted already."""
        raise NotImplementedError

    cpdef object may_call(self, list argv):
        """Whether the user may call this command; None if there is no such command."""
        raise NotImplementedError

    cpdef object set_replication(self, int targets):
        """What the script changes from now on goes to these targets (REPLICATE_LOG, REPLICATE_REPLICAS)."""
        raise NotImplementedError

    cpdef bytes register(self, bytes name, int function, list flags, bytes description):
        """Takes a library's function, the caller's to forget if refused; returns the refusal, or None."""
        raise NotImplementedError

    cpdef bytes interrupt(self):
        """Called now and then; the text of the error with which the script is to be stopped, or None."""
        return None


cdef class LuaState:
    """An interpreter without any global; sandbox.pyx fills it. `limit`: bytes that scripts may bring it to."""

    def __cinit__(self, long long limit):
        lua.load()
        self.account.limit = limit
        global ACCOUNT_OFFSET
        ACCOUNT_OFFSET = <char*>&self.account - <char*><void*>self
        self.L = api.newstate(allocate, &self.account)
        if self.L == NULL:
            raise MemoryError()
        self.start_hook()

    def __dealloc__(self):
        if self.L != NULL:
            api.close(self.L)

    @property
    def memory(self):
        """Bytes that the interpreter holds."""
        return self.account.used

    @property
    def limit(self):
        """Bytes that scripts may bring it to."""
        return self.account.limit

    def set_limit(self, long long limit):
        """From now on scripts may bring the interpreter to `limit` bytes."""
        self.account.limit = limit

    def collect(self):
        """A full collection of Lua's garbage."""
        api.gc(self.L, LUA_GCCOLLECT, 0)

    # --- read-only tables

    cdef bint is_read_only(self, lua_State* L, int index) noexcept:
        """Whether the value at `index` is a table that scripts may not change. O(read-only tables)."""
        cdef const void* table
        cdef int i
        if api.type(L, index) != LUA_TTABLE:
            return False
        table = api.topointer(L, index)
        for i in range(self.read_only_count):
            if self.read_only[i] == table:
                return True
        return False

    cdef int note_read_only(self, lua_State* L, int index) except -1:
        """From now on the table at `index`, which must outlive the scripts, is read-only."""
        if self.read_only_count == READ_ONLY_TABLES:
            raise OverflowError("too many read-only tables")
        self.read_only[self.read_only_count] = api.topointer(L, index)
        self.read_only_count += 1
        return 0

    # --- running

    cdef int start_hook(self) noexcept:
        return api.sethook(self.L, hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS)

    cpdef int compile(self, bytes code, bytes chunk_name) except -1:
        """Compiles a script to a function, kept until `forget`. Raises SyntaxError with Lua's text."""
        cdef int status
        # Anchored: Lua's parser does not keep the chunk's name alive while it runs (CVE-2025-49844).
        api.pushlstring(self.L, PyBytes_AS_STRING(chunk_name), PyBytes_GET_SIZE(chunk_name))
        self.account.limited = True
        status = load_text(self.L, PyBytes_AS_STRING(code), PyBytes_GET_SIZE(code), PyBytes_AS_STRING(chunk_name))
        self.account.limited = False
        api.remove(self.L, -2)
        if status:
            text = text_at(self.L, -1)
            pop(self.L, 1)
            raise SyntaxError(text.decode("utf-8", "surrogateescape"))
        return api.ref(self.L, LUA_REGISTRYINDEX)

    cpdef object forget(self, int function):
        """Lets go of a compiled function."""
        api.unref(self.L, LUA_REGISTRYINDEX, function)

    cpdef object run(self, int function, list request, Py_ssize_t keys_end, bint as_globals):
        """Calls a function and returns what it returned, as a reply; None after an error, with `failed` set.

        The keys are request[3:keys_end], the arguments what follows. `as_globals`: they are the function's KEYS
        and ARGV globals (EVAL); otherwise its two parameters, or it has none where `request` is None.
        """
        cdef lua_State* L = self.L
        cdef int parameters = 0
        cdef int status
        cdef object reply = None
        self.failed = None
        self.counted = False
        api.rawgeti(L, LUA_REGISTRYINDEX, KEY_ERROR_HANDLER)
        api.rawgeti(L, LUA_REGISTRYINDEX, function)
        if as_globals:
            api.rawgeti(L, LUA_REGISTRYINDEX, KEY_GLOBALS)
            api.pushlstring(L, "KEYS", 4)
            push_strings(L, request, 3, keys_end)
            api.rawset(L, -3)
            api.pushlstring(L, "ARGV", 4)
            push_strings(L, request, keys_end, PyList_GET_SIZE(request))
            api.rawset(L, -3)
            pop(L, 1)
        elif request is not None:
            push_strings(L, request, 3, keys_end)
            push_strings(L, request, keys_end, PyList_GET_SIZE(request))
            parameters = 2
        self.account.limited = True
        status = api.pcall(L, parameters, 1, 1)
        self.account.limited = False
        if status:
            self.note_failure()
        else:
            if api.type(L, -1) == LUA_TTABLE:
                self.counted = is_counted(L)
            reply = take_value(L, 2 if self.host is None else self.host.resp)
        api.settop(L, 0)
        if self.stop_text is not None:
            self.stop_text = None
            self.start_hook()
        self.runs += 1
        if self.account.used > self.account.limit // 2:     # its garbage must not be the next script's limit
            self.collect()
        elif self.runs % COLLECT_EVERY == 0:
            api.gc(L, LUA_GCSTEP, COLLECT_STEP)
        return reply

    cdef int note_failure(self) except -1:
        """Notes the error at the top of the stack: (message, source, line), the last two None where unknown."""
        cdef lua_State* L = self.L
        if api.type(L, -1) != LUA_TTABLE:
            self.failed = (text_at(L, -1), None, None)
            return 0
        message = field_text(L, KEY_ERR)
        self.failed = (message, named_field(L, "source"), named_field(L, "line"))
        self.counted = is_counted(L)
        return 0


cdef int load_text(lua_State* L, const char* code, Py_ssize_t length, const char* chunk_name) noexcept:
    """luaL_loadbuffer without the forms that can harm: bytecode, and sources that Lua's int counters overflow on."""
    if length > 0 and code[0] == 0x1B:
        api.pushstring(L, "attempt to load bytecode")
        return 3
    if length >= 1 << 30:
        api.pushstring(L, "chunk is too long")
        return 3
    return api.loadbuffer(L, code, length, chunk_name)


cdef bytes text_at(lua_State* L, int index):
    """The string or number at `index` as bytes, None for others. Does not change a number in place."""
    cdef size_t length = 0
    cdef const char* text
    if not api.isstring(L, index):
        return None
    api.pushvalue(L, index)
    text = api.tolstring(L, -1, &length)
    found = PyBytes_FromStringAndSize(text, length)
    pop(L, 1)
    return found


cdef bytes named_field(lua_State* L, const char* name):
    """The string or number under a name in the table at the top; None if there is none."""
    api.pushstring(L, name)
    api.rawget(L, -2)
    found = text_at(L, -1)
    pop(L, 1)
    return found


cdef bytes field_text(lua_State* L, int key):
    """The string under one of the usual keys in the table at the top; None if there is none."""
    api.rawgeti(L, LUA_REGISTRYINDEX, key)
    api.rawget(L, -2)
    found = text_at(L, -1)
    pop(L, 1)
    return found


cdef bint is_counted(lua_State* L) noexcept:
    """Whether the error table at the top is of a command, which has counted it in the statistics."""
    cdef bint counted
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_COUNTED)
    api.rawget(L, -2)
    counted = api.type(L, -1) == LUA_TBOOLEAN and api.toboolean(L, -1)
    pop(L, 1)
    return counted


# --- called by Lua

cdef void hook(lua_State* L, lua_Debug* activation) noexcept:
    """lua_Hook: asks whether the script may go on."""
    cdef const char* text = interrupted(L)
    if text != NULL:
        api.sethook(L, hook, LUA_MASKLINE, 0)   # the script may catch this error, and will get another at once
        raise_error(L, text)


cdef const char* interrupted(lua_State* L) noexcept:
    """The text with which to stop the script, or NULL."""
    cdef LuaState state = owner(L)
    cdef bytes text = state.stop_text
    if text is None:
        if state.host is None:
            return NULL
        state.account.limited = False
        try:
            text = state.host.interrupt()
        except Exception as error:
            log.warning(f"Internal error while a script was running: {error!r}")
        state.account.limited = True
        if text is None:
            return NULL
        state.stop_text = text
    return PyBytes_AS_STRING(text)


cdef int error_handler(lua_State* L) noexcept:
    """Turns an error into Redis's table of err, source and line. Called at the point of the error."""
    cdef lua_Debug place
    cdef bint known = api.getstack(L, 1, &place) and api.getinfo(L, "S", &place)
    if known and place.what[0] == b"C":     # an error of a function of ours is one of its caller
        known = api.getstack(L, 2, &place) and api.getinfo(L, "S", &place)
    if api.type(L, 1) != LUA_TTABLE:
        describe_error(L)
    if not known or is_locked(L):
        return 1
    api.getinfo(L, "Sl", &place)
    api.pushstring(L, "source")
    api.pushstring(L, place.source)
    api.rawset(L, 1)
    api.pushstring(L, "line")
    api.pushnumber(L, place.currentline)
    api.rawset(L, 1)
    api.settop(L, 1)
    return 1


cdef bint is_locked(lua_State* L) noexcept:
    return owner(L).is_read_only(L, 1)


cdef int describe_error(lua_State* L) noexcept:
    """Puts a table with `err` in the place of the error, which is no table."""
    api.createtable(L, 0, 3)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_ERR)
    api.pushlstring(L, "ERR ", 4)
    if api.isstring(L, 1):
        api.pushvalue(L, 1)
    elif api.type(L, 1) == LUA_TBOOLEAN:
        api.pushstring(L, "true" if api.toboolean(L, 1) else "false")
    else:
        api.pushstring(L, api.typename(L, api.type(L, 1)))
    api.concat(L, 2)
    api.rawset(L, -3)
    api.replace(L, 1)
    return 0


cdef int push_error(lua_State* L, bytes text, bint counted) except -1:
    """Pushes the table that stands for an error reply (`text` with its code)."""
    api.createtable(L, 0, 4 if counted else 3)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_ERR)
    api.pushlstring(L, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    api.rawset(L, -3)
    if counted:
        api.rawgeti(L, LUA_REGISTRYINDEX, KEY_COUNTED)
        api.pushboolean(L, True)
        api.rawset(L, -3)
    return 0


cdef int raise_error(lua_State* L, const char* text) noexcept:
    """Raises Redis's error table with the code ERR; does not return."""
    api.createtable(L, 0, 3)
    api.pushstring(L, "err")
    api.pushlstring(L, "ERR ", 4)
    api.pushstring(L, text)
    api.concat(L, 2)
    api.rawset(L, -3)
    return api.error(L)
