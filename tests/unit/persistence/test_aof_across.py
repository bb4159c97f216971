"""Append-only files cross both ways: what we write a real redis-server loads, and what it writes we load."""

import shutil
import socket
import subprocess
import time

import pytest
import redis

from tests.wire.conftest import ServerProcess, free_port

ATTEMPTS = 400
PAUSE = 0.05  # s
OPTIONS = ("--appendonly", "yes", "--appendfsync", "no", "--enable-debug-command", "yes", "--save", "")
FORMS = [("yes", "10"), ("no", "10")]  # aof-use-rdb-preamble; the RDB version that 7.0 reads


class Real:
    """A real redis-server in a directory."""

    def __init__(self, directory, *options):
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("no redis-server is installed to compare with")
        self.port = free_port()
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)]
        self.process = subprocess.Popen([*command, *OPTIONS, *options], stdout=subprocess.DEVNULL)
        for _ in range(ATTEMPTS):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except ConnectionRefusedError:
                assert self.process.poll() is None, "it does not load the file"
                time.sleep(PAUSE)

    def redis(self):
        return redis.Redis(port=self.port)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def started(tmp_path):
    servers = []

    def start(ours, *options):
        if servers:
            end(servers[-1])
        server = ServerProcess(tmp_path, *OPTIONS, *options) if ours else Real(tmp_path, *options)
        servers.append(server)
        client = server.redis()
        for _ in range(ATTEMPTS):
            try:
                client.ping()
                return client
            except redis.BusyLoadingError:
                time.sleep(PAUSE)
        pytest.fail("it loads for ever")

    yield start
    end(servers[-1])


def end(server):
    process = server.process
    process.kill()
    process.wait()


def fill(client, tag):
    """Every type that 7.0 knows, small and large, in two databases."""
    client.mset({f"{tag}:string:{i}": i * 37 for i in range(50)})
    client.set(f"{tag}:binary\r\n\x00", bytes(range(256)) * 20)
    client.pexpireat(f"{tag}:string:1", 9999999999999)
    for size in (3, 700):
        client.rpush(f"{tag}:list:{size}", *(f"item {i}" for i in range(size)))
        client.sadd(f"{tag}:numbers:{size}", *range(size))
        client.sadd(f"{tag}:set:{size}", *(f"member {i}" for i in range(size)))
        client.zadd(f"{tag}:sorted:{size}", {f"member {i}": i / 7 for i in range(size)})
        client.hset(f"{tag}:hash:{size}", mapping={f"field {i}": i for i in range(size)})
        for i in range(size):
            client.xadd(f"{tag}:stream:{size}", {"f": i, "g": "x"}, id=f"{i + 1}-1")
    client.xdel(f"{tag}:stream:3", "3-1")
    client.xgroup_create(f"{tag}:stream:700", "group", "5-1")
    client.xreadgroup("group", "consumer", {f"{tag}:stream:700": ">"}, count=7)
    client.pfadd(f"{tag}:hll", *range(500))
    client.set(f"{tag}:with ttl", 1, ex=10_000)
    client.getex(f"{tag}:string:2", ex=10_000)
    client.incrbyfloat(f"{tag}:string:3", 0.5)
    client.spop(f"{tag}:set:700", 5)
    client.hincrbyfloat(f"{tag}:hash:3", "field 1", 1.25)
    pipeline = client.pipeline(transaction=True)
    pipeline.incr(f"{tag}:a").incr(f"{tag}:b").lpush(f"{tag}:list:3", "more")
    pipeline.execute()
    client.execute_command("SELECT", 3)
    client.set(f"{tag}:elsewhere", 1)
    client.execute_command("SELECT", 0)


def rewritten(client):
    client.bgrewriteaof()
    for _ in range(ATTEMPTS):
        info = client.info("persistence")
        if not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]:
            assert info["aof_last_bgrewrite_status"] == "ok"
            return
        time.sleep(PAUSE)
    pytest.fail("the rewrite does not end")


@pytest.mark.parametrize(("preamble", "version"), FORMS)
def test_a_real_server_loads_ours_and_we_load_its(started, preamble, version, tmp_path):
    options = ("--aof-use-rdb-preamble", preamble)
    ours = started(True, *options, "--rdb-version", version)
    connection = redis.Redis(port=ours.get_connection_kwargs()["port"], single_connection_client=True)
    fill(connection, "ours")
    rewritten(connection)
    fill(connection, "ours after")
    digest = connection.execute_command("DEBUG", "DIGEST")
    program = shutil.which("redis-check-aof")
    if program is not None:
        manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
        checked = subprocess.run([program, str(manifest)], capture_output=True, check=False)
        assert checked.returncode == 0, checked.stdout.decode()
    theirs = started(False, *options)
    assert theirs.execute_command("DEBUG", "DIGEST") == digest
    connection = redis.Redis(port=theirs.get_connection_kwargs()["port"], single_connection_client=True)
    fill(connection, "theirs")
    rewritten(connection)
    fill(connection, "theirs after")
    digest = connection.execute_command("DEBUG", "DIGEST")
    ours = started(True, *options, "--rdb-version", version)
    assert ours.execute_command("DEBUG", "DIGEST") == digest
