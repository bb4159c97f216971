"""A store in this process: values, threads, time, files, forks."""

import gc
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

import redracer
from redracer.engine.config import ConfigError


@pytest.fixture
def db():
    with redracer.open() as store:
        yield store


def eventually(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not come true")


def test_values(db):
    assert db.execute("SET", "key", "value") == b"OK"
    assert db.get("key") == b"value" and db.get("missing") is None
    db.set(b"number", 7)
    assert db.execute("INCRBYFLOAT", "number", 0.5) == b"7.5"
    assert db.execute("RPUSH", "list", 1, b"two", "three") == 3
    assert db.execute("LRANGE", "list", 0, -1) == [b"1", b"two", b"three"]
    db.execute("HSET", "hash", "field", "value")
    assert db.execute("HGETALL", "hash") == {b"field": b"value"}
    db.execute("ZADD", "board", 1.5, "ann")
    assert db.execute("ZSCORE", "board", "ann") == 1.5
    assert db.execute("ZRANGE", "board", 0, -1, "WITHSCORES") == [[b"ann", 1.5]]
    assert db.execute("SMEMBERS", "nothing") == []


def test_errors_are_exceptions_with_a_code(db):
    db.set("key", "value")
    with pytest.raises(redracer.StoreError, match="WRONGTYPE Operation") as caught:
        db.execute("LPUSH", "key", 1)
    assert caught.value.code == "WRONGTYPE"
    with pytest.raises(redracer.StoreError, match="unknown command"):
        db.execute("NONSENSE")
    with pytest.raises(redracer.StoreError, match="needs 'replication'"):
        db.execute("REPLICAOF", "127.0.0.1", 1)


@pytest.mark.parametrize("wrong", [None, True, [1], object()])
def test_an_argument_that_says_nothing_is_refused(db, wrong):
    with pytest.raises(TypeError, match="no argument of a command"):
        db.execute("SET", "key", wrong)
    assert db.execute("DBSIZE") == 0


def test_a_transaction_is_a_threads_own(db):
    db.execute("MULTI")
    assert db.execute("INCR", "n") == b"QUEUED"
    other = []
    thread = threading.Thread(target=lambda: other.append(db.execute("INCR", "n")))
    thread.start()
    thread.join()
    assert other == [1]
    assert db.execute("EXEC") == [2]


def test_threads_wake_one_another(db):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(db.execute("BLPOP", "queue", 0))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: b"blocked_clients:8" in db.execute("INFO", "clients"))
    db.execute("RPUSH", "queue", *range(8))
    for thread in threads:
        thread.join()
    assert sorted(int(value) for _, value in found) == list(range(8))
    assert db.execute("BLPOP", "queue", 0.05) is None


def test_many_commands_at_once(db):
    with pytest.raises(TypeError):
        db.execute_many([("SET", "key", 1), ("SET", "key", None)])
    assert db.get("key") is None
    values = db.execute_many(
        [("SET", "key", 1), ("LPUSH", "key", 1), ("INCR", "key"), ("BLPOP", "queue", 0.01)]
    )
    assert values[0] == b"OK" and values[1].code == "WRONGTYPE" and values[2:] == [2, None]
    assert db.execute_many([]) == []


def test_a_silenced_connection_waits_for_nothing(db):
    assert db.execute("CLIENT", "REPLY", "OFF") is None
    assert db.execute("SET", "key", 1) is None
    assert db.execute("CLIENT", "REPLY", "ON") == b"OK" and db.get("key") == b"1"


def test_messages_of_a_session_and_none_in_the_way_of_replies(db):
    listener = db.session()
    listener.send([b"SUBSCRIBE", b"a", b"b"])
    assert [listener.receive().items for _ in range(2)] == [[b"subscribe", b"a", 1], [b"subscribe", b"b", 2]]
    assert db.execute("SUBSCRIBE", "a") == [[b"subscribe", b"a", 1]]
    assert db.execute("PUBLISH", "a", "hello") == 2 and db.get("key") is None
    assert listener.receive(0).items == [b"message", b"a", b"hello"]


