"""Libraries of functions."""

import pytest

from redracer.core.rdb_reader import CorruptRdb
from redracer.core.replies import Map, Set, Status
from redracer.scripting import functions as module

LIBRARY = b"#!lua name=lib\nredis.register_function('f', function(keys, args) return {keys, args} end)"


def library(name="lib", function="f", body="return 1"):
    return (
        f"#!lua name={name}\nredis.register_function('{function}', function(keys, args) {body} end)".encode()
    )


def load(served, code, *options):
    return served.value([b"FUNCTION", b"LOAD", *options, code])


def test_load_and_call(served):
    assert load(served, LIBRARY) == b"lib"
    assert served.value(b"FCALL f 1 k a b") == [[b"k"], [b"a", b"b"]]
    assert served.value(b"FCALL F 0") == [[], []]
    assert served.error(b"FCALL g 0") == "ERR Function not found"
    assert served.error(b"FCALL f x") == "ERR Bad number of keys provided"
    assert served.error(b"FCALL f 2 k") == "ERR Number of keys can't be greater than number of args"


def test_a_library_is_told_to_the_feeds(served):
    load(served, LIBRARY)
    assert served.fed == [[[b"FUNCTION", b"LOAD", LIBRARY]]]
    served.run(b"FUNCTION DELETE lib")
    served.run(b"FUNCTION FLUSH")
    assert served.fed[1:] == [[[b"FUNCTION", b"DELETE", b"lib"]], [[b"FUNCTION", b"FLUSH"]]]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (b"return 1", "ERR Missing library metadata"),
        (b"#!lua name=x", "ERR Invalid library metadata"),
        (b"#!lua\nreturn 1", "ERR Library name was not given"),
        (b"#!lua name=a name=b\n", "ERR Invalid metadata value, name argument was given multiple times"),
        (b"#!lua name=a b=c\n", "ERR Invalid metadata value given: b=c"),
        (b"#!lua name=a-b\n", "ERR Library names can only contain letters, numbers, or underscores(_)"),
        (b"#!python name=a\n", "ERR Engine 'python' not found"),
        (b"#!lua name=a\nreturn (", "ERR Error compiling function: user_function:2: "),
        (b"#!lua name=a\nreturn 1", "ERR No functions registered"),
        (b"#!lua name=a\na = 1", "Attempt to modify a readonly table"),
        (b"#!lua name=a\nreturn math.random()", "attempted to access nonexistent global variable 'math'"),
        (b"#!lua name=a\nredis.call('ping')", "attempted to access nonexistent global variable 'call'"),
        (b"#!lua name=a\nredis.register_function()", "wrong number of arguments to redis.register_function"),
        (b"#!lua name=a\nredis.register_function('f')", "is only applicable to Lua table"),
        (
            b"#!lua name=a\nredis.register_function(nil, function() end)",
            "first argument to redis.register_function",
        ),
        (b"#!lua name=a\nredis.register_function('f', 1)", "second argument to redis.register_function"),
        (b"#!lua name=a\nredis.register_function('', function() end)", "Library names can only contain"),
        (
            b"#!lua name=a\nredis.register_function{callback=function() end}",
            "must get a function name argument",
        ),
        (b"#!lua name=a\nredis.register_function{function_name='f'}", "must get a callback argument"),
        (b"#!lua name=a\nredis.register_function{x=1}", "unknown argument given to redis.register_function"),
        (
            b"#!lua name=a\nredis.register_function{function_name='f', callback=function() end, flags={'x'}}",
            "unknown flag given",
        ),
    ],
)
def test_libraries_that_cannot_be_loaded(served, code, text):
    assert text in served.error([b"FUNCTION", b"LOAD", code])
    assert served.value(b"FUNCTION LIST") == []
    assert served.fed == []


def test_a_library_that_fails_leaves_the_old_one(served):
    load(served, library())
    bad = b"#!lua name=lib\nredis.register_function('f', function() return 2 end) redis.register_function('g', 1)"
    assert "second argument" in served.error([b"FUNCTION", b"LOAD", b"REPLACE", bad])
    assert served.value(b"FCALL f 0") == 1
    assert served.error([b"FUNCTION", b"LOAD", library()]) == "ERR Library 'lib' already exists"
    assert served.error([b"FUNCTION", b"LOAD", library("two", "F")]) == "ERR Function F already exists"
    twice = b"#!lua name=two\nfor i = 1, 2 do redis.register_function('g', function() end) end"
    assert "nonexistent" not in served.error([b"FUNCTION", b"LOAD", twice])
    assert load(served, library(body="return 3"), b"REPLACE") == b"lib"
    assert served.value(b"FCALL f 0") == 3
    assert "Unknown option given: foo" in served.error([b"FUNCTION", b"LOAD", b"foo", library()])


def test_a_library_that_does_not_end(served, monkeypatch):
    monkeypatch.setattr(module, "LOAD_LIMIT", 1)
    monkeypatch.setattr(module.Functions.load, "__defaults__", (False, 1))
    assert "FUNCTION LOAD timeout" in served.error([b"FUNCTION", b"LOAD", b"#!lua name=a\nwhile true do end"])


