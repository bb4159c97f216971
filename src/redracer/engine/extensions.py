"""Extensions: Python modules of the operator's, which bring commands, react to keys, or work by the clock.

    redracer-server --extension shop.limits --extension shop.jobs

A module is imported at start, before the server has its table of commands, and registers what it brings with the
decorators here and `registry.command`. Nothing on the wire can load one.

Commands are commands like any. Hooks and jobs run between requests, with a Session: what a call of it changes is
one unit for the append-only file and the replicas, is counted, and shows up wherever a command does. What they
raise goes to the log, with its traceback, and ends nothing else.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from redracer.core.errors import CommandError
from redracer.core.glob import match
from redracer.core.replies import Error
from redracer.core.resp_parse import RequestParser
from redracer.engine import log
from redracer.engine.client import INTERNAL, NO_BLOCKING, Client
from redracer.engine.info import Section
from redracer.engine.registry import RegistrationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redracer.engine.context import Context
    from redracer.engine.engine import Engine

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])
WAITING_EVENTS = 100_000  # most events that wait for their hooks; more are dropped, and the log says so


class Hook(NamedTuple):
    """A function that is told of an event of keys whose names match."""

    event: str
    pattern: bytes
    function: Callable[[Session, bytes, str], object]


class Job(NamedTuple):
    """A function that is called every so many seconds."""

    seconds: float
    function: Callable[[Session], object]


_hooks: list[Hook] = []
_jobs: list[Job] = []


def on_key_event(event: str, pattern: str = "*") -> Callable[[AnyFunction], AnyFunction]:
    """Has the decorated function called as `function(session, key, event)` after such an event.

    `event`: as keyspace notifications name it (`expired`, `del`, `hset`...), `pattern`: a glob for the key.
    """

    def declare(function: AnyFunction) -> AnyFunction:
        _hooks.append(Hook(event, pattern.encode(), function))
        return function

    return declare


def every(seconds: float) -> Callable[[AnyFunction], AnyFunction]:
    """Has the decorated function called as `function(session)` every so many seconds. RegistrationError for 0."""
    if not seconds > 0:
        raise RegistrationError("a job needs a time between two of its calls")

    def declare(function: AnyFunction) -> AnyFunction:
        _jobs.append(Job(seconds, function))
        return function

    return declare


def load(names: Iterable[str]) -> None:
    """Imports the modules, each once. RegistrationError with what went wrong."""
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            raise RegistrationError(f"The extension '{name}' cannot be loaded:\n{trace}") from None


@contextmanager
def one_unit(ctx: Context) -> Iterator[None]:
    """Within it a command changes data by `call`: the append-only file and replicas get those calls as one unit."""
    ctx.effects.hold()
    try:
        yield
    finally:
        ctx.effects.release()
        ctx.rewrite_as([])


def call(ctx: Context, *arguments: bytes | str | int | float) -> Any:
    """Executes a command inside another, for its client; returns the reply, or raises CommandError if it failed."""
    reply = _call(ctx.engine, ctx.client, arguments)
    if isinstance(reply, Error):
        raise CommandError(reply.text)
    return reply


def _call(engine: Engine, client: Client, arguments: Iterable[bytes | str | int | float]) -> Any:
    argv = [item if isinstance(item, bytes) else str(item).encode() for item in arguments]
    command = engine.dispatcher.resolve(argv)
    refusal = engine.dispatcher.refusal(client, command, argv)
    if refusal is not None or command is None:
        return refusal
    return engine.dispatcher.call_nested(client, command, argv)


class Session:
    """How hooks and jobs reach the data: `call` executes a command. `client` has database 0 to begin with."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.client = Client(0, engine.databases[0], RequestParser(0), None)
        self.client.flags = INTERNAL | NO_BLOCKING

    def call(self, *arguments: bytes | str | int | float) -> Any:
        """Executes a command and returns its reply as a command returns it, an Error if it failed."""
        reply = _call(self.engine, self.client, arguments)
        if isinstance(reply, Error):
            log.verbose(f"An extension's call failed: {reply.text.decode(errors='replace')}")
        return reply


class Extensions:
    """The hooks and jobs of one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.names: tuple[str, ...] = engine.config["extension"]
        self.session = Session(engine)
        self.waiting: list[tuple[Hook, bytes]] = []
        self.hooks = list(_hooks) if self.names else []
        self.jobs = list(_jobs) if self.names else []
        if self.names:
            engine.info.register(Section("extensions", "Extensions", self._fields))

    def _fields(self, _engine: Engine) -> list[tuple[str, object]]:
        fields: list[tuple[str, object]] = [("extension", f"name={name}") for name in self.names]
        return [*fields, ("extension_hooks", len(self.hooks)), ("extension_jobs", len(self.jobs))]

    def start(self) -> None:
        """From now on hooks are told and jobs run."""
        if self.hooks:
            self.engine.effects.observe(self)
        for job in self.jobs:
            self._schedule(job)

    # --- events

    def key_changed(self, database: int, key: bytes, event: str) -> None:
        """The effects say that a key changed."""
        self._note(key, event)

    def key_event(self, database: int, key: bytes, event: str) -> None:
        """The effects say that something else happened to a key."""
        self._note(key, event)

    def databases_flushed(self, databases: list[int]) -> None:
        """Is no event of any key."""

    def databases_swapped(self, first: int, second: int) -> None:
        """Is no event of any key."""

    def _note(self, key: bytes, event: str) -> None:
        for hook in self.hooks:
            if hook.event == event and match(hook.pattern, key):
                if len(self.waiting) >= WAITING_EVENTS:
                    log.warning("Too many events wait for the extensions' hooks; one is dropped")
                    continue
                self.waiting.append((hook, key))
                if len(self.waiting) == 1:
                    self.engine.ports["call_later"](0, self.run_hooks)

    def run_hooks(self) -> None:
        """Tells the hooks of the events that waited; those that this causes wait for the next turn."""
        waiting, self.waiting = self.waiting, []
        for hook, key in waiting:
            self._run(hook.function, key, hook.event)

    # --- jobs

    def _schedule(self, job: Job) -> None:
        self.engine.ports["call_later"](job.seconds, self.run_job, job)

    def run_job(self, job: Job) -> None:
        """Runs a job, and plans its next run."""
        self._schedule(job)
        self._run(job.function)

    def _run(self, function: Callable[..., object], *arguments: object) -> None:
        engine = self.engine
        if engine.loading.active:
            return
        engine.dispatcher.begin()
        engine.effects.hold()
        try:
            function(self.session, *arguments)
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            log.warning(f"Error in the extension function '{function.__qualname__}':\n{trace}")
        finally:
            engine.effects.release()
            engine.context.rewritten = None
            engine.blocking.serve()
