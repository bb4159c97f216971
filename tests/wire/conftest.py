"""What the tests over a socket share: servers in processes of their own, and a client that sees bytes."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

import redracer
from redracer.engine import log

from . import fronts
from .fronts import ReadableSession

ATTEMPTS = 400  # to connect to a server that is starting
PAUSE = 0.05  # s between two attempts
PATIENCE = 30  # s that a test waits for bytes before it fails


class WireClient:
    """A connection that sends bytes and reads whole replies as the bytes that came."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(PATIENCE)
        self.reader = connection.makefile("rb")
        host, port = connection.getsockname()
        self.address = f"{host}:{port}"  # as CLIENT LIST shows it

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> bytes:
        """One reply of any type with everything that it contains; EOFError if the server has closed."""
        line = self.reader.readline()
        if not line:
            raise EOFError
        kind, rest = line[:1], line[1:-2]
        if kind in b"$=!" and rest != b"-1":
            return line + self.reader.read(int(rest) + 2)
        if kind in b"*~>%|" and rest != b"-1":
            count = int(rest) * (2 if kind in b"%|" else 1)
            return line + b"".join(self.reply() for _ in range(count + (kind == b"|")))
        return line

    def request(self, *arguments: bytes | str | int) -> bytes:
        """Sends a command and reads its reply."""
        self.send(encoded(*arguments))
        return self.reply()

    def inline(self, line: str) -> bytes:
        """Sends a command as people type it and reads its reply."""
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def is_closed(self) -> bool:
        """Waits for the server to close; whatever it still sends is dropped."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self) -> None:
        self.reader.close()
        self.socket.close()


class EmbeddedClient(WireClient):
    """The same for a store in this process: there is no socket."""

    def __init__(self, session: ReadableSession) -> None:
        self.reader = self.session = session
        self.address = session.client.address

    def send(self, data: bytes) -> None:
        self.session.feed(data)

    def is_closed(self) -> bool:
        return self.session.has_ended()

    def close(self) -> None:
        self.session.close()


def encoded(*arguments: bytes | str | int) -> bytes:
    """A request as an array of bulk strings."""
    parts = [item if isinstance(item, bytes) else str(item).encode() for item in arguments]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class ServerProcess:
    """A server of ours, or a program in its place, on a free port, with the options given."""

    def __init__(self, directory: Path, *options: str, program: str = "") -> None:
        self.port = free_port()
        self.log = directory / "log"
        command = [program or str(Path(sys.prefix) / "bin" / "redracer-server"), "--port", str(self.port)]
        command += ["--bind", "127.0.0.1", "--save", "", "--dir", str(directory), *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.clients: list[WireClient] = []
        self.killed = False
        self._wait()

    def _wait(self) -> None:
        for _ in range(ATTEMPTS):
            assert self.process.poll() is None, self.log.read_text()
            try:
                probe = WireClient(socket.create_connection(("127.0.0.1", self.port)))
                probe.send(b"QUIT\r\n")
                assert probe.is_closed()
                return
            except ConnectionRefusedError:
                time.sleep(PAUSE)
        pytest.fail(f"the server does not listen: {self.log.read_text()}")

    def connect(self) -> WireClient:
        """A new connection, closed at the end of the test run's module at the latest."""
        client = WireClient(socket.create_connection(("127.0.0.1", self.port)))
        self.clients.append(client)
        return client

    def redis(self, **options: object) -> redis.Redis:
        """redis-py's client of this server."""
        return redis.Redis(port=self.port, **options)

    def kill(self) -> None:
        """Ends the server as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.killed = True

    def stop(self) -> None:
        """Ends the server; unless it was killed, it must not have ended before by a signal, which would be a crash."""
        for client in self.clients:
            client.close()
        if self.killed:
            return
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        assert code == 0, self.log.read_text()


class EmbeddedServer:
    """A store in this process that tests use as they use a ServerProcess."""

    def __init__(self) -> None:
        self.store = redracer.open()
        self.clients: list[WireClient] = []

    def connect(self) -> WireClient:
        """A new connection."""
        self.clients.append(EmbeddedClient(ReadableSession(self.store)))
        return self.clients[-1]

    def redis(self, **options: object) -> redis.Redis:
        """redis-py's client of this store."""
        return redracer.Redis(self.store, **options)

    def stop(self) -> None:
        """Closes the store."""
        self.store.close()
        log.set_level("notice")  # which a store silences


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ServerProcess]]:
    """Starts a server with the options given; it ends with the module."""
    servers: list[ServerProcess] = []

    def start(*options: str) -> ServerProcess:
        servers.append(ServerProcess(tmp_path_factory.mktemp("server"), *options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs the tests of a module that asks for it over several fronts (fronts.py)."""
    if "server" in metafunc.fixturenames and (found := fronts.parameters(metafunc)):
        metafunc.parametrize("server", found, indirect=True, scope="module")


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest,
    start_server: Callable[..., ServerProcess],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ServerProcess | EmbeddedServer]:
    """A server with default options, shared by the tests of a module, or another front that takes its place."""
    front = getattr(request, "param", fronts.TCP)
    if front == fronts.TCP:
        yield start_server()
        return
    directory = tmp_path_factory.mktemp(front)
    other = EmbeddedServer() if front == fronts.EMBEDDED else ServerProcess(directory, program="redis-server")
    yield other
    other.stop()


@pytest.fixture
def client(server: ServerProcess) -> Iterator[WireClient]:
    """A connection to the module's server."""
    connection = server.connect()
    yield connection
    server.clients.remove(connection)
    connection.close()
