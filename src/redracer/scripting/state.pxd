from redracer.scripting.lua cimport lua_CFunction, lua_State

cdef enum:
    READ_ONLY_TABLES = 32   # most tables of one state that scripts may not change

ctypedef struct Account:
    long long used          # bytes that the state's allocator has given out
    long long limit         # the most that a script may bring it to
    bint limited            # false while our own code calls Lua, which must not fail then

cdef enum:
    MOST_DEPTH = 1500           # of JSON, whatever scripts set: what Lua's and C's stacks can hold

ctypedef struct JsonSettings:   # of cjson, see cjson_encode.pyx
    bint sparse_convert
    int sparse_ratio
    int sparse_safe
    int encode_depth
    int decode_depth
    int encode_invalid          # 0 refused, 1 written, 2 as null
    bint decode_invalid
    int precision
    bint keep_buffer            # told, and without effect

cdef class Host:
    cdef public int resp
    cdef public bint runs_script

    cpdef object call(self, list argv)
    cpdef object may_call(self, list argv)
    cpdef object set_replication(self, int targets)
    cpdef bytes register(self, bytes name, int function, list flags, bytes description)
    cpdef bytes interrupt(self)

cdef class LuaState:
    cdef lua_State* L
    cdef Account account
    cdef const void* read_only[READ_ONLY_TABLES]
    cdef int read_only_count
    cdef public Host host       # who answers redis.call; None while nothing runs
    cdef bytes stop_text        # why the script is being stopped
    cdef public tuple failed    # how the last run failed: (message, source, line); None if it did not
    cdef public bint counted    # whether its error, or the one that it returned, is in the statistics
    cdef unsigned long long random_state
    cdef JsonSettings json
    cdef int runs

    cdef bint is_read_only(self, lua_State* L, int index) noexcept
    cdef int note_read_only(self, lua_State* L, int index) except -1
    cdef int start_hook(self) noexcept
    cpdef int compile(self, bytes code, bytes chunk_name) except -1
    cpdef object forget(self, int function)
    cpdef object run(self, int function, list request, Py_ssize_t keys_end, bint as_globals)
    cdef int note_failure(self) except -1

cdef LuaState owner(lua_State* L)
cdef int error_handler(lua_State* L) noexcept
cdef int load_text(lua_State* L, const char* code, Py_ssize_t length, const char* chunk_name) noexcept
cdef int push_error(lua_State* L, bytes text, bint counted) except -1
cdef int raise_error(lua_State* L, const char* text) noexcept
