"""The page of metrics: Prometheus's format, and the numbers that INFO tells."""

import re

import pytest

from redracer.engine import metrics
from redracer.engine.metric_names import COUNTERS, GAUGES
from redracer.net.metrics import MetricsServer
from tests.unit.commands.served import Served

SAMPLE = re.compile(r'redis_[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})? -?[0-9.e+-]+')


@pytest.fixture
def world():
    world = Served(**{"metrics-port": 1})
    for line in (
        b"SET key value EX 100",
        b"GET key",
        b"GET missing",
        b"LPUSH key x",
        b"SELECT 3",
        b"NOSUCHCOMMAND",
    ):
        world.run(line)
    return world


def samples(world):
    found = {}
    for line in metrics.page(world.engine).splitlines():
        if not line.startswith("#"):
            assert SAMPLE.fullmatch(line), line
            name, value = line.rsplit(" ", 1)
            assert name not in found
            found[name] = float(value)
    return found


def test_the_page_tells_what_happened(world):
    found = samples(world)
    assert found['redis_commands_total{cmd="get"}'] == 2
    assert found['redis_commands_failed_calls_total{cmd="lpush"}'] == 1
    assert found['redis_errors_total{err="WRONGTYPE"}'] == 1
    assert found['redis_db_keys{db="db0"}'] == found['redis_db_keys_expiring{db="db0"}'] == 1
    assert found["redis_keyspace_hits_total"] == found["redis_keyspace_misses_total"] == 1
    assert found['redis_latency_percentiles_usec_count{cmd="get"}'] == 2
    assert found["redis_up"] == 1


def test_each_metric_is_announced_once_and_its_samples_follow(world):
    announced = [
        line.split()[2] for line in metrics.page(world.engine).splitlines() if line.startswith("# TYPE")
    ]
    assert len(announced) == len(set(announced))
    names = [name or field for table in (GAUGES, COUNTERS) for field, name in table.items()]
    assert len(names) == len(set(names))


def test_labels_are_escaped():
    assert metrics.label_text({"a": 'x"\\\n'}) == r'{a="x\"\\\n"}'


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /metrics HTTP/1.1", b"200 OK"),
        (b"HEAD /healthz HTTP/1.0", b"200 OK"),
        (b"GET /readyz?x=1 HTTP/1.1", b"200 OK"),
        (b"GET / HTTP/1.1", b"404 Not Found"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed"),
        (b"GET /metrics", b"400 Bad Request"),
        (b"\xff\xfe", b"400 Bad Request"),
    ],
)
def test_requests_are_answered(world, request_line, status):
    answer = MetricsServer(world.engine).answer(request_line + b"\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert (body == b"") == request_line.startswith(b"HEAD")


def test_a_server_without_its_data_is_alive_but_not_ready(world):
    server = MetricsServer(world.engine)
    world.engine.info.provide("loading", lambda: 1)
    assert server.page(b"/readyz")[0] == 503
    assert server.page(b"/healthz")[0] == 200
