"""redis-py's clients on a store in this process."""

import asyncio
import threading
import time

import pytest

import redracer
import redracer.asyncio

redis = pytest.importorskip("redis")


@pytest.fixture(params=[2, 3])
def client(request):
    with redracer.Redis(protocol=request.param, decode_responses=True) as client:
        yield client


def test_commands_and_pipelines(client):
    assert client.set("key", "value", ex=60) is True and client.get("key") == "value"
    assert client.hset("hash", mapping={"a": 1, "b": 2.5}) == 2
    assert client.hgetall("hash") == {"a": "1", "b": "2.5"}
    assert client.zadd("board", {"ann": 1.5}) == 1 and client.zscore("board", "ann") == 1.5
    assert client.xadd("log", {"event": "login"}, id="1-1") == "1-1"
    assert client.xrange("log") == [("1-1", {"event": "login"})]
    assert client.info("server")["redis_version"].startswith("8.2")
    with client.pipeline() as pipeline:
        assert pipeline.incr("n").incr("n").get("n").execute() == [1, 2, "2"]
    with client.pipeline(transaction=False) as pipeline:
        pipeline.set("a", 1).lpush("a", 1).get("a")
        replies = pipeline.execute(raise_on_error=False)
    assert replies[0] is True and isinstance(replies[1], redis.ResponseError) and replies[2] == "1"


def test_an_optimistic_transaction_fails_if_another_client_writes(client):
    other = redracer.Redis(client.store)
    with client.pipeline() as pipeline:
        pipeline.watch("key")
        other.set("key", "other")
        pipeline.multi()
        pipeline.set("key", "mine")
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert client.get("key") == "other"


def test_errors_are_redis_pys(client):
    client.set("key", "value")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.lpush("key", 1)
    client.config_set("requirepass", "secret")
    with pytest.raises(redis.AuthenticationError):
        redracer.Redis(client.store).ping()
    assert redracer.Redis(client.store, password="secret").ping()


def test_blocking_in_threads(client):
    found = []
    thread = threading.Thread(target=lambda: found.append(client.blpop("queue", timeout=30)))
    thread.start()
    time.sleep(0.05)
    client.rpush("queue", "item")
    thread.join()
    assert found in ([("queue", "item")], [["queue", "item"]])
    assert client.blpop("queue", timeout=0.05) is None


def test_a_database_of_its_own(client):
    client.set("key", 0)
    second = redracer.Redis(client.store, db=2)
    second.set("key", 2)
    assert client.get("key") == "0" and second.get("key") == b"2"


def test_a_client_of_a_store_does_not_close_it():
    with redracer.open() as store:
        with redracer.Redis(store) as client:
            client.set("key", 1)
        assert store.get("key") == b"1"


def test_asyncio():
    async def main():
        client = redracer.asyncio.Redis(decode_responses=True)
        assert await client.set("key", 1) and await client.get("key") == "1"
        waiting = [asyncio.create_task(client.blpop("queue", timeout=30)) for _ in range(3)]
        await asyncio.sleep(0.05)
        await client.rpush("queue", 1, 2, 3)
        assert sorted([(await task)[1] for task in waiting]) == ["1", "2", "3"]
        assert await client.blpop("queue", timeout=0.05) is None
        async with client.pipeline() as pipeline:
            assert await pipeline.incr("key").get("key").execute() == [2, "2"]
        threading.Timer(0.05, lambda: redracer.Redis(client.store).rpush("queue", "of a thread")).start()
        assert (await client.blpop("queue", timeout=30))[1] == "of a thread"
        await client.aclose()

    asyncio.run(main())


def test_messages_and_monitor(client):
    listener = client.pubsub()
    listener.subscribe("news")
    listener.psubscribe("new*")
    kinds = [listener.get_message(timeout=1)["type"] for _ in range(2)]
    assert kinds == ["subscribe", "psubscribe"] and listener.get_message() is None
    long = "x" * 100_000  # sent by reference
    assert client.publish("news", long) == 2
    heard = [listener.get_message(timeout=1) for _ in range(2)]
    assert [message["type"] for message in heard] == ["message", "pmessage"]
    assert all(message["data"] == long for message in heard)
    listener.close()
    other = redracer.Redis(client.store)
    with other.monitor() as monitor:
        client.set("key", "a b")
        assert any(line["command"] == "SET key a b" for line in monitor.listen())


def test_client_side_caching():
    cache = pytest.importorskip("redis.cache")
    client = redracer.Redis(protocol=3, cache_config=cache.CacheConfig())
    other = redracer.Redis(client.store)
    client.set("key", 1)
    assert client.get("key") == b"1"
    calls = client.store.execute("INFO", "commandstats")
    assert client.get("key") == b"1" and client.get_cache().size == 1
    assert calls.count(b"cmdstat_get:calls=1,") == 1
    assert client.store.execute("INFO", "commandstats").count(b"cmdstat_get:calls=1,") == 1
    other.set("key", 2)
    assert client.get("key") == b"2"
    client.close()


@pytest.mark.parametrize("protocol", [2, 3])
def test_messages_in_asyncio(protocol):
    async def main():
        client = redracer.asyncio.Redis(protocol=protocol, decode_responses=True)
        listener = client.pubsub()
        await listener.subscribe("news")
        assert (await listener.get_message(timeout=30))["type"] == "subscribe"
        threading.Timer(0.05, lambda: redracer.Redis(client.store).publish("news", "hello")).start()
        assert (await listener.get_message(timeout=30))["data"] == "hello"
        await listener.aclose()
        await client.aclose()

    asyncio.run(main())
