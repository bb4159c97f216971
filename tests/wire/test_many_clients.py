"""Many clients at once, and clients that behave badly: slow, silent, greedy or half gone."""

import os
import resource
import select
import socket
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from .conftest import PATIENCE, ServerProcess, WireClient, encoded

OWN_FILES = 200  # descriptors of a process besides the clients
IDLE_LIMIT = 4096  # bytes of resident memory that an idle connection may take
BIG = 100_000_000  # bytes of the largest values
PING = encoded("PING")
PONG = b"+PONG\r\n"


def resident_bytes(process: int) -> int:
    """What the process has in memory."""
    with open(f"/proc/{process}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def allow_files(wanted: int) -> None:
    """Raises this process's limit of open files, which the server inherits, or skips the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{wanted} open files are not allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


class Crowd:
    """Many raw connections driven by one epoll set."""

    def __init__(self, port: int, count: int) -> None:
        self.epoll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        for i in range(count):
            connection = socket.socket()
            # Several addresses of this machine, so that ports do not run out; each has its own.
            connection.bind((f"127.0.0.{2 + i % 8}", 0))
            connection.connect(("127.0.0.1", port))
            connection.setblocking(False)
            self.sockets[connection.fileno()] = connection

    def exchange(self, requests: bytes, reply_size: int, rounds: int) -> list[int]:
        """Everyone sends `requests`, waits for a reply of so many bytes, and so on; the rounds that each had."""
        for descriptor in self.sockets:
            self.epoll.register(descriptor, select.EPOLLIN)
            self.sockets[descriptor].send(requests)
        missing = dict.fromkeys(self.sockets, reply_size)
        done = dict.fromkeys(self.sockets, 0)
        left = len(self.sockets)
        while left:
            ready = self.epoll.poll(PATIENCE)
            assert ready, f"{left} clients are not answered"
            for descriptor, _ in ready:
                data = self.sockets[descriptor].recv(65536)
                assert data, "a client was closed"
                missing[descriptor] -= len(data)
                if missing[descriptor] > 0:
                    continue
                assert missing[descriptor] == 0
                done[descriptor] += 1
                if done[descriptor] == rounds:
                    left -= 1
                    self.epoll.unregister(descriptor)
                else:
                    missing[descriptor] = reply_size
                    self.sockets[descriptor].send(requests)
        return list(done.values())

    def close(self) -> None:
        self.epoll.close()
        for connection in self.sockets.values():
            connection.close()


@pytest.mark.parametrize(
    ("idle", "busy"),
    [(400, 100), pytest.param(10_000, 1000, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
)
def test_idle_and_busy_clients(
    start_server: Callable[..., ServerProcess],
    record_property: Callable[[str, object], None],
    idle: int,
    busy: int,
) -> None:
    """Every one of them is served; an idle one costs little memory."""
    allow_files(idle + busy + OWN_FILES)
    server = start_server("--maxclients", str(idle + busy + 10))
    before = resident_bytes(server.process.pid)
    sleepers = Crowd(server.port, idle)
    try:
        sleepers.exchange(PING, len(PONG), 1)  # so that every connection has been used
        each = (resident_bytes(server.process.pid) - before) / idle
        record_property("bytes of resident memory per idle connection", round(each))
        print(f"{each:.0f} bytes of resident memory per idle connection of {idle}")
        assert each < IDLE_LIMIT
        crowd = Crowd(server.port, busy)
        try:
            value = b"x" * 100
            requests = encoded("SET", "key", value) + encoded("GET", "key") + PING
            reply = len(b"+OK\r\n" + b"$100\r\n" + value + b"\r\n" + PONG)
            assert crowd.exchange(requests, reply, 20) == [20] * busy
        finally:
            crowd.close()
        assert sleepers.exchange(PING, len(PONG), 1) == [1] * idle
        asking = server.connect()
        while b"connected_clients:%d\r\n" % (idle + 1) not in asking.request("INFO", "clients"):
            pass  # until the server has seen that the busy ones are gone
    finally:
        sleepers.close()


class TestFairness:
    def test_an_endless_pipeline_does_not_starve_others(
        self, server: ServerProcess, client: WireClient
    ) -> None:
        """While one keeps its socket full at all times, each request of another is answered after a bounded
        number of the first one's."""
        client.request("SET", "greedy", 0)
        greedy = server.connect()
        greedy.socket.setblocking(False)
        request = encoded("INCR", "greedy")
        stream = request * 2000
        at = 0
        counts = []
        for _ in range(200):
            try:
                while True:
                    at = (at + greedy.socket.send(stream[at:])) % len(stream)
            except BlockingIOError:
                pass
            try:
                while greedy.socket.recv(1 << 20):
                    pass
            except BlockingIOError:
                pass
            counts.append(int(client.request("GET", "greedy").splitlines()[1]))
        assert counts[-1] > 1000
        capacity = 8 << 20  # bytes that the sockets of one connection may hold
        assert max(after - before for before, after in pairwise(counts)) < capacity // len(request)


class TestBadManners:
    def test_a_client_that_never_reads_without_a_limit(
        self, server: ServerProcess, client: WireClient
    ) -> None:
        """Its replies are kept for it, and others are served."""
        client.request("SET", "value", b"v" * 30_000)
        silent = server.connect()
        for _ in range(20):
            silent.send(encoded("GET", "value") * 100)
            assert client.request("PING") == PONG
        for _ in range(2000):
            assert silent.reply() == b"$30000\r\n" + b"v" * 30_000 + b"\r\n"

    def test_a_client_that_never_reads_with_a_limit(self, server: ServerProcess, client: WireClient) -> None:
        client.request("SET", "value", b"v" * 30_000)
        client.request("CONFIG", "SET", "client-output-buffer-limit", "normal 5mb 0 0")
        silent = server.connect()
        silent.send(encoded("GET", "value") * 1000)
        assert silent.is_closed()
        assert client.request("PING") == PONG
        client.request("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0")
        assert b"client_output_buffer_limit_disconnections:1\r\n" in client.request("INFO", "stats")

    def test_a_peer_that_sends_no_more_gets_all_its_replies(
        self, server: ServerProcess, client: WireClient
    ) -> None:
        client.request("SET", "value", b"v" * 3_000_000)
        half = server.connect()
        half.send(encoded("GET", "value") * 5 + encoded("PING"))
        half.socket.shutdown(socket.SHUT_WR)
        for _ in range(5):
            assert len(half.reply()) == 3_000_000 + len(b"$3000000\r\n\r\n")
        assert half.reply() == PONG
        assert half.is_closed()

    def test_a_peer_that_sends_no_more_in_the_middle_of_a_request(
        self, server: ServerProcess, client: WireClient
    ) -> None:
        half = server.connect()
        half.send(encoded("PING") + encoded("SET", "half", "x")[:-4])
        half.socket.shutdown(socket.SHUT_WR)
        assert half.reply() == PONG
        assert half.is_closed()
        assert client.request("EXISTS", "half") == b":0\r\n"

    def test_a_peer_that_resets_its_connection(self, server: ServerProcess, client: WireClient) -> None:
        client.request("SET", "value", b"v" * 3_000_000)
        for _ in range(20):
            rude = socket.create_connection(("127.0.0.1", server.port))
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            rude.sendall(encoded("GET", "value") * 3)
            rude.recv(10)
            rude.close()
        assert client.request("PING") == PONG
        while client.request("CLIENT", "LIST").count(b"\nid=") > len(server.clients):
            pass


class TestBigValues:
    @pytest.fixture
    def big(self, client: WireClient) -> Iterator[bytes]:
        """A key that holds BIG bytes, sent in small chunks."""
        block = bytes(range(256)) * 40
        value = (block * (BIG // len(block) + 1))[:BIG]
        client.send(b"*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n" % BIG)
        view = memoryview(value)
        for at in range(0, BIG, 8000):
            client.send(view[at : at + 8000])
        client.send(b"\r\n")
        assert client.reply() == b"+OK\r\n"
        yield value
        client.request("DEL", "big")

    def test_one_set_in_small_chunks_and_one_reply_in_parts(
        self, server: ServerProcess, client: WireClient, big: bytes
    ) -> None:
        assert client.request("STRLEN", "big") == b":%d\r\n" % BIG
        slow = server.connect()
        slow.send(encoded("GET", "big") + PING)
        header = b"$%d\r\n" % BIG
        received = bytearray()
        turn = 0
        while len(received) < len(header) + BIG + 2 + len(PONG):
            data = slow.socket.recv(300_000 if turn % 3 else 777)
            assert data
            received += data
            turn += 1
            if turn % 50 == 0:
                assert client.request("PING") == PONG  # the others do not wait for it
        assert received == header + big + b"\r\n" + PONG

    def test_memory_comes_back(self, server: ServerProcess, client: WireClient, big: bytes) -> None:
        """Reading a big argument, storing it and sending it takes each no more than the value once."""
        before = resident_bytes(server.process.pid)
        reader = server.connect()
        reader.send(encoded("GET", "big") * 3)
        for _ in range(3):
            assert len(reader.reply()) == BIG + len(b"$%d\r\n\r\n" % BIG)
        assert client.request("DEL", "big") == b":1\r\n"
        assert resident_bytes(server.process.pid) < before - BIG // 2
