"""A store that is reached over TCP while its process uses it."""

import gc
import os
import threading

import pytest

import redracer

redis = pytest.importorskip("redis")


@pytest.fixture
def db():
    with redracer.open() as store:
        yield store


def test_clients_and_the_process_see_one_store(db):
    with db.listen() as listener, redis.Redis.from_url(listener.url, decode_responses=True) as client:
        assert client.set("key", "value") and db.get("key") == b"value"
        found = []
        thread = threading.Thread(target=lambda: found.append(client.blpop("queue", timeout=30)))
        thread.start()
        db.execute("RPUSH", "queue", 1)
        thread.join()
        assert found[0][1] == "1"
        messages = client.pubsub(ignore_subscribe_messages=True)
        messages.subscribe("news")
        messages.get_message(timeout=30)
        db.execute("PUBLISH", "news", "x" * 1_000_000)
        assert len(messages.get_message(timeout=30)["data"]) == 1_000_000
        messages.close()
        with client.pipeline() as pipeline:
            for number in range(1000):
                pipeline.incrby("n", number)
            assert pipeline.execute()[-1] == 499500
        assert client.client_kill_filter(_id=client.client_id(), skipme=False) == 1


def test_the_end_of_the_store_is_the_end_of_its_listeners(db):
    listener = db.listen()
    client = redis.Redis.from_url(listener.url, retry=None)
    assert client.ping()
    with pytest.raises(OSError, match="in use"):
        db.listen(listener.port)
    db.close()
    assert not listener.thread.is_alive()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    listener.close()
    with pytest.raises(redracer.StoreClosed):
        db.listen()


def starts_and_stops(store, count):
    for _ in range(count):
        with store.listen() as listener, redis.Redis.from_url(listener.url) as client:
            client.set("key", 1)


def resources():
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def test_nothing_is_left_behind(db):
    starts_and_stops(db, 1)
    before = resources()
    starts_and_stops(db, 20)
    assert resources() <= before
