"""MIGRATE between two servers, of ours and real ones."""

import pytest
import redis

from tests.wire.test_replication import eventually, ours, real  # noqa: F401


def migrate(source, target, *arguments):
    return source.execute_command("MIGRATE", "127.0.0.1", target.port, *arguments)


@pytest.mark.parametrize("kind", ["ours", "real"])
def test_keys_move_with_their_time_to_live(ours, kind, request):  # noqa: F811
    # The other way round the payloads of 8.2 are too new for 7.0.
    source, target = request.getfixturevalue(kind)(), ours()
    source.set("key", "value", px=100_000)
    source.rpush("list", *range(1000))
    assert migrate(source, target, "key", 2, 5000) == b"OK"
    assert migrate(source, target, "", 2, 5000, "KEYS", "missing", "list") == b"OK"
    assert migrate(source, target, "missing", 2, 5000) == b"NOKEY"
    assert source.dbsize() == 0
    assert target.info("keyspace")["db2"]["keys"] == 2
    target.execute_command("SELECT", 2)
    assert target.get("key") == b"value" and 90_000 < target.pttl("key") <= 100_000
    assert target.lrange("list", 0, -1) == [b"%d" % i for i in range(1000)]


def test_what_the_target_refuses_stays(ours):  # noqa: F811
    source, target = ours(), ours()
    source.mset({"a": 1, "b": 2, "c": 3})
    target.set("b", "busy")
    with pytest.raises(redis.ResponseError, match=r"Target instance replied with error: BUSYKEY"):
        migrate(source, target, "", 0, 5000, "KEYS", "a", "b", "c")
    assert source.keys() == [b"b"] and target.dbsize() == 3
    assert migrate(source, target, "b", 0, 5000, "COPY", "REPLACE") == b"OK"
    assert source.get("b") == target.get("b") == b"2"
    with pytest.raises(redis.ResponseError, match="empty string"):
        migrate(source, target, "b", 0, 5000, "KEYS", "b")
    with pytest.raises(redis.ResponseError, match="out of range"):
        migrate(source, target, "b", 99, 5000)
    assert source.info("stats")["migrate_cached_sockets"] == 1


def test_a_target_that_does_not_answer_or_wants_a_password(ours):  # noqa: F811
    source, target = ours(), ours("--requirepass", "secret")
    source.set("key", 1)
    with pytest.raises(redis.ResponseError, match="NOAUTH"):
        migrate(source, target, "key", 0, 5000)
    with pytest.raises(redis.ResponseError, match="WRONGPASS"):
        migrate(source, target, "key", 0, 5000, "AUTH", "wrong")
    assert migrate(source, target, "key", 0, 5000, "COPY", "AUTH", "secret") == b"OK"
    assert migrate(source, target, "key", 0, 5000, "COPY", "REPLACE", "AUTH2", "default", "secret") == b"OK"
    with pytest.raises(redis.ResponseError, match="IOERR error or timeout connecting"):
        source.execute_command("MIGRATE", "127.0.0.1", 1, "key", 0, 1000)
    assert source.get("key") == b"1"


def test_replicas_get_the_deletion(ours):  # noqa: F811
    source, target, replica = ours(), ours(), ours()
    source.mset({"a": 1, "b": 2})
    replica.follow(source)
    replica.wait_for_link()
    migrate(source, target, "", 0, 5000, "KEYS", "a", "none")
    eventually(lambda: replica.keys() == [b"b"], lambda: replica.keys())
    assert not replica.info("stats")["unexpected_error_replies"]
