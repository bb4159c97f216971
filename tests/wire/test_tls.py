"""Encrypted clients: with redis-py, redis-cli and Python's ssl, and what the options refuse."""

import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from tests.wire.certificates import make_authority, make_certificate
from tests.wire.conftest import ServerProcess, WireClient, encoded, free_port


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Certificates of two authorities; `locked` has a key that needs the password `secret`."""
    directory = tmp_path_factory.mktemp("certificates")
    make_authority(directory)
    make_authority(directory, "other")
    make_certificate(directory, "server")
    make_certificate(directory, "client")
    make_certificate(directory, "stranger", "other")
    make_certificate(directory, "locked", password="secret")
    return directory


def options(folder: Path, port: int, certificate: str = "server") -> list[str]:
    return [
        *("--tls-port", str(port)),
        *("--tls-cert-file", str(folder / f"{certificate}.crt")),
        *("--tls-key-file", str(folder / f"{certificate}.key")),
        *("--tls-ca-cert-file", str(folder / "ca.crt")),
    ]


@pytest.fixture(scope="module", params=["epoll", "asyncio"])
def server(request, folder, start_server):
    """A server that takes plain and encrypted clients; without epoll, asyncio carries the plain ones as well."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDRACER_EVENT_LOOP", request.param)
        started = start_server(*options(folder, port := free_port()))
    started.tls_port = port
    return started


def client_context(folder: Path, certificate: str | None = "client") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.crt", folder / f"{certificate}.key")
    return context


def connect(server: ServerProcess, context: ssl.SSLContext) -> WireClient:
    plain = socket.create_connection(("127.0.0.1", server.tls_port))
    client = WireClient(context.wrap_socket(plain, server_hostname="127.0.0.1"))
    server.clients.append(client)
    return client


@pytest.fixture
def client(server, folder):
    return connect(server, client_context(folder))


def redis_over_tls(server: ServerProcess, folder: Path, **more) -> redis.Redis:
    return redis.Redis(
        port=server.tls_port,
        ssl=True,
        ssl_ca_certs=str(folder / "ca.crt"),
        ssl_certfile=str(folder / "client.crt"),
        ssl_keyfile=str(folder / "client.key"),
        **more,
    )


