"""What the unit tests share."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """A client of a real redis-server of its own; skips the test where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server is installed to compare with")
    directory: Path = tmp_path_factory.mktemp("server")
    socket = directory / "socket"
    command = [
        program,
        "--port",
        "0",
        "--enable-debug-command",
        "yes",
        "--enable-protected-configs",
        "yes",
        "--unixsocket",
        str(socket),
        "--save",
        "",
        "--dir",
        str(directory),
    ]
    # Not with the sanitizer's library, which our own build may need.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        retry = Retry(ConstantBackoff(0.05), 200)
        client = redis.Redis(unix_socket_path=str(socket), retry=retry)
        client.ping()
        yield client
        client.close()
        process.terminate()
