"""Clients whose bytes asyncio carries: its protocol over our connections, and a server without epoll.

`accept` makes a client of an accepted socket, encrypted if it is given a context. `LoopExchange` stands in for
the reactor where there is no epoll: rounds come when asyncio has read something, or when someone asks for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redracer.engine import log
from redracer.net.exchange import Exchange
from redracer.net.stream import StreamConnection

if TYPE_CHECKING:
    import socket
    import ssl

    from redracer.core.session import Executor

HANDSHAKE_LIMIT = 60.0  # seconds


class StreamProtocol(asyncio.BufferedProtocol):
    """One client: `connected(connection)` gives the connection its session."""

    def __init__(self, exchange: Exchange, connected: Callable[[StreamConnection], object]) -> None:
        self.exchange = exchange
        self.connected = connected
        self.connection: StreamConnection | None = None
        self.socket_transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        layer = getattr(transport, "_ssl_protocol", None)
        self.socket_transport = transport if layer is None else layer._transport
        descriptor = transport.get_extra_info("socket").fileno()
        self.connection = StreamConnection(self.exchange, transport, descriptor)
        self.connected(self.connection)

    def get_buffer(self, sizehint: int) -> memoryview:
        assert self.connection is not None
        return self.connection.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        if self.connection is not None:
            self.connection.arrived(nbytes)

    def eof_received(self) -> bool:
        """Whether the transport is to stay open, to send what is pending."""
        return self.connection is not None and self.connection.ended()

    def pause_writing(self) -> None:
        if self.connection is not None:
            self.connection.hold_writing()

    def resume_writing(self) -> None:
        if self.connection is not None:
            self.connection.go_on_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.connection is not None:
            self.connection.lost()
            self.connection = None
        # asyncio's transport holds a method of its own, which only the collector would undo; and that is off.
        if hasattr(self.socket_transport, "_read_ready_cb"):
            self.socket_transport._read_ready_cb = None
        self.socket_transport = None


class Streams:
    """Makes clients of accepted sockets through asyncio."""

    def __init__(self, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        self.exchange = exchange
        self.loop = loop
        self.handshakes: set[asyncio.Task[None]] = set()

    def accept(
        self,
        accepted: socket.socket,
        address: str,
        connected: Callable[[Any], object],
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Takes over an accepted socket; `connected(connection)` is called once it is ready to talk."""
        task = self.loop.create_task(self._start(accepted, address, connected, context))
        self.handshakes.add(task)
        task.add_done_callback(self.handshakes.discard)
        self.exchange.interrupted = True

    async def _start(
        self,
        accepted: socket.socket,
        address: str,
        connected: Callable[[Any], object],
        context: ssl.SSLContext | None,
    ) -> None:
        protocol = StreamProtocol(self.exchange, connected)
        limit = HANDSHAKE_LIMIT if context is not None else None
        try:
            await self.loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=context, ssl_handshake_timeout=limit
            )
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or str(error)
            log.verbose(f"Error accepting a client connection: {reason} (addr={address})")
            accepted.close()


class LoopExchange(Exchange):
    """Rounds by an asyncio loop alone."""

    def __init__(self, executor: Executor, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(executor)
        self.loop = loop
        self.scheduled = False

    def schedule(self) -> None:
        """Has a round soon, once for all who ask."""
        if not self.scheduled:
            self.scheduled = True
            self.loop.call_soon(self.scheduled_turn)

    def scheduled_turn(self) -> None:
        """The round that was asked for."""
        self.scheduled = False
        self.turn()

    def add_callback(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Calls `callback()` whenever the descriptor is readable."""
        self.loop.add_reader(descriptor, callback)

    def remove_callback(self, descriptor: int) -> None:
        """Forgets a descriptor of `add_callback`."""
        self.loop.remove_reader(descriptor)