class TestTalking:
    def test_a_request_and_its_reply(self, client):
        assert client.request("SET", "key", "value") == b"+OK\r\n"
        assert client.request("GET", "key") == b"$5\r\nvalue\r\n"

    def test_pipelines_of_any_chunking(self, client):
        sent = b"".join(encoded("ECHO", f"word {i}") for i in range(3000))
        for start in range(0, len(sent), 7001):
            client.send(sent[start : start + 7001])
        for i in range(3000):
            assert client.reply().endswith(b"word %d\r\n" % i)

    def test_values_of_megabytes_both_ways(self, client):
        value = bytes(range(256)) * 40_000
        assert client.request("SET", "large", value) == b"+OK\r\n"
        assert client.request("GET", "large") == b"$%d\r\n%b\r\n" % (len(value), value)

    def test_a_client_that_reads_late_gets_everything(self, client):
        client.request("SET", "large", b"x" * 1_000_000)
        client.send(encoded("GET", "large") * 30 + encoded("PING"))
        for _ in range(30):
            assert len(client.reply()) == 1_000_012
        assert client.reply() == b"+PONG\r\n"

    def test_blocked_and_freed_by_a_client_of_the_other_kind(self, server, client):
        client.send(encoded("BLPOP", "queue", "0") + encoded("PING"))
        plain = server.connect()
        while b"blocked_clients:1" not in plain.request("INFO", "clients"):
            time.sleep(0.01)
        assert plain.request("RPUSH", "queue", "item") == b":1\r\n"
        assert client.reply() == b"*2\r\n$5\r\nqueue\r\n$4\r\nitem\r\n"
        assert client.reply() == b"+PONG\r\n"

    def test_a_client_may_be_killed(self, server, client):
        number = int(client.request("CLIENT", "ID")[1:])
        assert server.connect().request("CLIENT", "KILL", "ID", number) == b":1\r\n"
        assert client.is_closed()

    def test_quit_answers_and_closes(self, client):
        assert client.request("QUIT") == b"+OK\r\n"
        assert client.is_closed()

    def test_a_breach_of_the_protocol_is_answered(self, client):
        client.send(b"*1\r\n+PING\r\n")
        assert client.reply() == b"-ERR Protocol error: expected '$', got '+'\r\n"
        assert client.is_closed()

    def test_redis_py_and_its_pipelines(self, server, folder):
        with redis_over_tls(server, folder, protocol=3) as client:
            with client.pipeline(transaction=False) as pipeline:
                for _ in range(1000):
                    pipeline.incr("counter")
                assert pipeline.execute()[-1] - 999 >= 1
            assert client.config_get("tls-port") == {"tls-port": str(server.tls_port)}

    @pytest.mark.skipif(shutil.which("redis-cli") is None, reason="needs redis-cli")
    def test_redis_cli(self, server, folder):
        files = [
            "--cacert",
            folder / "ca.crt",
            "--cert",
            folder / "client.crt",
            "--key",
            folder / "client.key",
        ]
        command = ["redis-cli", "-p", str(server.tls_port), "--tls", *map(str, files), "PING"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if "Unrecognized option" in found.stderr:
            pytest.skip("redis-cli was built without TLS")
        assert found.stdout == "PONG\n", found.stderr

    def test_info_says_where_it_listens(self, server):
        listening = f"listener2:name=tls,bind=127.0.0.1,port={server.tls_port}"
        assert listening.encode() in server.connect().request("INFO", "server")

    def test_connections_leave_nothing_behind(self, server, folder):
        def come_and_go(count):
            for _ in range(count):
                passing = connect(server, client_context(folder))
                passing.request("PING")
                server.clients.pop().close()
            while b"connected_clients:1\r\n" not in plain.request("INFO", "clients"):
                time.sleep(0.01)

        for client in server.clients:
            client.close()
        plain = server.connect()
        resident = Path(f"/proc/{server.process.pid}/statm")
        come_and_go(60)
        before = int(resident.read_text().split()[1])
        come_and_go(300)
        # A connection takes about 1000 bytes of objects apart from its buffers; one page is 4096.
        assert int(resident.read_text().split()[1]) - before < 40


class TestAuthentication:
    def test_without_a_certificate_nobody_comes_in(self, server, folder):
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
            connect(server, client_context(folder, None)).request("PING")

    def test_a_certificate_of_another_authority_is_refused(self, server, folder):
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
            connect(server, client_context(folder, "stranger")).request("PING")

    def test_optional_takes_clients_without_one_but_no_strangers(self, server, folder):
        plain = server.connect()
        assert plain.request("CONFIG", "SET", "tls-auth-clients", "optional") == b"+OK\r\n"
        assert connect(server, client_context(folder, None)).request("PING") == b"+PONG\r\n"
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
            connect(server, client_context(folder, "stranger")).request("PING")
        assert plain.request("CONFIG", "SET", "tls-auth-clients", "no") == b"+OK\r\n"
        assert connect(server, client_context(folder, "stranger")).request("PING") == b"+PONG\r\n"
        assert plain.request("CONFIG", "SET", "tls-auth-clients", "yes") == b"+OK\r\n"

    def test_plain_text_sent_to_the_port_of_tls_harms_nobody(self, server, folder):
        stray = WireClient(socket.create_connection(("127.0.0.1", server.tls_port)))
        server.clients.append(stray)
        stray.send(encoded("PING"))
        assert stray.is_closed()
        assert connect(server, client_context(folder)).request("PING") == b"+PONG\r\n"


class TestOptions:
    def test_protocols(self, server, folder):
        plain = server.connect()
        assert plain.request("CONFIG", "SET", "tls-protocols", "TLSv1.2") == b"+OK\r\n"
        old = connect(server, client_context(folder))
        assert old.socket.version() == "TLSv1.2"
        modern = client_context(folder)
        modern.minimum_version = ssl.TLSVersion.TLSv1_3
        with pytest.raises(ssl.SSLError):
            connect(server, modern)
        assert plain.request("CONFIG", "SET", "tls-protocols", "") == b"+OK\r\n"
        assert connect(server, modern).socket.version() == "TLSv1.3"
        assert old.request("PING") == b"+PONG\r\n"

    def test_ciphers_and_who_prefers(self, server, folder):
        plain = server.connect()
        chosen = "ECDHE-ECDSA-AES128-GCM-SHA256"
        settings = ["tls-ciphers", chosen, "tls-protocols", "TLSv1.2", "tls-prefer-server-ciphers", "yes"]
        assert plain.request("CONFIG", "SET", *settings) == b"+OK\r\n"
        assert connect(server, client_context(folder)).socket.cipher()[0] == chosen
        back = ["tls-ciphers", "", "tls-protocols", "", "tls-prefer-server-ciphers", "no"]
        assert plain.request("CONFIG", "SET", *back) == b"+OK\r\n"

    @pytest.mark.parametrize(
        "setting",
        [
            ("tls-cert-file", "missing.crt"),
            ("tls-protocols", "TLSv9"),
            ("tls-ciphers", "NOTHING"),
            ("tls-ca-cert-file", ""),
        ],
    )
    def test_what_makes_no_context_is_refused_and_all_stays(self, server, folder, setting):
        plain = server.connect()
        before = plain.request("CONFIG", "GET", setting[0])
        assert b"Unable to update TLS configuration. Check server logs." in plain.request(
            "CONFIG", "SET", *setting
        )
        assert plain.request("CONFIG", "GET", setting[0]) == before
        assert connect(server, client_context(folder)).request("PING") == b"+PONG\r\n"

    def test_another_certificate_with_a_password_is_served_at_once(self, server, folder):
        plain = server.connect()
        names = ["tls-cert-file", folder / "locked.crt", "tls-key-file", folder / "locked.key"]
        change = [*map(str, names), "tls-key-file-pass", "secret"]
        assert plain.request("CONFIG", "SET", *change) == b"+OK\r\n"
        served = connect(server, client_context(folder)).socket.getpeercert()
        assert served["subject"] == ((("commonName", "locked"),),)
        names = ["tls-cert-file", folder / "server.crt", "tls-key-file", folder / "server.key"]
        assert plain.request("CONFIG", "SET", *map(str, names), "tls-key-file-pass", "") == b"+OK\r\n"

    def test_the_port_moves(self, server, folder):
        plain = server.connect()
        assert plain.request("CONFIG", "SET", "tls-port", "0") == b"+OK\r\n"
        with pytest.raises(ConnectionRefusedError):
            connect(server, client_context(folder))
        assert plain.request("CONFIG", "SET", "tls-port", server.tls_port) == b"+OK\r\n"
        assert connect(server, client_context(folder)).request("PING") == b"+PONG\r\n"


class TestReplication:
    def test_a_replica_follows_over_tls(self, server, folder, start_server):
        primary = server.connect()
        assert primary.request("SET", "before", "1") == b"+OK\r\n"
        link = ["--tls-replication", "yes", "--replicaof", f"127.0.0.1 {server.tls_port}"]
        replica = start_server(*options(folder, 0, "client"), *link).connect()
        while b"master_link_status:up" not in replica.request("INFO", "replication"):
            time.sleep(0.05)
        assert primary.request("SET", "after", "2") == b"+OK\r\n"
        while replica.request("GET", "after") != b"$1\r\n2\r\n":
            time.sleep(0.05)
        assert replica.request("GET", "before") == b"$1\r\n1\r\n"


class TestStart:
    def test_without_a_certificate_it_does_not_start(self, tmp_path):
        command = [
            str(Path(sys.prefix) / "bin" / "redracer-server"),
            "--port",
            "0",
            "--tls-port",
            str(free_port()),
        ]
        found = subprocess.run([*command, "--dir", str(tmp_path)], capture_output=True, text=True, timeout=60)
        assert found.returncode == 1
        assert "No tls-cert-file configured!" in found.stdout
        assert "Failed to configure TLS. Check logs for more info." in found.stdout
