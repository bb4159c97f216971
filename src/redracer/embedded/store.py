"""A store in this process: the engine without a network, behind one lock.

Commands run in the thread that calls them, one at a time, as in a server; a thread that waits (BLPOP) gives the
lock up. What happens in time (expiry, ends of waits, save points) is done by a thread of the store's own.
A store belongs to the process that opened it: in a forked child every use is refused.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from redracer.core.errors import CommandError
from redracer.core.memory import used_memory
from redracer.embedded.calls import Calls, StoreClosed, StoreError
from redracer.embedded.directory import Directory
from redracer.embedded.timer import Ticker
from redracer.embedded.values import encode
from redracer.engine import log
from redracer.engine.config import NAMES, Config, ConfigError
from redracer.engine.engine import Engine
from redracer.engine.shutdown import Request
from redracer.parts import Parts, load_commands

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from redracer.embedded.listener import Listener
    from redracer.embedded.redis_py import AsyncRedis, Redis
    from redracer.embedded.snapshot import Difference, Snapshot

__all__ = ["Store", "StoreClosed", "StoreError"]


_stores: weakref.WeakSet[Store] = weakref.WeakSet()


def _forked() -> None:
    for store in _stores:
        store.new_lock()
        store.unusable = "this store belongs to the process that opened it; open one in the child"


os.register_at_fork(after_in_child=_forked)


class Store(Calls):
    """An open store: in memory, or with a directory at `path` from which it loads and to which it saves.

    `config`: options of redis.conf by name, as text, numbers, bools or lists of words. Usable by any thread, and
    as a context manager. Strings come back as bytes; a map as a dict, a double as a float, a set as a list.
    Raises ConfigError, StoreLocked if another store has the directory, LoadError.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, config: Mapping[str, Any] | None = None
    ) -> None:
        load_commands()
        log.set_level("nothing")  # a library tells by exceptions
        super().__init__()
        self.directory = Directory(path) if path is not None else None
        try:
            self.engine = Engine(configured(config or {}))
            self.dispatcher = self.engine.dispatcher
            self._load()
        except BaseException:
            self._release()
            raise
        self.listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
        self.ticker = Ticker(self)
        self.engine.ports.update(call_later=self.ticker.call_later)
        _stores.add(self)

    def _load(self) -> None:
        """Loads what the directory holds, and has the engine save there."""
        engine = self.engine
        if self.directory is None:
            if engine.config["appendonly"]:
                raise ConfigError("appendonly needs a directory: open(path, appendonly=True)")
            engine.config.values["save"] = ()
        else:
            engine.config.values["dir"] = self.directory.path
        self.parts = Parts(engine)
        engine.ports["exit"] = lambda: None
        if self.directory is not None:
            for _ in self.parts.load():
                pass

    def _release(self) -> None:
        if self.directory is not None:
            self.directory.release()

    def redis(self, **options: Any) -> Redis:
        """redis-py's client of this store, with redis.Redis's options (extra `redracer[client]`)."""
        from redracer.embedded.redis_py import Redis

        return Redis(self, **options)

    def async_redis(self, **options: Any) -> AsyncRedis:
        """redis-py's asyncio client of this store, with redis.asyncio.Redis's options."""
        from redracer.embedded.redis_py import AsyncRedis

        return AsyncRedis(self, **options)

    def listen(self, port: int = 0) -> Listener:
        """Lets others reach this store at a port of 127.0.0.1 (0: a free one), until the listener is closed, with the
        store at the latest. Raises OSError."""
        from redracer.embedded.listener import Listener

        self.check()
        listener = Listener(self, port)
        self.listeners.add(listener)
        return listener

    def load(self, data: Mapping[Any, Any] | str | os.PathLike[str]) -> None:
        """Loads keys from a mapping of Python values (data.py), or from the RDB file at a path.

        Keys of the same name are replaced by a file's, and added to by a mapping's collections. Raises TypeError,
        ValueError, OSError, RdbError.
        """
        from redracer.embedded.data import load_file, load_mapping

        if isinstance(data, (str, os.PathLike)):
            with self.lock:
                self.check()
                load_file(self.engine, data)
        else:
            load_mapping(self, data)

    def snapshot(self) -> Snapshot:
        """All keys as they are now, to `diff` with and to `restore`. O(everything in the store)."""
        from redracer.embedded.snapshot import take

        return take(self)

    def diff(self, before: Snapshot) -> Difference:
        """What became of the keys since a snapshot. O(everything in both)."""
        from redracer.embedded.snapshot import difference

        return difference(before, self.snapshot())

    def restore(self, snapshot: Snapshot) -> None:
        """Makes the keys what they were at a snapshot. O(everything in both)."""
        from redracer.embedded.snapshot import restore

        restore(self, snapshot)

    def scan_frame(
        self, pattern: str | bytes = "*", *, type: str | None = None, library: str | None = None
    ) -> Any:
        """The keys that match as a DataFrame: columns key, type, ttl (seconds), and value, or a hash's fields.

        `type`: only keys of it ("hash"). `library`: "pandas" or "polars", the first that is installed if not given.
        Raises ImportError. O(keys in the database).
        """
        from redracer.embedded.frames import frame, scan

        return frame(scan(self, pattern, type), library)

    def close(self) -> None:
        """Closes the store, after saving where that is configured; a second call changes nothing.

        Who waits gets ConnectionError. Raises StoreError if it cannot be saved, and stays open then.
        """
        with self.lock:
            if self.unusable:
                return
            self._save()
            for session in list(self.sessions):
                session.close()
            self.unusable = "this store is closed"
        for listener in list(self.listeners):
            listener.close()
        self.ticker.stop()
        self.engine.free()
        self._release()

    def _save(self) -> None:
        """The last snapshot, and the end of the log."""
        self.engine.dispatcher.begin()
        try:
            self.engine.shutdown.ask(Request(now=True))
        except CommandError as refusal:
            raise StoreError(refusal.text.decode()) from None
        self.parts.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.unusable:
            return f"<redracer.Store: {self.unusable}>"
        keys = sum(len(database) for database in self.engine.databases)
        return f"<redracer.Store: {keys} keys, {used_memory()} bytes>"

    def _repr_html_(self) -> str:
        from redracer.embedded.notebook import page

        return page(self)


def configured(options: Mapping[str, Any]) -> Config:
    """A configuration with these options. Raises ConfigError, which names the option that is wrong."""
    config = Config()
    for name, value in options.items():
        option = name.replace("_", "-")
        if option not in NAMES:
            from difflib import get_close_matches

            near = get_close_matches(option, NAMES, n=1)
            hint = f"; did you mean {near[0].replace('-', '_')}?" if near else ""
            raise ConfigError(f"no option {name} in redis.conf{hint}")
        words = value if isinstance(value, (list, tuple)) else [value]
        config.set_at_start(option, [_word(word) for word in words])
    return config


def _word(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"yes" if value else b"no"
    return encode(value)
