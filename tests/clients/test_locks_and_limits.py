"""Locks, rate limits and pipelines as Python programs use them, most by scripts of theirs: redis-py's own,
python-redis-lock, pottery's Redlock, limits, Flask-Limiter."""

import threading

import pytest
import redis

PATIENCE = 30  # s


@pytest.fixture
def client(server):
    made = server.redis()
    made.flushall()
    return made


class Counter:
    """What a lock guards: how many are inside, and how many were."""

    def __init__(self):
        self.inside = self.most_inside = self.entered = 0

    def enter(self):
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.entered += 1
        threading.Event().wait(0.001)
        self.inside -= 1


def contend(locked, threads=5, rounds=10):
    """Has threads take turns; `locked()` gives a lock of each round."""
    counter, failures = Counter(), []

    def work():
        try:
            for _ in range(rounds):
                with locked():
                    counter.enter()
        except Exception as error:
            failures.append(error)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(PATIENCE)
    assert failures == []
    assert (counter.most_inside, counter.entered) == (1, threads * rounds)


class TestRedisPy:
    def test_one_at_a_time(self, client):
        contend(lambda: client.lock("lock", timeout=10, sleep=0.002))

    def test_of_another(self, client):
        lock, other = client.lock("lock", timeout=10), client.lock("lock", timeout=10)
        assert lock.acquire(blocking=False)
        assert not other.acquire(blocking=False)
        assert lock.locked() and lock.owned() and not other.owned()
        with pytest.raises(redis.exceptions.LockError):
            other.release()
        client.set("lock", "stolen")
        with pytest.raises(redis.exceptions.LockNotOwnedError):
            lock.release()

    def test_extended_and_reacquired(self, client):
        lock = client.lock("lock", timeout=10)
        assert lock.acquire()
        assert lock.extend(50)
        assert 55 <= client.ttl("lock") <= 60
        assert lock.extend(20, replace_ttl=True)
        assert client.ttl("lock") <= 20
        assert lock.reacquire()
        assert client.ttl("lock") <= 10
        lock.release()
        assert client.exists("lock") == 0

    def test_a_pipeline(self, client):
        with client.pipeline(transaction=False) as pipeline:
            for number in range(1000):
                pipeline.incrby("sum", number)
            assert pipeline.execute()[-1] == sum(range(1000))

    def test_a_transaction_that_is_tried_again(self, client):
        def increment():
            for _ in range(20):
                client.transaction(lambda p: add_one(p), "counter")

        def add_one(pipeline):
            value = int(pipeline.get("counter") or 0)
            pipeline.multi()
            pipeline.set("counter", value + 1)

        threads = [threading.Thread(target=increment) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert client.get("counter") == b"80"

    def test_errors_in_a_pipeline(self, client):
        pipeline = client.pipeline()
        pipeline.set("text", "x").incr("text").get("text")
        replies = pipeline.execute(raise_on_error=False)
        assert replies[0] is True and replies[2] == b"x"
        assert isinstance(replies[1], redis.ResponseError)

    def test_a_script_in_a_pipeline(self, client):
        script = client.register_script("return {KEYS[1], ARGV[1]}")
        pipeline = client.pipeline()
        script(keys=["k"], args=["a"], client=pipeline)
        client.script_flush()
        assert pipeline.execute() == [[b"k", b"a"]]


class TestPythonRedisLock:
    def test_one_at_a_time(self, client):
        lock = pytest.importorskip("redis_lock")
        contend(lambda: lock.Lock(client, "lock", expire=10))

    def test_renewed_and_reset(self, client):
        module = pytest.importorskip("redis_lock")
        lock = module.Lock(client, "lock", expire=10, auto_renewal=True)
        assert lock.acquire()
        assert not module.Lock(client, "lock").acquire(blocking=False)
        lock.extend(60)
        assert client.ttl("lock:lock") > 50
        lock.release()
        other = module.Lock(client, "lock")
        assert other.acquire()
        module.reset_all(client)
        with pytest.raises(module.NotAcquired):
            other.release()


class TestRedlock:
    """pottery's Redlock over three servers."""

    @pytest.fixture
    def masters(self, server, start_server):
        others = [start_server() for _ in range(2)]
        made = {one.redis() for one in (server, *others)}
        for one in made:
            one.flushall()
        return made

    def test_a_majority(self, masters):
        pottery = pytest.importorskip("pottery")
        contend(lambda: pottery.Redlock(key="lock", masters=masters, auto_release_time=10), 3, 5)

    def test_extended_and_released(self, masters):
        pottery = pytest.importorskip("pottery")
        lock = pottery.Redlock(key="lock", masters=masters, auto_release_time=10)
        assert lock.acquire(timeout=PATIENCE)
        assert 0 < lock.locked() <= 10
        lock.extend()
        with pytest.raises(pottery.ReleaseUnlockedLock):
            pottery.Redlock(key="lock", masters=masters).release()  # its own token is not there
        lock.release()
        assert lock.locked() == 0


class TestLimits:
    @pytest.mark.parametrize(
        "strategy", ["FixedWindowRateLimiter", "MovingWindowRateLimiter", "SlidingWindowCounterRateLimiter"]
    )
    def test_a_window(self, server, client, strategy):
        limits = pytest.importorskip("limits")
        storage = limits.storage.storage_from_string(f"redis://127.0.0.1:{server.port}/0")
        limiter = getattr(limits.strategies, strategy)(storage)
        item = limits.parse("5/hour")
        assert [limiter.hit(item, "user") for _ in range(7)] == [True] * 5 + [False] * 2
        assert not limiter.test(item, "user") and limiter.test(item, "other")
        assert limiter.get_window_stats(item, "user").remaining == 0
        limiter.clear(item, "user")
        assert limiter.hit(item, "user", cost=5) and not limiter.hit(item, "user")

    def test_at_once(self, server, client):
        limits = pytest.importorskip("limits")
        storage = limits.storage.storage_from_string(f"redis://127.0.0.1:{server.port}/0")
        limiter = limits.strategies.MovingWindowRateLimiter(storage)
        item, allowed = limits.parse("50/hour"), []

        def hit():
            for _ in range(20):
                allowed.append(limiter.hit(item, "user"))

        threads = [threading.Thread(target=hit) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert (len(allowed), sum(allowed)) == (100, 50)

    @pytest.mark.parametrize("strategy", ["fixed-window", "moving-window", "sliding-window-counter"])
    def test_flask(self, server, client, strategy):
        flask, extension = pytest.importorskip("flask"), pytest.importorskip("flask_limiter")
        app = flask.Flask("tests")
        limiter = extension.Limiter(
            lambda: "user",
            app=app,
            storage_uri=f"redis://127.0.0.1:{server.port}/0",
            strategy=strategy,
            headers_enabled=True,
        )

        @app.get("/")
        @limiter.limit("3 per hour")
        def page():
            return "x"

        answers = [app.test_client().get("/") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[2].headers["X-RateLimit-Remaining"] == "0"
