"""redis-py's clients on a store in this process: its connections without sockets (extra `redracer[client]`).

A connection of redis-py has three parts that know of bytes: what packs a command, the socket (or streams) that it
is sent to, and the parser that reads replies. Here they are a list of arguments, a Session, and a parser of values;
everything else is redis-py's own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

try:
    import redis
    import redis.asyncio
except ImportError as missing:
    raise ImportError("this needs redis-py: pip install 'redracer[client]'") from missing
from redis._parsers.resp3 import _AsyncRESP3Parser, _RESP3Parser
from redis.asyncio.connection import AbstractConnection as AsyncAbstractConnection
from redis.connection import AbstractConnection

from redracer.core.replies import Push
from redracer.embedded.session import Session
from redracer.embedded.store import Store, StoreClosed
from redracer.embedded.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterable

NAME = "in-memory store"
# Options of redis-py's clients that tune a socket, which there is none of.
SOCKET_OPTIONS = (
    "socket_connect_timeout",
    "socket_keepalive",
    "socket_keepalive_options",
    "socket_read_size",
    "socket_type",
)


class Reading:
    """What both parsers do with what a session gives."""

    def __init__(self, parser: Any, session: Session, encoder: Any) -> None:
        self.parser = parser
        self.session = session
        self.encoder = encoder
        self.known: dict[tuple[int, bool], Values] = {}

    def values(self, raw: bool) -> Values:
        """How to read in the protocol of the moment; `raw`: strings stay bytes."""
        key = (self.session.client.resp, raw)
        if key not in self.known:
            text = _unchanged if raw else self.encoder.decode
            self.known[key] = Values(key[0], text, self.error)
        return self.known[key]

    def error(self, text: bytes) -> Exception:
        """redis-py's exception for an error reply."""
        error: Exception = self.parser.parse_error(text.decode("utf-8", "replace"))
        if isinstance(error, redis.ConnectionError):
            raise error
        return error

    def check_open(self) -> None:
        """Raises ConnectionError if the connection has ended, as a closed socket would when it is looked at."""
        if self.session.closed and not self.session.replies:
            raise redis.ConnectionError("the store has closed this connection")

    def is_message(self, reply: Any) -> bool:
        """Whether it is none of a request's: RESP2 does not tell them apart."""
        return type(reply) is Push and self.session.client.resp == 3


def _unchanged(text: bytes) -> bytes:
    return text


def packed(encoder: Any, arguments: tuple[Any, ...]) -> list[bytes]:
    """A command's arguments as bytes. A name of two words counts as two arguments, as redis-py has it."""
    name = arguments[0]
    words = name.encode().split() if isinstance(name, str) else name.split()
    return words + [bytes(encoder.encode(argument)) for argument in arguments[1:]]


class ArgumentPacker:
    """Packs a command into what MemorySocket takes."""

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder

    def pack(self, *arguments: Any) -> list[list[bytes]]:
        """One request."""
        return [packed(self.encoder, arguments)]


class MemorySocket:
    """What redis-py takes for a socket."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def sendall(self, argv: list[bytes]) -> None:
        """Executes a request."""
        if self.session.closed:
            raise BrokenPipeError(32, "the store has closed this connection")
        self.session.send(argv)

    def shutdown(self, _how: int) -> None:
        """There is nothing under way."""

    def settimeout(self, _seconds: float | None) -> None:
        """Sending never waits."""

    def close(self) -> None:
        """Ends the session."""
        self.session.close()


class MemoryParser(_RESP3Parser):
    """Reads values from a session."""

    reading: Reading | None = None
    usual_timeout: float | None = None

    def on_connect(self, connection: Any) -> None:
        """The connection is there."""
        self.encoder = connection.encoder
        self.reading = Reading(self, connection._sock.session, connection.encoder)
        self.usual_timeout = connection.socket_timeout

    def on_disconnect(self) -> None:
        """It is gone."""
        self.reading = None

    def can_read(self, timeout: float = 0) -> bool:
        """Whether something is there, or comes within `timeout` seconds. Raises ConnectionError."""
        if self.reading is None or not self.reading.session.wait(timeout):
            return False
        self.reading.check_open()
        return True

    def read_response(
        self, disable_decoding: bool = False, push_request: bool = False, timeout: Any = ...
    ) -> Any:
        """The next reply, or the next message if those are asked for. Raises TimeoutError, ConnectionError."""
        if self.reading is None:
            raise redis.ConnectionError("the connection is closed")
        seconds = timeout if timeout is None or isinstance(timeout, (int, float)) else self.usual_timeout
        while True:
            reply = self.reading.session.receive(seconds)
            if not self.reading.is_message(reply):
                return self.reading.values(disable_decoding).of(reply)
            message = self.handle_push_response(  # type: ignore[no-untyped-call]
                self.reading.values(disable_decoding).of(reply)
            )
            if push_request:
                return message


class MemoryConnection(AbstractConnection):
    """A connection of redis-py to a store."""

    def __init__(self, store: Store, **given: Any) -> None:
        options = {name: value for name, value in given.items() if name not in SOCKET_OPTIONS}
        self.store = store
        self.host, self.port = NAME, 0
        options["parser_class"] = MemoryParser
        options.setdefault("socket_timeout", None)
        super().__init__(**options)
        self._command_packer = ArgumentPacker(self.encoder)

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """What repr() shows."""
        return [("store", self.store), ("db", self.db)]

    def _connect(self) -> MemorySocket:
        try:
            return MemorySocket(Session(self.store, 2))
        except StoreClosed as closed:
            raise ConnectionRefusedError(str(closed)) from None

    def _host_error(self) -> str:
        return NAME

    def pack_commands(self, commands: Iterable[tuple[Any, ...]]) -> list[list[bytes]]:
        """Several requests."""
        return [packed(self.encoder, command) for command in commands]


class Redis(redis.Redis):
    """redis-py's client of a store: of `store`, or of a new one that ends with `close`.

    Other arguments are redis.Redis's: db, decode_responses, protocol, username, password...
    """

    def __init__(
        self, store: Store | None = None, *, single_connection_client: bool = False, **options: Any
    ) -> None:
        self._own_store = Store() if store is None else None
        self.store = store or self._own_store
        pool = redis.ConnectionPool(connection_class=MemoryConnection, store=self.store, **options)
        super().__init__(connection_pool=pool, single_connection_client=single_connection_client)
        self.auto_close_connection_pool = True

    def close(self) -> None:
        """Closes the connections, and the store if it is this client's own."""
        super().close()
        if self._own_store is not None:
            self._own_store.close()


