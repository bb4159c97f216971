"""Snapshots that a replica loads while they come in, and what it serves meanwhile; errors that nobody reads."""

import socket
import time

import pytest
import redis

from tests.wire.test_replication import eventually, fill, ours, pair, real  # noqa: F401

LIBRARY = """#!lua name=l
redis.register_function{function_name='f', callback=function() return 1 end, flags={'no-writes'}}"""
LARGE = 300_000  # bytes: more than a read, so that a value comes in pieces


@pytest.mark.parametrize("mode", ["on-empty-db", "swapdb"])
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_snapshot_is_loaded_as_it_comes(pair, mode, diskless):  # noqa: F811
    primary, replica = pair
    primary.config_set("repl-diskless-sync", diskless)
    replica.config_set("repl-diskless-load", mode)
    fill(primary, 1)
    for i in range(20):
        primary.set(f"large:{i}", bytes([i]) * LARGE)
        primary.rpush("large list", *(bytes([i, j]) * 100 for j in range(200)))
    if mode == "swapdb":
        replica.set("of before", 1)
    replica.follow(primary)
    replica.wait_for_link()
    replica.wait_until_like(primary)
    fill(primary, 2)
    replica.wait_until_like(primary)


def slow_primary(primary):
    """It writes a key of its snapshots every 50 ms."""
    fill(primary)
    primary.config_set("rdb-key-save-delay", 50_000)


def test_the_old_data_is_back_if_the_new_does_not_come(ours):  # noqa: F811
    primary, replica = ours(), ours("--repl-diskless-load", "swapdb")
    slow_primary(primary)
    replica.set("old", "value")
    replica.execute_command("FUNCTION", "LOAD", LIBRARY)
    replica.follow(primary)
    eventually(lambda: replica.info("persistence")["loading"] == 1, lambda: replica.info("persistence"))
    with pytest.raises(redis.exceptions.BusyLoadingError):
        replica.get("old")
    primary.config_set("repl-diskless-sync-delay", 1000)
    primary.client_kill_filter(_type="replica")
    eventually(lambda: replica.info("persistence")["loading"] == 0, lambda: replica.info("persistence"))
    assert replica.get("old") == b"value"
    assert replica.execute_command("FCALL_RO", "f", 0) == 1


def test_a_snapshot_of_the_same_history_is_loaded_behind_the_old_data(ours):  # noqa: F811
    primary, replica = ours(), ours("--repl-diskless-load", "swapdb")
    primary.config_set("repl-backlog-size", 16384)
    fill(primary)
    replica.follow(primary)
    replica.wait_for_link()
    replica.wait_until_like(primary)
    primary.config_set("rdb-key-save-delay", 50_000)
    pipeline = primary.pipeline(transaction=True)
    pipeline.execute_command("CLIENT", "KILL", "TYPE", "replica")
    for i in range(20):
        pipeline.set(f"new:{i}", b"x" * 16384)
    pipeline.execute()
    eventually(lambda: replica.info("persistence")["async_loading"] == 1, lambda: replica.info("persistence"))
    assert replica.info("persistence")["loading"] == 0
    assert replica.get("string:1") == b"0" and not replica.exists("new:1")
    with pytest.raises(redis.exceptions.BusyLoadingError):
        replica.replicaof("NO", "ONE")
    eventually(lambda: replica.exists("new:1"), lambda: replica.info("persistence"))
    replica.wait_until_like(primary)


def test_in_place_nothing_is_left_of_half_a_snapshot(ours):  # noqa: F811
    primary, replica = ours(), ours("--repl-diskless-load", "on-empty-db")
    slow_primary(primary)
    replica.follow(primary)
    eventually(lambda: replica.info("persistence")["loading"] == 1, lambda: replica.info("persistence"))
    primary.config_set("repl-diskless-sync-delay", 1000)
    primary.client_kill_filter(_type="replica")
    eventually(lambda: replica.info("persistence")["loading"] == 0, lambda: replica.info("persistence"))
    assert replica.dbsize() == 0


def test_bytes_of_replication_are_counted(ours):  # noqa: F811
    primary, replica = ours(), ours()
    fill(primary)
    replica.follow(primary)
    replica.wait_for_link()
    replica.wait_until_like(primary)
    sent = primary.info("stats")["total_net_repl_output_bytes"]
    received = replica.info("stats")["total_net_repl_input_bytes"]
    assert 0 < sent <= received + 200  # that is: about
    primary.set("more", "x" * 1000)
    eventually(
        lambda: replica.info("stats")["total_net_repl_input_bytes"] >= received + 1000,
        lambda: replica.info("stats"),
    )


def test_an_error_reply_to_the_primary_is_counted_and_logged(ours):  # noqa: F811
    primary, replica = ours(), ours("--replica-read-only", "no")
    replica.follow(primary)
    replica.wait_for_link()
    replica.set("number", "text")
    primary.incr("number")
    primary.set("behind", 1)
    eventually(lambda: replica.exists("behind"), lambda: replica.keys())
    assert replica.info("stats")["unexpected_error_replies"] == 1
    assert replica.get("number") == b"text"


