"""Replication over sockets: ours with ours, and with a real redis-server above and below where one is installed."""

import os
import shutil
import signal
import socket
import subprocess
import time

import pytest
import redis

from tests.wire.conftest import PATIENCE, free_port

OURS = ("--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes")
REAL = shutil.which("redis-server")


def eventually(condition, why):
    """Polls until the condition is true; fails with what `why()` tells."""
    for _ in range(int(PATIENCE / 0.05)):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(str(why()))


def listens(port):
    """Whether somebody listens at this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Node:
    """A server, ours or a real one, seen through redis-py."""

    def __init__(self, port):
        self.port = port
        self.client = redis.Redis(port=port)

    def __getattr__(self, name):
        return getattr(self.client, name)

    def follow(self, other):
        self.client.replicaof("127.0.0.1", other.port)

    def linked(self):
        return self.client.info("replication").get("master_link_status") == "up"

    def place(self):
        return self.client.info("replication")["master_repl_offset"]

    def digest(self):
        return self.client.execute_command("DEBUG", "DIGEST")

    def wait_for_link(self):
        eventually(self.linked, lambda: self.client.info("replication"))

    def wait_until_like(self, other):
        eventually(lambda: self.digest() == other.digest(), lambda: (self.keys(), other.keys()))


@pytest.fixture
def ours(start_server):
    return lambda *options: Node(start_server(*OURS, *options).port)


@pytest.fixture
def real(tmp_path):
    if REAL is None:
        pytest.skip("no redis-server is installed")
    processes = []

    def start(*options):
        for _ in range(5):  # somebody else may have taken the port meanwhile
            port = free_port()
            directory = tmp_path / str(port)
            directory.mkdir()
            arguments = ["--port", str(port), "--save", "", "--dir", str(directory), *OURS, *options]
            process = subprocess.Popen([REAL, *arguments], stdout=subprocess.DEVNULL)
            processes.append(process)
            eventually(
                lambda process=process, port=port: process.poll() is not None or listens(port),
                lambda: "it does neither",
            )
            if process.poll() is None:
                return Node(port)
        return pytest.fail("no port is free")

    yield start
    for process in processes:
        process.terminate()
        process.wait()


@pytest.fixture(params=["ours-ours", "ours-real", "real-ours"])
def pair(request, ours):
    """(primary, replica), not linked yet."""
    above, below = (
        ours if side == "ours" else request.getfixturevalue("real") for side in request.param.split("-")
    )
    return above(), below()


def fill(node, number=0):
    pipeline = node.pipeline(transaction=False)
    for i in range(100):
        pipeline.set(f"string:{i}", i * number)
        pipeline.rpush(f"list:{i % 7}", i, number)
        pipeline.hset(f"hash:{i % 5}", f"field:{i}", number)
        pipeline.sadd(f"set:{i % 3}", i, f"member:{number}")
        pipeline.zadd("board", {f"member:{i}": i / 7 + number})
        pipeline.xadd("log", {"number": number})
    pipeline.set("soon", 1, px=3_600_000)
    pipeline.incrbyfloat("float", 0.1)
    pipeline.spop("set:1")
    pipeline.execute()


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_snapshot_then_the_stream(pair, diskless):
    primary, replica = pair
    primary.config_set("repl-diskless-sync", diskless)
    fill(primary)
    replica.set("gone", 1)
    replica.follow(primary)
    fill(primary, 1)
    replica.wait_for_link()
    fill(primary, 2)
    replica.wait_until_like(primary)
    assert not replica.exists("gone")
    assert primary.wait(1, 10_000) == 1
    eventually(lambda: replica.place() == primary.place(), lambda: (replica.place(), primary.place()))


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--rdb-del-sync-files", "yes", "--save", ""), False),
        (("--rdb-del-sync-files", "no", "--save", ""), True),
        (("--rdb-del-sync-files", "yes", "--save", "3600 1"), True),
        (("--rdb-del-sync-files", "yes", "--save", "", "--appendonly", "yes"), True),
    ],
)
def test_a_replica_that_keeps_nothing_leaves_no_file(ours, tmp_path, options, left):
    primary = ours()
    fill(primary)
    replica = ours(*options, "--dir", str(tmp_path))
    replica.follow(primary)
    replica.wait_for_link()
    replica.wait_until_like(primary)
    assert (tmp_path / "dump.rdb").exists() is left
    assert not list(tmp_path.glob("temp-*.rdb"))  # the log may be in the middle of a rewrite


def test_a_broken_link_goes_on_where_it_was(pair):
    primary, replica = pair
    replica.follow(primary)
    replica.wait_for_link()
    fill(primary)
    before = primary.info("stats")
    primary.client_kill_filter(_type="replica")
    fill(primary, 1)
    eventually(
        lambda: primary.info("stats")["sync_partial_ok"] == before["sync_partial_ok"] + 1,
        lambda: primary.info("stats"),
    )
    replica.wait_until_like(primary)
    assert primary.info("stats")["sync_full"] == before["sync_full"]


def test_an_ended_link_is_down_for_whoever_asks_next(ours):
    primary, replica = ours(), ours()
    replica.follow(primary)
    replica.wait_for_link()
    process = replica.info("server")["process_id"]
    with socket.create_connection(("127.0.0.1", replica.port)) as connection:
        connection.settimeout(PATIENCE)
        os.kill(process, signal.SIGSTOP)  # so that the end of the link and the question are there at once
        try:
            primary.client_kill_filter(_type="replica")
            connection.sendall(b"INFO replication\r\nROLE\r\n")
        finally:
            os.kill(process, signal.SIGCONT)
        told = b""
        while b"slave\r\n" not in told or not told.endswith(b"\r\n:-1\r\n"):
            told += connection.recv(1 << 16)
    assert b"master_link_status:down" in told and b"\r\nconnect\r\n" in told
    replica.wait_for_link()
    assert primary.info("stats")["sync_partial_ok"] == 1


def test_a_replica_refuses_writes_until_it_is_promoted(pair):
    primary, replica = pair
    replica.follow(primary)
    replica.wait_for_link()
    with pytest.raises(redis.exceptions.ReadOnlyError):
        replica.set("key", 1)
    primary.set("key", 2)
    assert primary.wait(1, 10_000) == 1
    history = replica.info("replication")["master_replid"]
    replica.replicaof("NO", "ONE")
    told = replica.info("replication")
    assert told["role"] == "master" and told["master_replid2"] == history != told["master_replid"]
    replica.set("key", 3)
    assert (primary.get("key"), replica.get("key")) == (b"2", b"3")


def test_transactions_and_databases_cross_whole(pair):
    primary, replica = pair
    primary.select(3)
    replica.follow(primary)
    replica.wait_for_link()
    for number in range(50):
        pipeline = primary.pipeline(transaction=True)
        pipeline.incr("a").incrby("b", 2).set("last", number)
        pipeline.execute()
    replica.wait_until_like(primary)
    replica.select(3)
    assert (replica.get("a"), replica.get("b")) == (b"50", b"100")


def test_keys_expire_by_the_primary_alone(ours):
    primary, replica = ours(), ours()
    replica.follow(primary)
    replica.wait_for_link()
    primary.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    primary.set("key", 1, px=50)
    assert primary.wait(1, 10_000) == 1
    eventually(lambda: replica.get("key") is None, lambda: replica.ttl("key"))
    assert replica.dbsize() == 1  # it is only not shown
    assert primary.get("key") is None
    eventually(lambda: replica.dbsize() == 0, replica.keys)


def test_a_chain_survives_the_loss_of_its_head(ours):
    head, middle, tail = ours(), ours(), ours()
    middle.follow(head)
    middle.wait_for_link()
    tail.follow(middle)
    tail.wait_for_link()
    fill(head)
    tail.wait_until_like(head)
    full = middle.info("stats")["sync_full"]
    middle.replicaof("NO", "ONE")
    fill(middle, 1)
    tail.wait_for_link()
    tail.wait_until_like(middle)
    assert middle.info("stats")["sync_full"] == full
    head.follow(tail)  # which knows the history up to where they parted
    head.wait_for_link()
    head.wait_until_like(middle)
    assert tail.info("stats")["sync_full"] == 0


def test_failover_hands_the_role_over_without_a_snapshot(ours):
    primary, replica = ours(), ours()
    replica.follow(primary)
    replica.wait_for_link()
    fill(primary)
    primary.execute_command("FAILOVER", "TO", "127.0.0.1", replica.port, "TIMEOUT", "20000")
    eventually(
        lambda: replica.role()[0] == b"master" and primary.linked(), lambda: (replica.role(), primary.role())
    )
    replica.set("key", "new")
    primary.wait_until_like(replica)
    assert replica.info("stats")["sync_full"] == 0
    eventually(
        lambda: primary.info("replication")["master_failover_state"] == "no-failover",
        lambda: primary.info("replication"),
    )


def test_writes_need_enough_replicas(ours):
    primary, replica = ours("--min-replicas-to-write", "1"), ours()
    with pytest.raises(redis.exceptions.ResponseError, match="NOREPLICAS"):
        primary.set("key", 1)
    replica.follow(primary)
    replica.wait_for_link()
    eventually(lambda: primary.info("replication")["min_slaves_good_slaves"] == 1, primary.role)
    assert primary.set("key", 1)


def test_wait_counts_and_gives_up(ours):
    primary = ours()
    assert primary.wait(0, 10_000) == 0
    assert primary.wait(1, 50) == 0
    with pytest.raises(redis.exceptions.ResponseError, match="timeout is out of range"):
        primary.wait(1, 2**63 - 1)
    replica = ours()
    replica.follow(primary)
    replica.wait_for_link()
    primary.set("key", 1)
    assert primary.wait(1, 10_000) == 1
    assert primary.wait(2, 50) == 1
    with pytest.raises(redis.exceptions.ResponseError, match="WAIT cannot be used with replica"):
        replica.wait(1, 10)


def test_a_snapshot_for_a_client_that_only_wants_that(ours, tmp_path):
    if shutil.which("redis-cli") is None:
        pytest.skip("no redis-cli is installed")
    primary = ours()
    fill(primary)
    path = tmp_path / "copy.rdb"
    subprocess.run(
        ["redis-cli", "-p", str(primary.port), "--rdb", str(path)], check=True, capture_output=True
    )
    assert path.read_bytes().startswith(b"REDIS0012")
    eventually(lambda: primary.info("replication")["connected_slaves"] == 0, primary.role)


def test_a_replica_that_starts_again_goes_on_where_it_was(ours, start_server, tmp_path):
    primary = ours()
    options = (*OURS, "--dir", str(tmp_path), "--replicaof", f"127.0.0.1 {primary.port}")
    first = start_server(*options)
    replica = Node(first.port)
    replica.wait_for_link()
    fill(primary)
    replica.wait_until_like(primary)
    replica.save()
    first.kill()
    fill(primary, 1)
    before = primary.info("stats")["sync_full"]
    again = Node(start_server(*options).port)
    again.wait_for_link()
    again.wait_until_like(primary)
    assert primary.info("stats")["sync_full"] == before


def test_a_replica_keeps_a_log_of_what_its_primary_sends(ours, start_server, tmp_path):
    primary = ours()
    fill(primary)
    first = start_server(*OURS, "--dir", str(tmp_path), "--appendonly", "yes", "--appendfsync", "always")
    replica = Node(first.port)
    replica.follow(primary)
    replica.wait_for_link()
    fill(primary, 1)
    replica.wait_until_like(primary)
    eventually(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == 0, replica.info)
    assert primary.execute_command("WAITAOF", 0, 1, 4_000) == [0, 1]
    first.kill()
    again = Node(start_server(*OURS, "--dir", str(tmp_path), "--appendonly", "yes").port)
    again.wait_until_like(primary)


def test_a_writable_replica_ends_its_own_keys(ours):
    primary, replica = ours(), ours()
    replica.follow(primary)
    replica.wait_for_link()
    replica.config_set("replica-read-only", "no")
    primary.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    primary.set("theirs", 1, px=1)
    replica.set("ours", 1, px=50)
    eventually(lambda: replica.info("stats")["expired_keys"] == 1, replica.info)
    eventually(lambda: replica.dbsize() == 1, replica.keys)
    assert replica.exists("theirs") == 0
