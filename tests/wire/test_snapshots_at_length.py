"""Files cross both ways with a real server: a million keys of every type and encoding, and values of 100 MB."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.unit.types.test_rdb_values import VALUES
from tests.wire.conftest import ServerProcess, encoded, free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server is installed"),
]
KEYS = 1_000_000
BATCH = 2000
PATIENCE = 1200  # s
BIG = 100 << 20  # bytes


class Connection:
    """Sends many commands at once, and waits for as many replies."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(PATIENCE)
        self.reader = self.socket.makefile("rb")

    def send(self, commands):
        self.socket.sendall(b"".join(encoded(*command) for command in commands))
        return [self.reply() for _ in commands]

    def one(self, *command):
        return self.send([command])[0]

    def reply(self):
        line = self.reader.readline()
        assert not line.startswith(b"-"), line
        if line.startswith(b"$") and line != b"$-1\r\n":
            return self.reader.read(int(line[1:]) + 2)[:-2]
        if line.startswith(b"*"):
            return [self.reply() for _ in range(max(int(line[1:]), 0))]
        return line

    def when_loaded(self):
        """Waits until the data is there."""
        deadline = time.monotonic() + PATIENCE
        while b"\r\nloading:0" not in self.one("INFO", "persistence"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return self


def mixed(number):
    """A command that makes a key of each tenth of the numbers: strings, and small values of the other types."""
    key, kind = b"%d:\x00\xff" % number, number % 10
    if kind < 5:
        return [b"SET", b"string:" + key, b"value-%d" % number + b"x" * (number % 100)]
    if kind == 5:
        return [b"SET", b"expiring:" + key, b"%d" % (number * 7919), b"PXAT", b"4000000000000"]
    parts = [b"%d-%d" % (number, part) for part in range(8)]
    if kind == 6:
        return [b"HSET", b"hash:" + key, *parts]
    if kind == 7:
        return [b"RPUSH", b"list:" + key, *parts]
    if kind == 8:
        return [
            b"SADD",
            b"set:" + key,
            *(parts if number % 20 < 10 else [b"%d" % (number + at) for at in range(9)]),
        ]
    return [b"ZADD", b"zset:" + key, *[part for at in range(8) for part in (b"%d.5" % at, parts[at])]]


def fill(connection):
    for start in range(0, KEYS, BATCH):
        connection.send([mixed(number) for number in range(start, start + BATCH)])
    for name, commands in VALUES.items():
        connection.send([[part if part != b"k" else name.encode() for part in argv] for argv in commands])
    block = bytes(range(256)) * (BIG // 256)
    connection.one("SET", "big", block)
    connection.one("SET", "big-compressible", b"abcdefghij" * (BIG // 10))
    connection.one("HSET", "hash-of-big", "field", block[: BIG // 4], "other", "small")
    connection.one("RPUSH", "list-of-big", b"small", block[: BIG // 4], b"last")


def real(directory):
    port = free_port()
    options = ["--port", str(port), "--save", "", "--dir", str(directory), "--enable-debug-command", "yes"]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    for _ in range(1000):
        try:
            return process, Connection(port).when_loaded()
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("the real server does not listen")


def test_files_cross_at_length(tmp_path: Path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    process, connection = real(theirs)
    try:
        fill(connection)
        digest = connection.one("DEBUG", "DIGEST")
        connection.one("SAVE")
    finally:
        process.kill()
        process.wait()
    shutil.move(theirs / "dump.rdb", ours / "dump.rdb")
    server = ServerProcess(ours, "--enable-debug-command", "yes", "--rdb-version", "10")
    connection = Connection(server.port).when_loaded()
    assert connection.one("DEBUG", "DIGEST") == digest
    assert connection.one("STRLEN", "big") == b":%d\r\n" % BIG
    connection.one("BGSAVE")
    while b"rdb_bgsave_in_progress:0" not in connection.one("INFO", "persistence"):
        time.sleep(0.5)
    assert b"rdb_last_bgsave_status:ok" in connection.one("INFO", "persistence")
    server.process.kill()
    server.process.wait()
    subprocess.run(["redis-check-rdb", ours / "dump.rdb"], check=True, stdout=subprocess.DEVNULL)
    shutil.move(ours / "dump.rdb", theirs / "dump.rdb")
    process, connection = real(theirs)
    try:
        assert connection.one("DEBUG", "DIGEST") == digest
    finally:
        process.kill()
        process.wait()