def test_functions_share_the_librarys_locals(served):
    code = b"#!lua name=lib\nlocal n = 0\nredis.register_function('f', function() n = n + 1 return n end)"
    load(served, code)
    assert [served.value(b"FCALL f 0") for _ in range(3)] == [1, 2, 3]


def test_what_a_function_sees(served):
    load(served, library(body="return redis.call('ping').ok .. math.floor(1.5)"))
    assert served.value(b"FCALL f 0") == b"PONG1"
    load(served, library(body="redis.register_function('g', function() end)"), b"REPLACE")
    assert "attempt to call field 'register_function' (a nil value)" in served.error(b"FCALL f 0")
    load(
        served,
        b"#!lua name=lib\nlocal r = redis\n"
        b"r.register_function('f', function() r.register_function('x', function() end) end)",
        b"REPLACE",
    )
    assert "can only be called on FUNCTION LOAD command" in served.error(b"FCALL f 0")
    load(served, library(body="return KEYS"), b"REPLACE")
    assert "nonexistent global variable 'KEYS'" in served.error(b"FCALL f 0")
    text = served.error(b"FCALL f 0")
    assert text.endswith("script: f, on @user_function:2.")


def test_flags(served):
    code = (
        b"#!lua name=lib\nredis.register_function{function_name='f', description='does', flags={'no-writes'}, "
        b"callback=function() return redis.call('set', 'k', 1) end}"
    )
    load(served, code)
    assert "Write commands are not allowed from read-only scripts." in served.error(b"FCALL f 0")
    load(served, library("two", "w"))
    assert "Can not execute a script with write flag using *_ro command." in served.error(b"FCALL_RO w 0")
    listed = served.value(b"FUNCTION LIST LIBRARYNAME l*")
    function = Map([b"name", b"f", b"description", b"does", b"flags", Set([Status(b"no-writes")])])
    assert listed == [Map([b"library_name", b"lib", b"engine", b"LUA", b"functions", [function]])]


def test_list(served):
    load(served, library())
    assert served.value(b"FUNCTION LIST WITHCODE")[0].items[-1] == library()
    assert served.value(b"FUNCTION LIST LIBRARYNAME nothing") == []
    assert served.error(b"FUNCTION LIST LIBRARYNAME") == "ERR library name argument was not given"
    assert served.error(b"FUNCTION LIST x") == "ERR Unknown argument x"


def test_delete_and_flush(served):
    load(served, library())
    assert served.error(b"FUNCTION DELETE x") == "ERR Library not found"
    assert served.run(b"FUNCTION DELETE lib") == b"+OK\r\n"
    assert served.error(b"FCALL f 0") == "ERR Function not found"
    load(served, library())
    assert served.run(b"FUNCTION FLUSH SYNC") == b"+OK\r\n"
    assert served.value(b"FUNCTION LIST") == []
    assert served.error(b"FUNCTION FLUSH x") == "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"


def test_dump_and_restore(served):
    load(served, library("one", "f1"))
    load(served, library("two", "f2", "return 2"))
    payload = served.value(b"FUNCTION DUMP")
    assert served.error([b"FUNCTION", b"RESTORE", payload]) == "ERR Library one already exists"
    load(served, library("two", "f2", "return 22"), b"REPLACE")
    assert served.run([b"FUNCTION", b"RESTORE", payload, b"REPLACE"]) == b"+OK\r\n"
    assert served.value(b"FCALL f2 0") == 2
    load(served, library("three", "f3"))
    assert served.run([b"FUNCTION", b"RESTORE", payload, b"FLUSH"]) == b"+OK\r\n"
    assert sorted(item.items[1] for item in served.value(b"FUNCTION LIST")) == [b"one", b"two"]
    served.run(b"FUNCTION FLUSH")
    load(served, library("three", "f2"))
    assert served.error([b"FUNCTION", b"RESTORE", payload]) == "ERR Function f2 already exists"
    assert [item.items[1] for item in served.value(b"FUNCTION LIST")] == [b"three"]
    assert served.error([b"FUNCTION", b"RESTORE", b"x"]) == "ERR DUMP payload version or checksum are wrong"
    assert "Wrong restore policy" in served.error([b"FUNCTION", b"RESTORE", payload, b"x"])


def test_a_payload_of_a_value_is_no_library(served):
    served.run(b"SET k v")
    payload = served.value(b"DUMP k")
    assert served.error([b"FUNCTION", b"RESTORE", payload]) == "ERR given type is not a function"


def test_the_port_for_files(served):
    load(served, library())
    codes = served.scripting.functions.libraries()
    served.run(b"FUNCTION FLUSH")
    for code in codes:
        served.scripting.functions.load_library(code)
    assert served.value(b"FCALL f 0") == 1
    with pytest.raises(CorruptRdb):
        served.scripting.functions.load_library(b"#!lua name=x\nreturn 1")


def test_stats(served):
    load(served, library())
    counts = Map([b"LUA", Map([b"libraries_count", 1, b"functions_count", 1])])
    assert served.value(b"FUNCTION STATS") == Map([b"running_script", None, b"engines", counts])
    info = served.info("memory")
    assert (info["number_of_functions"], info["number_of_libraries"]) == ("1", "1")
    assert int(info["used_memory_vm_functions"]) > 0
