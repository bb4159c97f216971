"""A server, its dashboard in a process of its own, and an HTTP client that keeps a session."""

import http.client
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest

from tests.wire.conftest import PATIENCE, free_port, start_server

__all__ = ["start_server"]

PAUSE = 0.05  # s between two attempts to connect


class Browser:
    """Requests to the dashboard with what a browser would send along."""

    def __init__(self, port):
        self.port = port
        self.cookie = self.token = ""

    def request(self, method, path, body=None, **headers):
        """(status, headers, body) of one request; `headers` with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        sent = {"Cookie": self.cookie, "X-CSRF-Token": self.token}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        connection.request(
            method, path, body, {name: value for name, value in sent.items() if value is not None}
        )
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, response.headers, content

    def get(self, path, **parameters):
        """What an address of the API answers, as (status, value)."""
        encode = lambda value: quote_from_bytes(str(value).encode("utf-8", "surrogateescape"))  # noqa: E731
        query = "&".join(f"{name}={encode(value)}" for name, value in parameters.items())
        status, _, content = self.request("GET", f"/api/{path}?{query}")
        return status, json.loads(content)

    def post(self, path, **values):
        """The same for a change."""
        status, _, content = self.request("POST", f"/api/{path}", json.dumps(values))
        return status, json.loads(content)

    def log_in(self, user="default", password=""):
        status, headers, content = self.request(
            "POST", "/api/login", json.dumps({"user": user, "password": password})
        )
        if status == 200:
            self.cookie = headers["Set-Cookie"].split(";")[0]
            self.token = json.loads(content)["token"]
        return status, headers, json.loads(content)


@pytest.fixture(scope="module")
def server(start_server):
    """A server for the module."""
    return start_server()


@pytest.fixture(scope="module")
def libraries():
    """Skips where what the dashboard is made with is not installed."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def dashboard(server, libraries):
    """The port of its dashboard."""
    port = free_port()
    program = [str(Path(sys.prefix) / "bin" / "redracer"), "dashboard", "--port", str(port)]
    with subprocess.Popen(
        [*program, "--server", f"127.0.0.1:{server.port}"], stdout=subprocess.DEVNULL
    ) as process:
        for _ in range(int(PATIENCE / PAUSE)):
            assert process.poll() is None
            try:
                Browser(port).request("GET", "/")
                break
            except ConnectionRefusedError:
                time.sleep(PAUSE)
        yield port
        process.terminate()


@pytest.fixture
def browser(dashboard):
    """Somebody who is logged in as the default user."""
    browser = Browser(dashboard)
    assert browser.log_in()[0] == 200
    return browser
