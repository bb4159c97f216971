"""A store in this process: the engine without a network, behind one lock.

Commands run in the thread that calls them, one at a time, as in a server; a thread that waits (BLPOP) gives the
lock up. What happens in time (expiry, ends of waits, save points) is done by a thread of the store's own.
A store belongs to the process that opened it: in a forked child every use is refused.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from redracer.core.errors import CommandError
from redracer.core.memory import used_memory
from redracer.core.replies import NO_REPLY
from redracer.embedded.directory import Directory
from redracer.embedded.session import Session
from redracer.embedded.timer import Ticker
from redracer.embedded.values import Values, encode
from redracer.engine import log
from redracer.engine.config import Config, ConfigError
from redracer.engine.engine import Engine
from redracer.engine.shutdown import Request
from redracer.parts import Parts, load_commands

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class StoreError(Exception):
    """The store refuses a command; `code` is the first word of the text (ERR, WRONGTYPE, OOM...)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.partition(" ")[0]


class StoreClosed(Exception):
    """The store is closed, or belongs to another process; the text says which."""


def _raise(text: bytes) -> Any:
    """Errors inside an array are values, as a server sends them."""
    return StoreError(text.decode("utf-8", "backslashreplace"))


def _unchanged(text: bytes) -> bytes:
    return text


VALUES = Values(3, _unchanged, _raise)
_stores: weakref.WeakSet[Store] = weakref.WeakSet()


def _forked() -> None:
    for store in _stores:
        store.unusable = "this store belongs to the process that opened it; open one in the child"


os.register_at_fork(after_in_child=_forked)


class Store:
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
        self.lock = threading.RLock()
        self.unusable = ""  # why, if it is
        self.sessions: set[Session] = set()
        self.directory = Directory(path) if path is not None else None
        try:
            self.engine = Engine(configured(config or {}))
            self._load()
        except BaseException:
            self._release()
            raise
        self._local = threading.local()
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

    def check(self) -> None:
        """Raises StoreClosed if the store cannot be used."""
        if self.unusable:
            raise StoreClosed(self.unusable)

    def session(self, resp: int = 3) -> Session:
        """A connection of its own: its database, transaction and subscriptions are nobody else's."""
        return Session(self, resp)

    def _own_session(self) -> Session:
        session: Session | None = getattr(self._local, "session", None)
        if session is None or session.closed:
            session = self._local.session = Session(self)
        return session

    def execute(self, *arguments: Any) -> Any:
        """Executes a command and returns its value; each thread has a connection of its own.

        Arguments are bytes, str, int or float. A command that waits blocks this thread alone. Raises StoreError
        for an error reply, StoreClosed, TypeError for an argument of another type. As long as the command takes.
        """
        argv = [argument if type(argument) is bytes else encode(argument) for argument in arguments]
        if not argv:
            raise TypeError("a command has at least a name")
        session = self._own_session()
        with self.lock:
            self.check()
            reply = self._reply(session, argv)
        if reply is NO_REPLY:
            reply = session.receive()
        if type(reply) is bytes or type(reply) is int or reply is None:
            return reply
        value = VALUES.of(reply)
        if isinstance(value, StoreError):
            raise value
        return value

    def _reply(self, session: Session, argv: list[bytes]) -> Any:
        """The reply, or NO_REPLY if it is still to come."""
        client, dispatcher = session.client, self.engine.dispatcher
        command = dispatcher.resolve(argv)
        if command is None or client.gates | dispatcher.gates or used_memory() > dispatcher.memory_limit:
            session.send(argv)
            return session.replies.popleft() if session.replies else NO_REPLY
        dispatcher.begin()
        reply = dispatcher.call(client, command, argv)
        if dispatcher.ready_keys:
            self.engine.blocking.serve()
        dispatcher.before_sending()
        return reply

    def get(self, key: bytes | str) -> bytes | None:
        """The string at a key, or None. Raises StoreError if another type is there. O(1)."""
        value: bytes | None = self.execute(b"GET", key)
        return value

    def set(self, key: bytes | str, value: bytes | str | int | float) -> None:
        """Sets the string at a key. O(1)."""
        self.execute(b"SET", key, value)

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
