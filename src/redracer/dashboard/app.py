"""The web application: its page, its API, and what every request must pass.

- The Host header must name this dashboard (an address of this machine, or `allowed_hosts`): a foreign name that
  resolves to us (DNS rebinding) gets nothing.
- What changes something is a POST with a JSON body, from our own origin, with the session's token in a header that no
  other site can set. The cookie is HttpOnly and SameSite=Strict.
- The content security policy lets the page load nothing but its own files.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from redracer.dashboard import api
from redracer.dashboard.api import BadRequest
from redracer.dashboard.resp import Address, ConnectionLost, ServerError
from redracer.dashboard.sessions import Session, Sessions

STATIC = Path(__file__).parent / "static"
COOKIE = "redracer-session"
TOKEN_HEADER = "x-csrf-token"
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
LARGEST_BODY = 1 << 20  # bytes
LOGIN_PAUSE = 0.5  # s after a wrong password
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class JSONResponse(Response):
    """JSON in ASCII, so that bytes which are no UTF-8 come through as lone surrogates."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return json.dumps(content, allow_nan=False).encode()


def name_of(host: str) -> str:
    """The name in a Host header, without the port."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()


class Guard:
    """Refuses requests under a foreign name, and gives every answer the security headers."""

    def __init__(self, app: ASGIApp, allowed_hosts: Iterable[str]) -> None:
        self.app = app
        self.allowed = {name.lower() for name in (*LOCAL_NAMES, *allowed_hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self.refusal(scope["method"], headers)
        if refusal:
            await PlainTextResponse(refusal, 403)(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)

    def refusal(self, method: str, headers: Headers) -> str:
        """Why the request is refused, or the empty string."""
        host = headers.get("host", "")
        if name_of(host) not in self.allowed:
            return "This dashboard does not go by that name (see --allow-host)."
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "Requests from other sites are refused."
        if method != "POST":
            return ""
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return "Requests from other sites are refused."
        if headers.get("content-type", "").partition(";")[0] != "application/json":
            return "A JSON body is needed."
        return ""


def create_app(server: str, allowed_hosts: Iterable[str] = ()) -> ASGIApp:
    """The dashboard of the server at `HOST:PORT` or at a socket's path. Raises ValueError for a bad address."""
    dashboard = Dashboard(Address(server))
    answers = [
        Route("/login", dashboard.log_in, methods=["POST"]),
        Route("/logout", dashboard.log_out, methods=["POST"]),
        Route("/session", dashboard.session_info),
        Route("/published", dashboard.published),
        Route("/{name:path}", dashboard.read, methods=["GET"]),
        Route("/{name:path}", dashboard.change, methods=["POST"]),
    ]
    routes = [
        Route("/", dashboard.page),
        Mount("/api", routes=answers),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    return Guard(Starlette(routes=routes), allowed_hosts)


class Dashboard:
    """The answers to requests."""

    def __init__(self, server: Address) -> None:
        self.server = server
        self.sessions = Sessions(server)

    async def page(self, request: Request) -> Response:
        """The page; everything else it asks for itself."""
        return FileResponse(STATIC / "index.html")

    def session(self, request: Request) -> Session | None:
        """The session that a request belongs to."""
        return self.sessions.find(request.cookies.get(COOKIE, ""))

    async def session_info(self, request: Request) -> Response:
        """Who is logged in, with the token that changes need."""
        session = self.session(request)
        return unauthorized() if session is None else JSONResponse(described(session))

    async def log_in(self, request: Request) -> Response:
        """Logs in as one of the server's users."""
        parameters = await body_of(request)
        if parameters is None:
            return failure("a JSON object is needed", 400)
        try:
            user = parameters.get("user") or "default"
            cookie, session = await self.sessions.log_in(user, parameters.get("password", ""))
        except ServerError as error:
            await asyncio.sleep(LOGIN_PAUSE)
            return failure(error.text, 401)
        except ConnectionLost as error:
            return failure(str(error), 502)
        response = JSONResponse(described(session))
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", path="/")
        return response

    async def log_out(self, request: Request) -> Response:
        """Ends the session."""
        session = self.session(request)
        if session is None or not session.is_genuine(request.headers.get(TOKEN_HEADER, "")):
            return unauthorized()
        self.sessions.log_out(request.cookies.get(COOKIE, ""))
        response = JSONResponse({})
        response.delete_cookie(COOKIE, path="/")
        return response

    async def read(self, request: Request) -> Response:
        """What a panel shows."""
        session = self.session(request)
        if session is None:
            return unauthorized()
        return await answer(api.READ, request.path_params["name"], session, query_of(request))

    async def change(self, request: Request) -> Response:
        """What a panel changes."""
        session = self.session(request)
        if session is None:
            return unauthorized()
        if not session.is_genuine(request.headers.get(TOKEN_HEADER, "")):
            return failure("the session's token is missing", 403)
        parameters = await body_of(request)
        if parameters is None:
            return failure("a JSON object is needed", 400)
        return await answer(api.CHANGE, request.path_params["name"], session, parameters)

    async def published(self, request: Request) -> Response:
        """What is published, as server-sent events, until the page goes away."""
        session = self.session(request)
        if session is None:
            return unauthorized()
        messages = api.published(session, query_of(request).get("pattern") or "*")

        async def events() -> AsyncIterator[bytes]:
            yield b": here we are\n\n"
            async for message in messages:
                yield b"data: " + json.dumps(message).encode() + b"\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")


def described(session: Session) -> dict[str, str]:
    """What the page needs to know of its session."""
    return {"user": session.user, "token": session.token, "server": session.address.text}


def query_of(request: Request) -> dict[str, str]:
    """The parameters in the address; bytes that are no UTF-8 are lone surrogates."""
    return dict(parse_qsl(request.scope["query_string"].decode("ascii"), errors="surrogateescape"))


async def body_of(request: Request) -> dict[str, str] | None:
    """The JSON object of strings that a request carries; None if it does not."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return None
    try:
        value: Any = json.loads(bytes(body))
    except ValueError:
        return None
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        return None
    return value


async def answer(
    table: dict[str, api.Answer], name: str, session: Session, parameters: dict[str, str]
) -> Response:
    """What a function of the API answers, or why it does not."""
    function = table.get(name)
    if function is None:
        return failure("there is no such thing", 404)
    try:
        return JSONResponse(await function(session, parameters))
    except BadRequest as error:
        return failure(error.text, 400)
    except ServerError as error:
        return failure(error.text, 403 if error.text.startswith("NOPERM") else 400)
    except ConnectionLost as error:
        return failure(str(error), 502)


def failure(text: str, status: int) -> Response:
    """An answer that says what is wrong."""
    return JSONResponse({"error": text}, status)


def unauthorized() -> Response:
    """The answer to who is not logged in."""
    return failure("log in first", 401)
