"""A store that others can reach over TCP: a thread of this process listens, and its connections are sessions.

It is for programs that want a URL (a task queue in a test) while the test looks into the same store. The thread
executes the commands of its clients with the store's lock, as any other would; one event loop carries all connections.
`redracer.Server` is a whole server in a process of its own; one in a thread would fight this process over what a
process has once: signals, the log, the garbage collector that a server turns off (docs/embedded.md).
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from redracer.embedded.encoded import EncodedSession

if TYPE_CHECKING:
    from types import TracebackType

    from redracer.embedded.calls import Calls


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.loop = listener.loop
        self.session: EncodedSession | None = None

    def connection_made(self, transport: Any) -> None:
        """Begins a session."""
        self.transport = transport
        self.listener.connections.add(self)
        self.session = EncodedSession(self.listener.store, self.send)
        host, port = transport.get_extra_info("peername")[:2]
        self.session.client.address = f"{host}:{port}"

    def data_received(self, data: bytes) -> None:
        """Executes what has come."""
        if self.session is not None:
            self.session.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Ends the session."""
        self.listener.connections.discard(self)
        if self.session is not None:
            self.session.close()

    def send(self, data: bytes) -> None:
        """Sends bytes, from whichever thread executes commands; none: closes when all is sent."""
        if threading.get_ident() == self.listener.thread.ident:
            self._write(data)
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._write, data)

    def _write(self, data: bytes) -> None:
        if data:
            self.transport.write(data)
        else:
            self.transport.close()


class Listener:
    """Listens on 127.0.0.1 from the moment that it is made until `close`; a context manager. Raises OSError.

    `port`: 0 for a free one.
    """

    def __init__(self, store: Calls, port: int = 0) -> None:
        self.store = store
        self.connections: set[Connection] = set()
        self.loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        try:
            self._server = self.loop.run_until_complete(
                self.loop.create_server(lambda: Connection(self), "127.0.0.1", port)
            )
        except BaseException:
            self.loop.close()
            raise
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self._run, name="redracer-listener", daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _run(self) -> None:
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        await self._stop.wait()
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        while self.connections:
            await asyncio.sleep(0)

    def close(self) -> None:
        """Ends the connections and the thread; a second call changes nothing."""
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self._stop.set)
            self.thread.join()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<redracer.Listener {self.url}>"
