"""The protocol and the life of connections, over a socket."""

import pytest

from .conftest import encoded
from .fronts import EMBEDDED, REAL, every_front, not_on

pytestmark = every_front

NO_AUTH = b"-NOAUTH Authentication required.\r\n"


class TestProtocol:
    def test_ping_as_array_and_inline(self, client):
        assert client.request("PING") == b"+PONG\r\n"
        assert client.inline("PING hello") == b"$5\r\nhello\r\n"

    def test_a_pipeline_cut_anywhere(self, client):
        whole = encoded("ECHO", "one") + b"ECHO two\r\n" + encoded("ECHO", "three")
        for cut in range(len(whole)):
            client.send(whole[:cut])
            client.send(whole[cut:])
            assert [client.reply() for _ in range(3)] == [
                b"$3\r\none\r\n",
                b"$3\r\ntwo\r\n",
                b"$5\r\nthree\r\n",
            ]

    def test_hello_switches_the_shape_of_replies(self, client):
        assert client.request("CONFIG", "GET", "hz") == b"*2\r\n$2\r\nhz\r\n$2\r\n10\r\n"
        greeting = client.request("HELLO", 3)
        assert greeting.startswith(b"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n")
        assert client.request("CONFIG", "GET", "hz") == b"%1\r\n$2\r\nhz\r\n$2\r\n10\r\n"
        assert client.request("RESET") == b"+RESET\r\n"
        assert client.request("GET", "nothing") == b"$-1\r\n"

    @pytest.mark.parametrize(
        ("sent", "error"),
        [
            (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", b"expected '$', got 'f'"),
            (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$-10\r\n", b"invalid bulk length"),
            (b"*20000000000\r\n", b"invalid multibulk length"),
            (b'set x "unbalanced\r\n', b"unbalanced quotes in request"),
        ],
    )
    def test_a_breach_is_answered_and_ends_the_connection(self, client, sent, error):
        client.send(sent)
        assert client.reply() == b"-ERR Protocol error: " + error + b"\r\n"
        assert client.is_closed()

    @not_on(EMBEDDED, "it does not execute what came in one piece with a breach")
    def test_requests_before_a_breach_are_executed(self, client):
        client.send(encoded("SET", "before", "breach") + b"*1\r\nx\r\n")
        assert client.reply() == b"+OK\r\n"
        assert client.reply().startswith(b"-ERR Protocol error")

    def test_quit_drops_what_follows(self, server, client):
        client.send(encoded("SET", "quit", "1") + encoded("QUIT") + encoded("SET", "quit", "2"))
        assert client.reply() == b"+OK\r\n"
        assert client.reply() == b"+OK\r\n"
        assert client.is_closed()
        assert server.connect().request("GET", "quit") == b"$1\r\n1\r\n"


class TestReplySwitch:
    def test_off_and_on(self, client):
        client.send(encoded("CLIENT", "REPLY", "OFF") + encoded("PING") + encoded("NOTHING"))
        assert client.request("CLIENT", "REPLY", "ON") == b"+OK\r\n"
        assert client.request("PING") == b"+PONG\r\n"

    def test_skip_is_for_one_request(self, client):
        client.send(encoded("CLIENT", "REPLY", "SKIP") + encoded("ECHO", "a") + encoded("ECHO", "b"))
        assert client.reply() == b"$1\r\nb\r\n"


class TestPause:
    def test_a_paused_pipeline_keeps_its_order(self, server, client):
        admin = server.connect()
        assert admin.request("CLIENT", "PAUSE", 100_000, "WRITE") == b"+OK\r\n"
        client.send(encoded("SET", "paused", "1") + encoded("GET", "paused"))
        other = server.connect()
        assert other.request("GET", "paused") == b"$-1\r\n"
        assert admin.request("CLIENT", "UNPAUSE") == b"+OK\r\n"
        assert client.reply() == b"+OK\r\n"
        assert client.reply() == b"$1\r\n1\r\n"

    def test_a_pause_ends_by_itself(self, client):
        assert client.request("CLIENT", "PAUSE", 1) == b"+OK\r\n"
        assert client.request("PING") == b"+PONG\r\n"

    @not_on(REAL, "7.0 ends with an assertion when a paused client is to be unblocked")
    def test_a_held_client_can_be_killed(self, server, client):
        admin = server.connect()
        number = client.request("CLIENT", "ID")[1:-2]
        admin.request("CLIENT", "PAUSE", 100_000, "WRITE")
        client.send(encoded("SET", "killed", "1"))
        assert admin.request("CLIENT", "UNBLOCK", number) == b":0\r\n"
        assert admin.request("CLIENT", "KILL", "ID", number) == b":1\r\n"
        assert client.is_closed()
        admin.request("CLIENT", "UNPAUSE")
        assert admin.request("GET", "killed") == b"$-1\r\n"


class TestKill:
    def test_oneself_after_the_reply(self, client):
        number = client.request("CLIENT", "ID")[1:-2]
        assert client.request("CLIENT", "KILL", "ID", number, "SKIPME", "no") == b":1\r\n"
        assert client.is_closed()

    def test_another_by_its_address(self, server, client):
        other = server.connect()
        other.request("PING")
        address = other.address
        assert client.request("CLIENT", "KILL", address) == b"+OK\r\n"
        assert other.is_closed()
        assert client.request("CLIENT", "KILL", address) == b"-ERR No such client\r\n"


class TestAuthentication:
    def test_strangers_and_friends(self, start_server):
        server = start_server("--requirepass", "secret")
        client = server.connect()
        assert client.request("PING") == NO_AUTH
        assert client.request("HELLO", 3).startswith(b"-NOAUTH HELLO must be called")
        assert client.request("AUTH", "wrong").startswith(b"-WRONGPASS ")
        client.send(b"*100\r\n")
        assert client.reply() == b"-ERR Protocol error: unauthenticated multibulk length\r\n"
        friend = server.connect()
        assert friend.request("HELLO", 2, "AUTH", "default", "secret").startswith(b"*14\r\n")
        assert friend.request("PING") == b"+PONG\r\n"
        assert friend.request("RESET") == b"+RESET\r\n"
        assert friend.request("PING") == NO_AUTH

    def test_a_password_that_is_taken_away_lets_everyone_in(self, start_server):
        server = start_server("--requirepass", "secret")
        client, stranger = server.connect(), server.connect()
        assert stranger.request("PING") == NO_AUTH
        assert client.request("AUTH", "secret") == b"+OK\r\n"
        assert client.request("CONFIG", "SET", "requirepass", "") == b"+OK\r\n"
        assert stranger.request("PING") == b"+PONG\r\n"

    def test_a_stranger_that_does_not_read_is_closed(self, start_server):
        server = start_server("--requirepass", "secret")
        client = server.connect()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(10_000):
                client.send(encoded("SET", "x", "5") * 1000)


class TestLimits:
    def test_one_client_too_many(self, start_server):
        server = start_server("--maxclients", "1")
        first = server.connect()
        assert first.request("PING") == b"+PONG\r\n"
        second = server.connect()
        assert second.reply() == b"-ERR max number of clients reached\r\n"
        assert second.is_closed()
        assert first.request("CONFIG", "SET", "maxclients", 10) == b"+OK\r\n"
        assert server.connect().request("PING") == b"+PONG\r\n"

    def test_bulk_limit_changes_for_those_who_are_there(self, server, client):
        other = server.connect()
        other.request("PING")
        assert client.request("CONFIG", "SET", "proto-max-bulk-len", "1mb") == b"+OK\r\n"
        other.send(b"*2\r\n$4\r\nECHO\r\n$2000000\r\n")
        assert other.reply() == b"-ERR Protocol error: invalid bulk length\r\n"
        assert client.request("CONFIG", "SET", "proto-max-bulk-len", "512mb") == b"+OK\r\n"

    @not_on(EMBEDDED, "what waits in a socket is what it is about")
    def test_query_limit_acts_at_once(self, server, client):
        other = server.connect()
        assert client.request("CONFIG", "SET", "client-query-buffer-limit", "1mb") == b"+OK\r\n"
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            other.send(b"*2\r\n$4\r\nECHO\r\n$20000000\r\n")
            for _ in range(1000):
                other.send(b"x" * 100_000)
        assert client.request("CONFIG", "SET", "client-query-buffer-limit", "1gb") == b"+OK\r\n"

    @not_on(EMBEDDED, "what waits in a socket is what it is about")
    def test_output_limit_closes_a_client_that_does_not_read(self, server, client):
        other = server.connect()
        client.request("SET", "big", b"x" * 1_000_000)
        client.request("CONFIG", "SET", "client-output-buffer-limit", "normal 10mb 0 0")
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            for _ in range(10_000):
                other.send(encoded("GET", "big") * 10)
        assert client.request("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0") == b"+OK\r\n"


class TestClients:
    @not_on(REAL, "7.0 does not list libraries")
    def test_redis_py(self, server):
        with server.redis(client_name="py", decode_responses=True) as python:
            assert python.ping()
            assert python.client_getname() == "py"
            [line] = [entry for entry in python.client_list() if entry["name"] == "py"]
            assert line["cmd"] == "client|list" and line["lib-name"] == "redis-py"
            assert python.config_get("hz") == {"hz": "10"}
            # On a busy machine anything may have been slow.
            assert all(entry["duration"] >= 10_000 for entry in python.slowlog_get())
            assert python.time()[0] > 1_700_000_000

    @not_on(EMBEDDED, "there is no wire")
    @not_on(REAL, "7.0 does not list sizes of the network")
    def test_sizes_in_client_list_are_those_of_the_wire(self, server, client):
        client.send(b"*2\r\n$4\r\nECHO\r\n$100\r\n" + b"x" * 60)
        [line] = [
            line
            for line in server.redis(decode_responses=True).client_list()
            if line["addr"] == client.address
        ]
        assert int(line["tot-net-in"]) == 80 and line["argv-mem"] == "4"
        client.send(b"x" * 40 + b"\r\n")
        assert client.reply() == b"$100\r\n" + b"x" * 100 + b"\r\n"


def test_shutdown(start_server):
    server = start_server()
    client = server.connect()
    assert client.request("SHUTDOWN", "SAVE", "NOSAVE") == b"-ERR syntax error\r\n"
    assert client.request("SHUTDOWN", "ABORT") == b"-ERR No shutdown in progress.\r\n"
    client.send(encoded("SHUTDOWN", "NOSAVE"))
    assert client.is_closed()
    assert server.process.wait(30) == 0
