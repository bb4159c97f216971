"""The table `redis` of scripts: commands, replies, the log, and for libraries the registration of functions.

Every function here is an outer one, which owns no Python object, around an inner one (see state.pyx).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport strchr


from redracer.engine import log
from redracer.engine.version import REDIS_VERSION
from redracer.scripting.values import StackLimit

from redracer.core cimport replies
from redracer.scripting.keys cimport KEY_ERR, KEY_OK
from redracer.scripting.lua cimport (
    LUA_GLOBALSINDEX,
    LUA_REGISTRYINDEX,
    LUA_TFUNCTION,
    LUA_TNIL,
    LUA_TNUMBER,
    LUA_TSTRING,
    LUA_TTABLE,
    api,
    lua_State,
    pop,
)
from redracer.scripting.sandbox cimport make_read_only, set_function, set_number
from redracer.scripting.state cimport Host, LuaState, owner, push_error, raise_error
from redracer.scripting.values cimport push_value, take_arguments

NO_ARGUMENTS = b"ERR Please specify at least one argument for this redis lib call"
WRONG_ARGUMENT = b"ERR Lua redis lib command arguments must be strings or integers"
REPLICATE_NOWHERE = 0
REPLICATE_LOG = 1
REPLICATE_REPLICAS = 2

cdef enum:
    ALL_TARGETS = 3


def open_redis(LuaState state not None, bint for_functions):
    """Adds the global `redis`; for a state of libraries also the globals that they see while they are loaded."""
    cdef lua_State* L = state.L
    api.createtable(L, 0, 32)
    set_function(L, "call", call)
    set_function(L, "pcall", protected_call)
    set_log(L)
    set_version(L)
    set_function(L, "setresp", set_protocol)
    set_function(L, "sha1hex", sha1hex)
    set_function(L, "error_reply", error_reply)
    set_function(L, "status_reply", status_reply)
    set_function(L, "set_repl", set_replication)
    set_number(L, "REPL_NONE", REPLICATE_NOWHERE)
    set_number(L, "REPL_AOF", REPLICATE_LOG)
    set_number(L, "REPL_SLAVE", REPLICATE_REPLICAS)
    set_number(L, "REPL_REPLICA", REPLICATE_REPLICAS)
    set_number(L, "REPL_ALL", ALL_TARGETS)
    set_function(L, "acl_check_cmd", may_call)
    if not for_functions:
        set_function(L, "breakpoint", breakpoint)
        set_function(L, "debug", nothing)
        set_function(L, "replicate_commands", replicate_commands)
    api.setfield(L, LUA_GLOBALSINDEX, "redis")
    if for_functions:
        api.createtable(L, 0, 1)
        api.createtable(L, 0, 8)
        set_function(L, "register_function", register_function)
        set_log(L)
        set_version(L)
        make_read_only(state, True)
        api.setfield(L, -2, "redis")
        api.setfield(L, LUA_REGISTRYINDEX, "loading")


cdef int set_log(lua_State* L) except -1:
    set_function(L, "log", write_log)
    set_number(L, "LOG_DEBUG", log.DEBUG)
    set_number(L, "LOG_VERBOSE", log.VERBOSE)
    set_number(L, "LOG_NOTICE", log.NOTICE)
    set_number(L, "LOG_WARNING", log.WARNING)
    return 0


cdef int set_version(lua_State* L) except -1:
    cdef bytes version = REDIS_VERSION.encode()
    number = 0
    for part in REDIS_VERSION.split("."):
        number = number << 8 | int(part)
    set_number(L, "REDIS_VERSION_NUM", number)
    api.pushstring(L, version)
    api.setfield(L, -2, "REDIS_VERSION")
    return 0


# --- commands

cdef int call(lua_State* L) noexcept:
    if not runs_script(L):
        return raise_error(L, "redis.call/pcall can only be called inside a script invocation")
    if execute(L):
        return api.error(L)
    return 1


cdef int protected_call(lua_State* L) noexcept:
    if not runs_script(L):
        return raise_error(L, "redis.call/pcall can only be called inside a script invocation")
    execute(L)
    return 1


cdef bint runs_script(lua_State* L) noexcept:
    cdef LuaState state = owner(L)
    return state.host is not None and state.host.runs_script


cdef bint execute(lua_State* L) noexcept:
    """Executes the command on the stack and pushes its reply; whether that is an error."""
    cdef LuaState state = owner(L)
    cdef object reply
    cdef bint failed = False
    state.account.limited = False
    try:
        reply = reply_to(state.host, L)
        failed = type(reply) is replies.Error
        api.settop(L, 0)
        push_value(L, reply, state.host.resp)
    except BaseException as error:
        failed = True
        api.settop(L, 0)
        push_exception(L, error)
    state.account.limited = True
    return failed


cdef object reply_to(Host host, lua_State* L):
    cdef list argv
    if api.gettop(L) == 0:
        return replies.Error(NO_ARGUMENTS)
    argv = take_arguments(L)
    if argv is None:
        return replies.Error(WRONG_ARGUMENT)
    return host.call(argv)


cdef int push_exception(lua_State* L, error) noexcept:
    """What our own code raised, as an error of the script's."""
    try:
        if isinstance(error, StackLimit):
            push_error(L, b"ERR reached lua stack limit", False)
            return 0
        log.warning(f"Internal error in a script's call: {error!r}")
        push_error(L, b"ERR internal error: %s" % type(error).__name__.encode(), False)
    except BaseException:
        api.createtable(L, 0, 0)
    return 0