def test_many_threads_lose_nothing(db):
    def work():
        for _ in range(2000):
            db.execute("INCR", "n")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.get("n") == b"16000"


def test_keys_expire_though_nobody_asks(db):
    db.execute("SET", "key", 1, "PX", 20)
    eventually(lambda: b"expired_keys:1\r" in db.execute("INFO", "stats"))
    assert db.execute("DBSIZE") == 0


def test_a_closed_store_says_so(db):
    session = db.session()
    waiting = []

    def wait():
        try:
            session.send([b"BLPOP", b"queue", b"0"])
            session.receive()
        except ConnectionError as error:
            waiting.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: session.client.blocked is not None)
    db.close()
    db.close()
    thread.join()
    assert waiting == ["the store has closed this connection"]
    with pytest.raises(redracer.StoreClosed, match="closed"):
        db.get("key")
    assert "closed" in repr(db)


def test_options(db):
    with redracer.open(maxmemory="100mb", hash_max_listpack_entries=1) as store:
        assert store.execute("CONFIG", "GET", "maxmemory") == {b"maxmemory": b"104857600"}
        store.execute("HSET", "h", "a", 1, "b", 2)
        assert store.execute("OBJECT", "ENCODING", "h") == b"hashtable"
    with pytest.raises(ConfigError):
        redracer.open(maxmemory="much")
    with pytest.raises(ConfigError, match=r"maxmemry .* did you mean maxmemory"):
        redracer.open(maxmemry=1)


def test_a_directory_keeps_the_data_and_belongs_to_one(tmp_path):
    where = tmp_path / "data"
    before = os.getcwd()
    with redracer.open(where) as store:
        store.set("key", "value")
        store.execute("ZADD", "board", 1, "ann")
        with pytest.raises(redracer.StoreLocked, match=f"process {os.getpid()}"):
            redracer.open(where)
    with redracer.open(where) as store:
        assert store.get("key") == b"value" and store.execute("ZCARD", "board") == 1
        assert store.execute("SAVE") == b"OK"
    assert (where / "dump.rdb").exists() and os.getcwd() == before


def test_a_log_keeps_every_write(tmp_path):
    with redracer.open(tmp_path, appendonly=True) as store:
        store.set("key", "value")
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / "appendonlydir", copy / "appendonlydir")  # as if the process had died now
    with redracer.open(copy, appendonly=True) as store:
        assert store.get("key") == b"value"
    with pytest.raises(ConfigError, match="needs a directory"):
        redracer.open(appendonly=True)


def test_scripts(db):
    pytest.importorskip("lupa")
    assert db.execute("EVAL", "return redis.call('INCRBY', KEYS[1], ARGV[1])", 1, "n", 5) == 5


def test_a_forked_child_is_told(db):
    db.set("key", "value")
    pid = os.fork()
    if pid == 0:
        try:
            db.get("key")
        except redracer.StoreClosed as error:
            os._exit(7 if "belongs to the process" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert db.get("key") == b"value"


def test_opening_and_closing_leaves_nothing_behind():
    def state():
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    with redracer.open() as store:
        store.set("key", 1)
    gc.collect()  # what earlier tests left to the collector would close its descriptors in between
    threads, descriptors = state()
    for _ in range(50):
        with redracer.open() as store:
            store.set("key", 1)
    gc.collect()
    threads_after, descriptors_after = state()
    assert threads_after <= threads and descriptors_after <= descriptors


def test_importing_the_package_imports_neither_redis_py_nor_the_engine():
    code = "import sys, redracer; assert not {'redis', 'redracer.engine'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_server_of_its_own():
    redis = pytest.importorskip("redis")
    with redracer.Server(maxclients=100) as server:
        client = redis.Redis.from_url(server.url)
        assert client.set("key", "value") and client.config_get("maxclients") == {"maxclients": "100"}
        client.close()
        directory = server.directory
    assert server.process.poll() == 0 and not os.path.exists(directory)
    with pytest.raises(redracer.ServerError, match="no-such-option"):
        redracer.Server(no_such_option=1)
