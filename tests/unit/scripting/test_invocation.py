"""What a script may call, how it fails, and what becomes of what it changed."""

import pytest

from redracer.core.errors import CommandError
from redracer.engine.gates import GATE_READ_ONLY, GATE_STALE
from redracer.engine.transactions import effective_flags


def test_errors_name_script_and_line(served):
    text = served.eval("\nredis.call('nosuch')").decode()
    assert text.startswith("ERR Unknown Redis command called from script script: ")
    assert text.endswith(", on @user_script:2.")
    text = served.eval("error('oops')").decode()
    assert text.startswith("ERR user_script:1: oops script: ")
    assert served.eval("error({err='MY oops'})").startswith(b"MY oops script: ")
    assert served.eval("return redis.pcall('nosuch')") == b"ERR Unknown Redis command called from script"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("redis.call()", "ERR Please specify at least one argument for this redis lib call"),
        ("redis.call({})", "ERR Lua redis lib command arguments must be strings or integers"),
        ("redis.call('set', 'k')", "ERR Wrong number of args calling Redis command from script"),
        ("redis.call('script', 'flush')", "ERR This Redis command is not allowed from script"),
        ("redis.call('eval', 'return 1', 0)", "ERR This Redis command is not allowed from script"),
        ("redis.sha1hex()", "ERR wrong number of arguments"),
        ("redis.setresp(4)", "ERR RESP version must be 2 or 3."),
        ("redis.setresp()", "ERR redis.setresp() requires one argument."),
        ("redis.set_repl(12345)", "ERR Invalid replication flags."),
        ("redis.log(1)", "ERR redis.log() requires two arguments or more."),
        ("redis.log('x', 'y')", "ERR First argument must be a number (log level)."),
        ("redis.log(9, 'y')", "ERR Invalid debug level."),
        ("redis.acl_check_cmd('nosuch')", "ERR Invalid command passed to redis.acl_check_cmd()"),
    ],
)
def test_refusals(served, call, text):
    assert served.eval(call).decode().startswith(text)


def test_an_error_of_a_command_in_pcall(served):
    served.run(b"SET k v")
    assert (
        served.eval("return redis.pcall('incr', 'k').err") == b"ERR value is not an integer or out of range"
    )
    assert (
        served.eval("return {pcall(redis.call, 'incr', 'k')}")[1]
        == b"ERR value is not an integer or out of range"
    )


def test_the_numbers_of_keys(served):
    assert served.error([b"EVAL", b"return 1", b"x"]) == "ERR value is not an integer or out of range"
    assert (
        served.error([b"EVAL", b"return 1", b"1"])
        == "ERR Number of keys can't be greater than number of args"
    )
    assert served.error([b"EVAL", b"return 1", b"-1"]) == "ERR Number of keys can't be negative"


def test_read_only_scripts(served):
    text = b"ERR Write commands are not allowed from read-only scripts. script: "
    assert served.eval("return redis.call('set', 'k', 1)", command=b"EVAL_RO").startswith(text)
    assert served.eval("#!lua flags=no-writes\nreturn redis.call('set', 'k', 1)").startswith(text)
    assert served.eval("return redis.call('publish', 'c', 'm')", command=b"EVAL_RO").startswith(text)
    assert served.eval("return redis.call('get', 'k')", command=b"EVAL_RO") is None
    writing = b"ERR Can not execute a script with write flag using *_ro command."
    assert served.eval("#!lua\nreturn 1", command=b"EVAL_RO") == writing


def test_shebangs(served):
    assert served.eval("#!lua\nreturn 1") == 1
    assert served.eval("#!lua flags=allow-oom,allow-stale\nreturn 1") == 1
    assert served.error([b"EVAL", b"#!not-lua\nreturn 1", b"0"]) == (
        "ERR Unexpected engine in script shebang: #!not-lua"
    )
    assert "Unknown lua shebang option: a=b" in served.error([b"EVAL", b"#!lua a=b\nreturn 1", b"0"])
    assert "Unexpected flag in script shebang: b" in served.error([b"EVAL", b"#!lua flags=b\nreturn 1", b"0"])
    assert served.eval("#!lua\nerror('x')").decode().endswith("on @user_script:2.")


def test_changes_leave_as_one_unit_of_their_commands(served):
    served.eval("redis.call('set', 'a', 1) redis.call('incr', 'a') redis.call('get', 'a')")
    assert served.fed == [[[b"set", b"a", b"1"], [b"incr", b"a"]]]


def test_changes_of_a_script_that_fails_leave_too(served):
    served.eval("redis.call('set', 'a', 1) error('x')")
    assert served.fed == [[[b"set", b"a", b"1"]]]
    assert served.run(b"GET a") == b"$1\r\n1\r\n"


