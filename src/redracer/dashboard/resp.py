"""A connection to the server: RESP3 over asyncio, one request at a time or many in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

CONNECT_TIMEOUT = 5  # s
REPLY_TIMEOUT = 15  # s
LIMIT = 1 << 20  # bytes of one line of a reply

Word = bytes | str | int


class ServerError(Exception):
    """An error reply; `text` is its line."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class ConnectionLost(Exception):
    """The server cannot be reached, or is gone, or does not answer."""


class Push(list[Any]):
    """What the server sends unasked (published messages)."""


class Address:
    """Where the server is: `HOST:PORT`, or the path of its Unix socket."""

    def __init__(self, text: str) -> None:
        """Raises ValueError if it is neither."""
        self.text = text
        self.path = text if "/" in text else ""
        self.host, self.port = "", 0
        if not self.path:
            host, _, port = text.rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(f"{text!r} is neither HOST:PORT nor the path of a socket")
            self.host, self.port = host.strip("[]"), int(port)


def encoded(words: Iterable[Word]) -> bytes:
    """A request as an array of bulk strings."""
    parts = [word if isinstance(word, bytes) else to_bytes(str(word)) for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def to_bytes(text: str) -> bytes:
    """Text of a request; bytes that are no UTF-8 are lone surrogates in it."""
    return text.encode("utf-8", "surrogateescape")


def to_text(data: bytes) -> str:
    """Bytes of a reply as text, from which `to_bytes` makes them again."""
    return data.decode("utf-8", "surrogateescape")


class Connection:
    """One connection. Requests wait for one another; a request that times out ends it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.lock = asyncio.Lock()
        self.pushed: asyncio.Queue[Push] = asyncio.Queue(1000)

    @classmethod
    async def open(cls, address: Address, user: str, password: str) -> Connection:
        """Connects and logs in. Raises ConnectionLost, or ServerError if the server does not want us."""
        try:
            if address.path:
                opening = asyncio.open_unix_connection(address.path, limit=LIMIT)
            else:
                opening = asyncio.open_connection(address.host, address.port, limit=LIMIT)
            reader, writer = await asyncio.wait_for(opening, CONNECT_TIMEOUT)
        except (OSError, TimeoutError) as error:
            raise ConnectionLost(f"cannot connect to {address.text}: {error}") from None
        connection = cls(reader, writer)
        credentials: tuple[Word, ...] = ("AUTH", user, password) if password or user != "default" else ()
        try:
            await connection.run("HELLO", 3, *credentials, "SETNAME", "dashboard")
        except BaseException:
            connection.close()
            raise
        return connection

    async def run(self, *words: Word) -> Any:
        """The reply to one request. Raises ServerError, ConnectionLost."""
        (reply,) = await self.run_all([words])
        if isinstance(reply, ServerError):
            raise reply
        return reply

    async def run_all(self, requests: list[tuple[Word, ...]]) -> list[Any]:
        """The replies to requests that are sent together; an error is among them as a ServerError."""
        async with self.lock:
            try:
                self.writer.write(b"".join(encoded(words) for words in requests))
                await self.writer.drain()
                return [await asyncio.wait_for(self.reply(), REPLY_TIMEOUT) for _ in requests]
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self.close()
                raise ConnectionLost(f"the server does not answer: {error}") from None
            except asyncio.CancelledError:
                self.close()  # a reply is still to come
                raise

    async def reply(self) -> Any:
        """The next reply; what is pushed before it goes into the queue, and is dropped when that is full."""
        while True:
            value = await self._read()
            if not isinstance(value, Push):
                return value
            if not self.pushed.full():
                self.pushed.put_nowait(value)

    async def next_push(self) -> Push:
        """The next thing that the server sends unasked. Raises ConnectionLost."""
        try:
            while True:
                value = self.pushed.get_nowait() if not self.pushed.empty() else await self._read()
                if isinstance(value, Push):
                    return value
        except (OSError, EOFError) as error:
            raise ConnectionLost(str(error)) from None

    async def _read(self) -> Any:
        line = (await self.reader.readuntil(b"\r\n"))[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return ServerError(to_text(rest))
        if kind == b":":
            return int(rest)
        if kind == b"_" or rest == b"-1":
            return None
        if kind in b"$=!":
            data = (await self.reader.readexactly(int(rest) + 2))[:-2]
            if kind == b"!":
                return ServerError(to_text(data))
            return data[4:] if kind == b"=" else data
        if kind == b",":
            return float(rest)
        if kind == b"#":
            return rest == b"t"
        if kind == b"(":
            return int(rest)
        return await self._read_aggregate(kind, int(rest))

    async def _read_aggregate(self, kind: bytes, count: int) -> Any:
        if kind in b"%|":
            pairs = [(await self._read(), await self._read()) for _ in range(count)]
            # A key of a map may be an array, which Python's dict does not take.
            return pairs if kind == b"%" else await self._read()
        if kind not in b"*~>":
            raise ValueError(f"unknown type of reply {kind!r}")
        items = [await self._read() for _ in range(count)]
        return Push(items) if kind == b">" else items

    def close(self) -> None:
        """Closes at once."""
        self.writer.close()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self.writer.is_closing()
