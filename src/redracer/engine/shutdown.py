"""The way to the end of the server, and back while that is possible.

A shutdown is asked for by a command or, through `schedule`, by a signal. It may first have to wait (for replicas, at
most `shutdown-timeout` seconds); then its steps run in the order of their phases, each of which may refuse, which
ends the shutdown instead of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.replies import Error
from redracer.core.session import BLOCKED
from redracer.engine import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.engine.client import Client
    from redracer.engine.engine import Engine

LAST_LOOK, STOP_SNAPSHOT, FLUSH_LOG, SAVE = range(4)  # phases


class Request(NamedTuple):
    """How to shut down. `save`: None for what the configuration asks for."""

    save: bool | None = None
    now: bool = False  # without waiting
    force: bool = False  # whatever fails

    @classmethod
    def of(cls, words: tuple[str, ...]) -> Request:
        """What `shutdown-on-sigterm` and the like ask for."""
        save = True if "save" in words else False if "nosave" in words else None
        return cls(save, "now" in words, "force" in words)


class ShutdownRefused(Exception):
    """A step says that the server must go on; the log has said why."""


class Shutdown:
    """The shutdown in progress, if any, and what belongs to one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.steps: list[tuple[int, Callable[[Request], None]]] = []
        self.waits: list[Callable[[], bool]] = []  # whether something is ready for the end
        self.at_wait: list[
            Callable[[bool], None]
        ] = []  # told that the wait begins, or that there is no end after all
        self.scheduled: Request | None = None  # by a signal
        self.request: Request | None = None
        self.finishing = False  # its steps are running
        self.deadline = 0  # Unix time, ms: until then it waits
        self.waiting: list[Client] = []

    def add_step(self, phase: int, step: Callable[[Request], None]) -> None:
        """Has `step(request)` called on the way; it raises ShutdownRefused if the server must go on."""
        self.steps = sorted([*self.steps, (phase, step)], key=lambda entry: entry[0])

    def schedule(self, request: Request) -> None:
        """A signal asks for it: it begins at once, or when the periodic work goes on."""
        self.scheduled = request
        if not self.engine.cron_paused:
            self.tick()

    def ask(self, request: Request, client: Client | None = None) -> None:
        """A command asks for it. The client gets no reply, or an error: later, where the end must wait.

        Raises CommandError where the server must go on.
        """
        if self.request is None and not self._begin(request):
            raise CommandError(errors.SHUTDOWN_FAILED)
        if self.request is not None and client is not None:
            client.state |= BLOCKED
            client.blocked = self
            self.waiting.append(client)

    def abort(self) -> bool:
        """Ends the shutdown that waits or is scheduled; whether there was one."""
        if self.request is None and self.scheduled is None:
            return False
        self.scheduled = None
        if self.request is not None:
            self._end(errors.SHUTDOWN_FAILED)
        log.notice("Shutdown manually aborted.")
        return True

    def forget(self, client: Client) -> None:
        """The client is gone."""
        if client in self.waiting:
            self.waiting.remove(client)

    def tick(self) -> None:
        """Begins what is scheduled; ends the wait when all is ready, or its time has passed."""
        if self.scheduled is not None:
            request, self.scheduled = self.scheduled, None
            if self.request is None:
                self._begin(request)
        elif self.request is not None and (self._is_ready() or self.engine.clock.now >= self.deadline):
            self._finish(self.request)

    def _tell_of_wait(self, begins: bool) -> None:
        for tell in self.at_wait:
            tell(begins)

    def _is_ready(self) -> bool:
        return all(ready() for ready in self.waits)

    def _begin(self, request: Request) -> bool:
        """Waits, or shuts down; False if the server must go on."""
        if self.engine.loading.active:
            request = request._replace(save=False)  # half of the data is not to replace the whole
        log.warning("User requested shutdown...")
        timeout: int = self.engine.config["shutdown-timeout"]
        if timeout and not request.now and not self._is_ready():
            self.request = request
            self.deadline = self.engine.clock.now + timeout * 1000
            self._tell_of_wait(True)
            return True
        return self._finish(request)

    def _finish(self, request: Request) -> bool:
        """The steps, and the end; False if the server must go on."""
        self.finishing = True
        try:
            for _, step in self.steps:
                step(request)
        except ShutdownRefused:
            log.warning("Errors trying to shut down the server. Check the logs for more information.")
            self._end(errors.SHUTDOWN_FAILED)
            return False
        finally:
            self.finishing = False
        self.engine.ports["exit"]()
        return True

    def _end(self, text: bytes) -> None:
        """No shutdown after all: tells the clients that wait for it."""
        if self.request is not None:
            self._tell_of_wait(False)
        self.request = None
        waiting, self.waiting = self.waiting, []
        for client in waiting:
            client.blocked = None
            client.out.write(Error(text), client.resp)
            if client.transport is not None:
                client.transport.resume()
                client.transport.wake()