def test_a_script_that_changes_nothing_leaves_nothing(served):
    served.eval("return redis.call('get', 'a')")
    assert served.fed == []


def test_set_repl(served):
    served.eval(
        "redis.call('set', 'a', 1) redis.set_repl(redis.REPL_NONE) redis.call('set', 'b', 2) "
        "redis.set_repl(redis.REPL_ALL) redis.call('set', 'c', 3)"
    )
    assert [argv[1] for unit in served.fed for argv in unit] == [b"a", b"c"]


def test_select_is_the_scripts_own(served):
    served.eval("redis.call('select', 3) redis.call('set', 'k', 'three')")
    assert served.run(b"GET k") == b"$-1\r\n"
    served.run(b"SELECT 3")
    assert served.run(b"GET k") == b"$5\r\nthree\r\n"
    assert served.eval("return redis.call('get', 'k')") == b"three"


def test_time_stands_still(served):
    script = "redis.call('set', 'k', 'v', 'px', 1) redis.call('debug', 'sleep', 0.01) return redis.call('exists', 'k')"
    served.scripting.invocation.unrestricted = True
    assert served.eval(script) == 1


def test_statistics(served):
    served.eval("redis.call('set', 'k', 'v') redis.pcall('incr', 'k') redis.pcall('get')")
    commands = served.engine.commands
    assert (commands[b"set"].calls, commands[b"incr"].failed_calls, commands[b"get"].rejected_calls) == (
        1,
        1,
        1,
    )
    assert commands[b"eval"].calls == 1
    assert commands[b"eval"].failed_calls == 0
    assert served.engine.statistics.errors == {b"ERR": 2}
    served.eval("return redis.call('incr', 'k')")
    assert commands[b"eval"].failed_calls == 1
    assert served.engine.statistics.errors == {b"ERR": 3}  # once, where it arose
    served.eval("error('x')")
    assert served.engine.statistics.errors == {b"ERR": 4}


def test_guards_are_asked_for_the_commands_of_a_script(served):
    served.engine.dispatcher.guard(
        GATE_READ_ONLY,
        lambda client, command, argv: b"READONLY no" if command.request_flags(argv) & 1 else None,
    )
    served.engine.dispatcher.gates |= GATE_READ_ONLY
    assert served.eval("return redis.call('set', 'k', 1)").startswith(b"READONLY no script: ")
    assert served.eval("return redis.call('get', 'k')") is None
    assert served.eval("#!lua\nreturn 1") == b"READONLY no"
    assert served.eval("#!lua flags=no-writes\nreturn 1") == 1


WRITER = b"#!lua\nreturn 1"
READER = b"#!lua flags=no-writes\nreturn 1"
LIBRARY = (
    b"#!lua name=lib\n"
    b"redis.register_function('writer', function() return 1 end)\n"
    b"redis.register_function{function_name='reader', callback=function() return 1 end, flags={'no-writes'}}"
)


def requests(served, script, name):
    """The ways to run the same with the same flags."""
    digest = served.value([b"SCRIPT", b"LOAD", script])
    return [b"EVAL", script, b"0"], [b"EVALSHA", digest.upper(), b"0"], [b"FCALL", name, b"0"]


def test_exec_is_judged_by_what_queued_scripts_tell_of_themselves(served):
    served.run([b"FUNCTION", b"LOAD", LIBRARY])
    served.engine.dispatcher.guard(
        GATE_READ_ONLY,
        lambda client, command, argv: b"READONLY no" if effective_flags(client, command, argv) & 1 else None,
    )
    for script, name, expected in ((WRITER, b"Writer", b"-EXECABORT"), (READER, b"reader", b"*1\r\n:1\r\n")):
        for request in requests(served, script, name):
            served.run(b"MULTI")
            assert served.run(request) == b"+QUEUED\r\n"
            served.engine.dispatcher.gates |= GATE_READ_ONLY
            assert served.run(b"EXEC").startswith(expected), request
            served.engine.dispatcher.gates &= ~GATE_READ_ONLY


def test_a_pause_of_writes_holds_scripts_that_may_write(served):
    served.run([b"FUNCTION", b"LOAD", LIBRARY])
    readers, writers = requests(served, READER, b"reader"), requests(served, WRITER, b"writer")
    served.run(b"CLIENT PAUSE 100000 WRITE")
    for request in readers:
        assert served.run(request) == b":1\r\n"
    for number, request in enumerate((*writers, [b"EVAL", b"return 1", b"0"])):
        assert served.run(request, f"held-{number}") == b""
        assert served.client(f"held-{number}").retry


def test_scripts_without_flags_do_not_run_on_old_data(served):
    served.engine.dispatcher.guard(GATE_STALE, lambda client, command, argv: None)
    served.engine.dispatcher.gates |= GATE_STALE
    assert served.eval("return 1").startswith(b"MASTERDOWN ")


