"""HELLO, AUTH and what else a connection says about itself."""

import pytest

from redracer.core.session import CLOSE_AFTER_REPLY
from redracer.engine.client import AUTHENTICATED

WRONG = "WRONGPASS invalid username-password pair or user is disabled."


class TestHello:
    def test_tells_who_it_is_in_the_protocol_asked_for(self, served):
        assert served.run(b"HELLO 3") == (
            b"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.2.0\r\n$5\r\nproto\r\n:3\r\n"
            b"$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
            b"$7\r\nmodules\r\n*0\r\n"
        )
        assert served.run(b"HELLO").startswith(b"%7\r\n")
        assert served.run(b"HELLO 2").startswith(b"*14\r\n")

    @pytest.mark.parametrize(
        ("line", "text"),
        [
            (b"HELLO x", "ERR Protocol version is not an integer or out of range"),
            (b"HELLO 1", "NOPROTO unsupported protocol version"),
            (b"HELLO 4", "NOPROTO unsupported protocol version"),
            (b"HELLO 3 AUTH default", "ERR Syntax error in HELLO option 'AUTH'"),
            (b"HELLO 3 SETNAME", "ERR Syntax error in HELLO option 'SETNAME'"),
            (b"HELLO 3 what", "ERR Syntax error in HELLO option 'what'"),
            (b"HELLO 3 AUTH nobody x", WRONG),
        ],
    )
    def test_refusals_change_nothing(self, served, line, text):
        assert served.error(line) == text
        assert served.client().resp == 2

    def test_a_bad_name_is_refused_before_anything_is_done(self, served):
        served.engine.config.set_many([(b"requirepass", b"secret")])
        refused = [b"HELLO", b"3", b"AUTH", b"default", b"secret", b"SETNAME", b"a b"]
        assert "Client names cannot contain" in served.error(refused)
        assert served.error(b"PING").startswith("NOAUTH")
        assert served.run(b"HELLO 3 AUTH default secret SETNAME me").startswith(b"%7")
        assert served.client().name == b"me"


class TestAuth:
    def test_without_a_password(self, served):
        assert served.error(b"AUTH x").startswith("ERR AUTH <password> called without any password")
        assert served.run(b"AUTH default anything") == b"+OK\r\n"
        assert served.error(b"AUTH nobody anything") == WRONG
        assert served.error(b"AUTH a b c") == "ERR syntax error"

    def test_with_a_password(self, served):
        served.run(b"CONFIG SET requirepass secret")
        assert served.run(b"PING") == b"+PONG\r\n"  # who is in stays in
        assert served.error(b"PING", "new") == "NOAUTH Authentication required."
        assert served.client("new").parser.restricted
        for wrong in (b"AUTH wrong", b"AUTH default wrong", b"AUTH nobody secret", b"AUTH secre"):
            assert served.error(wrong, "new") == WRONG
        assert served.run(b"AUTH default secret", "new") == b"+OK\r\n"
        assert served.run(b"PING", "new") == b"+PONG\r\n"
        assert not served.client("new").parser.restricted

    def test_commands_for_strangers(self, served):
        served.run(b"CONFIG SET requirepass secret")
        assert served.error(b"HELLO", "new").startswith("NOAUTH HELLO must be called")
        assert served.run(b"RESET", "new") == b"+RESET\r\n"
        assert served.run(b"QUIT", "new") == b"+OK\r\n"

    def test_does_not_show_in_the_slow_log(self, served):
        served.run(b"CONFIG SET slowlog-log-slower-than 0 requirepass secret")
        served.run(b"AUTH default secret")
        served.run(b"HELLO 2 AUTH default secret SETNAME x")
        shown = [entry.arguments for entry in served.engine.slowlog.entries]
        hidden = b"(redacted)"
        assert shown[0] == [b"HELLO", b"2", b"AUTH", hidden, hidden, b"SETNAME", b"x"]
        assert shown[1] == [b"AUTH", hidden, hidden]
        assert shown[2] == [b"CONFIG", b"SET", b"slowlog-log-slower-than", b"0", b"requirepass", hidden]


class TestPing:
    def test_replies(self, served):
        assert served.run(b"ping") == b"+PONG\r\n"
        assert served.run(b"PING x") == b"$1\r\nx\r\n"
        assert served.error(b"PING a b") == "ERR wrong number of arguments for 'ping' command"
        assert served.run(b"ECHO x") == b"$1\r\nx\r\n"


class TestSelect:
    def test_changes_the_database(self, served):
        assert served.run(b"SELECT 3") == b"+OK\r\n"
        assert served.client().db is served.engine.databases[3]
        assert served.error(b"SELECT 16") == "ERR DB index is out of range"
        assert served.error(b"SELECT -1") == "ERR DB index is out of range"
        assert served.error(b"SELECT x") == "ERR value is not an integer or out of range"
        assert served.client().db is served.engine.databases[3]


class TestReset:
    def test_is_a_new_connection_again(self, served):
        served.run(b"HELLO 3 SETNAME me")
        served.run(b"SELECT 2")
        served.run(b"CLIENT NO-TOUCH on")
        served.run(b"CLIENT SETINFO lib-name lib")
        served.run(b"CLIENT REPLY off")
        assert served.run(b"RESET") == b"+RESET\r\n"
        client = served.client()
        assert (client.resp, client.name, client.db.index, client.flags, client.gates) == (
            2,
            b"",
            0,
            AUTHENTICATED,
            0,
        )
        assert client.library_name == b"lib"

    def test_asks_for_the_password_again(self, served):
        served.run(b"CONFIG SET requirepass secret")
        assert served.run(b"RESET") == b"+RESET\r\n"
        assert served.error(b"PING") == "NOAUTH Authentication required."


def test_quit_closes_after_the_reply(served):
    assert served.run(b"QUIT now please") == b"+OK\r\n"
    assert served.client().state & CLOSE_AFTER_REPLY
