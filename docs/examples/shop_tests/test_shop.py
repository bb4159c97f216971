"""Twenty tests of what a shop keeps in Redis."""

import threading

import pytest
import redis


def test_a_value(client):
    assert client.set("price:1", "9.90") is True
    assert client.get("price:1") == "9.90"


def test_a_missing_value(client):
    assert client.get("price:2") is None


def test_a_visitor_is_counted(client):
    assert [client.incr("visits") for _ in range(3)] == [1, 2, 3]


def test_a_session_expires(client):
    client.set("session:1", "ann", ex=60)
    assert 0 < client.ttl("session:1") <= 60
    assert client.persist("session:1") == 1
    assert client.ttl("session:1") == -1


def test_a_key_is_set_once(client):
    assert client.set("order:1", "new", nx=True) is True
    assert client.set("order:1", "other", nx=True) is None


def test_a_cart_is_a_hash(client):
    client.hset("cart:1", mapping={"apple": 2, "pear": 1})
    assert client.hincrby("cart:1", "apple", 3) == 5
    assert client.hgetall("cart:1") == {"apple": "5", "pear": "1"}


def test_a_field_is_removed(client):
    client.hset("cart:1", mapping={"apple": 2, "pear": 1})
    assert client.hdel("cart:1", "pear", "plum") == 1
    assert client.hlen("cart:1") == 1


def test_a_queue(client):
    client.rpush("orders", "one", "two", "three")
    assert client.lpop("orders") == "one"
    assert client.lrange("orders", 0, -1) == ["two", "three"]


def test_waiting_for_an_order(client):
    client.rpush("orders", "one")
    assert tuple(client.blpop("orders", timeout=1)) == ("orders", "one")
    assert client.blpop("orders", timeout=0.01) is None


def test_tags(client):
    client.sadd("tags:1", "fruit", "red")
    client.sadd("tags:2", "fruit", "green")
    assert client.sinter("tags:1", "tags:2") == {"fruit"}


def test_the_best_sellers(client):
    client.zadd("sold", {"apple": 5, "pear": 7, "plum": 1})
    assert client.zrevrange("sold", 0, 1, withscores=True) == [("pear", 7.0), ("apple", 5.0)]
    assert client.zrank("sold", "plum") == 0


def test_an_audit_log(client):
    first = client.xadd("audit", {"event": "login"})
    client.xadd("audit", {"event": "order"})
    assert [fields["event"] for _, fields in client.xrange("audit")] == ["login", "order"]
    assert client.xlen("audit") == 2 and client.xdel("audit", first) == 1


def test_a_pipeline(client):
    with client.pipeline() as pipeline:
        pipeline.set("stock:1", 5).decr("stock:1").get("stock:1")
        assert pipeline.execute() == [True, 4, "4"]


def test_a_transaction_that_is_overtaken(client):
    client.set("stock:1", 1)
    with client.pipeline() as pipeline:
        pipeline.watch("stock:1")
        client.set("stock:1", 0)
        pipeline.multi()
        pipeline.decr("stock:1")
        with pytest.raises(redis.WatchError):
            pipeline.execute()


def test_a_lock(client):
    with client.lock("checkout", timeout=5):
        assert client.exists("checkout")
        assert client.lock("checkout", blocking=False).acquire() is False
    assert not client.exists("checkout")


def test_the_wrong_type(client):
    client.set("orders", "none")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.rpush("orders", "one")


def test_keys_by_pattern(client):
    client.mset({"user:1": "ann", "user:2": "bob", "cart:1": "x"})
    assert sorted(client.scan_iter("user:*")) == ["user:1", "user:2"]


def test_news(client):
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("news")
    listener.get_message(timeout=1)
    assert client.publish("news", "sale") == 1
    assert listener.get_message(timeout=1)["data"] == "sale"
    listener.close()


def test_threads(client):
    threads = [threading.Thread(target=lambda: [client.incr("n") for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("n") == "200"


def test_a_script(client):
    pytest.importorskip("lupa")
    take = client.register_script(
        "if tonumber(redis.call('GET', KEYS[1])) >= tonumber(ARGV[1]) then "
        "return redis.call('DECRBY', KEYS[1], ARGV[1]) else return -1 end"
    )
    client.set("stock:1", 3)
    assert take(keys=["stock:1"], args=[2]) == 1
    assert take(keys=["stock:1"], args=[2]) == -1