def test_a_script_is_shown_before_what_it_calls(served):
    served.run(b"MONITOR", "monitor")
    served.run([b"EVAL", b"redis.call('set', 'k', 1)", b"0"])
    shown = served.client("monitor").out.take().decode().splitlines()
    assert [line.split("] ", 1)[1] for line in shown] == [
        '"EVAL" "redis.call(\'set\', \'k\', 1)" "0"',
        '"set" "k" "1"',
    ]


def test_memory_counts_before_the_first_change(served):
    served.run(b"SET k v")
    served.run(b"CONFIG SET maxmemory 1")
    assert served.call("return redis.call('set', 'k', 1)").startswith(b"-OOM command not allowed")
    assert served.call("return redis.call('get', 'k')") == b"$1\r\nv\r\n"
    assert served.call("redis.call('del', 'k') return redis.call('set', 'k', 1)") == b"+OK\r\n"
    assert served.call("#!lua\nreturn 1").startswith(b"-OOM ")
    assert served.call("#!lua flags=allow-oom\nreturn redis.call('set', 'k', 2)") == b"+OK\r\n"
    assert served.call("#!lua flags=no-writes\nreturn 1") == b":1\r\n"


def test_the_commands_of_a_script_are_checked_for_its_user(served):
    served.run(b"ACL SETUSER bob on nopass +@scripting +set ~x*")
    served.run(b"AUTH bob x", "bob")
    assert served.call("return redis.call('set', 'x', 1)", name="bob") == b"+OK\r\n"
    assert b"ACL failure in script: User bob has no permissions" in served.call(
        "return redis.call('get', 'x')", name="bob"
    )
    assert served.call("return redis.acl_check_cmd('set', 'xx', 1)", name="bob") == b":1\r\n"
    assert served.call("return redis.acl_check_cmd('set', 'yy', 1)", name="bob") == b"$-1\r\n"
    assert served.call("return redis.acl_check_cmd('hset', 'xx', 1, 1)", name="bob") == b"$-1\r\n"


def test_nothing_runs(served):
    assert served.error(b"SCRIPT KILL") == "NOTBUSY No scripts in execution right now."
    assert served.error(b"FUNCTION KILL") == "NOTBUSY No scripts in execution right now."


def test_a_script_is_stopped_though_it_catches_errors(served):
    invocation = served.scripting.invocation
    served.engine.config.values["busy-reply-threshold"] = 1
    rounds = []

    def serve():
        rounds.append(served.error(b"GET k", "other"))
        if len(rounds) == 3:
            assert served.run(b"SCRIPT KILL", "other") == b"+OK\r\n"

    served.engine.ports["serve_others"] = serve
    text = served.eval("while true do pcall(function() while true do end end) end")
    assert text.startswith(b"ERR Script killed by user with SCRIPT KILL. script: ")
    assert rounds[0].startswith("BUSY Redis is busy running a script. You can only call SCRIPT KILL")
    assert not invocation.running
    assert served.eval("for i = 1, 300000 do end return 1") == 1


def test_a_script_that_has_written_is_not_killed(served):
    served.engine.config.values["busy-reply-threshold"] = 1
    answers = []

    def serve():
        if not answers:
            answers.append(served.error(b"SCRIPT KILL", "other"))
            answers.append(served.error(b"FUNCTION KILL", "other"))
            answers.append(served.error(b"SHUTDOWN", "other"))

    served.engine.ports["serve_others"] = serve
    served.eval("redis.call('set', 'k', 1) local t = os.clock() while os.clock() < t + 0.05 do end")
    assert answers[0].startswith("UNKILLABLE Sorry the script already executed write commands")
    assert answers[2].startswith("BUSY")


def test_blocked_clients_are_served_when_the_script_is_over(served):
    served.run(b"BLPOP list 0", "waiter")
    served.engine.config.values["busy-reply-threshold"] = 1
    served.engine.ports["serve_others"] = lambda: served.run(b"CLIENT ID", "other")
    served.call(
        "redis.call('rpush', 'list', 'a') local t = os.clock() while os.clock() < t + 0.05 do end "
        "redis.call('lpush', 'list', 'z')"
    )
    assert served.client("waiter").out.take() == b"*2\r\n$4\r\nlist\r\n$1\r\nz\r\n"


def test_without_lua_the_error_says_what_to_install(served, monkeypatch):
    from redracer.scripting import lua, scripts

    def missing(engine, for_functions):
        raise lua.LuaMissing(lua.MISSING)

    monkeypatch.setattr(scripts, "open_libraries", missing)
    assert "pip install 'redracer[lua]'" in served.error([b"EVAL", b"return 1", b"0"])
    with pytest.raises(CommandError):
        served.scripting.scripts.state()
