"""The engine: the data and everything about it that outlives one command.

It composes the parts of this package and owns nothing that speaks to the outside: listeners, signals,
files and processes belong to `app.py`, which registers what it offers in `ports`. Commands reach the
engine through `ctx.engine`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.clock import Clock
from redracer.core.errors import CommandError
from redracer.core.keyspace import Keyspace
from redracer.core.resp_parse import RequestParser
from redracer.engine import client as client_flags
from redracer.engine import log, registry
from redracer.engine.acl.access import AccessControl
from redracer.engine.blocking import Blocking
from redracer.engine.client import Client
from redracer.engine.client_census import ClientCensus
from redracer.engine.client_eviction import ClientEviction
from redracer.engine.context import Context
from redracer.engine.cross_protocol import CrossProtocol
from redracer.engine.disk_errors import DiskErrors
from redracer.engine.dispatch import Dispatcher
from redracer.engine.effects import Effects
from redracer.engine.eviction import Eviction
from redracer.engine.expiry import ActiveExpiry
from redracer.engine.gates import GATE_NO_TOUCH
from redracer.engine.info import Info
from redracer.engine.info_sections import SECTIONS
from redracer.engine.key_sizes import KeySizesCensus
from redracer.engine.latency import LatencyMonitor
from redracer.engine.lazy_free import LazyFree
from redracer.engine.loading import Loading
from redracer.engine.memory_report import MemoryUsage
from redracer.engine.monitors import Monitors
from redracer.engine.notifications import Notifications
from redracer.engine.output_limits import OutputLimits
from redracer.engine.pause import Pause
from redracer.engine.pubsub import PubSub
from redracer.engine.shutdown import Shutdown
from redracer.engine.slowlog import SlowLog
from redracer.engine.statistics import Statistics
from redracer.engine.timing import monotonic_nanoseconds
from redracer.engine.tracking import TrackingTable
from redracer.engine.transactions import Transactions
from redracer.engine.unexpected_replies import UnexpectedReplies
from redracer.engine.watches import Watches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from redracer.core.session import Transport
    from redracer.engine.config import Config
    from redracer.engine.registry import Command


NANOSECONDS_PER_MICROSECOND = 1000
NEVER = 1 << 62
LAZY_FREE_SLICE = 1_000_000  # ns


class Ports(dict[str, Any]):
    """What the surroundings offer, by name. A command that needs what they do not offer is refused."""

    def __missing__(self, name: str) -> Any:
        raise CommandError(
            b"ERR this needs '%s', which a store without a server does not have" % name.encode()
        )


class Engine:
    """One store: databases, clients, statistics, and the dispatcher that commands run through.

    `ports` holds what the surroundings offer by name (`shutdown`, `listeners`, `reactor`...), so that the
    engine runs alone in tests and in the embedded store. All methods must be called with one thread.
    """

    def __init__(self, config: Config, renames: Mapping[bytes, bytes] | None = None) -> None:
        self.config = config
        self.clock = Clock()
        self.databases = [Keyspace(index, self.clock) for index in range(config["databases"])]
        self.effects = Effects()
        self.context = Context(self, self.effects)
        self.commands: dict[bytes, Command] = registry.default.build_table(renames)
        self.dispatcher = Dispatcher(self, self.context, self.clock, self.commands)
        self.clients: dict[int, Client] = {}
        self.census = ClientCensus(self)
        self.memory = MemoryUsage(self)
        self.statistics = Statistics(self)
        self.info = Info(self, SECTIONS)
        self.slowlog = SlowLog(config)
        self.latency = LatencyMonitor(config)
        self.pause = Pause(self)
        self.cross_protocol = CrossProtocol(self)
        self.blocking = Blocking(self)
        self.watches = Watches(self)
        self.transactions = Transactions(self)
        self.output_limits = OutputLimits(self)
        self.acl = AccessControl(self)
        self.pubsub = PubSub(self)
        self.notifications = Notifications(self)
        self.tracking = TrackingTable(self)
        self.monitors = Monitors(self)
        self.loading = Loading(self)
        self.unexpected_replies = UnexpectedReplies(self)
        self.disk_errors = DiskErrors(self)
        self.shutdown = Shutdown(self)
        self.lazy_free = LazyFree()
        self.expiry = ActiveExpiry(self)
        self.eviction = Eviction(self)
        self.ports: dict[str, Any] = Ports()
        self.client_eviction = ClientEviction(self)
        self.key_sizes = KeySizesCensus(self)
        self.at_tick: list[Callable[[], None]] = []  # what other layers do periodically
        self.at_client_end: list[Callable[[Client], None]] = []  # what other layers do when a client is gone
        self.run_id = os.urandom(20).hex()
        self.replication_id = os.urandom(20).hex()
        self.started = self.clock.now  # Unix time, ms
        self.next_client_id = 1
        self.is_replica = False
        self.cron_paused = False  # by DEBUG PAUSE-CRON
        self.skip_checksums = False  # by DEBUG SET-SKIP-CHECKSUM-VALIDATION
        for database in self.databases:
            database.on_expired = self.expire
        self.apply_settings()
        for name in ("slowlog-log-slower-than", "latency-monitor-threshold", "latency-tracking"):
            config.on_change(name, self._settings_changed)
        for name in ("maxmemory-policy", "lfu-log-factor", "lfu-decay-time", "lazyfree-lazy-server-del"):
            config.on_change(name, self._settings_changed)
        config.on_change("proto-max-bulk-len", self._bulk_limit_changed)
        config.on_change("client-query-buffer-limit", self._query_limit_changed)

    # --- configuration that hot paths keep as fields

    def _settings_changed(self, _value: object) -> None:
        self.apply_settings()

    def apply_settings(self) -> None:
        """Copies the settings that hot paths read into the fields where they read them."""
        config = self.config
        slow = config["slowlog-log-slower-than"]  # microseconds; negative: off
        latency = config["latency-monitor-threshold"]  # ms; 0: off
        self.dispatcher.attention = min(
            slow * NANOSECONDS_PER_MICROSECOND if slow >= 0 else NEVER,
            latency * 1000 * NANOSECONDS_PER_MICROSECOND if latency else NEVER,
        )
        self.dispatcher.track_latency = config["latency-tracking"]
        for database in self.databases:
            database.on_overwritten = self.lazy_free.add if config["lazyfree-lazy-server-del"] else None
        self.clock.lfu = "lfu" in config["maxmemory-policy"]
        self.clock.lfu_log_factor = config["lfu-log-factor"]
        self.clock.lfu_decay_time = config["lfu-decay-time"]

    def _bulk_limit_changed(self, limit: int) -> None:
        for client in self.clients.values():
            client.parser.maximum_bulk = limit

    def _query_limit_changed(self, limit: int) -> None:
        reactor = self.ports.get("reactor")
        if reactor is not None:
            reactor.query_limit = limit

    # --- clients

    def connect(self, transport: Transport | None, address: str = "", local_address: str = "") -> Client:
        """A new client, as yet unknown to the world, in database 0."""
        parser = RequestParser(self.config["proto-max-bulk-len"])
        client = Client(self.next_client_id, self.databases[0], parser, transport)
        self.next_client_id += 1
        client.address = address
        client.local_address = local_address
        client.created = client.last_interaction = self.clock.now
        self.acl.start(client)
        self.clients[client.id] = client
        return client

    def client_gone(self, client: Client) -> None:
        """Forgets a client whose connection is closed, and all that it waited for."""
        if self.clients.pop(client.id, None) is not None:
            self.pause.forget(client)
            self.blocking.forget(client)
            self.shutdown.forget(client)
            self.leave_features(client)
            self.eviction.client_gone()
            self.client_eviction.forget(client)
            for forget in self.at_client_end:
                forget(client)

    def reset_client(self, client: Client) -> None:
        """Brings a connection back to the state of a new one (RESET); its id and its library stay."""
        client.db = self.databases[0]
        client.resp = 2
        client.name = b""
        client.flags &= ~client_flags.CLEARED_BY_RESET
        client.gates &= ~GATE_NO_TOUCH
        self.leave_features(client)
        self.acl.start(client)

    def leave_features(self, client: Client) -> None:
        """Ends whatever the client takes part in beyond its requests."""
        self.transactions.end(client)
        self.pubsub.forget(client)
        self.tracking.disable(client)
        self.monitors.forget(client)

    def describe(self, client: Client) -> str:
        """The client as CLIENT LIST shows it (for the log)."""
        describe: Any = self.ports.get("describe_client")
        return describe(client) if describe is not None else f"id={client.id} addr={client.address}"

    def check_output_limit(self, client: Client) -> None:
        """Closes the client if its pending output is over a limit."""
        self.output_limits.check(client)

    def every_command(self) -> Iterator[Command]:
        """Every command and subcommand of the table."""
        for command in self.commands.values():
            yield command
            yield from (command.subcommands or {}).values()

    def protection_refusal(self, client: Client, name: bytes) -> bytes | None:
        """Why the configuration keeps a protected command (debug) from the client, or None."""
        option = f"enable-{name.decode()}-command"
        allowed = self.config[option]
        if allowed == "yes" or (allowed == "local" and client.is_local()):
            return None
        return errors.protected_command(name.upper(), option.encode())

    # --- what dispatch reports

    def count_error(self, text: bytes) -> None:
        """Counts an error reply by its code."""
        self.statistics.count_error(text)

    def slow_call(self, client: Client, command: Command, argv: list[bytes], nanoseconds: int) -> None:
        """Looks at a call that took long enough for the slow log or the latency monitor."""
        microseconds = nanoseconds // NANOSECONDS_PER_MICROSECOND
        self.slowlog.consider(client, command, argv, microseconds, self.clock.now // 1000)
        self.latency.consider_command(command, microseconds, self.clock.now // 1000)

    def log_protocol_error(self, client: Client, text: bytes) -> None:
        """Tells the log, where it is verbose, what a client did wrong."""
        log.verbose(f"Protocol error ({text.decode('latin-1')}) from client: {self.describe(client)}")

    # --- keys

    @property
    def keeps_expired(self) -> bool:
        """Whether expired keys and fields stay: nothing may change in a pause or while data is loaded, and a log or a
        primary says when."""
        return self.pause.active or self.is_replica or self.loading.active or self.clock.nothing_expires

    def expire(self, database: Keyspace, key: bytes) -> None:
        """A lookup or the expiry cycle met a key whose time has passed: deletes it, and says so to everyone.

        Where that is not ours to do the key stays; lookups do not see it all the same.
        """
        if self.keeps_expired:
            return
        self.statistics.expired_keys += 1
        self.delete_expired(database, key)
        if self.effects.observed:
            self.effects.key_changed(database.index, key, "expired")
        self.effects.propagate(database.index, self.deletion(key))

    def deletion(self, key: bytes) -> list[bytes]:
        """The command that says of a key that it has expired."""
        return [b"UNLINK" if self.config["lazyfree-lazy-expire"] else b"DEL", key]

    def empty(self, databases: list[Keyspace], lazily: bool) -> None:
        """Removes all keys of these databases; lazily: what they hold is freed in slices."""
        self.effects.databases_flushed([database.index for database in databases])
        for database in databases:
            self.effects.dirty += len(database)
            if lazily:
                self.lazy_free.add(database.detach())
            else:
                database.clear()
            self.expiry.fields.forget(database)

    def empty_all(self, lazily: bool) -> None:
        """Removes all that a file may bring: every key, and the functions."""
        self.empty(self.databases, lazily)
        functions = self.ports.get("functions")
        if functions is not None:
            functions.flush()

    def free(self) -> None:
        """Frees the data at the end. The collector cannot look into databases, so that what they refer to ends here,
        too."""
        for database in self.databases:
            database.on_expired = database.on_overwritten = None
            database.clear()

    def delete_expired(self, database: Keyspace, key: bytes) -> None:
        """Takes the key out; a big value is freed in slices.

        By `discard_value`, because `delete` and `take` would hand an expired key back to us.
        """
        value = database.discard_value(key)
        if value is not None:
            self.lazy_free.add(value)

    # --- time

    def unix_microseconds(self) -> int:
        """The time now, which may be later than that of the command in execution (Unix time, us)."""
        return self.dispatcher.unix_microseconds()

    def work(self) -> bool:
        """One slice of the work that goes on behind the commands; returns whether there is more to do."""
        self.dispatcher.begin()
        more_to_expire = not self.cron_paused and self.expiry.run()
        if self.dispatcher.ready_keys:  # a key's end, which someone waited for
            self.blocking.serve()
        return self.lazy_free.run(LAZY_FREE_SLICE) or more_to_expire

    def tick(self) -> None:
        """The periodic work, `hz` times a second: limits, the end of pauses, samples of rates."""
        if self.cron_paused:
            return
        begun = monotonic_nanoseconds()
        self.dispatcher.begin()
        self.output_limits.check_all()
        self.pause.check_end()
        self.shutdown.tick()
        self.census.advance()
        self.memory.note_peak()
        self.eviction.tick()
        self.client_eviction.tick()
        self.key_sizes.tick()
        self.statistics.sample()
        self.close_idle_clients()
        for step in self.at_tick:
            step()
        self.statistics.tick_nanoseconds += monotonic_nanoseconds() - begun

    def close_idle_clients(self) -> None:
        """Closes clients that have sent nothing for `timeout` seconds (0: never)."""
        timeout: int = self.config["timeout"] * 1000
        if not timeout:
            return
        spared = client_flags.SUBSCRIBED | client_flags.REPLICA | client_flags.PRIMARY | client_flags.MONITOR
        oldest = self.clock.now - timeout
        idle = [
            client
            for client in self.clients.values()
            if client.last_interaction < oldest and client.blocked is None and not client.flags & spared
        ]
        for client in idle:
            log.verbose("Closing idle client")
            client.close()
