"""The endpoint for monitoring over HTTP, and redis_exporter's account of the same server."""

import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.wire.conftest import free_port

EXPORTER = "prometheus-redis-exporter"
PATIENCE = 20  # s
# What a second account of the same server cannot have in common: it tells of itself, and what moves between the two.
OF_THE_EXPORTER = ("redis_exporter_", "redis_target_", "redis_last_key_groups", "redis_db_keys_cached")


def get(port, path="/metrics"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as response:
        return response.read().decode()


def get_when_there(port):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return get(port)
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def samples(page):
    lines = (line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("redis_"))
    # (An exporter that does not know INFO keysizes takes its lines for numbers.)
    return {
        name: float(value)
        for name, value in lines
        if not name.startswith(OF_THE_EXPORTER) and "_distrib_" not in name
    }


def test_the_pages_are_served(start_server):
    port = free_port()
    server = start_server("--metrics-port", str(port))
    assert get(port, "/healthz") == "ok\n" and get(port, "/readyz") == "ready\n"
    assert samples(get(port))["redis_up"] == 1
    with pytest.raises(urllib.error.HTTPError):
        get(port, "/nothing")
    assert server.connect().inline("PING") == b"+PONG\r\n"


@pytest.mark.skipif(shutil.which(EXPORTER) is None, reason=f"needs {EXPORTER}")
def test_the_exporter_and_the_endpoint_agree(start_server):
    port, exporter_port = free_port(), free_port()
    server = start_server("--metrics-port", str(port))
    client = server.connect()
    for line in ("SET key value EX 1000", "LPUSH key x", "GET key", "NOSUCH"):
        client.inline(line)
    command = [EXPORTER, "-redis.addr", f"redis://127.0.0.1:{server.port}"]
    command += ["-web.listen-address", f"127.0.0.1:{exporter_port}", "-include-system-metrics"]
    exporter = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        theirs, ours = samples(get_when_there(exporter_port)), samples(get(port))
    finally:
        exporter.kill()
        exporter.wait()
    missing = {name.partition("{")[0] for name in theirs} - {name.partition("{")[0] for name in ours}
    assert not missing
    for name in ('redis_commands_total{cmd="get"}', 'redis_db_keys{db="db0"}', "redis_memory_max_bytes"):
        assert ours[name] == theirs[name]
    for name in ("redis_keyspace_hits_total", "redis_uptime_in_seconds", "redis_process_id"):
        assert ours[name] == pytest.approx(theirs[name], abs=5)


def test_the_page_on_monitoring_names_metrics_that_there_are(start_server):
    port = free_port()
    start_server("--metrics-port", str(port))
    text = (Path(__file__).resolve().parents[2] / "docs" / "monitor.md").read_text()
    named = set(re.findall(r"\bredis_(?!exporter)\w+", text))
    assert len(named) > 10
    assert named <= set(re.findall(r"^(redis_\w+)", get_when_there(port), re.MULTILINE))
