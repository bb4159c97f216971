"""CLIENT and its subcommands."""

import pytest

# fmt: off
FIELDS = [
    "id", "addr", "laddr", "fd", "name", "age", "idle", "flags", "db", "sub", "psub", "ssub", "multi",
    "watch", "qbuf", "qbuf-free", "argv-mem", "multi-mem", "rbs", "rbp", "obl", "oll", "omem", "tot-mem",
    "events", "cmd", "user", "redir", "resp", "lib-name", "lib-ver", "io-thread", "tot-net-in",
    "tot-net-out", "tot-cmds",
]
# fmt: on


def fields(line):
    return dict(part.split("=", 1) for part in line.split(" "))


def listed(served, options=b""):
    return [fields(line) for line in served.text(b"CLIENT LIST " + options).splitlines()]


class TestNames:
    def test_name(self, served):
        assert served.run(b"CLIENT GETNAME") == b"$-1\r\n"
        assert served.run(b"CLIENT SETNAME me") == b"+OK\r\n"
        assert served.run(b"CLIENT GETNAME") == b"$2\r\nme\r\n"
        for bad in (b"a b", b"a\n", b"\x7f", "é".encode()):
            assert "cannot contain spaces" in served.error([b"CLIENT", b"SETNAME", bad])
        assert served.run([b"CLIENT", b"SETNAME", b""]) == b"+OK\r\n"
        assert served.run(b"CLIENT GETNAME") == b"$-1\r\n"

    def test_library(self, served):
        assert served.run(b"CLIENT SETINFO LIB-NAME redis.py(x)") == b"+OK\r\n"
        assert served.run(b"CLIENT SETINFO lib-ver 1.2") == b"+OK\r\n"
        assert served.error(b"CLIENT SETINFO other x") == "ERR Unrecognized option 'other'"
        refused = "ERR lib-ver cannot contain spaces, newlines or special characters."
        assert served.error([b"CLIENT", b"SETINFO", b"lib-ver", b"a b"]) == refused
        described = fields(served.text(b"CLIENT INFO").strip())
        assert (described["lib-name"], described["lib-ver"]) == ("redis.py(x)", "1.2")


class TestList:
    def test_fields_and_their_order(self, served):
        [line] = served.text(b"CLIENT LIST").splitlines()
        assert list(fields(line)) == FIELDS

    def test_values_of_the_caller(self, served):
        served.run(b"SELECT 9")
        shown = fields(served.text(b"client list").strip())
        assert shown["addr"] == "127.0.0.1:1" and shown["laddr"] == "127.0.0.1:6379"
        assert shown["db"] == "9" and shown["flags"] == "N" and shown["events"] == "r"
        assert shown["qbuf"] == str(len(b"*2\r\n$6\r\nclient\r\n$4\r\nlist\r\n"))
        assert shown["argv-mem"] == str(len("clientlist"))
        assert shown["cmd"] == "client|list" and shown["user"] == "default" and shown["resp"] == "2"

    def test_output_that_nobody_read(self, served):
        served.run(b"PING", "other")
        other = served.client("other")
        other.out.write(b"x" * 1000, 2)
        shown = listed(served)[0]
        assert (shown["obl"], shown["oll"], shown["omem"], shown["events"]) == ("1009", "0", "0", "rw")
        other.out.write(b"x" * 100_000, 2)
        shown = listed(served)[0]
        assert (shown["obl"], shown["oll"]) == ("0", "1")
        assert int(shown["omem"]) >= 100_000 and int(shown["tot-mem"]) > int(shown["omem"])

    def test_selections(self, served):
        served.client("other")
        assert len(listed(served)) == len(listed(served, b"TYPE normal")) == 2
        assert listed(served, b"TYPE pubsub") == listed(served, b"type REPLICA") == []
        assert [line["id"] for line in listed(served, b"ID 2 77 1 2")] == ["2", "1", "2"]
        assert served.error(b"CLIENT LIST TYPE what") == "ERR Unknown client type 'what'"
        assert served.error(b"CLIENT LIST ID x") == "ERR Invalid client ID"
        assert served.error(b"CLIENT LIST ID") == "ERR syntax error"
        assert served.error(b"CLIENT LIST what") == "ERR syntax error"

    def test_flags(self, served):
        served.run(b"CLIENT NO-EVICT on")
        served.run(b"CLIENT NO-TOUCH on")
        assert listed(served)[0]["flags"] == "eT"
        served.run(b"CLIENT NO-EVICT off")
        served.run(b"CLIENT NO-TOUCH off")
        served.run(b"CLIENT PAUSE 100000 WRITE")
        served.run(b"SET a b", "other")
        assert [line["flags"] for line in listed(served)] == ["N", "b"]

    def test_is_verbatim_text_in_resp3(self, served):
        served.run(b"HELLO 3")
        assert served.run(b"CLIENT INFO").split(b"\r\n")[1].startswith(b"txt:id=1 ")


class TestNoTouch:
    def test_reads_do_not_count_as_use_but_touch_does(self, served):
        served.run(b"SET key value")
        served.run(b"CLIENT NO-TOUCH on")
        db = served.engine.databases[0]
        db.set_idle_seconds(b"key", 100)
        served.run(b"GET key")
        assert db.idle_seconds(b"key") >= 100
        served.run(b"TOUCH key")
        assert db.idle_seconds(b"key") == 0
        db.set_idle_seconds(b"key", 100)
        served.run(b"GET key", "other")
        assert db.idle_seconds(b"key") == 0


