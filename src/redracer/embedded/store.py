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
from redracer.engine.config import Config, ConfigError
from redracer.engine.engine import Engine
from redracer.engine.shutdown import Request
from redracer.parts import Parts, load_commands

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["Store", "StoreClosed", "StoreError"]


_stores: weakref.WeakSet[Store] = weakref.WeakSet()


def _forked() -> None:
    for store in _stores:
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
        self.ticker.stop()
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


def configured(options: Mapping[str, Any]) -> Config:
    """A configuration with these options. Raises ConfigError, which names the option that is wrong."""
    config = Config()
    for name, value in options.items():
        words = value if isinstance(value, (list, tuple)) else [value]
        config.set_at_start(name.replace("_", "-"), [_word(word) for word in words])
    return config


def _word(value: Any) -> bytes:
    if isinstance(value, bool):
        return b"yes" if value else b"no"
    return encode(value)
