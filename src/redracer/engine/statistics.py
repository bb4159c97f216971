"""The counters behind INFO stats, errorstats and the rates per second."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from redracer.engine.engine import Engine

SAMPLES = 16  # of each rate, one per tick
ERROR_CODES = 128  # kinds of errors counted; more are a client's invention


class Rate:
    """The average growth of a counter over the last SAMPLES ticks, per second."""

    def __init__(self) -> None:
        self.samples: deque[float] = deque(maxlen=SAMPLES)
        self.value = 0
        self.time = 0

    def sample(self, value: int, now: int) -> None:
        """Notes the counter's value at `now` (Unix time, ms)."""
        elapsed = now - self.time
        if self.time and elapsed > 0:
            self.samples.append((value - self.value) * 1000 / elapsed)
        self.value = value
        self.time = now

    @property
    def per_second(self) -> float:
        """The average; 0 before the second sample."""
        return sum(self.samples) / len(self.samples) if self.samples else 0.0


class Traffic(NamedTuple):
    """What went through the network, and the rounds that it took; zeros without a network."""

    received: int = 0  # bytes
    sent: int = 0  # bytes
    reads: int = 0
    writes: int = 0
    rounds: int = 0
    busy_nanoseconds: int = 0


NO_TRAFFIC = Traffic()


class Statistics:
    """What CONFIG RESETSTAT resets."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._start()

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        engine = self.engine
        self._start()
        self.commands_before = engine.dispatcher.calls
        self.traffic_before = self._traffic()
        engine.dispatcher.most_calls_per_round = 0
        reactor: Any = engine.ports.get("reactor")
        if reactor is not None:
            reactor.longest_round = 0
        engine.expiry.reset_statistics()
        engine.eviction.reset_statistics()
        engine.lazy_free.reset_statistics()
        for database in engine.databases:
            database.hits = database.misses = 0
        for command in engine.every_command():
            command.reset_statistics()

    def _start(self) -> None:
        self.connections_received = 0
        self.connections_rejected = 0
        self.expired_keys = 0
        self.expired_fields = 0
        self.evicted_keys = 0
        self.evicted_clients = 0
        self.error_replies = 0
        self.denials: Counter[str] = Counter()  # by reason: auth, command, key, channel
        self.errors: dict[bytes, int] = {}
        self.output_limit_disconnections = 0
        self.query_limit_disconnections = 0
        self.full_syncs = 0
        self.partial_syncs = 0
        self.refused_partial_syncs = 0
        self.replication_received = 0  # bytes, from the primary
        self.replication_sent = 0  # bytes, to replicas
        self.unexpected_errors = 0  # with which replicas and logs were answered
        self.tick_nanoseconds = 0
        self.commands_before = 0
        self.traffic_before = Traffic()
        self.operations = Rate()
        self.input = Rate()
        self.output = Rate()
        self.replication_input = Rate()
        self.replication_output = Rate()
        self.cycles = Rate()
        self.busy = Rate()

    def count_error(self, text: bytes) -> None:
        """Counts an error reply under its first word."""
        self.error_replies += 1
        code = text.split(b" ", 1)[0]
        if code in self.errors or len(self.errors) < ERROR_CODES:
            self.errors[code] = self.errors.get(code, 0) + 1

    @property
    def commands_processed(self) -> int:
        """Calls since the start or the last reset."""
        return self.engine.dispatcher.calls - self.commands_before

    def _traffic(self) -> Traffic:
        reactor: Any = self.engine.ports.get("reactor")
        if reactor is None:
            return Traffic()
        return Traffic(*(getattr(reactor, field) for field in Traffic._fields))

    @property
    def traffic(self) -> Traffic:
        """The network's counters since the start or the last reset."""
        return Traffic(
            *(now - before for now, before in zip(self._traffic(), self.traffic_before, strict=True))
        )

    @property
    def longest_round(self) -> int:
        """The longest turn of the event loop since the start or the last reset, in ns."""
        reactor: Any = self.engine.ports.get("reactor")
        return reactor.longest_round if reactor is not None else 0

    @property
    def microseconds_per_cycle(self) -> int:
        """How long a turn of the event loop took on average, lately."""
        cycles = self.cycles.per_second
        return round(self.busy.per_second / cycles / 1000) if cycles else 0

    def sample(self) -> None:
        """Takes a sample of every rate; called by the periodic tick."""
        now = self.engine.clock.now
        traffic: Any = self.engine.ports.get("reactor") or NO_TRAFFIC
        self.operations.sample(self.engine.dispatcher.calls, now)
        self.input.sample(traffic.received + self.replication_received, now)
        self.output.sample(traffic.sent, now)
        self.replication_input.sample(self.replication_received, now)
        self.replication_output.sample(self.replication_sent, now)
        self.cycles.sample(traffic.rounds, now)
        self.busy.sample(traffic.busy_nanoseconds, now)