def test_a_replica_that_asks_for_something_else_is_disconnected(ours):  # noqa: F811
    primary = ours()
    with socket.create_connection(("127.0.0.1", primary.port)) as connection:
        connection.settimeout(30)
        connection.sendall(b"PSYNC ? x\r\n")
        assert connection.recv(1000) == b"-ERR value is not an integer or out of range\r\n"
        connection.sendall(b"PSYNC ? -1\r\n")
        assert connection.recv(1000).startswith(b"+FULLRESYNC ")
        connection.sendall(b"GET key\r\n")
        began = time.monotonic()
        while connection.recv(1 << 16):
            assert time.monotonic() - began < 30
    eventually(lambda: not primary.info("replication")["connected_slaves"], lambda: primary.client_list())


def test_nobody_waits_for_keys_of_a_new_replica(ours):  # noqa: F811
    primary, replica = ours(), ours()
    with socket.create_connection(("127.0.0.1", replica.port)) as waiting:
        waiting.settimeout(30)
        waiting.sendall(b"BLPOP list 0\r\n")
        eventually(lambda: replica.info("clients")["blocked_clients"] == 1, lambda: replica.client_list())
        replica.follow(primary)
        assert waiting.recv(1000).startswith(b"-UNBLOCKED ")
        assert waiting.recv(1000) == b""


def test_a_replica_hides_expired_fields_and_keeps_them(ours):  # noqa: F811
    primary, replica = ours(), ours()
    primary.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    replica.follow(primary)
    replica.wait_for_link()
    primary.hset("hash", mapping={"gone": 1, "there": 2})
    primary.execute_command("HPEXPIRE", "hash", 1, "FIELDS", 1, "gone")
    primary.set("behind", 1)
    eventually(lambda: replica.exists("behind"), lambda: replica.keys())
    eventually(lambda: replica.hget("hash", "gone") is None, lambda: replica.hgetall("hash"))
    assert replica.hgetall("hash") == {b"there": b"2"}
    assert replica.hkeys("hash") == [b"there"] and not replica.hexists("hash", "gone")
    assert set(replica.hrandfield("hash", -50)) == {b"there"} == {replica.hrandfield("hash")}
    assert replica.hscan("hash")[1] == {b"there": b"2"}
    assert replica.hlen("hash") == 2  # as in Redis: the field is there, and its primary's to remove
    assert replica.digest() == primary.digest()


@pytest.mark.parametrize("mode", ["disabled", "swapdb"])
def test_a_replica_of_a_replica_goes_on_in_the_right_database(ours, mode):  # noqa: F811
    head, middle, last = ours(), ours(), ours("--repl-diskless-load", mode)
    middle.follow(head)
    middle.wait_for_link()
    head.execute_command("SELECT", 2)
    head.set("first", 1)
    eventually(lambda: middle.execute_command("DBSIZE") or middle.digest() == head.digest(), lambda: "")
    last.follow(middle)
    last.wait_for_link()
    head.set("second", 2)  # no SELECT comes before this
    last.wait_until_like(head)
    assert last.info("keyspace") == {"db2": last.info("keyspace")["db2"]}


def test_a_paused_replica_keeps_what_comes_for_later(ours):  # noqa: F811
    primary, replica = ours(), ours()
    replica.follow(primary)
    replica.wait_for_link()
    replica.execute_command("CLIENT", "PAUSE", 1_000_000, "WRITE")
    primary.set("key", 1)
    eventually(
        lambda: replica.info("replication")["slave_read_repl_offset"] == primary.place(),
        lambda: replica.info("replication"),
    )
    assert replica.get("key") is None
    replica.client_unpause()
    replica.wait_until_like(primary)


def test_until_another_primary_has_sent_its_data_one_can_go_back(ours):  # noqa: F811
    first, second, middle, last = ours(), ours(), ours(), ours()
    first.set("key", 1)
    second.mset({f"other:{number}": number for number in range(20)})
    slow_primary(second)
    middle.follow(first)
    middle.wait_for_link()
    last.follow(middle)
    last.wait_for_link()
    middle.follow(second)
    eventually(
        lambda: middle.info("replication")["master_sync_in_progress"], lambda: middle.info("replication")
    )
    assert last.linked()
    middle.follow(first)
    middle.wait_for_link()
    first.set("key", 2)
    last.wait_until_like(first)
    assert first.info("stats")["sync_full"] == 1 and first.info("stats")["sync_partial_ok"] == 1
    found = middle.info("stats")
    assert (found["sync_full"], found["sync_partial_ok"]) == (1, 0)
    second.config_set("rdb-key-save-delay", 0)


def test_a_replica_that_is_behind_less_than_the_backlog_is_kept(ours):  # noqa: F811
    primary, replica = ours("--repl-backlog-size", "100mb"), ours()
    primary.config_set("client-output-buffer-limit", "replica 512k 0 0")
    replica.follow(primary)
    replica.wait_for_link()
    large = "x" * 10_000_000
    transaction = primary.pipeline(transaction=True)
    transaction.execute_command("CLIENT", "KILL", "TYPE", "replica")
    transaction.set("one", large)
    transaction.set("other", large)
    transaction.execute()
    primary.set("third", large)
    replica.wait_until_like(primary)
    found = primary.info("stats")
    assert (found["sync_full"], found["sync_partial_ok"]) == (1, 1)
