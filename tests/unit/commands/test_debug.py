"""DEBUG: who may call it, what it tells of the data, and what it does to the server."""

import os
import re
import signal
import subprocess
import sys

import pytest

from redracer.core.replies import OK, Attributed, BigNumber, Double, Map, Set, Status, Verbatim
from redracer.engine import faults
from redracer.engine.client import UNIX_SOCKET
from tests.unit.commands.served import Served

NOT_ALLOWED = (
    b'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it '
    b"from a local connection, otherwise you need to set this option in the configuration file, and then "
    b"restart the server."
)


@pytest.fixture
def world():
    return Served(enable_debug_command="yes")


@pytest.mark.parametrize(
    ("option", "address", "flags", "allowed"),
    [
        ("no", "127.0.0.1:1", 0, False),
        ("yes", "10.0.0.1:1", 0, True),
        ("local", "127.0.0.1:1", 0, True),
        ("local", "[::1]:1", 0, True),
        ("local", "10.0.0.1:1", 0, False),
        ("local", "/tmp/socket:0", UNIX_SOCKET, True),
    ],
)
def test_who_may_call_it(option, address, flags, allowed):
    world = Served(enable_debug_command=option)
    world.client().address = address
    world.client().flags |= flags
    assert world.value(b"DEBUG SLEEP 0") == (OK if allowed else NOT_ALLOWED)


@pytest.mark.parametrize("line", [b"DEBUG NOSUCH", b"DEBUG SLEEP", b"DEBUG SLEEP 0 0", b"DEBUG DIGEST x"])
def test_unknown_subcommands_and_wrong_numbers_of_arguments_are_refused_alike(world, line):
    word = line.split()[1]
    expected = b"ERR unknown subcommand or wrong number of arguments for '%s'. Try DEBUG HELP." % word
    assert world.value(line) == expected


# Digests of the same data by a real server (7.0.15).
def fill(world):
    world.value(b"DEBUG POPULATE 50 k")
    for line in (
        b"SET n 12345",
        b"SET big xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        b"SET e v EX 1000",
        b"SET i8 -5",
        b"SET i16 -500",
        b"SET i32 100000",
        b"SET i64 5000000000",
        b"APPEND n 77",
        b"SELECT 3",
        b"SET n 12345",
        b"SETBIT b 100 1",
        b"SELECT 0",
    ):
        world.value(line)


def test_digests_are_those_of_a_real_server(world):
    fill(world)
    assert world.value(b"DEBUG DIGEST").text == b"4a0909308dd8b150e31e4ef888b8b3eadc8b83e3"
    assert [status.text for status in world.value(b"DEBUG DIGEST-VALUE n big e nosuchkey")] == [
        b"4fa4f561c06def7f6adf7a9c44510716a9baca20",
        b"04ea27c7c4bc13ff5e7ae557ab4a8c69e73f9eca",
        b"311b17018163335616e089f6b951c82c477335ac",
        b"0" * 40,
    ]


def test_an_empty_data_set_has_a_digest_of_zeros(world):
    assert world.value(b"DEBUG DIGEST").text == b"0" * 40


def test_looking_is_no_use_of_a_key(world):
    fill(world)
    database = world.engine.databases[0]
    hits, misses = database.hits, database.misses
    database.set_idle_seconds(b"n", 1000)
    for line in (b"DEBUG DIGEST", b"DEBUG DIGEST-VALUE n nosuchkey", b"DEBUG OBJECT n", b"DEBUG HTSTATS 0"):
        world.value(line)
    assert (database.hits, database.misses) == (hits, misses)
    assert database.idle_seconds(b"n") == 1000


@pytest.mark.parametrize(
    ("value", "encoding", "length"),
    [
        (b"-5", b"int", 2),
        (b"-500", b"int", 3),
        (b"100000", b"int", 5),
        (b"5000000000", b"int", 11),
        (b"v", b"embstr", 2),
        (b"", b"embstr", 1),
        (bytes(range(200)), b"raw", 202),
    ],
)
def test_object_tells_how_a_value_is_held(world, value, encoding, length):
    world.value([b"SET", b"k", value])
    text = world.value(b"DEBUG OBJECT k").text
    assert re.fullmatch(
        rb"Value at:0x[0-9a-f]+ refcount:1 encoding:%s serializedlength:%d lru:\d+ lru_seconds_idle:0"
        % (encoding, length),
        text,
    )


def test_object_needs_a_key(world):
    assert world.value(b"DEBUG OBJECT nosuchkey") == b"ERR no such key"


def test_hash_tables(world):
    world.value(b"DEBUG POPULATE 100")
    text = world.value(b"DEBUG HTSTATS 0").text
    assert b"[Dictionary HT]\n keys: 100\n" in text and b"[Expires HT]\n keys: 0\n" in text
    assert world.value(b"DEBUG HTSTATS 16") == b"ERR Out of range database"
    assert world.value(b"DEBUG HTSTATS-KEY nosuchkey") == b"ERR no such key"
    refusal = b"ERR The value stored at the specified key is not represented using an hash table"
    assert world.value(b"DEBUG HTSTATS-KEY key:0") == refusal


def test_populate(world):
    world.value(b"SET key:1 mine")
    assert world.value(b"DEBUG POPULATE 3") is OK
    assert [world.value(b"GET key:%d" % number) for number in range(4)] == [
        b"value:0",
        b"mine",
        b"value:2",
        None,
    ]
    world.value(b"DEBUG POPULATE 2 short 3")
    world.value(b"DEBUG POPULATE 2 long 10")
    assert world.value(b"GET short:1") == b"val"
    assert world.value(b"GET long:1") == b"value:1\0\0\0"
    assert world.value(b"DEBUG POPULATE -1") == b"ERR value is out of range, must be positive"


