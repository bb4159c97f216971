"""Clients that wait, over sockets: what follows a blocking command in a pipeline, and connections that end."""

from collections.abc import Iterator

import pytest

from .conftest import ServerProcess, WireClient, encoded
from .fronts import every_front

pytestmark = every_front

MANY = 1000  # connections that wait at once


def client_id(client: WireClient) -> int:
    return int(client.request("CLIENT", "ID")[1:-2])


def wait_for_blocked(client: WireClient, count: int) -> None:
    """Returns when that many clients are blocked."""
    reply = b""
    while f"blocked_clients:{count}\r\n".encode() not in reply:
        reply = client.request("INFO", "clients")
        assert reply.startswith(b"$"), reply


@pytest.fixture
def other(server: ServerProcess) -> Iterator[WireClient]:
    connection = server.connect()
    yield connection
    server.clients.remove(connection)
    connection.close()


@pytest.fixture(autouse=True)
def empty(client: WireClient) -> None:
    client.request("FLUSHALL")


def test_requests_behind_a_wait_are_executed_after_it(client: WireClient, other: WireClient) -> None:
    other.send(encoded("BLPOP", "k", 0) + encoded("INCR", "n") + encoded("BLPOP", "k", 0) + encoded("PING"))
    wait_for_blocked(client, 1)
    assert client.request("EXISTS", "n") == b":0\r\n"
    client.request("RPUSH", "k", "x")
    assert other.reply() == b"*2\r\n$1\r\nk\r\n$1\r\nx\r\n"
    assert other.reply() == b":1\r\n"
    wait_for_blocked(client, 1)
    client.request("RPUSH", "k", "y")
    assert other.reply() == b"*2\r\n$1\r\nk\r\n$1\r\ny\r\n"
    assert other.reply() == b"+PONG\r\n"


def test_a_request_that_comes_in_pieces_during_a_wait(client: WireClient, other: WireClient) -> None:
    other.send(encoded("BLPOP", "k", 0) + b"*2\r\n$4\r\nEC")
    wait_for_blocked(client, 1)
    other.send(b"HO\r\n$3\r\n")
    client.request("RPUSH", "k", "x")
    other.send(b"abc\r\n")
    assert other.reply() == b"*2\r\n$1\r\nk\r\n$1\r\nx\r\n"
    assert other.reply() == b"$3\r\nabc\r\n"


def test_the_replies_of_one_pipeline_reach_everyone(server: ServerProcess, client: WireClient) -> None:
    waiting = [server.connect() for _ in range(3)]
    for number, each in enumerate(waiting):
        each.send(encoded("BLMOVE", f"k{number}", f"k{number + 1}", "LEFT", "RIGHT", 0))
        wait_for_blocked(client, number + 1)
    client.send(encoded("RPUSH", "k0", "x") + encoded("LLEN", "k0") + encoded("LLEN", "k3"))
    assert [client.reply() for _ in range(3)] == [b":1\r\n", b":0\r\n", b":1\r\n"]
    assert [each.reply() for each in waiting] == [b"$1\r\nx\r\n"] * 3


def test_a_connection_that_ends_leaves_the_queue(
    client: WireClient, other: WireClient, server: ServerProcess
) -> None:
    gone = server.connect()
    gone.send(encoded("BLPOP", "k", 0))
    wait_for_blocked(client, 1)
    other.send(encoded("BLPOP", "k", 0))
    wait_for_blocked(client, 2)
    gone.close()
    wait_for_blocked(client, 1)
    client.request("RPUSH", "k", "x")
    assert other.reply() == b"*2\r\n$1\r\nk\r\n$1\r\nx\r\n"


def test_a_connection_that_is_killed_while_it_waits(client: WireClient, other: WireClient) -> None:
    identity = client_id(other)
    other.send(encoded("BLPOP", "k", 0) + encoded("SET", "after", "x"))
    wait_for_blocked(client, 1)
    assert client.request("CLIENT", "KILL", "ID", identity) == b":1\r\n"
    assert other.is_closed()
    wait_for_blocked(client, 0)
    assert client.request("EXISTS", "after") == b":0\r\n"


@pytest.mark.parametrize(("protocol", "null"), [(2, b"*-1\r\n"), (3, b"_\r\n")])
def test_the_time_is_over(other: WireClient, protocol: int, null: bytes) -> None:
    other.request("HELLO", protocol)
    other.send(encoded("BLPOP", "k", "0.01") + encoded("BRPOPLPUSH", "k", "d", "0.002") + encoded("PING"))
    assert [other.reply() for _ in range(3)] == [null, null, b"+PONG\r\n"]


def test_unblocked_by_another(client: WireClient, other: WireClient) -> None:
    identity = client_id(other)
    for options, reply in (((), b"*-1\r\n"), (("TIMEOUT",), b"*-1\r\n"), (("ERROR",), b"-UNBLOCKED ")):
        other.send(encoded("BLPOP", "k", 0) + encoded("PING"))
        wait_for_blocked(client, 1)
        assert client.request("CLIENT", "UNBLOCK", identity, *options) == b":1\r\n"
        assert other.reply().startswith(reply)
        assert other.reply() == b"+PONG\r\n"
    assert client.request("CLIENT", "UNBLOCK", identity) == b":0\r\n"


def test_a_waiting_client_is_listed_as_one(client: WireClient, other: WireClient) -> None:
    identity = client_id(other)
    other.send(encoded("BLPOP", "k", 0))
    wait_for_blocked(client, 1)
    assert b" flags=b " in client.request("CLIENT", "LIST", "ID", identity)


def test_a_server_with_many_who_wait(server: ServerProcess, client: WireClient) -> None:
    waiting = [server.connect() for _ in range(MANY)]
    for each in waiting:
        each.send(encoded("BLPOP", "k", 0))
    wait_for_blocked(client, MANY)
    client.request("RPUSH", "k", *range(MANY))
    served = sorted(int(each.reply().splitlines()[-1]) for each in waiting)
    assert served == list(range(MANY))
    assert client.request("LLEN", "k") == b":0\r\n"
    for each in waiting:
        server.clients.remove(each)
        each.close()
