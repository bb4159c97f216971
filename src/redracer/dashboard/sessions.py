"""Who is logged in: a random cookie names a session, which has a token against forged requests and connections.

A session ends after half an hour without a request. Passwords stay in memory as long as the session, to connect again.
"""

from __future__ import annotations

import hmac
import secrets
import time

from redracer.dashboard.resp import Address, Connection

IDLE = 1800  # s
MOST = 64  # sessions; when there are more, the one that has been idle for longest ends
PANELS, CONSOLE = "panels", "console"


class Session:
    """One user of the dashboard, with connections of the server's user."""

    def __init__(self, address: Address, user: str, password: str) -> None:
        self.address = address
        self.user = user
        self._password = password
        self.token = secrets.token_urlsafe(32)
        self.used = time.monotonic()
        self._connections: dict[str, Connection] = {}

    async def connection(self, purpose: str = PANELS) -> Connection:
        """The connection for a purpose; opened again if it is lost. The console's has a state of its own."""
        connection = self._connections.get(purpose)
        if connection is None or connection.closed:
            connection = self._connections[purpose] = await self.new_connection()
        return connection

    async def new_connection(self) -> Connection:
        """A connection that the caller closes."""
        return await Connection.open(self.address, self.user, self._password)

    def is_genuine(self, token: str) -> bool:
        """Whether a request carries the session's token."""
        return hmac.compare_digest(self.token.encode(), token.encode())

    def close(self) -> None:
        """Closes its connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


class Sessions:
    """The sessions by the value of their cookie."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._sessions: dict[str, Session] = {}

    async def log_in(self, user: str, password: str) -> tuple[str, Session]:
        """A new session and its cookie. Raises ServerError, ConnectionLost."""
        session = Session(self.address, user, password)
        await session.connection()
        self._end_old()
        cookie = secrets.token_urlsafe(32)
        self._sessions[cookie] = session
        return cookie, session

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie, which counts as used now; None if there is none."""
        self._end_old()
        session = self._sessions.get(cookie)
        if session is not None:
            session.used = time.monotonic()
        return session

    def log_out(self, cookie: str) -> None:
        """Ends a session."""
        session = self._sessions.pop(cookie, None)
        if session is not None:
            session.close()

    def _end_old(self) -> None:
        oldest_first = sorted(self._sessions.items(), key=lambda item: item[1].used)
        now = time.monotonic()
        for number, (cookie, session) in enumerate(oldest_first):
            if now - session.used > IDLE or len(oldest_first) - number > MOST:
                self.log_out(cookie)

    def close(self) -> None:
        """Ends all sessions."""
        for cookie in list(self._sessions):
            self.log_out(cookie)
