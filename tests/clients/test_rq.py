"""RQ: jobs, failures with retries, dependencies, scheduled jobs, in a worker of this process."""

import datetime

import pytest

rq = pytest.importorskip("rq")

from rq.job import Dependency  # noqa: E402
from rq.scheduler import RQScheduler  # noqa: E402

from tests.clients.work import add, fail  # noqa: E402


@pytest.fixture
def queue(server):
    connection = server.redis()
    connection.flushall()
    return rq.Queue(connection=connection)


def work(queue):
    """Executes what is there."""
    assert rq.SimpleWorker([queue], connection=queue.connection).work(burst=True, with_scheduler=False)


def test_a_job(queue):
    jobs = [queue.enqueue(add, number, 1) for number in range(50)]
    work(queue)
    assert [job.return_value() for job in jobs] == list(range(1, 51))
    assert queue.finished_job_registry.count == 50


def test_a_failure_is_tried_again_and_kept(queue):
    job = queue.enqueue(fail, retry=rq.Retry(max=2))
    work(queue)
    job.refresh()
    assert job.is_failed
    assert queue.failed_job_registry.get_job_ids() == [job.id]


def test_dependencies(queue):
    first = queue.enqueue(add, 1, 2)
    second = queue.enqueue(add, 3, 4, depends_on=first)
    third = queue.enqueue(add, 5, 6, depends_on=Dependency(jobs=[first, second]))
    work(queue)
    assert [job.return_value() for job in (first, second, third)] == [3, 7, 11]


def test_a_scheduled_job(queue):
    job = queue.enqueue_at(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), add, 1, 2)
    assert job.id in queue.scheduled_job_registry
    scheduler = RQScheduler([queue], connection=queue.connection)
    scheduler.acquire_locks()
    scheduler.enqueue_scheduled_jobs()
    work(queue)
    assert job.return_value() == 3


def test_many_at_once(queue):
    data = [rq.Queue.prepare_data(add, (number, number)) for number in range(100)]
    jobs = queue.enqueue_many(data)
    work(queue)
    assert sum(job.return_value() for job in jobs) == sum(range(100)) * 2
