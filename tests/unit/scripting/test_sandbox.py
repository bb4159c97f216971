"""What scripts cannot reach, cannot change, and cannot take too much of."""

import pytest

READ_ONLY = "Attempt to modify a readonly table"


@pytest.mark.parametrize(
    "script",
    [
        "a = 1",
        "_G = {}",
        "redis = 1",
        "_G.x = 1",
        "KEYS = {}",
        "redis.call = 1",
        "cjson.encode = 1",
        "cmsgpack.pack = 1",
        "bit.band = 1",
        "struct.pack = 1",
        "string.x = 1",
        "table.x = 1",
        "math.x = 1",
        "coroutine.x = 1",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "getmetatable(_G).__index = 1",
        "getmetatable(redis).__index = 1",
        "getmetatable('').__index = 1",
        "getmetatable(getmetatable(_G)).__newindex = 1",
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'x', 1)",
        "table.insert(redis, 1)",
        "table.insert(_G, 1, 1)",
        "table.remove(redis)",
        "table.sort(redis)",
        "local f, t = pairs(redis) t.x = 1",
        "string.format = 1",
    ],
)
def test_shared_tables_are_read_only(served, script):
    assert READ_ONLY in served.eval(script).decode()


@pytest.mark.parametrize(
    "name",
    [
        "print",
        "dofile",
        "loadfile",
        "require",
        "module",
        "package",
        "debug",
        "io",
        "newproxy",
        "getfenv",
        "setfenv",
        "x",
    ],
)
def test_what_is_left_out(served, name):
    text = f"Script attempted to access nonexistent global variable '{name}'"
    assert text in served.eval(f"return {name}").decode()


def test_only_the_clock_is_left_of_os(served):
    assert served.eval("local n = {} for k in pairs(os) do n[#n + 1] = k end return n") == [b"clock"]
    assert served.eval("return os.clock() >= 0") == 1


def test_bytecode_is_refused(served):
    assert b"attempt to call a nil value" in served.eval(
        "return loadstring(string.dump(function() return 1 end))()"
    )
    code = "local s = string.dump(function() end) return load(function() local r = s s = nil return r end)"
    assert served.eval(code) is None
    assert b"Error compiling script" in served.eval(b"\x1bLua")


def test_read_only_tables_can_be_read(served):
    assert b"call" in served.eval("local n = {} for k in pairs(redis) do n[#n + 1] = k end return n")
    assert b"KEYS" in served.eval("local n = {} for k in pairs(_G) do n[#n + 1] = k end return n")
    assert served.eval("return type(next(redis))") == b"string"
    assert served.eval("return type(rawget(redis, 'call'))") == b"function"
    assert served.eval("return redis.nothing == nil") == 1
    assert served.eval("return ('x'):rep(3)") == b"xxx"


def test_keys_and_argv_can_be_changed_in_place(served):
    assert served.eval("KEYS[1] = 'z' table.insert(ARGV, 'b') return {KEYS[1], ARGV[2]}", [b"k"], [b"a"]) == [
        b"z",
        b"b",
    ]


def test_nothing_is_left_for_the_next_script(served):
    served.eval("KEYS.secret = 1", [b"k"])
    assert served.eval("return KEYS.secret", [b"k"]) is None


def test_memory_ends_at_the_limit(served):
    served.engine.config.values["script-memory-limit"] = 8 << 20
    for script in (
        "local t = {} while true do t[#t + 1] = {} end",
        "local s = 'x' while true do s = s .. s end",
        "return string.rep('x', 2^40)",
        "local t = {} while true do t[#t + 1] = string.rep('x', 1000) .. #t end",
        "local t = {} for i = 1, 2^30 do t[i] = i end return cjson.encode(t)",
        "local s = string.rep('x', 3 * 2^20) return cjson.encode({s, s, s, s})",
    ):
        assert b"not enough memory" in served.eval(script), script
    assert served.eval("return 1") == 1
    assert served.scripting.scripts.vm_memory <= 4 << 20


def test_a_script_may_catch_the_lack_of_memory(served):
    served.engine.config.values["script-memory-limit"] = 8 << 20
    script = (
        "local ok = pcall(function() local t = {} while true do t[#t + 1] = {} end end) return tostring(ok)"
    )
    assert served.eval(script) == b"false"


@pytest.mark.parametrize(
    "script",
    [
        "local function f() return f() + 1 end return f()",
        "local function f() return pcall(f) end return tostring(f())",
        "local f f = function() return coroutine.wrap(f)() end return f()",
        "return (string.rep('x', 1e5)):gsub('x', function() return {} end)",
        "local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x",
        "return loadstring('return ' .. string.rep('(', 1e5))",
        "return ('x'):rep(1e5):match(('x?'):rep(1e5))",
        "return ('x'):rep(1e5):find(('.-'):rep(1e4) .. 'y')",
        "return unpack({}, 1, 1e8)",
        "return unpack({}, -2147483648, 2147483647)",
        "return string.format('%99999d', 1)",
        "return table.concat({}, 'x', 1, 2^31 - 1)",
        "error(setmetatable({}, {__index = function() error('x') end}))",
        "error(nil)",
        "error()",
        "error(redis)",
        "local co = coroutine.create(function() error('x') end) return tostring(coroutine.resume(co))",
        "return tostring(xpcall(function() error('x') end, function(m) error(m) end))",
        "return select('#', unpack({}, 1, 7999))",
        "coroutine.yield()",
        "table.sort({3, 1, 2, 5, 4}, function(a, b) return true end)",
        "return bit.tohex(65535, -2147483648)",
        "return string.rep('', 2^31)",
        "table.insert({1}, -2^31, 1)",
        "table.insert({1}, -2^63, 1)",
        "table.insert({1}, 2^31, 1)",
        "table.insert({1}, 2^53, 1)",
        "table.insert({1}, 1/0, 1)",
        "table.insert({1}, 0/0, 1)",
    ],
)
def test_what_goes_deep_or_far_ends_well(served, script):
    served.eval(script)
    assert served.eval("return 'alive'") == b"alive"


def test_deprecated_functions_by_option():
    from .conftest import Scripted

    served = Scripted(lua_enable_deprecated_api=True)
    assert served.eval("local f = function() return 1 end setfenv(f, {}) return 0") == 0


def test_unpack_with_holes(served):
    assert served.eval("return select('#', unpack({1, 2, 3}, -1, 5))") == 7
    assert served.eval("return select('#', unpack({1, 2, 3}, 1, -1))") == 0
    assert b"too many results to unpack" in served.eval("return unpack({1}, 0, 2147483647)")


def test_insertion_below_a_table(served):
    assert served.eval("local t = {7} table.insert(t, -3, 5) return {t[-3], t[2]}") == [5, 7]
    assert b"position out of bounds" in served.eval("table.insert({1}, -1000001, 1)")


def test_random_numbers_by_seed(served):
    seeded = "math.randomseed(ARGV[1]) return tostring(math.random())"
    assert served.eval(seeded, (), [b"10"]) == served.eval(seeded, (), [b"10"])
    assert served.eval(seeded, (), [b"10"]) != served.eval(seeded, (), [b"20"])
    assert served.eval("local n = math.random(5) return n >= 1 and n <= 5") == 1
    assert b"interval is empty" in served.eval("return math.random(0)")


def test_collectgarbage_does_not_outlast_the_script(served):
    assert served.eval("collectgarbage('stop') return collectgarbage('count') > 0") == 1
    assert served.eval("return collectgarbage()") == 0