cdef int may_call(lua_State* L) noexcept:
    """`redis.acl_check_cmd`."""
    cdef int answer
    if not runs_script(L):
        return raise_error(L, "redis.acl_check_cmd can only be called inside a script invocation")
    answer = ask_may_call(L)
    if answer == -3:
        return raise_error(L, "Please specify at least one argument for this redis lib call")
    if answer == -2:
        return raise_error(L, "Lua redis lib command arguments must be strings or integers")
    if answer == -1:
        return raise_error(L, "Invalid command passed to redis.acl_check_cmd()")
    api.pushboolean(L, answer)
    return 1


cdef int ask_may_call(lua_State* L) noexcept:
    cdef LuaState state = owner(L)
    if api.gettop(L) == 0:
        return -3
    try:
        argv = take_arguments(L)
        if argv is None:
            return -2
        answer = state.host.may_call(argv)
        return -1 if answer is None else 1 if answer else 0
    except BaseException as error:
        log.warning(f"Internal error in redis.acl_check_cmd: {error!r}")
        return 0


cdef int set_protocol(lua_State* L) noexcept:
    """`redis.setresp`."""
    cdef double version
    if not runs_script(L):
        return raise_error(L, "redis.setresp can only be called inside a script invocation")
    if api.gettop(L) != 1:
        return raise_error(L, "redis.setresp() requires one argument.")
    version = api.tonumber(L, 1)
    if not (2 <= version < 4):
        return raise_error(L, "RESP version must be 2 or 3.")
    note_protocol(L, <int>version)
    return 0


cdef int note_protocol(lua_State* L, int version) noexcept:
    owner(L).host.resp = version
    return 0