def test_every_type_of_reply(world):
    def reply(name):
        return world.value(b"DEBUG PROTOCOL " + name)

    assert reply(b"string") == b"Hello World"
    assert reply(b"INTEGER") == 12345
    assert isinstance(reply(b"double"), Double)
    assert isinstance(reply(b"bignum"), BigNumber)
    assert reply(b"null") is None
    assert reply(b"array") == [0, 1, 2]
    assert isinstance(reply(b"set"), Set)
    assert isinstance(reply(b"map"), Map)
    assert isinstance(reply(b"attrib"), Attributed)
    assert isinstance(reply(b"verbatim"), Verbatim)
    assert (reply(b"true"), reply(b"false")) == (True, False)
    assert reply(b"nosuch").startswith(b"ERR Wrong protocol type name.")


def test_a_push_comes_before_the_reply_and_only_in_resp3(world):
    assert world.value(b"DEBUG PROTOCOL push") == b"ERR RESP2 is not supported by this command"
    world.client().resp = 3
    assert world.run(b"DEBUG PROTOCOL push") == (
        b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n"
    )


def test_errors_have_no_line_ends(world):
    assert world.value([b"DEBUG", b"ERROR", b"MY\r\nerror"]) == b"MY  error"


@pytest.mark.parametrize(("text", "value"), [(b"1", True), (b"0", False), (b"x", False), (b"2y", True)])
def test_switches_are_read_as_c_reads_them(world, text, value):
    assert world.value([b"DEBUG", b"SET-ACTIVE-EXPIRE", text]) is OK
    assert world.engine.expiry.enabled is value
    assert world.value([b"DEBUG", b"PAUSE-CRON", text]) is OK
    assert world.engine.cron_paused is value


def test_without_active_expiry_expired_keys_stay(world):
    world.value(b"DEBUG SET-ACTIVE-EXPIRE 0")
    database = world.engine.databases[0]
    database.set_string(b"k", b"v", world.engine.clock.now + 1)
    world.engine.clock.set_time(world.engine.clock.now + 1000)
    world.engine.expiry.run()
    assert database.size == 1
    world.value(b"DEBUG SET-ACTIVE-EXPIRE 1")  # which begins at the real time again
    world.engine.clock.set_time(world.engine.clock.now + 1000)
    world.engine.expiry.run()
    assert database.size == 0


def test_a_paused_server_takes_no_samples(world):
    world.value(b"DEBUG PAUSE-CRON 1")
    world.engine.tick()
    assert world.engine.statistics.operations.time == 0
    world.value(b"DEBUG PAUSE-CRON 0")
    world.engine.tick()
    assert world.engine.statistics.operations.time != 0


@pytest.mark.parametrize(
    ("pattern", "string", "matches"), [(b"h*o", b"hello", 1), (b"h?o", b"hello", 0), (b"H*", b"hello", 0)]
)
def test_stringmatch_len(world, pattern, string, matches):
    assert world.value([b"DEBUG", b"STRINGMATCH-LEN", pattern, string]) == matches


def test_sleep_takes_fractions_and_nonsense(world, monkeypatch):
    slept = []
    monkeypatch.setattr(faults, "stand_still", slept.append)
    for text in (b"0.25", b"2", b"-1", b"soon"):
        assert world.value([b"DEBUG", b"SLEEP", text]) is OK
    assert slept == [0.25, 2.0, -1.0, 0.0]


def test_help_lists_every_subcommand(world):
    reply = world.value(b"DEBUG HELP")
    assert all(isinstance(line, Status) for line in reply)
    words = [line.text.split()[0] for line in reply if not line.text.startswith(b" ")]
    assert words[0] == b"DEBUG" and words[-1] == b"HELP"
    assert {b"SLEEP", b"DIGEST-VALUE", b"POPULATE", b"SEGFAULT"} <= set(words)


@pytest.mark.parametrize(
    ("call", "number", "text"),
    [
        ("segmentation_fault()", signal.SIGSEGV, b"crashed by signal: 11 (Segmentation fault)"),
        ("panic('the reason', 'place')", signal.SIGABRT, b"Guru Meditation: the reason #place"),
        ("failed_assertion('1 == 2', 'place')", signal.SIGABRT, b"==> place '1 == 2' is not true"),
    ],
)
def test_a_crash_is_real_and_leaves_its_stack_in_the_log(tmp_path, call, number, text):
    log_file = tmp_path / "log"
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "from redracer.engine import faults, log\n"
        f"log.configure('notice', {str(log_file)!r}); faults.report_fatal_signals({str(log_file)!r})\n"
        f"faults.{call}"
    )
    ended = subprocess.run([sys.executable, "-c", program], env={**os.environ}, timeout=60, check=False)
    assert ended.returncode == -number
    logged = log_file.read_bytes()
    assert text in logged
    assert b"faults.py" in logged
    assert b"REDIS BUG REPORT START" in logged and b"REDIS BUG REPORT END" in logged


def test_a_crash_in_the_report_leaves_the_stack_all_the_same(tmp_path):
    log_file = tmp_path / "log"
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "import ctypes\n"
        "from redracer.engine import crash, faults\n"
        f"faults.report_fatal_signals({str(log_file)!r})\n"
        f"crash.install(open({str(log_file)!r}, 'ab').fileno(), lambda to: ctypes.memset(1, 0, 1))\n"
        "faults.segmentation_fault()"
    )
    ended = subprocess.run([sys.executable, "-c", program], env={**os.environ}, timeout=60, check=False)
    assert ended.returncode == -signal.SIGSEGV
    assert b"Fatal Python error: Segmentation fault" in log_file.read_bytes()
