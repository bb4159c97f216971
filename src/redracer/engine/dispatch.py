# cython: annotation_typing=False
"""From a request to a reply: find the command, check that it may run, call it, account for it.

The usual case is one straight line. Everything that makes a request unusual (not authenticated, a paused
server, a silent client, a transaction, a monitor...) sets a bit in the client's or the dispatcher's
`gates` (gates.py); a request with any bit takes the slower line, `execute_unusual`, so that the usual one
pays a single test for all of them. There the guards of those bits are asked whether the request may run.

Durations are read from one clock reading per command: a command starts where the one before it ended,
and the first of a batch where the batch began.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.histogram import Histogram
from redracer.core.memory import used_memory
from redracer.core.replies import NO_REPLY, Error, Several, Status
from redracer.core.session import CLOSE_AFTER_REPLY, Executor
from redracer.engine import log, registry
from redracer.engine.client import PRIMARY, REPLICA, REPLY_OFF, REPLY_SKIP, REPLY_SKIP_NEXT
from redracer.engine.flags import IMMEDIATE, NO_MULTI, PROTECTED, SKIP_MONITOR, TOUCHES_ARBITRARY_KEYS
from redracer.engine.gates import (
    GATE_MEMORY,
    GATE_MONITORED,
    GATE_NO_TOUCH,
    GATE_PAUSED,
    GATE_REPLY,
    GATE_TRACKING,
)
from redracer.engine.registry import Command
from redracer.engine.timing import monotonic_nanoseconds, unix_microseconds

if TYPE_CHECKING:
    from redracer.core.clock import Clock
    from redracer.engine.client import Client
    from redracer.engine.context import Context
    from redracer.engine.effects import Effects
    from redracer.engine.engine import Engine

Guard = Callable[["Client", Command, list[bytes]], "bytes | None"]

QUEUED = Status(b"QUEUED")
# Bits as C numbers; the .pxd has their types.
_IMMEDIATE, _NO_MULTI, _PROTECTED = IMMEDIATE, NO_MULTI, PROTECTED
_MEMORY, _MONITORED, _NO_TOUCH = GATE_MEMORY, GATE_MONITORED, GATE_NO_TOUCH
_PAUSED, _REPLY, _TRACKING = GATE_PAUSED, GATE_REPLY, GATE_TRACKING
_SKIP_MONITOR = SKIP_MONITOR  # of scripts, which are shown before the commands that they call
_SKIP, _SKIP_NEXT = REPLY_SKIP, REPLY_SKIP_NEXT
_SILENT, _SILENT_NEXT = REPLY_OFF | REPLY_SKIP, REPLY_OFF | REPLY_SKIP_NEXT
_LINKED = PRIMARY | REPLICA
_OBSERVED = GATE_NO_TOUCH | GATE_MONITORED | GATE_TRACKING  # for which a call takes `call_observed`
SPELLINGS = 4096  # most spellings of command names remembered (GET, get, Get...)


class Dispatcher(Executor):
    """Executes requests for one engine.

    `attention` is the duration in ns from which a call is looked at, `memory_limit` the bytes of data from which on
    requests meet the guard of memory first (eviction.py).
    """

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        context: Context
        effects: Effects
        clock: Clock
        commands: dict[bytes, Command]
        spellings: dict[bytes, Command]
        engine: Engine
        gates: int
        started: int
        attention: int
        memory_limit: int
        track_latency: bool
        calls: int
        calls_before_round: int
        most_calls_per_round: int
        before_sending_steps: list[Callable[[], None]]
        ready_keys: list[tuple[int, bytes]]
        time_shift: int
        frozen: int
        current: Client | None  # whose request is in execution, also if a script of it calls commands
        deferred: list[tuple[Client, bytes]]
        guards: list[tuple[int, Guard]]
        guarded: int

    def __init__(
        self, engine: Engine, context: Context, clock: Clock, commands: dict[bytes, Command]
    ) -> None:
        self.engine = engine
        self.context = context
        self.effects = context.effects
        self.clock = clock
        self.commands = commands
        self.spellings = {}
        self.gates = 0
        self.calls = 0
        self.attention = 1 << 62
        self.memory_limit = 1 << 62
        self.track_latency = True
        self.before_sending_steps = []
        self.ready_keys = []
        self.time_shift = 0  # ms by which this engine's time is ahead of the system's (the clock of a test)
        self.frozen = 0  # Unix time in ms at which it stands still, if not 0 (the same)
        self.current = None
        self.deferred = []
        self.guards = []
        self.guarded = 0
        self.calls_before_round = 0
        self.most_calls_per_round = 0
        self.begin()

    def begin(self) -> None:
        """Decides what time it is for the commands that follow."""
        self.set_time()
        self.current = None
        self.started = monotonic_nanoseconds()
        if self.calls - self.calls_before_round > self.most_calls_per_round:
            self.most_calls_per_round = self.calls - self.calls_before_round
        self.calls_before_round = self.calls

    def unix_microseconds(self) -> int:
        """The time now, which may be later than that of the command in execution (Unix time, us)."""
        if self.frozen:
            return self.frozen * 1000
        return unix_microseconds() + self.time_shift * 1000

    def set_time(self) -> None:
        """Looks at the clock."""
        self.clock.set_time(self.unix_microseconds() // 1000)
        self.now = self.clock.now
        self.context.now = self.now

    def guard(self, gate: int, ask: Guard) -> None:
        """Has `ask(client, command, argv)` called for requests at `gate` before they run.

        It returns the text of the error with which the request is refused, or None. One guard a gate.
        """
        self.guards = sorted([*self.guards, (gate, ask)], key=lambda guard: guard[0])
        self.guarded |= gate

    def resolve(self, argv: list[bytes]) -> Command | None:
        """The command or subcommand that argv names, in any case, or None. O(1)."""
        known = self.spellings.get(argv[0])
        if known is None:
            known = self.commands.get(argv[0].lower())
            if known is None:
                return None
            if len(self.spellings) < SPELLINGS:
                self.spellings[argv[0]] = known
        if known.subcommands is not None and len(argv) > 1:
            return known.subcommands.get(argv[1].lower())
        return known

    def key_range(self, command: Any) -> tuple[int, int, int] | None:
        """Where the command's keys are, as COMMAND INFO tells it; None for containers and subcommands."""
        known = command
        if known.subcommands is not None or known.parent is not None:
            return None
        return known.first_key, known.last_key, known.key_step

    def execute(self, session: Any, command: Any, argv: list[bytes]) -> None:
        """Executes one request and writes its reply to the client. Never raises."""
        client = session
        if command is None or client.gates | self.gates or used_memory() > self.memory_limit:
            self.execute_unusual(client, command, argv)
            return
        self.current = client
        client.out.write(self.call(client, command, argv), client.resp)
        if self.ready_keys or self.deferred:
            self.finish()

    def finish(self) -> None:
        """What has to wait until the reply is written: messages to the caller, then those who wait for keys."""
        self.send_deferred()
        if self.ready_keys:
            self.engine.blocking.serve()

    def send(self, client: Client, encoded: bytes) -> None:
        """Sends a client something besides its replies; to the one in execution after its reply."""
        if client is self.current:
            self.deferred.append((client, encoded))
        elif client.send(encoded) >= client.output_limit:
            self.engine.check_output_limit(client)

    def send_deferred(self) -> None:
        """Sends what was kept back until the reply of the client in execution."""
        if self.deferred:
            deferred, self.deferred = self.deferred, []
            for client, encoded in deferred:
                client.send(encoded)

    def call(self, client: Client, command: Command, argv: list[bytes]) -> Any:
        """Calls a command that may run, accounts for it, and returns its reply (an Error if it refused)."""
        count = len(argv)
        if count != command.arity and (command.arity > 0 or count < -command.arity):
            return self.reject(command, errors.wrong_arity(command.name))
        context = self.context
        dirty = self.effects.dirty
        context.client = client
        context.db = client.db
        client.last_command = command
        try:
            reply = command.handler(context, argv)
        except CommandError as refusal:
            self.account(client, command, argv, True)
            self.engine.count_error(refusal.text)
            context.rewritten = None
            self.effects.flush()
            return Error(refusal.text)
        except Exception as bug:
            self.account(client, command, argv, True)
            return self.report_bug(command, bug)
        if client.blocked is not None and reply is NO_REPLY:
            self.started = monotonic_nanoseconds()  # it is counted when the wait ends
        else:
            self.account(client, command, argv, type(reply) is Error)
        if self.effects.dirty > dirty or context.forced:  # a snapshot, which counts anew, is no change
            self.propagate(client, argv)
        elif self.effects.pending:
            self.effects.flush(bool(command.flags & TOUCHES_ARBITRARY_KEYS))
        context.rewritten = None
        return reply

    def account(self, client: Client, command: Command, argv: list[bytes], failed: bool) -> None:
        """Adds the call that just ended to the statistics."""
        now = monotonic_nanoseconds()
        elapsed = now - self.started
        self.started = now
        self.calls += 1
        client.executed += 1
        command.calls += 1
        command.nanoseconds += elapsed
        if failed:
            command.failed_calls += 1
        if self.track_latency:
            histogram = command.latency_histogram
            if histogram is None:
                histogram = Histogram()
                command.latency_histogram = histogram
            histogram.record(elapsed)
        if elapsed >= self.attention:
            self.engine.slow_call(client, command, argv, elapsed)

    def count_wait(self, client: Client, command: Command, argv: list[bytes], failed: bool) -> None:
        """Adds a call that ended without being called again, its wait in vain, to the statistics."""
        self.started = monotonic_nanoseconds()
        self.account(client, command, argv, failed)

    def propagate(self, client: Client, argv: list[bytes]) -> None:
        """Hands what the call changed to the feeds, as the call said it or as it was given."""
        context = self.context
        context.forced = False
        if not self.effects.feeds:
            return
        if context.rewritten is None:
            self.effects.propagate_alone(client.db.index, argv)
            return
        for command in context.rewritten:
            self.effects.propagate(client.db.index, command)
        self.effects.flush()

    def call_nested(self, client: Client, command: Command, argv: list[bytes]) -> Any:
        """Calls a command inside another (EXEC, a script) and returns its reply, an Error if it failed.

        It is accounted for, monitored and tracked like any; what it propagates joins the unit that the outer
        command holds. The outer command's own time includes it, and the client's last command stays the outer
        one. Nothing is checked but the number of arguments: ask `refusal` first where that is needed.
        """
        began = self.started
        self.started = monotonic_nanoseconds()
        reply = self.call_next(client, command, argv)
        self.started = began
        return reply

    def call_next(self, client: Client, command: Command, argv: list[bytes]) -> Any:
        """`call_nested` for one of several in a row, whose time begins where that of the one before it ended.

        When the first began, and that of the outer command afterwards, is the caller's to set (`started`).
        """
        outer = client.last_command
        if (client.gates | self.gates) & _OBSERVED:
            reply = self.call_observed(client, command, argv)
        else:
            reply = self.call(client, command, argv)
        client.last_command = outer
        self.context.client = client
        self.context.db = client.db
        return reply

    def call_observed(self, client: Client, command: Command, argv: list[bytes]) -> Any:
        """`call` where something besides the reply comes of it: somebody watches, or remembers what was read."""
        shown_first = command.flags & _SKIP_MONITOR
        if shown_first and self.gates & _MONITORED:
            self.engine.monitors.feed(client, command, argv)
        if client.gates & _NO_TOUCH:
            reply = self.call_without_touching(client, command, argv)
        else:
            reply = self.call(client, command, argv)
        if self.gates & _MONITORED and not shown_first:
            self.engine.monitors.feed(client, command, argv)
        if client.gates & _TRACKING:
            self.engine.tracking.called(client, command, argv)
        return reply

    def execute_unusual(self, client: Client, command: Any, argv: list[bytes]) -> None:
        """The line for requests that something must be checked for first."""
        if used_memory() > self.memory_limit:
            self.gates |= _MEMORY
        if client.flags & _SKIP_NEXT:
            client.flags = client.flags & ~_SKIP_NEXT | _SKIP
        if command is None and self.engine.cross_protocol.ends(client, argv[0]):
            return
        self.current = None  # a guard may evict, which is told before the reply
        reply: Any = self.refusal(client, command, argv)
        self.current = client
        if reply is not None:
            if client.transaction is not None:
                self.engine.transactions.refused(client, command)
        elif self.gates & _PAUSED and self.engine.pause.holds(client, command, argv):
            return
        elif client.transaction is not None and not command.flags & _IMMEDIATE:
            transaction = client.transaction
            transaction.add(command, argv)
            reply = QUEUED
        else:
            reply = self.call_observed(client, command, argv)
        if client.flags & _LINKED:
            self.engine.unexpected_replies.look_at(client, command, reply)
        self.reply(client, reply)
        if client.blocked is None:  # else the reply to be skipped is still to come
            client.flags &= ~_SKIP
        if not client.flags & _SILENT_NEXT:
            client.gates &= ~_REPLY
        if self.ready_keys or self.deferred:
            self.finish()

    def call_without_touching(self, client: Client, command: Command, argv: list[bytes]) -> Any:
        """`call` for a client that does not want its reads to count as use (CLIENT NO-TOUCH); TOUCH still does."""
        before = self.clock.no_touch
        self.clock.no_touch = before or command.name != b"touch"
        try:
            return self.call(client, command, argv)
        finally:
            self.clock.no_touch = before

    def reply(self, client: Client, reply: Any) -> None:
        """Writes a reply, unless the client has asked for none (CLIENT REPLY) and it is no message."""
        if not client.flags & _SILENT or type(reply) is Several:
            client.out.write(reply, client.resp)

    def refusal(self, client: Client, command: Command | None, argv: list[bytes]) -> Error | None:
        """The Error with which a request is refused before it is called, which is counted; or None."""
        if command is None:
            text = registry.unknown_command(self.commands, argv).text
            self.engine.count_error(text)
            return Error(text)
        count = len(argv)
        if count != command.arity and (command.arity > 0 or count < -command.arity):
            return self.reject(command, errors.wrong_arity(command.name))
        if command.flags & _NO_MULTI and client.transaction is not None:
            return self.reject(command, errors.NOT_IN_TRANSACTION)
        if command.flags & _PROTECTED:
            refusal = self.engine.protection_refusal(client, command.name)
            if refusal is not None:
                return self.reject(command, refusal)
        gates = client.gates | self.gates
        if gates & self.guarded:
            for gate, ask in self.guards:
                if gates & gate:
                    refusal = ask(client, command, argv)
                    if refusal is not None:
                        return self.reject(command, refusal)
        return None

    def reject(self, command: Command, text: bytes) -> Error:
        """Counts a request that is refused without having been called."""
        if command.name == b"exec":
            text = errors.transaction_discarded(text)
        command.rejected_calls += 1
        self.engine.count_error(text)
        return Error(text)

    def report_bug(self, command: Command, bug: Exception) -> Error:
        """An exception that no command should raise: logged whole, and told to the client in a line."""
        import traceback  # seldom needed: it takes a while to import

        trace = "".join(traceback.format_exception(bug))
        log.warning(f"Internal error in '{command.name.decode()}':\n{trace}")
        text = b"ERR internal error in '%s': %s" % (command.name, type(bug).__name__.encode())
        self.engine.count_error(text)
        return Error(text)

    def refuse(self, session: Any, text: bytes) -> None:
        """Answers a breach of the protocol, after which nothing more is read from the client."""
        client: Client = session
        self.engine.count_error(text)
        self.engine.log_protocol_error(client, text)
        client.out.write(Error(text), client.resp)
        client.state |= CLOSE_AFTER_REPLY

    def check_output(self, session: Any) -> None:
        """Applies the client's output buffer limits."""
        self.engine.check_output_limit(session)

    def query_exceeded(self, session: Any) -> None:
        """Logs and counts that a client is closed for the size of its unfinished request."""
        self.engine.statistics.query_limit_disconnections += 1
        log.warning(f"Closing client that reached max query buffer length: {self.engine.describe(session)}")

    def before_sending(self) -> None:
        """Runs the steps that must be done before any reply of this round leaves."""
        if self.before_sending_steps:
            for step in list(self.before_sending_steps):  # one may leave
                step()

    def closed(self, session: Any) -> None:
        """Forgets a client whose connection is gone."""
        self.engine.client_gone(session)
