"""The composition root: builds a server out of its parts and runs it until it is told to stop.

Only this module knows all layers. What the engine may ask of its surroundings it finds in
`engine.ports` by name; each is set here.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from redracer.engine import extensions, faults, log, process
from redracer.engine.acl.definitions import DefinitionError
from redracer.engine.dashboard_process import DashboardProcess
from redracer.engine.engine import Engine
from redracer.engine.registry import RegistrationError
from redracer.engine.shutdown import Request
from redracer.engine.version import REDIS_VERSION, VERSION
from redracer.net.front import Front
from redracer.net.listeners import ListenError
from redracer.net.metrics import MetricsServer
from redracer.net.migration import Migration
from redracer.net.streams import LoopExchange, Streams
from redracer.net.tls import Tls
from redracer.parts import Parts, load_commands
from redracer.persistence.aof_files import FatalAofError
from redracer.persistence.snapshots import LoadError
from redracer.persistence.transfers import Transfers
from redracer.replication.replication import Replication

if TYPE_CHECKING:
    from redracer.core.session import Executor
    from redracer.engine.config import Config
    from redracer.net.reactor import Reactor

EVENT_LOOP = "REDRACER_EVENT_LOOP"
WORK_PAUSE = 0.003  # s between two slices of background work: with slices of 1 ms, a quarter of a core
SIGNAL_NAMES = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "SIGINT"}


def event_loop(executor: Executor) -> tuple[Reactor | LoopExchange, asyncio.AbstractEventLoop]:
    """What makes rounds for the executor, and asyncio's loop with it: epoll's, unless there is none (or
    REDRACER_EVENT_LOOP=asyncio says to do without it)."""
    if sys.platform.startswith("linux") and os.environ.get(EVENT_LOOP) != "asyncio":
        from redracer.net.reactor import Reactor
        from redracer.net.selector import ReactorSelector

        reactor = Reactor(executor)
        return reactor, asyncio.SelectorEventLoop(ReactorSelector(reactor))
    loop = asyncio.SelectorEventLoop()
    return LoopExchange(executor, loop), loop


class Server:
    """A running server: an engine, its reactor under an asyncio loop, and its listeners."""

    def __init__(self, config: Config) -> None:
        load_commands()
        extensions.load(config["extension"])
        from redracer.commands.client_list import describe

        self.config = config
        self.engine = Engine(config, config.commands_renamed)
        self.reactor, self.loop = event_loop(self.engine.dispatcher)
        self.tls = Tls(config)
        self.front = Front(self.engine, self.reactor, Streams(self.reactor, self.loop), self.tls)
        self.parts = Parts(self.engine)
        self.loading = self.parts.load()
        self.metrics = MetricsServer(self.engine)
        self.dashboard = DashboardProcess(config)
        self.exit_code = 0
        self.stopping = False
        self.work_timer: asyncio.TimerHandle | None = None
        self.engine.ports.update(
            reactor=self.reactor,
            front=self.front,
            tls=self.tls,
            server=self,
            exit=self.exit,
            call_later=self.call_later,
            serve_others=self.serve_others,
            describe_client=lambda client: describe(client, self.engine.clock.now),
        )
        self.reactor.query_limit = config["client-query-buffer-limit"]
        self.engine.ports["migration"] = Migration(self.engine)
        self.engine.ports["transfers"] = Transfers(self.engine, self.parts.child)
        self.engine.client_eviction.apply_settings()
        self.replication = Replication(self.engine, self.loop)
        self.engine.ports["replication"] = self.replication
        self.engine.acl.load_at_start()
        self.extensions = extensions.Extensions(self.engine)

    def call_later(self, seconds: float, callback: Any, *arguments: Any) -> asyncio.TimerHandle:
        """asyncio's call_later for the engine; interrupts the reactor so that the loop sees the new timer."""
        self.reactor.interrupted = True
        return self.loop.call_later(seconds, callback, *arguments)

    def serve_others(self) -> None:
        """Serves other clients from inside a script that takes long; asyncio waits for the script's end."""
        self.reactor.serve_others()
        if self.stopping:
            self.parts.scripting.invocation.abandon()

    def run(self) -> int:
        """Serves until a shutdown; returns the exit code. Raises ListenError."""
        # Before there are clients, whom the loop would serve.
        self.loop.run_until_complete(self.metrics.open())
        self.front.open()
        self.dashboard.start()
        log.set_main_process()
        process.show_banner(self.config, self.front.addresses())
        self.install_signal_handlers()
        # The data path makes no cycles, and a collection would walk every object that start-up made.
        gc.collect()
        gc.freeze()
        gc.disable()
        self.engine.memory.measure_startup()
        try:
            # The loop serves who has connected by now: by then the data is there, or the answer is LOADING.
            self.tick()
            self.load()
            if not self.exit_code:
                self.loop.run_forever()
        finally:
            self.front.close()
            self.metrics.close()
            self.dashboard.stop()
        return self.exit_code

    def load(self) -> None:
        """Loads the data set, a slice at a time; then the server is ready, or ends if it cannot be had."""
        if self.stopping:
            return
        try:
            next(self.loading)
        except StopIteration:
            self.announce_ready()
            loaded = self.parts.snapshots.last_load
            self.replication.start(loaded.fields, loaded.expired_keys)
            loaded.expired_keys.clear()
            self.extensions.start()
        except LoadError:
            log.warning("Fatal error loading the DB, check server logs. Exiting.")
            self.give_up()
        except FatalAofError:
            os._exit(1)  # at once: what is wrong is the last line of the log
        else:
            self.loop.call_soon(self.load)

    def give_up(self) -> None:
        """Ends the server, which has no data to serve."""
        self.exit_code = 1
        self.loop.stop()

    def announce_ready(self) -> None:
        """Says in the log, and to systemd where it supervises this process, that clients may come."""
        log.notice("Server initialized")
        if self.front.tcp:
            log.notice("Ready to accept connections tcp")
        if self.front.unix:
            log.notice("Ready to accept connections unix")
        if self.front.encrypted:
            log.notice("Ready to accept connections tls")
        if self.config["supervised"] in ("auto", "systemd"):
            process.notify_systemd("STATUS=Ready to accept connections\nREADY=1\n")

    # --- time

    def tick(self) -> None:
        """The periodic work, and the start of the background work."""
        # First, so that an error below is not the end of ticking.
        self.loop.call_later(1 / self.config["hz"], self.tick)
        self.engine.tick()
        if self.work_timer is None and not self.engine.loading.active:
            self.work()

    def work(self) -> None:
        """A slice of background work; comes back soon while there is more."""
        self.work_timer = None
        if self.engine.work():
            self.work_timer = self.loop.call_later(WORK_PAUSE, self.work)

    # --- the end

    def install_signal_handlers(self) -> None:
        """SIGTERM and SIGINT shut down as configured; a second SIGINT exits at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self.on_signal, number)
        for ignored in (signal.SIGHUP, signal.SIGPIPE):
            signal.signal(ignored, signal.SIG_IGN)

    def on_signal(self, number: signal.Signals) -> None:
        """Told to stop from outside."""
        if self.stopping and number == signal.SIGINT:
            log.warning("You insist... exiting now.")
            self.front.close()
            process.remove_pid_file(self.config)
            os._exit(1)
        log.warning(f"Received {SIGNAL_NAMES[number]} scheduling shutdown...")
        self.engine.shutdown.schedule(Request.of(self.config[f"shutdown-on-{number.name.lower()}"]))

    def exit(self) -> None:
        """Ends the server after this round: sends what is pending, and stops the loop."""
        self.stopping = True
        self.reactor.interrupted = True
        self.loop.call_soon(self.finish)

    def finish(self) -> None:
        """The last steps before the loop stops."""
        self.parts.close()
        for client in list(self.engine.clients.values()):
            if client.transport is not None:
                client.transport.flush_now()  # type: ignore[attr-defined]
        process.remove_pid_file(self.config)
        log.warning("Redis is now ready to exit, bye bye...")
        self.loop.stop()


def announce(config: Config) -> None:
    """The first lines of the log: who this is."""
    log.warning("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo")
    log.warning(
        f"Redis version={REDIS_VERSION}, bits=64, commit=00000000, modified=0, pid={os.getpid()}, "
        f"just started (redracer {VERSION}, Python {sys.version.split()[0]})"
    )
    if config.get_file_path():
        log.warning("Configuration loaded")
    for line in config.without_effect():
        log.warning(f"WARNING: {line}")


def run(config: Config, score: process.OomScore | None = None) -> int:
    """Runs a server with this configuration in the foreground; returns the exit code of the process.

    `score` sets the kernel's score of this process, and of its children.
    """
    faults.report_fatal_signals(config["logfile"])
    announce(config)
    try:
        server = Server(config)
        faults.report_on(server.engine)
        server.engine.ports["oom_score"] = score
        return server.run()
    except (ListenError, RegistrationError, DefinitionError) as error:
        log.warning(str(error))
        return 1
