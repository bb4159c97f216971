"""Failures of a store, when a test asks for them: refusals, lost connections, slowness.

While there is a fault every request passes a guard of the dispatcher (gates.py), which may refuse it, close the
connection, or note what is to become of the reply; replies pass `outlet`, which loses or delays them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.engine import flags
from redracer.engine.gates import GATE_INJECTED
from redracer.engine.transactions import effective_flags, every_command_has
from redracer.testing.greetings import is_greeting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from redracer.embedded.session import Session
    from redracer.embedded.store import Store
    from redracer.engine.client import Client
    from redracer.engine.registry import Command

    Verdict = Callable[[Client, Command, list[bytes]], bytes | None]


class Fault:
    """One failure: it lasts until `end`, the end of its `with` block, or it has happened `times` times."""

    def __init__(
        self, faults: Faults, verdict: Verdict, commands: Iterable[str] | None, times: int | None
    ) -> None:
        self.faults = faults
        self.verdict = verdict
        self.commands = None if commands is None else {name.lower().encode() for name in commands}
        self.times = times
        self.happened = 0

    def strikes(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """The error that a request gets of it, or None."""
        if is_greeting(argv) if self.commands is None else command_name(command) not in self.commands:
            return None
        text = self.verdict(client, command, argv)
        if text is not None:
            self.happened += 1
            if self.happened == self.times:
                self.end()
        return text

    def end(self) -> None:
        """It happens no more; a second call changes nothing."""
        self.faults.end(self)

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


NOTHING = b""  # what a fault says that has happened without an error


class Faults:
    """The failures of a store. One object for a store.

    `commands`: names, as "GET" or "CONFIG SET", that a failure is limited to; without them it is any but those with
    which clients introduce themselves (HELLO, CLIENT SETINFO...). `times`: how often it happens before it ends by
    itself. Every method but the last two returns a Fault, which is a context manager.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.active: list[Fault] = []
        self.lost: set[Session] = set()  # whose next reply gets lost
        self.delays: dict[Session, float] = {}  # s by which the reply to the last request will be late
        self.kept: dict[Session, deque[tuple[float, Any]]] = {}  # replies on their way, with their time
        store.engine.dispatcher.guard(GATE_INJECTED, self._ask)

    # --- what may fail

    def loading(self, *, times: int | None = None) -> Fault:
        """Commands that need the data are refused with LOADING, as while a server starts."""

        def verdict(client: Client, command: Command, argv: list[bytes]) -> bytes | None:
            return None if every_command_has(client, command, argv, flags.LOADING) else errors.LOADING

        return self._add(verdict, None, times)

    def read_only(self, *, times: int | None = None) -> Fault:
        """Writes are refused with READONLY, as after a failover."""
        return self._add(refusing(flags.WRITE, errors.READ_ONLY), None, times)

    def out_of_memory(self, *, times: int | None = None) -> Fault:
        """Commands that may need memory are refused with OOM."""
        return self._add(refusing(flags.DENYOOM, errors.OUT_OF_MEMORY), None, times)

    def error(self, text: str, *, commands: Iterable[str] | None = None, times: int | None = None) -> Fault:
        """Commands are refused with this error, whose first word is its code: "ERR no", "BUSY wait"."""
        encoded = text.encode()
        return self._add(lambda client, command, argv: encoded, commands, times)

    def drop(
        self, *, commands: Iterable[str] | None = None, times: int | None = None, executed: bool = False
    ) -> Fault:
        """The connection is lost when a command comes; `executed`: when it has been executed, with its reply."""

        def verdict(client: Client, command: Command, argv: list[bytes]) -> bytes | None:
            session = session_of(client)
            if executed:
                self.lost.add(session)
                return NOTHING
            session.close()
            return b"ERR the connection is lost"

        return self._add(verdict, commands, times)

    def latency(
        self, seconds: float, *, commands: Iterable[str] | None = None, times: int | None = None
    ) -> Fault:
        """Replies come late by so much real time; their commands are executed at once."""

        def verdict(client: Client, command: Command, argv: list[bytes]) -> bytes | None:
            session = session_of(client)
            self.delays[session] = self.delays.get(session, 0.0) + seconds
            return NOTHING

        return self._add(verdict, commands, times)

    def drop_connections(self) -> None:
        """Closes every connection now; clients may connect again."""
        with self.store.lock:
            for session in list(self.store.sessions):
                session.close()

    def clear(self) -> None:
        """Ends all failures."""
        for fault in list(self.active):
            fault.end()

    # --- how they happen

    def _add(self, verdict: Verdict, commands: Iterable[str] | None, times: int | None) -> Fault:
        fault = Fault(self, verdict, commands, times)
        with self.store.lock:
            self.active.append(fault)
            self.store.outlet = self._deliver
            self.store.engine.dispatcher.gates |= GATE_INJECTED
        return fault

    def end(self, fault: Fault) -> None:
        """Takes a failure away. What is late stays late, and in order."""
        with self.store.lock:
            if fault in self.active:
                self.active.remove(fault)
            if not self.active:
                self.store.engine.dispatcher.gates &= ~GATE_INJECTED
                self._leave()

    def _ask(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """The guard: what becomes of a request."""
        self.delays.pop(session_of(client), None)
        for fault in list(self.active):
            text = fault.strikes(client, command, argv)
            if text:
                return text
        return None

    def _deliver(self, session: Session, reply: Any) -> None:
        """The outlet of replies."""
        if session in self.lost:
            self.lost.discard(session)
            session.close()
        else:
            delay, waiting = self.delays.pop(session, 0.0), self.kept.get(session)
            if not delay and not waiting:
                session.deliver(reply)
            else:
                self._keep(session, reply, delay)
        self._leave()

    def _keep(self, session: Session, reply: Any, delay: float) -> None:
        ticker = self.store.ticker
        now = ticker.time()
        waiting = self.kept.setdefault(session, deque())
        due = max(now + delay, waiting[-1][0] if waiting else 0.0)
        waiting.append((due, reply))
        session.late += 1
        ticker.call_later(due - now, self._deliver_first, session)

    def _deliver_first(self, session: Session) -> None:
        waiting = self.kept[session]
        session.late -= 1
        session.deliver(waiting.popleft()[1])
        if not waiting:
            del self.kept[session]
            self._leave()

    def _leave(self) -> None:
        """Out of the replies' way, once nothing is left to be done."""
        if not (self.active or self.lost or self.delays or self.kept):
            self.store.outlet = None


def refusing(flag: int, text: bytes) -> Verdict:
    """Refuses commands with a flag; EXEC if something in it has it."""
    return lambda client, command, argv: text if effective_flags(client, command, argv) & flag else None


def command_name(command: Command) -> bytes:
    """The name as people write it, in lower case: "config set"."""
    return command.name.lower().replace(b"|", b" ")


def session_of(client: Client) -> Session:
    """The session behind a client of an embedded store."""
    transport: Any = client.transport
    session: Session = transport.session
    return session