# --- asyncio


class MemoryStreams:
    """What redis-py's asyncio connection takes for its reader and its writer."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def writelines(self, requests: Iterable[list[bytes]]) -> None:
        """Executes requests."""
        for argv in requests:
            if self.session.closed:
                raise BrokenPipeError(32, "the store has closed this connection")
            self.session.send(argv)

    async def drain(self) -> None:
        """Sending never waits; other tasks get their turn, as they would while bytes travel."""
        await asyncio.sleep(0)

    def close(self) -> None:
        """Ends the session."""
        self.session.close()

    async def wait_closed(self) -> None:
        """It is closed."""

    def get_extra_info(self, _name: str, default: Any = None) -> Any:
        """There is no socket to tell of."""
        return default


class AsyncMemoryParser(_AsyncRESP3Parser):
    """Reads values from a session in an event loop."""

    reading: Reading | None = None

    def on_connect(self, connection: Any) -> None:
        """The connection is there."""
        self.encoder = connection.encoder
        self._stream = connection._reader
        self.reading = Reading(self, connection._reader.session, connection.encoder)
        self.loop = asyncio.get_running_loop()
        self.arrived = asyncio.Event()
        self.reading.session.on_reply = self._on_reply

    def _on_reply(self) -> None:
        """Something is there: said by whichever thread executes commands."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.arrived.set)

    def on_disconnect(self) -> None:
        """It is gone."""
        if self.reading is not None:
            self.reading.session.on_reply = None
        self.reading = None
        self._stream = None

    async def can_read(self) -> bool:
        """Whether something is there. Raises ConnectionError."""
        if self.reading is None:
            return False
        self.reading.check_open()
        return bool(self.reading.session.replies)

    async def can_read_destructive(self) -> bool:
        """The older name."""
        return await self.can_read()

    async def _next(self) -> Any:
        if self.reading is None:
            raise redis.ConnectionError("the connection is closed")
        session = self.reading.session
        while not session.replies:
            if session.closed:
                raise redis.ConnectionError("the store has closed this connection")
            self.arrived.clear()
            if not session.replies:
                await self.arrived.wait()
        return session.receive(0)

    async def read_response(self, disable_decoding: bool = False, push_request: bool = False) -> Any:
        """The next reply, or the next message if those are asked for."""
        while True:
            reply = await self._next()
            reading = self.reading
            if reading is None:
                raise redis.ConnectionError("the connection is closed")
            if not reading.is_message(reply):
                return reading.values(disable_decoding).of(reply)
            message = await self.handle_push_response(  # type: ignore[no-untyped-call]
                reading.values(disable_decoding).of(reply)
            )
            if push_request:
                return message


class AsyncMemoryConnection(AsyncAbstractConnection):
    """An asyncio connection of redis-py to a store."""

    def __init__(self, store: Store, **given: Any) -> None:
        options = {name: value for name, value in given.items() if name not in SOCKET_OPTIONS}
        self.store = store
        self.host, self.port = NAME, 0
        options["parser_class"] = AsyncMemoryParser
        options.setdefault("socket_timeout", None)
        super().__init__(**options)

    def repr_pieces(self) -> list[tuple[str, Any]]:
        """What repr() shows."""
        return [("store", self.store), ("db", self.db)]

    def _connection_arguments(self) -> dict[str, Any]:
        return {}

    async def _connect(self) -> None:
        try:
            streams: Any = MemoryStreams(Session(self.store, 2))
            self._reader = self._writer = streams
        except StoreClosed as closed:
            raise ConnectionRefusedError(str(closed)) from None

    def _host_error(self) -> str:
        return NAME

    def pack_command(self, *arguments: Any) -> Any:
        """One request."""
        return [packed(self.encoder, arguments)]

    def pack_commands(self, commands: Iterable[Any]) -> Any:
        """Several requests."""
        return [packed(self.encoder, command) for command in commands]


class AsyncRedis(redis.asyncio.Redis):
    """redis-py's asyncio client of a store: of `store`, or of a new one that ends with `aclose`."""

    def __init__(
        self, store: Store | None = None, *, single_connection_client: bool = False, **options: Any
    ) -> None:
        self._own_store = Store() if store is None else None
        self.store = store or self._own_store
        pool = redis.asyncio.ConnectionPool(
            connection_class=AsyncMemoryConnection, store=self.store, **options
        )
        super().__init__(connection_pool=pool, single_connection_client=single_connection_client)
        self.auto_close_connection_pool = True

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Closes the connections, and the store if it is this client's own."""
        await super().aclose(close_connection_pool)
        if self._own_store is not None:
            self._own_store.close()