class TestReply:
    def test_off_on(self, served):
        assert served.run(b"CLIENT REPLY OFF") == b""
        assert served.run(b"PING") == served.run(b"NOTHING") == served.run(b"CLIENT REPLY SKIP") == b""
        assert served.run(b"CLIENT REPLY ON") == b"+OK\r\n"
        assert served.run(b"PING") == b"+PONG\r\n"

    def test_skip(self, served):
        assert served.run(b"CLIENT REPLY SKIP") == b""
        assert served.run(b"GET") == b""
        assert served.run(b"PING") == b"+PONG\r\n"
        assert served.error(b"CLIENT REPLY what") == "ERR syntax error"


class TestKill:
    def test_old_form(self, served):
        served.client("other")
        served.run(b"PING")
        assert served.run(b"CLIENT KILL 127.0.0.1:1") == b"+OK\r\n"
        assert not served.is_open("other")
        assert served.error(b"CLIENT KILL 127.0.0.1:1") == "ERR No such client"

    @pytest.mark.parametrize(
        ("options", "killed"),
        [
            (b"ID 2", "b"),
            (b"ID 1", ""),
            (b"ID 1 SKIPME no", "a"),
            (b"SKIPME yes", "bc"),
            (b"SKIPME no", "abc"),
            (b"ADDR 127.0.0.1:3", "c"),
            (b"LADDR 127.0.0.1:6379", "bc"),
            (b"LADDR 127.0.0.1:1", ""),
            (b"TYPE normal ID 3", "c"),
            (b"TYPE pubsub", ""),
            (b"USER default", "bc"),
            (b"MAXAGE 10", "c"),
            (b"id 2 ID 3", "c"),
        ],
    )
    def test_filters(self, served, options, killed):
        for name in "abc":
            served.client(name)
        served.client("c").created -= 10_000
        assert served.run(b"CLIENT KILL " + options, "a") == b":%d\r\n" % len(killed)
        closing = [name for name in "abc" if not served.is_open(name) or served.client(name).state]
        assert "".join(closing) == killed

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            (b"ID 0", "ERR client-id should be greater than 0"),
            (b"ID x", "ERR client-id should be greater than 0"),
            (b"TYPE what", "ERR Unknown client type 'what'"),
            (b"USER nobody", "ERR No such user 'nobody'"),
            (b"MAXAGE x", "ERR maxage is not an integer or out of range"),
            (b"MAXAGE 0", "ERR maxage should be greater than 0"),
            (b"SKIPME maybe", "ERR syntax error"),
            (b"ID 1 TYPE", "ERR syntax error"),
            (b"WHAT 1", "ERR syntax error"),
        ],
    )
    def test_refusals(self, served, options, text):
        assert served.error(b"CLIENT KILL " + options) == text


class TestPause:
    def test_holds_writes_or_all(self, served):
        served.run(b"CLIENT PAUSE 100000 WRITE")
        assert served.run(b"GET a", "reader") == b"$-1\r\n"
        assert served.run(b"SET a b", "writer") == b""
        assert served.client("writer").retry and served.engine.pause.active
        served.run(b"CLIENT PAUSE 100000")
        assert served.run(b"GET a", "reader") == b""
        assert served.run(b"CLIENT UNPAUSE") == b"+OK\r\n"
        assert not served.client("writer").state and not served.engine.pause.active

    def test_ends_in_time(self, served):
        served.run(b"CLIENT PAUSE 50 ALL")
        assert served.run(b"PING", "held") == b""
        served.engine.clock.set_time(served.engine.clock.now + 51)
        served.engine.pause.check_end()
        assert served.run(b"PING", "held") == b"+PONG\r\n"

    def test_keys_do_not_expire_meanwhile(self, served):
        served.run(b"SET key value PX 1000")
        served.run(b"CLIENT PAUSE 100000 WRITE")
        engine = served.engine
        db = engine.databases[0]
        engine.clock.set_time(engine.clock.now + 5000)
        assert db.get_string(b"key") is None and not db.exists(b"key") and len(db) == 1
        assert not engine.expiry.run() and engine.statistics.expired_keys == 0
        engine.pause.end()
        assert db.get_string(b"key") is None and len(db) == 0 and engine.statistics.expired_keys == 1

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            (b"x", "ERR timeout is not an integer or out of range"),
            (b"-1", "ERR timeout is negative"),
            (b"9223372036854775807", "ERR timeout is out of range"),
            (b"10 READ", "ERR CLIENT PAUSE mode must be WRITE or ALL"),
        ],
    )
    def test_refusals(self, served, options, text):
        assert served.error(b"CLIENT PAUSE " + options) == text


class TestUnblock:
    def test_of_those_who_do_not_wait(self, served):
        served.run(b"CLIENT PAUSE 100000")
        served.run(b"PING", "held")
        served.run(b"CLIENT UNPAUSE")
        assert served.run(b"CLIENT UNBLOCK 1") == served.run(b"CLIENT UNBLOCK 99 ERROR") == b":0\r\n"
        assert served.error(b"CLIENT UNBLOCK x") == "ERR value is not an integer or out of range"
        refused = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
        assert served.error(b"CLIENT UNBLOCK 1 what") == refused


def test_unknown_subcommands_and_help(served):
    assert served.error(b"CLIENT what") == "ERR unknown subcommand 'what'. Try CLIENT HELP."
    assert served.error(b"CLIENT") == "ERR wrong number of arguments for 'client' command"
    assert served.error(b"CLIENT ID 1") == "ERR wrong number of arguments for 'client|id' command"
    assert b"+ID\r\n" in served.run(b"CLIENT HELP")
