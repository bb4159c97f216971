"""Celery with a redis broker and result store: results, retries, countdowns, chains, chords, revocation."""

import pytest

celery = pytest.importorskip("celery")

from celery.contrib.testing.worker import start_worker  # noqa: E402

PATIENCE = 60  # s


@pytest.fixture(scope="module")
def app(server):
    url = f"redis://127.0.0.1:{server.port}/0"
    made = celery.Celery("tests", broker=url, backend=url)
    made.conf.update(
        broker_connection_retry_on_startup=True, task_serializer="json", result_serializer="json"
    )

    @made.task(name="add")
    def add(one, other):
        return one + other

    @made.task(name="total")
    def total(numbers):
        return sum(numbers)

    @made.task(name="fails_first", bind=True, max_retries=3)
    def fails_first(self):
        if self.request.retries < 2:
            raise self.retry(countdown=0.1)
        return self.request.retries

    @made.task(name="fails")
    def fails():
        raise ValueError("as it should")

    with start_worker(made, perform_ping_check=False, pool="threads", concurrency=4):
        yield made


def signature(app, name, *arguments):
    return app.tasks[name].s(*arguments)


def test_results(app):
    results = [signature(app, "add", number, 1).delay() for number in range(30)]
    assert [result.get(timeout=PATIENCE) for result in results] == list(range(1, 31))


def test_retries(app):
    assert signature(app, "fails_first").delay().get(timeout=PATIENCE) == 2


def test_a_failure(app):
    with pytest.raises(ValueError, match="as it should"):
        signature(app, "fails").delay().get(timeout=PATIENCE)


def test_a_countdown(app):
    assert signature(app, "add", 1, 2).apply_async(countdown=1).get(timeout=PATIENCE) == 3


def test_a_chain(app):
    chain = celery.chain(signature(app, "add", 1, 2), signature(app, "add", 3), signature(app, "add", 4))
    assert chain().get(timeout=PATIENCE) == 10


def test_a_chord(app):
    header = [signature(app, "add", number, number) for number in range(20)]
    assert celery.chord(header)(signature(app, "total")).get(timeout=PATIENCE) == 380


def test_a_group(app):
    group = celery.group(signature(app, "add", number, 1) for number in range(10))
    assert group().get(timeout=PATIENCE) == list(range(1, 11))
