"""Huey: tasks, retries, schedules, pipelines, locks and priorities, with a consumer of this process."""

import time

import pytest

huey = pytest.importorskip("huey")

WORKERS = 2
PATIENCE = 30  # s
ATTEMPTS = 600  # to see something happen within that time


@pytest.fixture(params=["RedisHuey", "PriorityRedisHuey", "RedisExpireHuey"])
def queue(server, request):
    made = getattr(huey, request.param)("tests", port=server.port)
    made.flush()
    consumer = made.create_consumer(workers=WORKERS, periodic=False, initial_delay=0.01, max_delay=0.1)
    consumer.start()
    yield made
    consumer.stop(graceful=True)


def test_results(queue):
    task = queue.task()(lambda one, other: one + other)
    results = [task(number, 1) for number in range(50)]
    assert [result.get(blocking=True, timeout=PATIENCE) for result in results] == list(range(1, 51))


def test_a_failure_is_tried_again(queue):
    calls = []

    @queue.task(retries=2)
    def fails_once():
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("as it should")

    fails_once()
    for _ in range(ATTEMPTS):
        if len(calls) == 2:
            return
        time.sleep(PATIENCE / ATTEMPTS)
    pytest.fail("it was not tried again")


def test_a_pipeline(queue):
    task = queue.task()(lambda one, other: one + other)
    last = queue.enqueue(task.s(1, 2).then(task, 3).then(task, 4))
    assert [result.get(blocking=True, timeout=PATIENCE) for result in last] == [3, 6, 10]


def test_a_delay(queue):
    task = queue.task()(lambda: "late")
    assert task.schedule(delay=1).get(blocking=True, timeout=PATIENCE) == "late"


def test_a_lock(queue):
    with queue.lock_task("one"):
        assert queue.is_locked("one")
    assert not queue.is_locked("one")
