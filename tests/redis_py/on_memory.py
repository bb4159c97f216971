"""A pytest plugin that gives redis-py's tests a store in this process in the place of the server at their URL.

Their clients are made by pools whose connections go to a host and port; the pools get ours, and everything else of
redis-py stays as it is.
"""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio.connection
import redis.connection

import redracer
from redracer.embedded.redis_py import AsyncMemoryConnection, MemoryConnection, MemorySocket

ADDRESS = ("host", "port", "path")
PORT = 6379  # of the URL that the tests are given; at others there is nobody
STORE = redracer.open(enable_debug_command="yes")


class Local(MemoryConnection):
    """A connection to the one store, which is at the address that the tests are given."""

    def __init__(self, **options: Any) -> None:
        self.is_there = options.get("port", PORT) == PORT
        super().__init__(STORE, **without_address(options))

    def _connect(self) -> MemorySocket:
        if not self.is_there:
            raise ConnectionRefusedError
        return super()._connect()


class AsyncLocal(AsyncMemoryConnection):
    """The same for asyncio."""

    def __init__(self, **options: Any) -> None:
        self.is_there = options.get("port", PORT) == PORT
        super().__init__(STORE, **without_address(options))

    async def _connect(self) -> None:
        if not self.is_there:
            raise ConnectionRefusedError
        await super()._connect()


def without_address(options: dict[str, Any]) -> dict[str, Any]:
    """The options that say something about more than where a server is."""
    return {name: value for name, value in options.items() if name not in ADDRESS}


def redirect(pool: Any, remote: type, local: type) -> None:
    """Has pools of a kind make local connections where they would make remote ones."""
    original = pool.__init__

    def initialize(self: Any, connection_class: type = remote, **options: Any) -> None:
        original(self, connection_class=local if connection_class is remote else connection_class, **options)

    pool.__init__ = initialize


redirect(redis.connection.ConnectionPool, redis.connection.Connection, Local)
redirect(redis.asyncio.connection.ConnectionPool, redis.asyncio.connection.Connection, AsyncLocal)
