"""A backup over the wire, from a server of ours and from a real one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire.conftest import free_port

TOOL = str(Path(sys.prefix) / "bin" / "redracer")


def run(*words, **environment):
    return subprocess.run(
        [TOOL, *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_of_a_server(start_server, tmp_path):
    server = start_server("--requirepass", "secret", "--repl-diskless-sync-delay", "0")
    client = server.connect()
    client.request("AUTH", "secret")
    for number in range(1000):
        client.request("SET", f"key:{number}", "x" * 100)
    place = f"127.0.0.1:{server.port}"
    target = tmp_path / "backup.rdb"
    refused = run("backup", "--from", place, "--to", str(target))
    assert refused.returncode == 1
    assert "NOAUTH" in refused.stderr
    done = run("backup", "--from", place, "--to", str(target), REDISCLI_AUTH="secret")
    assert done.returncode == 0, done.stderr
    assert "1000 keys" in done.stdout
    assert os.listdir(tmp_path) == ["backup.rdb"]
    assert run("check-rdb", str(target)).returncode == 0


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server is installed")
def test_of_a_real_server(tmp_path):
    port = free_port()
    options = ["--port", str(port), "--save", "", "--dir", str(tmp_path), "--repl-diskless-sync-delay", "0"]
    with subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL) as server:
        try:
            import redis
            from redis.backoff import ConstantBackoff
            from redis.retry import Retry

            client = redis.Redis(port=port, retry=Retry(ConstantBackoff(0.05), 200))
            client.ping()
            client.mset({f"key:{number}": "x" * 100 for number in range(1000)})
            done = run("backup", "--from", f"127.0.0.1:{port}", "--to", str(tmp_path / "backups"))
            assert done.returncode == 0, done.stderr
            assert "1000 keys" in done.stdout
        finally:
            server.terminate()
