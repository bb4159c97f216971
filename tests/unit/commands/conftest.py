"""A small world for command handlers: databases, effects that are written down, and no dispatcher."""

from functools import partial
from types import SimpleNamespace

import pytest

import redracer.commands
from redracer.core.clock import Clock
from redracer.core.errors import CommandError
from redracer.core.keyspace import Keyspace
from redracer.core.replies import Status
from redracer.engine import registry
from redracer.engine.context import Context
from redracer.engine.effects import Effects
from redracer.engine.engine import Engine
from redracer.engine.expiry import ActiveExpiry
from redracer.engine.lazy_free import LazyFree

from .served import Served

NOW = 1_700_000_000_000  # Unix time, ms


class World:
    """Runs command lines; `events` holds (database, event, key), `propagated` what the last command did."""

    def __init__(self):
        redracer.commands.load()
        self.config = {
            "lazyfree-lazy-expire": False,
            "lazyfree-lazy-user-del": False,
            "lazyfree-lazy-user-flush": False,
        }
        self.clock = Clock()
        self.databases = [Keyspace(index, self.clock) for index in range(4)]
        self.effects = Effects()
        self.effects.observe(self)
        self.engine = SimpleNamespace(
            clock=self.clock,
            ports={},
            databases=self.databases,
            config=self.config,
            lazy_free=LazyFree(),
            commands=registry.default.build_table(),
            delete_expired=lambda db, key: db.delete(key),
        )
        self.engine.effects = self.effects
        self.engine.empty = partial(Engine.empty, self.engine)
        self.engine.expiry = ActiveExpiry(self.engine)
        for database in self.databases:
            database.on_expired = self.expire
        self.context = Context(self.engine, self.effects)
        self.context.db = self.databases[0]
        self.events = []
        self.propagated = []
        self.set_time(NOW)

    def set_time(self, now):
        self.clock.set_time(now)
        self.context.now = now

    def expire(self, database, key):
        database.discard(key)

    def key_changed(self, database, key, event):
        self.events.append((database, event, key))

    def key_event(self, database, key, event):
        self.events.append((database, event, key))

    def databases_flushed(self, databases):
        self.events += [(index, "databases_flushed", b"") for index in databases]

    def databases_swapped(self, first, second):
        self.events += [(index, "databases_swapped", b"") for index in (first, second)]

    @property
    def db(self):
        return self.databases[0]

    def run(self, line):
        """The reply to a command line (bytes, split at spaces, or a list); an error as its text."""
        args = line.split() if isinstance(line, bytes) else line
        command = registry.lookup(self.engine.commands, args)
        assert command is not None and command.accepts(len(args))
        dirty, self.context.rewritten, self.context.forced = self.effects.dirty, None, False
        self.events.clear()
        try:
            reply = command.handler(self.context, args)
        except CommandError as refusal:
            assert self.effects.dirty == dirty, "a refused command changed something"
            return refusal.text
        if self.context.rewritten is not None:
            self.propagated = self.context.rewritten
        else:
            self.propagated = [args] if self.effects.dirty != dirty or self.context.forced else []
        return reply.text.decode() if isinstance(reply, Status) else reply


@pytest.fixture
def world():
    return World()


@pytest.fixture
def served():
    return Served()
