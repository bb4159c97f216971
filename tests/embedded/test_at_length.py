"""Stores opened and closed, shared by threads, forked while busy: many times. Meant for the sanitizers, too:

python -m tests.fuzz.sanitized -m pytest tests/embedded/test_at_length.py
"""

import gc
import os
import random
import threading
import time
from pathlib import Path

import pytest

import redracer

pytestmark = [pytest.mark.long, pytest.mark.timeout(7200)]
# A part of each, for a machine that is busy with other things: REDRACER_AT_LENGTH=0.01
SHARE = float(os.environ.get("REDRACER_AT_LENGTH", "1"))
CYCLES = max(int(100_000 * SHARE), 100)
STARTS = max(int(1000 * SHARE), 10)
THREADS = 24
COMMANDS = max(int(100_000 * SHARE), 100)  # of each thread
FORKS = max(int(200 * SHARE), 10)
WARM_UP = 50  # cycles after which nothing may be added any more
LEAK = 4 << 20  # bytes by which the process may grow over all cycles: fragments, caches


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def resources():
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def cycle(number):
    with redracer.open() as store:
        store.set("key", number)
        store.execute("ZADD", "board", number, "ann")
        assert store.get("key") == b"%d" % number


def test_opening_and_closing():
    for number in range(WARM_UP):
        cycle(number)
    before, memory = resources(), resident_bytes()
    for number in range(CYCLES):
        cycle(number)
        if number == CYCLES // 10:  # by now the allocators have what they need
            memory = resident_bytes()
    assert resources() <= before
    if "libasan" not in os.environ.get("LD_PRELOAD", ""):  # its quarantine grows
        assert resident_bytes() - memory < LEAK


def test_servers_start_and_stop():
    redis = pytest.importorskip("redis")

    def once():
        with redracer.Server() as server, redis.Redis.from_url(server.url) as client:
            assert client.set("key", 1)
        assert server.process.returncode == 0

    once()
    before = resources()
    for _ in range(STARTS):
        once()
    assert resources() <= before


def test_listeners_start_and_stop():
    redis = pytest.importorskip("redis")
    with redracer.open() as store:

        def once():
            with store.listen() as listener, redis.Redis.from_url(listener.url) as client:
                assert client.incr("n")

        once()
        before = resources()
        for _ in range(STARTS):
            once()
        assert resources() <= before and store.get("n") == b"%d" % (STARTS + 1)


def mixed(generator, number):
    """A command of any of the common types, on a few keys that all threads share."""
    key = f"{generator.choice('slhzx')}{generator.randrange(20)}"
    return generator.choice(
        {
            "s": [("SET", key, number, "EX", 100), ("GET", key), ("APPEND", key, "x" * 40), ("GETDEL", key)],
            "l": [("RPUSH", key, number), ("LPOP", key), ("LRANGE", key, 0, 10), ("LTRIM", key, 0, 50)],
            "h": [("HSET", key, number % 200, number), ("HGETALL", key), ("HDEL", key, number % 200)],
            "z": [("ZADD", key, number, number % 200), ("ZRANGE", key, 0, 10), ("ZPOPMIN", key)],
            "x": [
                ("XADD", key, "MAXLEN", 50, "*", "f", number),
                ("XRANGE", key, "-", "+", "COUNT", 5),
                ("XLEN", key),
            ],
        }[key[0]]
    )


def work(store, seed, count, problems):
    generator = random.Random(seed)
    try:
        for number in range(count):
            store.execute(*mixed(generator, number))
            if number % 10 == 0:
                store.execute("INCR", "counter")
            if number % 1000 == 0:
                store.execute_many(
                    [("MULTI",), ("INCR", "transactions"), ("INCR", "transactions"), ("EXEC",)]
                )
    except Exception as problem:
        problems.append(problem)


def test_threads_with_mixed_commands():
    problems = []
    with redracer.open(maxmemory="200mb", maxmemory_policy="allkeys-lru") as store:
        threads = [
            threading.Thread(target=work, args=(store, seed, COMMANDS, problems)) for seed in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert store.get("counter") == b"%d" % (THREADS * -(-COMMANDS // 10))
        assert store.get("transactions") == b"%d" % (THREADS * -(-COMMANDS // 1000) * 2)


def test_forks_while_threads_are_busy():
    problems = []
    stop = threading.Event()
    with redracer.open() as store:

        def busy(seed):
            while not stop.is_set() and not problems:
                work(store, seed, 100, problems)

        threads = [threading.Thread(target=busy, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(FORKS):
            pid = os.fork()
            if pid == 0:
                os._exit(child(store))
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            time.sleep(0.001)
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []


def child(store):
    """In a forked child the parent's store says that it is not the child's; one of its own works."""
    try:
        store.get("key")
        return 1
    except redracer.StoreClosed:
        pass
    with redracer.open() as own:
        own.set("key", "of the child")
        return 0 if own.get("key") == b"of the child" else 2
