"""The endpoint for monitoring: GET /metrics (Prometheus), /healthz (it answers) and /readyz (it has its data).

A whole web server would be more code than the three pages; this one reads the head of one request, answers and
closes. It runs in the server's loop on purpose: a /healthz from elsewhere would tell nothing about that loop. The pages
change nothing and show no data, and `metrics-bind` is the loopback address unless it is set, so there is no password.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from redracer.engine import log, metrics
from redracer.net.listeners import ListenError

if TYPE_CHECKING:
    from redracer.engine.engine import Engine

MAXIMUM_HEAD = 8192  # bytes
PATIENCE = 10  # s for a request's head, and for the answer to be taken
PLAIN = "text/plain; charset=utf-8"
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


class MetricsServer:
    """Serves one engine's metrics."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listens on `metrics-bind` and `metrics-port`, if one is set. Raises ListenError."""
        port = self.engine.config["metrics-port"]
        if not port:
            return
        hosts = [address.removeprefix("-") for address in self.engine.config["metrics-bind"]]
        try:
            self.server = await asyncio.start_server(self.serve, hosts, port, limit=MAXIMUM_HEAD)
        except OSError as error:
            raise ListenError(f"Could not serve metrics on port {port}: {error.strerror}") from error
        log.notice(f"Metrics on port {port}: /metrics, /healthz, /readyz")

    def close(self) -> None:
        """Stops listening."""
        if self.server is not None:
            self.server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request and closes the connection."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
                answer = self.answer(head)
            except asyncio.LimitOverrunError:
                answer = response(400, PLAIN, "request too long\n")
            writer.write(answer)
            await asyncio.wait_for(writer.drain(), PATIENCE)
        writer.close()

    def answer(self, head: bytes) -> bytes:
        """The whole answer to a request with this head."""
        words = head.partition(b"\r\n")[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return response(400, PLAIN, "bad request\n")
        method, path = words[0], words[1].partition(b"?")[0]
        if method not in (b"GET", b"HEAD"):
            return response(405, PLAIN, "only GET and HEAD\n")
        status, kind, body = self.page(path)
        return response(status, kind, body, with_body=method == b"GET")

    def page(self, path: bytes) -> tuple[int, str, str]:
        """(status, content type, body) of a path."""
        if path == b"/metrics":
            return 200, metrics.CONTENT_TYPE, metrics.page(self.engine)
        if path == b"/healthz":
            return 200, PLAIN, "ok\n"
        if path == b"/readyz":
            reason = metrics.readiness(self.engine)
            return (200, PLAIN, "ready\n") if reason is None else (503, PLAIN, f"{reason}\n")
        return 404, PLAIN, "there are /metrics, /healthz and /readyz\n"


def response(status: int, kind: str, body: str, *, with_body: bool = True) -> bytes:
    """An HTTP response that ends with the connection."""
    data = body.encode()
    head = (
        f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
        "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (data if with_body else b"")
