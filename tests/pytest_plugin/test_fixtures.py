"""What the fixtures give, used as any project would."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

import redracer.testing as instruments
from redracer.testing import ANY, SortedSet, Stream

redis = pytest.importorskip("redis")

ATTEMPTS = 600  # of 50 ms until something has come true


def eventually(condition):
    for _ in range(ATTEMPTS):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not come true")


class TestClock:
    def test_keys_expire_by_a_tick(self, redracer, redracer_client, redracer_clock):
        listener = redracer_client.pubsub(ignore_subscribe_messages=True)
        redracer_client.config_set("notify-keyspace-events", "Ex")
        listener.subscribe("__keyevent@0__:expired")
        assert listener.get_message(timeout=1) is None
        redracer.execute_many(("SET", f"key:{number}", 1, "EX", 7200) for number in range(500))
        redracer.execute("HSET", "hash", "field", 1, "other", 2)
        redracer.execute("HEXPIRE", "hash", 7000, "FIELDS", 1, "field")
        redracer_clock.tick(hours=1, minutes=59)
        assert redracer.execute("DBSIZE") == 501 and 0 < redracer.execute("TTL", "key:1") <= 60
        assert redracer.execute("HGETALL", "hash") == {b"other": b"2"}
        redracer_clock.tick(60)
        assert redracer.execute("DBSIZE") == 1
        assert listener.get_message(timeout=0)["data"].startswith(b"key:")

    def test_waits_end_by_a_tick(self, redracer, redracer_clock):
        found = []
        thread = threading.Thread(target=lambda: found.append(redracer.execute("BLPOP", "queue", 3600)))
        thread.start()
        eventually(lambda: b"blocked_clients:1\r" in redracer.execute("INFO", "clients"))
        redracer_clock.tick(hours=1)
        thread.join()
        assert found == [None]

    def test_time_stands_still_and_goes_on(self, redracer, redracer_clock):
        redracer_clock.freeze()
        redracer.execute("SET", "key", 1, "PX", 5)
        time.sleep(0.02)
        assert redracer.execute("PTTL", "key") == 5 and redracer_clock.now == redracer_clock.now
        redracer_clock.tick(milliseconds=4)
        assert redracer.execute("PTTL", "key") == 1 and "frozen" in repr(redracer_clock)
        redracer_clock.resume()
        eventually(lambda: redracer.execute("EXISTS", "key") == 0)

    def test_a_moment(self, redracer, redracer_clock):
        new_year = datetime(2100, 1, 1, tzinfo=UTC)
        redracer_clock.move_to(new_year)
        seconds, _ = redracer.execute("TIME")
        assert timedelta(0) <= datetime.fromtimestamp(int(seconds), UTC) - new_year < timedelta(hours=1)
        with pytest.raises(ValueError, match="zone"):
            redracer_clock.move_to(datetime(2200, 1, 1))
        for wrong in (lambda: redracer_clock.tick(-1), lambda: redracer_clock.move_to(new_year)):
            with pytest.raises(ValueError, match="forward"):
                wrong()


class TestFaults:
    @pytest.mark.parametrize(
        ("name", "error", "refused", "allowed"),
        [
            ("loading", redis.BusyLoadingError, "GET", "INFO"),
            ("read_only", redis.ReadOnlyError, "DEL", "GET"),
            ("out_of_memory", redis.OutOfMemoryError, "SET", "DEL"),
        ],
    )
    def test_refusals(self, redracer, redracer_faults, name, error, refused, allowed):
        client = redracer.redis(retry=None, single_connection_client=True)
        arguments = {"SET": ("key", 1), "INFO": ()}
        with getattr(redracer_faults, name)() as fault:
            with pytest.raises(error):
                client.execute_command(refused, *arguments.get(refused, ("key",)))
            client.execute_command(allowed, *arguments.get(allowed, ("key",)))
        assert fault.happened == 1
        client.execute_command(refused, *arguments.get(refused, ("key",)))
        client.close()

    def test_transactions_fail_as_a_whole(self, redracer, redracer_client, redracer_faults):
        pipeline = redracer_client.pipeline()
        pipeline.get("key")
        pipeline.set("key", 1)
        with redracer_faults.read_only(), pytest.raises(redis.RedisError, match="read only"):
            pipeline.execute()
        assert redracer.get("key") is None

    def test_an_error_of_certain_commands_so_many_times(self, redracer, redracer_faults):
        fault = redracer_faults.error("BUSY not now", commands=["config set", "GET"], times=2)
        with pytest.raises(Exception, match="not now") as caught:
            redracer.execute("CONFIG", "SET", "maxmemory", 0)
        assert caught.value.code == "BUSY" and redracer.execute("CONFIG", "GET", "maxmemory")
        with pytest.raises(Exception, match="not now"):
            redracer.get("key")
        assert redracer.get("key") is None and fault.happened == 2 and not redracer_faults.active

    def test_connections_are_lost(self, redracer, redracer_faults):
        client = redracer.redis(retry=None, single_connection_client=True)
        with redracer_faults.drop(commands=["INCRBY"]), pytest.raises(redis.ConnectionError):
            client.incr("n")
        assert redracer.get("n") is None  # it was not executed
        with redracer_faults.drop(executed=True, times=1), pytest.raises(redis.ConnectionError):
            client.incr("n")
        assert redracer.get("n") == b"1"  # it was, and nobody was told
        pooled = redracer.redis()
        pooled.ping()
        redracer_faults.drop_connections()
        assert pooled.ping()  # redis-py connects again: there was no request under way
        pooled.close()
        assert redracer.get("n") == b"1"
        with redracer_faults.drop(times=1), pytest.raises(ConnectionError):
            redracer.get("n")
        client.close()

    def test_replies_come_late_and_in_order(self, redracer, redracer_faults):
        client = redracer.redis(socket_timeout=0.05, retry=None, single_connection_client=True)
        client.ping()
        with redracer_faults.latency(600, commands=["GET"], times=1):
            client.set("key", 1)
            with pytest.raises(redis.TimeoutError):
                client.get("key")
        patient = redracer.redis(single_connection_client=True)
        with redracer_faults.latency(0.01):
            pipeline = patient.pipeline(transaction=False)
            for number in range(20):
                pipeline.echo(number)
            assert pipeline.execute() == [b"%d" % number for number in range(20)]
            assert redracer.get("key") == b"1"
        assert patient.get("key") == b"1"
        for each in (client, patient):
            each.close()

    def test_in_asyncio(self, redracer_async_client, redracer_faults):
        async def main():
            with redracer_faults.latency(0.05):
                others = 0
                task = asyncio.create_task(redracer_async_client.get("key"))
                while not task.done():
                    await asyncio.sleep(0.001)
                    others += 1
                assert task.result() is None and others > 1
            with redracer_faults.out_of_memory(), pytest.raises(redis.OutOfMemoryError):
                await redracer_async_client.set("key", 1)

        asyncio.run(main())


class TestRecorder:
    def test_requests(self, redracer, redracer_client, redracer_recorder):
        redracer_client.set("key", "a b")
        redracer.get("key")
        with redracer_client.pipeline() as pipeline:
            pipeline.incr("n").execute()
        redracer_recorder.assert_sent("set", "key", "a b", times=1)
        redracer_recorder.assert_sent("SET", ...)
        redracer_recorder.assert_sent("GET", ANY)
        redracer_recorder.assert_not_sent("DEL", ...)
        redracer_recorder.assert_only_sent(
            ("SET", "key", ANY), ("GET", "key"), ("MULTI",), ("INCRBY", "n", 1), ("EXEC",)
        )
        assert [repr(request) for request in redracer_recorder.matching("SET", ...)] == ['SET key "a b"']
        assert len(redracer_recorder.everything) > len(redracer_recorder.requests)
        redracer_recorder.clear()
        redracer_recorder.stop()
        redracer.get("key")
        assert redracer_recorder.requests == []

    @pytest.mark.parametrize(
        ("wrong", "text"),
        [
            (
                lambda recorder: recorder.assert_sent("GET", "other"),
                "GET other was not sent; this was:\n> GET key",
            ),
            (
                lambda recorder: recorder.assert_sent("GET", "key", times=2),
                "GET key was sent once, not twice",
            ),
            (lambda recorder: recorder.assert_not_sent("GET", ...), "GET ... was sent; this was:"),
            (lambda recorder: recorder.assert_only_sent(("SET", "k", 1)), "  - SET k 1\n  + GET key"),
        ],
    )
    def test_messages(self, redracer, redracer_recorder, wrong, text):
        redracer.get("key")
        with pytest.raises(AssertionError) as caught:
            wrong(redracer_recorder)
        assert text in str(caught.value)

    def test_nothing_was_sent(self, redracer_recorder):
        with pytest.raises(AssertionError, match="nothing was"):
            redracer_recorder.assert_sent("PING")


@pytest.mark.redracer(
    data={
        "string": "text",
        "number": 1.5,
        "list": ["a", 1],
        "set": {"a"},
        "hash": {"field": 1},
        "sorted": SortedSet(ann=1, bob=2),
        "stream": Stream([{"event": "login"}]),
    }
)
def test_data(redracer, redracer_unchanged):
    kinds = {name: key.type for name, key in redracer_unchanged.keys[0].items()}
    assert kinds == {
        b"string": b"string", b"number": b"string", b"list": b"list", b"set": b"set", b"hash": b"hash",
        b"sorted": b"zset", b"stream": b"stream",
    }  # fmt: skip
    assert redracer.execute("ZSCORE", "sorted", "bob") == 2.0
    for wrong, error in (({"a": None}, TypeError), ({"b": 1, "a": []}, ValueError)):
        with pytest.raises(error):
            redracer.load(wrong)


@pytest.mark.redracer(data={"key": "value"}, appendonly=True)
def test_a_server_with_data(redracer_server, redracer_server_client):
    assert redracer_server_client.get("key") == b"value"


def test_the_names_of_the_package():
    assert set(instruments.__all__) >= {"Clock", "Faults", "Recorder"}