cdef int set_replication(lua_State* L) noexcept:
    """`redis.set_repl`."""
    cdef double targets
    if not runs_script(L):
        return raise_error(L, "redis.set_repl can only be called inside a script invocation")
    if api.gettop(L) != 1:
        return raise_error(L, "redis.set_repl() requires two arguments.")
    targets = api.tonumber(L, 1)
    if not 0 <= targets < ALL_TARGETS + 1:
        return raise_error(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
    note_replication(L, <int>targets)
    return 0


cdef int note_replication(lua_State* L, int targets) noexcept:
    cdef LuaState state = owner(L)
    try:
        state.host.set_replication(targets)
    except BaseException as error:
        log.warning(f"Internal error in redis.set_repl: {error!r}")
    return 0


# --- values and texts

cdef int sha1hex(lua_State* L) noexcept:
    cdef char digest[40]
    if api.gettop(L) != 1:
        return raise_error(L, "wrong number of arguments")
    compute_sha1(L, digest)
    api.pushlstring(L, digest, 40)
    return 1


cdef int compute_sha1(lua_State* L, char* digest) noexcept:
    cdef size_t length = 0
    cdef const char* text = api.tolstring(L, 1, &length)
    cdef bytes content = PyBytes_FromStringAndSize(text, length) if text != NULL else b""
    from hashlib import sha1
    cdef bytes result = sha1(content, usedforsecurity=False).hexdigest().encode()
    cdef int i
    for i in range(40):
        digest[i] = PyBytes_AS_STRING(result)[i]
    return 0


cdef int error_reply(lua_State* L) noexcept:
    """`redis.error_reply`: a text whose first word is the code, or one that gets the code ERR."""
    cdef size_t length = 0
    cdef const char* text
    if api.gettop(L) != 1 or api.type(L, 1) != LUA_TSTRING:
        return wrong_text(L)
    text = api.tolstring(L, 1, &length)
    if length > 0 and text[0] == b"-":
        text += 1
        length -= 1
    while length > 0 and (text[length - 1] == b"\r" or text[length - 1] == b"\n"):
        length -= 1
    api.createtable(L, 0, 1)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_ERR)
    if strchr(text, b" ") == NULL:
        api.pushlstring(L, "ERR ", 4)
        api.pushlstring(L, text, length)
        api.concat(L, 2)
    else:
        api.pushlstring(L, text, length)
    api.rawset(L, -3)
    return 1


cdef int status_reply(lua_State* L) noexcept:
    """`redis.status_reply`."""
    if api.gettop(L) != 1 or api.type(L, 1) != LUA_TSTRING:
        return wrong_text(L)
    api.createtable(L, 0, 1)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_OK)
    api.pushvalue(L, 1)
    api.rawset(L, -3)
    return 1


cdef int wrong_text(lua_State* L) noexcept:
    api.createtable(L, 0, 1)
    api.rawgeti(L, LUA_REGISTRYINDEX, KEY_ERR)
    api.pushstring(L, "ERR wrong number or type of arguments")
    api.rawset(L, -3)
    return 1


cdef int breakpoint(lua_State* L) noexcept:
    """`redis.breakpoint`: there is no debugger to stop in."""
    api.pushboolean(L, False)
    return 1


cdef int nothing(lua_State* L) noexcept:
    """`redis.debug`: there is no debugger to write to."""
    return 0


cdef int replicate_commands(lua_State* L) noexcept:
    """`redis.replicate_commands`: scripts always replicate by their effects."""
    api.pushboolean(L, True)
    return 1


cdef int write_log(lua_State* L) noexcept:
    """`redis.log`."""
    cdef double level
    if api.gettop(L) < 2:
        return raise_error(L, "redis.log() requires two arguments or more.")
    if not api.isnumber(L, 1):
        return raise_error(L, "First argument must be a number (log level).")
    level = api.tonumber(L, 1)
    if not 0 <= level < 4:
        return raise_error(L, "Invalid debug level.")
    write_line(L, <int>level)
    return 0


cdef int write_line(lua_State* L, int level) noexcept:
    cdef int i
    cdef size_t length = 0
    cdef const char* text
    cdef list parts = []
    cdef LuaState state = owner(L)
    if not log.is_enabled(level):
        return 0
    state.account.limited = False   # a number becomes a string in place
    for i in range(2, api.gettop(L) + 1):
        text = api.tolstring(L, i, &length)
        if text != NULL:
            parts.append(PyBytes_FromStringAndSize(text, length))
    state.account.limited = True
    line = b" ".join(parts).decode("utf-8", "surrogateescape")
    (log.debug, log.verbose, log.notice, log.warning)[level](line)
    return 0


# --- libraries

