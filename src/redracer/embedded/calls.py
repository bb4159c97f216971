# cython: annotation_typing=False
"""The commands of a store, executed in the thread that calls them: the shortest way into the engine.

Each thread has a connection of its own. A usual request goes straight to the dispatcher's call and its reply comes
back as a value; one that is unusual (gates.py), that waits, or that somebody observes takes the session's way.
Compiled (calls.pxd), this is most of what makes a call cheap.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from redracer.core.memory import used_memory
from redracer.core.replies import NO_REPLY, Several, Status
from redracer.core.session import CLOSED
from redracer.embedded.session import Session
from redracer.embedded.values import Values, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from redracer.engine.client import Client
    from redracer.engine.dispatch import Dispatcher
    from redracer.engine.engine import Engine

_CLOSED = CLOSED
GET, SET = b"GET", b"SET"


class StoreError(Exception):
    """The store refuses a command; `code` is the first word of the text (ERR, WRONGTYPE, OOM...)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = text.partition(" ")[0]


class StoreClosed(Exception):
    """The store is closed, or belongs to another process; the text says which."""


def _error(text: bytes) -> StoreError:
    return StoreError(text.decode("utf-8", "backslashreplace"))


def _unchanged(text: bytes) -> bytes:
    return text


VALUES = Values(3, _unchanged, _error)


class Calls:
    """What a store executes. `observer` is told of each request, `outlet` gets each reply in the place of its session
    (the instruments of tests); `unusable` says why the store cannot be used, if it cannot."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        engine: Engine
        dispatcher: Dispatcher
        lock: threading.RLock
        acquire: Callable[[], bool]
        release: Callable[[], None]
        own: threading.local
        unusable: str
        sessions: set[Session]
        observer: Callable[[Session, list[bytes]], None] | None
        outlet: Callable[[Session, Any], None] | None

    def __init__(self) -> None:
        self.new_lock()
        self.own = threading.local()
        self.unusable = ""
        self.sessions = set()
        self.observer = None
        self.outlet = None

    def new_lock(self) -> None:
        """A lock that nobody holds: at the beginning, and in a forked child, where its holder may be missing."""
        self.lock = threading.RLock()
        self.acquire = self.lock.acquire
        self.release = self.lock.release

    def check(self) -> None:
        """Raises StoreClosed if the store cannot be used."""
        if self.unusable:
            raise StoreClosed(self.unusable)

    def session(self, resp: int = 3) -> Session:
        """A connection of its own: its database, transaction and subscriptions are nobody else's."""
        return Session(self, resp)

    def own_session(self) -> Session:
        """The connection of this thread."""
        session: Session | None = getattr(self.own, "session", None)
        if session is None or session.client.state & _CLOSED:
            session = self.own.session = Session(self)
        return session

    def execute(self, *arguments: Any) -> Any:
        """Executes a command and returns its value; each thread has a connection of its own.

        Arguments are bytes, str, int or float. A command that waits blocks this thread alone. Raises StoreError
        for an error reply, StoreClosed, TypeError for an argument of another type. As long as the command takes.
        """
        return self.value_of(packed(arguments))

    def get(self, key: bytes | str) -> bytes | None:
        """The string at a key, or None. Raises StoreError if another type is there. O(1)."""
        value: bytes | None = self.value_of([GET, key if type(key) is bytes else encode(key)])
        return value

    def set(self, key: bytes | str, value: bytes | str | int | float) -> None:
        """Sets the string at a key. O(1)."""
        self.value_of([SET, key if type(key) is bytes else encode(key), encode(value)])

    def execute_many(self, commands: Iterable[Sequence[Any]]) -> list[Any]:
        """Executes commands one after another, each a sequence of arguments, and returns their values in a list.

        An error is a StoreError in the list, and does not keep the others from being executed; no other thread's
        commands come in between unless one of these waits. Raises StoreClosed, TypeError before anything is executed.
        """
        requests = [packed(command) for command in commands]
        session = self.own_session()
        values = []
        with self.lock:
            self.check()
            for argv in requests:
                reply = self.reply(session, argv)
                if reply is NO_REPLY:
                    reply = self.late_reply(session)
                values.append(plain(reply))
        return values

    def ask(self, session: Session, arguments: Iterable[Any]) -> Any:
        """The value of a request of any session, straight from the dispatcher: nobody observes it. An error is a
        StoreError, returned. The lock must be held, and the command must not wait."""
        argv = packed(arguments)
        dispatcher = self.dispatcher
        dispatcher.begin()
        reply = dispatcher.call(session.client, dispatcher.commands[argv[0].lower()], argv)
        dispatcher.before_sending()
        return plain(reply)

    def value_of(self, argv: list[bytes]) -> Any:
        """The value of one request. Raises StoreError for an error."""
        session = self.own_session()
        self.acquire()
        try:
            if self.unusable:
                self.check()
            reply = self.reply(session, argv)
        finally:
            self.release()
        if reply is NO_REPLY:
            reply = self.late_reply(session)
        value = plain(reply)
        if type(value) is StoreError:
            raise value
        return value

    def reply(self, session: Session, argv: list[bytes]) -> Any:
        """The reply, or NO_REPLY if there is none or it is still to come. The lock must be held."""
        client: Client = session.client
        dispatcher = self.dispatcher
        command = dispatcher.resolve(argv)
        if command is None or client.gates | dispatcher.gates or client.state:
            return session.reply_to(argv)
        if used_memory() > dispatcher.memory_limit or self.observer is not None or self.outlet is not None:
            return session.reply_to(argv)
        dispatcher.begin()
        reply = dispatcher.call(client, command, argv)
        if dispatcher.ready_keys:
            self.engine.blocking.serve()
        if dispatcher.before_sending_steps:
            dispatcher.before_sending()
        return reply

    def late_reply(self, session: Session) -> Any:
        """The reply to a request that waits, when it comes; None for one that gets none (CLIENT REPLY OFF)."""
        return session.next_reply() if session.waits else None


def packed(arguments: Iterable[Any]) -> list[bytes]:
    """A command as the engine takes it. Raises TypeError."""
    argv = [argument if type(argument) is bytes else encode(argument) for argument in arguments]
    if not argv:
        raise TypeError("a command has at least a name")
    return argv


def plain(reply: Any) -> Any:
    """The value of a reply; an error is a StoreError."""
    if type(reply) is bytes or type(reply) is int or reply is None:
        return reply
    if type(reply) is Status:
        return reply.text
    if type(reply) is Several:
        return [VALUES.of(item) for item in reply.items]
    return VALUES.of(reply)
