"""The counters behind INFO stats, errorstats and the rates per second."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from redracer.core.memory import used_memory

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


class Statistics:
    """What CONFIG RESETSTAT resets, and what it leaves."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.peak_memory = 0  # bytes
        self.peak_memory_time = 0  # Unix time, s
        self._start()

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self._start()
        self.commands_before = self.engine.dispatcher.calls
        reactor: Any = self.engine.ports.get("reactor")
        if reactor is not None:
            self.received_before = reactor.received
            self.sent_before = reactor.sent
        for database in self.engine.databases:
            database.hits = database.misses = 0
        for command in self.engine.every_command():
            command.reset_statistics()

    def _start(self) -> None:
        self.connections_received = 0
        self.connections_rejected = 0
        self.expired_keys = 0
        self.expired_fields = 0
        self.evicted_keys = 0
        self.evicted_clients = 0
        self.error_replies = 0
        self.errors: dict[bytes, int] = {}
        self.output_limit_disconnections = 0
        self.query_limit_disconnections = 0
        self.commands_before = 0
        self.received_before = 0
        self.sent_before = 0
        self.operations = Rate()
        self.input = Rate()
        self.output = Rate()
        self.cycles = Rate()

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

    def sample(self) -> None:
        """Takes a sample of every rate and of the memory in use; called by the periodic tick."""
        now = self.engine.clock.now
        self.operations.sample(self.engine.dispatcher.calls, now)
        reactor: Any = self.engine.ports.get("reactor")
        if reactor is not None:
            self.input.sample(reactor.received, now)
            self.output.sample(reactor.sent, now)
            self.cycles.sample(reactor.rounds, now)
        used = used_memory()
        if used > self.peak_memory:
            self.peak_memory = used
            self.peak_memory_time = now // 1000