cdef int register_function(lua_State* L) noexcept:
    """`redis.register_function`, by position or with a table of named arguments."""
    cdef int count = api.gettop(L)
    if not is_loading(L):
        return raise_error(L, "redis.register_function can only be called on FUNCTION LOAD command")
    if count < 1 or count > 2:
        return raise_error(L, "wrong number of arguments to redis.register_function")
    if register(L, count == 1):
        return api.error(L)
    return 0


cdef bint is_loading(lua_State* L) noexcept:
    cdef LuaState state = owner(L)
    return state.host is not None and not state.host.runs_script


cdef bint register(lua_State* L, bint named) noexcept:
    """Registers what is on the stack; True with an error table pushed if it is refused."""
    cdef LuaState state = owner(L)
    cdef bytes refusal
    state.account.limited = False
    try:
        if named:
            refusal = register_named(state, L)
        else:
            refusal = register_positional(state, L)
        if refusal is not None:
            push_error(L, b"ERR " + refusal, False)
    except BaseException as error:
        refusal = b""
        push_exception(L, error)
    state.account.limited = True
    return refusal is not None


cdef bytes string_at(lua_State* L, int index):
    """The string or number at `index`, None for others."""
    cdef size_t length = 0
    cdef const char* text
    if not api.isstring(L, index):
        return None
    text = api.tolstring(L, index, &length)
    return PyBytes_FromStringAndSize(text, length)


cdef bytes register_positional(LuaState state, lua_State* L):
    cdef bytes name = string_at(L, 1)
    if name is None:
        return b"first argument to redis.register_function must be a string"
    if api.type(L, 2) != LUA_TFUNCTION:
        return b"second argument to redis.register_function must be a function"
    api.pushvalue(L, 2)
    return offer(state, L, name, [], None)


cdef bytes offer(LuaState state, lua_State* L, bytes name, list flags, bytes description):
    """Offers the function at the top to whoever loads the library."""
    cdef int function = api.ref(L, LUA_REGISTRYINDEX)
    cdef bytes refusal = state.host.register(name, function, flags, description)
    if refusal is not None:
        state.forget(function)
    return refusal


cdef bytes register_named(LuaState state, lua_State* L):
    cdef dict texts = {}
    cdef list flags = []
    cdef bint has_callback = False
    cdef bytes key, refusal
    if api.type(L, 1) != LUA_TTABLE:
        return (
            b"calling redis.register_function with a single argument is only applicable to Lua table "
            b"(representing named arguments)."
        )
    api.pushnil(L)      # 2: the callback
    api.pushnil(L)
    while api.next(L, 1):
        if api.type(L, -2) != LUA_TSTRING:
            return b"named argument key given to redis.register_function is not a string"
        key = string_at(L, -2).lower()
        if key == b"function_name" or key == b"description":
            texts[key] = string_at(L, -1)
            if texts[key] is None:
                return b"%s argument given to redis.register_function must be a string" % key
        elif key == b"callback":
            if api.type(L, -1) != LUA_TFUNCTION:
                return b"callback argument given to redis.register_function must be a function"
            api.pushvalue(L, -1)
            api.replace(L, 2)
            has_callback = True
        elif key == b"flags":
            refusal = read_flags(L, flags)
            if refusal is not None:
                return refusal
        else:
            return b"unknown argument given to redis.register_function"
        pop(L, 1)
    if b"function_name" not in texts:
        return b"redis.register_function must get a function name argument"
    if not has_callback:
        return b"redis.register_function must get a callback argument"
    api.pushvalue(L, 2)
    return offer(state, L, texts[b"function_name"], flags, texts.get(b"description"))


cdef bytes read_flags(lua_State* L, list flags):
    """Adds the flags in the table at the top; returns the refusal, or None."""
    cdef int i = 1
    if api.type(L, -1) != LUA_TTABLE:
        return b"flags argument to redis.register_function must be a table representing function flags"
    while True:
        api.rawgeti(L, -1, i)
        if api.type(L, -1) == LUA_TNIL:
            pop(L, 1)
            return None
        if not api.isstring(L, -1):
            return b"unknown flag given"
        flags.append(string_at(L, -1))
        pop(L, 1)
        i += 1
