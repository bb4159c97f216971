"""redracer: an in-memory data store that speaks the Redis protocol, as a server and inside a Python process.

`redracer.open()` opens a store in this process; `redracer.Redis()` and `redracer.asyncio.Redis()` are redis-py's
clients on one; `redracer.Server()` starts a server in a process of its own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from redracer.embedded.directory import StoreLocked
    from redracer.embedded.redis_py import Redis
    from redracer.embedded.server import Server, ServerError
    from redracer.embedded.store import Store, StoreClosed, StoreError

__all__ = ["Redis", "Server", "ServerError", "Store", "StoreClosed", "StoreError", "StoreLocked", "open"]

# Imported when they are asked for: a server needs none of them.
_HOMES = {
    "Redis": "redis_py",
    "Server": "server",
    "ServerError": "server",
    "Store": "store",
    "StoreClosed": "store",
    "StoreError": "store",
    "StoreLocked": "directory",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "asyncio":
        return import_module("redracer.asyncio")
    if name not in _HOMES:
        raise AttributeError(f"module 'redracer' has no attribute {name!r}")
    return getattr(import_module(f"redracer.embedded.{_HOMES[name]}"), name)


def open(path: str | os.PathLike[str] | None = None, **config: Any) -> Store:
    """Opens a store in this process; with a path, of a directory that it loads from and saves to.

    `config`: options of redis.conf, with underscores: `maxmemory="100mb"`, `appendonly=True`. Raises ConfigError
    for a wrong option, StoreLocked if another store has the directory, LoadError if it cannot be loaded.
    """
    from redracer.embedded.store import Store

    return Store(path, config)
