# cython: annotation_typing=False
"""One run of a script or function: which commands it may call, and for how long.

There is one Invocation per engine, as scripts cannot call scripts. Commands run as a client of its own, with the
caller's user and database, and time stands still for them. What they change leaves as one unit at the end
(effects.hold), after which nobody can tell the script from a transaction.

A script that runs longer than `busy-reply-threshold` makes the server busy: from inside the script, the hook
lets the network serve the other clients, who are told BUSY by the guard at GATE_BUSY, or may kill the script.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.replies import Error
from redracer.core.resp_parse import RequestParser
from redracer.core.session import BLOCKED
from redracer.engine import log
from redracer.engine.client import INTERNAL, MULTI, NO_BLOCKING, Client
from redracer.engine.effects import TO_LOG, TO_REPLICAS, TargetedCommand
from redracer.engine.flags import ALLOW_BUSY, DENYOOM, MAY_REPLICATE, NOSCRIPT, STALE, WRITE
from redracer.engine.gates import (
    GATE_BUSY,
    GATE_DISK_ERROR,
    GATE_FEW_REPLICAS,
    GATE_MEMORY,
    GATE_READ_ONLY,
    GATE_STALE,
    GATE_TRACKING,
    GATE_USER,
)
from redracer.engine.timing import monotonic_nanoseconds
from redracer.scripting.state import Host, LuaState

if TYPE_CHECKING:
    from redracer.engine.context import Context
    from redracer.engine.dispatch import Dispatcher
    from redracer.engine.effects import Effects
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

# what a script says of itself (`#!lua flags=...`)
NO_WRITES = 1
ALLOW_OOM = 1 << 1
ALLOW_STALE = 1 << 2
NO_CLUSTER = 1 << 3
ALLOW_CROSS_SLOT_KEYS = 1 << 4
# what else run() is told
WITHOUT_FLAGS = 1 << 8  # a script without `#!`, to which the rules of before Redis 7 apply
READ_ONLY_COMMAND = 1 << 9  # EVAL_RO and its kin
EVALUATED = 1 << 10  # EVAL and its kin, not a function

FLAG_NAMES = {
    b"no-writes": NO_WRITES,
    b"allow-oom": ALLOW_OOM,
    b"allow-stale": ALLOW_STALE,
    b"no-cluster": NO_CLUSTER,
    b"allow-cross-slot-keys": ALLOW_CROSS_SLOT_KEYS,
}
CALL_GATES = GATE_USER | GATE_MEMORY | GATE_DISK_ERROR | GATE_FEW_REPLICAS | GATE_READ_ONLY | GATE_STALE
RUN_GATES = CALL_GATES & ~GATE_USER
ALL_TARGETS = TO_LOG | TO_REPLICAS
NANOSECONDS = 1_000_000  # per ms

# For the usual path, where they are C integers (invocation.pxd).
_NOSCRIPT = NOSCRIPT
_WRITE = WRITE
_CHANGES = WRITE | MAY_REPLICATE  # not for a script that reads: it runs while writes are paused
_WITHOUT_FLAGS = WITHOUT_FLAGS
_EVALUATED = EVALUATED
_READ_ONLY = READ_ONLY_COMMAND | NO_WRITES
_ALLOW_OOM = ALLOW_OOM
_GATES = GATE_USER | GATE_TRACKING
_SCRIPT_CLIENT = NO_BLOCKING | INTERNAL
_MULTI = MULTI
_STALE = GATE_STALE
_ALL_TARGETS = ALL_TARGETS

NOTHING: list[Any] = []  # what a script propagates beside its commands; nobody changes it
UNKNOWN_COMMAND = b"ERR Unknown Redis command called from script"
WRONG_ARITY = b"ERR Wrong number of args calling Redis command from script"
NOT_FROM_SCRIPT = b"ERR This Redis command is not allowed from script"
READ_ONLY_SCRIPT = b"ERR Write commands are not allowed from read-only scripts."
WRITING_SCRIPT = b"ERR Can not execute a script with write flag using *_ro command."
STALE_CALL = b"ERR Can not execute the command on a stale replica"
BUSY_FUNCTION = b"BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
NOT_BUSY = b"NOTBUSY No scripts in execution right now."
UNKILLABLE = (
    b"UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait "
    b"the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)


class Invocation(Host):
    """The run in progress, and the last one. `started` is monotonic time in ns."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        engine: Engine
        dispatcher: Dispatcher
        effects: Effects
        context: Context
        client: Client
        caller: Client | None
        request: list[bytes]
        name: bytes
        is_eval: bool
        read_only: bool
        ignores_memory: bool
        wrote: bool
        busy: bool
        stop: bytes | None
        unrestricted: bool
        started: int
        targets: int

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dispatcher = engine.dispatcher
        self.effects = engine.effects
        self.context = engine.context
        self.client = Client(0, engine.databases[0], RequestParser(0), None)
        self.client.flags = NO_BLOCKING | INTERNAL
        self.client.address = "lua"
        self.caller = None
        self.request = []
        self.name = b""
        self.busy = False
        self.stop = None
        self.unrestricted = False
        self.runs_script = True
        engine.dispatcher.guard(GATE_BUSY, self.refuse_busy)

    @property
    def running(self) -> bool:
        """Whether a script is in execution."""
        return self.caller is not None

    def run(
        self,
        state: LuaState,
        function: int,
        name: bytes,
        request: list[bytes],
        keys_end: int,
        flags: int,
    ) -> Any:
        """Runs a compiled function for the client of the context; returns its reply, or an Error.

        `name`: its SHA1 or its function's name; the keys are request[3:keys_end], the arguments what follows;
        `flags`: see above. The request itself is not propagated.
        """
        context = self.context
        caller = context.client
        if not flags & _WITHOUT_FLAGS:
            refusal = self.check_run(caller, request, flags)
            if refusal is not None:
                return self.counted(refusal)
        elif self.dispatcher.gates & _STALE:
            return self.counted(errors.MASTER_DOWN)
        client = self.client
        client.db = caller.db
        client.user = caller.user
        client.gates = caller.gates & _GATES
        client.tracking = caller.tracking
        client.flags = _SCRIPT_CLIENT | (caller.flags & _MULTI)
        self.caller = caller
        self.request = request
        self.name = name
        self.is_eval = (flags & _EVALUATED) != 0
        self.read_only = (flags & _READ_ONLY) != 0
        self.ignores_memory = (flags & _ALLOW_OOM) != 0
        self.wrote = False
        self.targets = _ALL_TARGETS
        self.resp = 2
        self.started = self.dispatcher.started
        state.host = self
        self.effects.hold()
        try:
            reply = state.run(function, request, keys_end, self.is_eval)
        finally:
            state.host = None
            self.caller = None
            if self.busy:
                self.end_busy(caller)
            context.client = caller
            context.db = caller.db
            self.effects.release()
            context.rewritten = NOTHING
        if state.failed is not None:
            return self.failure(state)
        if type(reply) is Error and not state.counted:
            self.engine.count_error(reply.text)
        return reply

    def failure(self, state: LuaState) -> Error:
        """The error reply of a script that failed."""
        assert state.failed is not None
        message, source, line = state.failed
        if source is None and line is None and (message is None or not state.counted):
            text = b"ERR Error running script %s, %.100s" % (self.name, message or b"execution failure")
        else:
            text = message or b"ERR unknown error"
            if source is not None and line is not None:
                text += b" script: %s, on %s:%s." % (self.name, source, line)
        text = text.replace(b"\r", b" ").replace(b"\n", b" ")
        if not state.counted:
            self.engine.count_error(text)
        return Error(text)

    def counted(self, text: bytes) -> Error:
        """An Error, counted."""
        self.engine.count_error(text)
        return Error(text)

    def check_run(self, caller: Client, request: list[bytes], flags: int) -> bytes | None:
        """Why a script that tells its flags may not run now, or None."""
        gates = (caller.gates | self.dispatcher.gates) & RUN_GATES
        if gates:
            command = self.dispatcher.resolve(request)
            assert command is not None
            for gate, ask in self.dispatcher.guards:
                if gates & gate:
                    refusal = ask(caller, command, request)
                    if refusal is not None:
                        return refusal
        if flags & READ_ONLY_COMMAND and not flags & NO_WRITES:
            return WRITING_SCRIPT
        return None

    # --- commands

    def call(self, argv: list[bytes]) -> Any:
        """Executes a command of the script and returns its reply; an Error is counted."""
        dispatcher = self.dispatcher
        command = dispatcher.resolve(argv)
        if command is None:
            return self.counted(UNKNOWN_COMMAND)
        count = len(argv)
        if count != command.arity and (command.arity > 0 or count < -command.arity):
            return dispatcher.reject(command, WRONG_ARITY)
        if command.flags & _NOSCRIPT and not self.unrestricted:
            return dispatcher.reject(command, NOT_FROM_SCRIPT)
        gates = self.client.gates | dispatcher.gates
        if gates:
            refusal = self.check_call(command, argv, gates)
            if refusal is not None:
                return dispatcher.reject(command, refusal)
        if command.flags & _CHANGES:
            if self.read_only:
                return dispatcher.reject(command, READ_ONLY_SCRIPT)
            if command.flags & _WRITE:
                self.wrote = True
        if self.targets == _ALL_TARGETS:
            return dispatcher.call_nested(self.client, command, argv)
        before = len(self.effects.pending)
        reply = dispatcher.call_nested(self.client, command, argv)
        self.retarget(before)
        return reply

    def retarget(self, first: int) -> None:
        """Has what was propagated from `first` on go only where the script wants it (redis.set_repl)."""
        pending = self.effects.pending
        if not self.targets:
            del pending[first:]
        for place in range(first, len(pending)):
            database, argv = pending[place]
            pending[place] = (database, TargetedCommand(argv, self.targets))

    def check_call(self, command: Command, argv: list[bytes], gates: int) -> bytes | None:
        """Why the command may not be called now, or None.

        Memory and the number of replicas count only before the first change: after it the script has to end.
        """
        assert self.caller is not None
        for gate, ask in self.dispatcher.guards:
            if not gates & gate & CALL_GATES:
                continue
            if gate == GATE_MEMORY and (self.wrote or self.ignores_memory or not command.flags & DENYOOM):
                continue
            if gate == GATE_FEW_REPLICAS and self.wrote:
                continue
            if gate == GATE_USER:
                refusal = self.engine.acl.script_refusal(self.caller, command, argv)
            elif gate == GATE_MEMORY:  # as of the script's start: no key is evicted while it runs
                refusal = errors.OUT_OF_MEMORY if self.engine.eviction.out_of_memory else None
            else:
                refusal = ask(self.client, command, argv)
            if refusal is not None:
                return STALE_CALL if gate == GATE_STALE else refusal
        return None

    def may_call(self, argv: list[bytes]) -> bool | None:
        """Whether the caller's user may call this command; None if there is no such command."""
        command = self.dispatcher.resolve(argv)
        if command is None:
            return None
        return self.engine.acl.check(self.client.user, command, argv) is None

    def set_replication(self, targets: int) -> None:
        """`redis.set_repl`: what is changed from now on goes to these targets only."""
        self.targets = targets

    # --- time

    def interrupt(self) -> bytes | None:
        """Called from inside a script now and then: serves others if it takes long; tells when it has to stop."""
        if not self.busy:
            threshold = self.engine.config["busy-reply-threshold"]
            elapsed = (monotonic_nanoseconds() - self.started) // NANOSECONDS
            if not threshold or elapsed < threshold:
                return None
            self.become_busy(elapsed)
        self.serve_others()
        return self.stop

    def become_busy(self, elapsed: int) -> None:
        """From now on other clients are served from inside the script."""
        self.busy = True
        command = "SCRIPT KILL" if self.is_eval else "FUNCTION KILL"
        log.warning(
            f"Slow script detected: still in execution after {elapsed} milliseconds. "
            f"You can try killing the script using the {command} command. Script name is: {self.name.decode()}."
        )
        self.dispatcher.gates |= GATE_BUSY
        assert self.caller is not None
        self.caller.state |= BLOCKED

    def end_busy(self, caller: Client) -> None:
        """The script is over: everything is as usual."""
        self.busy = False
        self.stop = None
        self.dispatcher.gates &= ~GATE_BUSY
        caller.state &= ~BLOCKED
        if caller.transport is not None:
            caller.transport.resume()

    def serve_others(self) -> None:
        """Lets the network serve the other clients for a moment; time still stands still for the script."""
        serve = self.engine.ports.get("serve_others")
        if serve is None:
            return
        dispatcher, clock = self.dispatcher, self.engine.clock
        now, started = clock.now, dispatcher.started
        client, db = self.context.client, self.context.db
        try:
            serve()
        finally:
            clock.set_time(now)
            dispatcher.now = now
            dispatcher.started = started
            self.context.now = now
            self.context.client = client
            self.context.db = db

    def refuse_busy(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """The guard at GATE_BUSY."""
        if command.flags & ALLOW_BUSY and (
            command.name != b"shutdown" or b"nosave" in [word.lower() for word in argv[1:]]
        ):
            return None
        return errors.BUSY_SCRIPT if self.is_eval else BUSY_FUNCTION

    def kill(self, is_eval: bool) -> bytes | None:
        """Has the script in execution stopped (SCRIPT KILL, FUNCTION KILL); returns the refusal, or None."""
        if self.caller is None:
            return NOT_BUSY
        if self.wrote:
            return UNKILLABLE
        if is_eval != self.is_eval:
            return errors.BUSY_SCRIPT if self.is_eval else BUSY_FUNCTION
        self.stop = b"Script killed by user with %s KILL." % (b"SCRIPT" if is_eval else b"FUNCTION")
        log.notice(self.stop.decode())
        return None

    def abandon(self) -> None:
        """The server shuts down: the script ends wherever it is, and what it changed is not propagated."""
        if self.caller is not None:
            self.stop = b"Script abandoned, the server shuts down."
            self.effects.pending = []


def request_flags(command_flags: int, script_flags: int) -> int:
    """The flags of EVAL or FCALL with those in the place of some that the script tells, if it tells any."""
    if script_flags & WITHOUT_FLAGS:
        return command_flags
    flags = command_flags & ~(STALE | DENYOOM | WRITE | MAY_REPLICATE)
    if not script_flags & NO_WRITES:
        flags |= WRITE
        if not script_flags & ALLOW_OOM:
            flags |= DENYOOM
    if script_flags & ALLOW_STALE:
        flags |= STALE
    return flags
