"""Scripts that take long or too much, over sockets: everybody else goes on."""

import time
from collections.abc import Callable, Iterator

import pytest

from .conftest import ServerProcess, WireClient, encoded

pytest.importorskip("lupa")

FOREVER = "while true do end"
PATIENCE = 30  # s


@pytest.fixture(scope="module")
def server(start_server: Callable[..., ServerProcess]) -> ServerProcess:
    return start_server("--busy-reply-threshold", "10", "--script-memory-limit", "4mb")


@pytest.fixture
def other(server: ServerProcess) -> Iterator[WireClient]:
    connection = server.connect()
    yield connection
    server.clients.remove(connection)
    connection.close()


def wait_until(ask: Callable[[], bytes], start: bytes) -> bytes:
    """Asks until a reply begins like that."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        reply = ask()
        if reply.startswith(start):
            return reply
        time.sleep(0.01)
    raise AssertionError(reply)


def is_busy(client: WireClient) -> bytes:
    return wait_until(lambda: client.request("PING"), b"-BUSY")


def test_others_are_told_that_the_server_is_busy(client: WireClient, other: WireClient) -> None:
    client.send(encoded("EVAL", FOREVER, 0) + encoded("PING"))
    assert b"You can only call SCRIPT KILL or SHUTDOWN NOSAVE" in is_busy(other)
    assert other.request("FUNCTION", "KILL").startswith(b"-BUSY")
    assert other.request("SCRIPT", "KILL") == b"+OK\r\n"
    assert client.reply().startswith(b"-ERR Script killed by user with SCRIPT KILL. script: ")
    assert client.reply() == b"+PONG\r\n"
    assert other.request("PING") == b"+PONG\r\n"


def test_new_clients_are_served_meanwhile(
    server: ServerProcess, client: WireClient, other: WireClient
) -> None:
    client.send(encoded("EVAL", FOREVER, 0))
    is_busy(other)
    third = server.connect()
    assert third.request("GET", "k").startswith(b"-BUSY")
    assert third.request("SCRIPT", "KILL") == b"+OK\r\n"
    assert client.reply().startswith(b"-ERR Script killed")


def test_a_script_that_catches_errors_ends_all_the_same(client: WireClient, other: WireClient) -> None:
    script = "local f = function() while true do redis.call('ping') end end while true do pcall(f) end"
    client.send(encoded("EVAL", script, 0))
    is_busy(other)
    assert other.request("SCRIPT", "KILL") == b"+OK\r\n"
    assert client.reply().startswith(b"-ERR Script killed")


def test_requests_of_one_batch_keep_their_order(
    server: ServerProcess, client: WireClient, other: WireClient
) -> None:
    killer = server.connect()
    other.send(encoded("ECHO", "first"))
    client.send(encoded("EVAL", FOREVER, 0))
    other.send(b"".join(encoded("ECHO", str(number)) for number in range(200)))
    is_busy(killer)
    assert killer.request("SCRIPT", "KILL") == b"+OK\r\n"
    assert client.reply().startswith(b"-ERR Script killed")
    assert other.reply() in (encoded_bulk("first"), BUSY)
    for number in range(200):
        assert other.reply() in (encoded_bulk(str(number)), BUSY)


BUSY = b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n"


def encoded_bulk(text: str) -> bytes:
    return f"${len(text)}\r\n{text}\r\n".encode()


def test_the_client_of_a_busy_script_may_leave(
    server: ServerProcess, client: WireClient, other: WireClient
) -> None:
    leaver = server.connect()
    leaver.send(encoded("EVAL", FOREVER, 0))
    is_busy(other)
    server.clients.remove(leaver)
    leaver.close()
    assert other.request("SCRIPT", "KILL") == b"+OK\r\n"
    wait_until(lambda: other.request("PING"), b"+PONG")


def test_a_function_is_told_by_stats_and_killed(client: WireClient, other: WireClient) -> None:
    code = f"#!lua name=lib\nredis.register_function('spin', function() {FOREVER} end)"
    client.request("FUNCTION", "LOAD", "REPLACE", code)
    client.send(encoded("FCALL", "spin", 0))
    assert b"FUNCTION KILL" in is_busy(other)
    assert b"$4\r\nspin\r\n" in other.request("FUNCTION", "STATS")
    assert other.request("FUNCTION", "KILL") == b"+OK\r\n"
    assert client.reply().startswith(b"-ERR Script killed by user with FUNCTION KILL.")


def test_a_script_without_end_in_memory_harms_nobody(client: WireClient, other: WireClient) -> None:
    client.send(encoded("EVAL", "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", 0))
    assert b"not enough memory" in client.reply()
    assert other.request("EVAL", "return 1", 0) == b":1\r\n"


def test_a_busy_script_in_a_transaction(client: WireClient, other: WireClient) -> None:
    client.send(encoded("MULTI") + encoded("EVAL", FOREVER, 0) + encoded("SET", "k", "v") + encoded("EXEC"))
    is_busy(other)
    other.request("SCRIPT", "KILL")
    assert [client.reply() for _ in range(3)] == [b"+OK\r\n", b"+QUEUED\r\n", b"+QUEUED\r\n"]
    reply = client.reply()
    assert reply.startswith(b"*2\r\n-ERR Script killed") and reply.endswith(b"+OK\r\n")


def test_shutdown_nosave_ends_a_script_that_has_written(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server("--busy-reply-threshold", "10")
    writer, other = server.connect(), server.connect()
    writer.send(encoded("EVAL", "redis.call('set', 'k', 1) " + FOREVER, 0))
    is_busy(other)
    assert other.request("SCRIPT", "KILL").startswith(b"-UNKILLABLE")
    assert other.request("SHUTDOWN").startswith(b"-BUSY")
    other.send(encoded("SHUTDOWN", "NOSAVE"))
    assert server.process.wait(PATIENCE) == 0
