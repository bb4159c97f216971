# cython: annotation_typing=False
"""Keeps the memory in use under `maxmemory`, by the policy that `maxmemory-policy` names.

The usual request pays one comparison: dispatch compares the bytes of the data with `Dispatcher.memory_limit`, which
is `maxmemory` without what clients hold, brought up to date by the tick, by much traffic and before keys go. Only
beyond it the gate is set, whose guard evicts keys before each request until the memory is under the limit again, for
at most the time that `maxmemory-eviction-tenacity` allows. What is left over then goes on behind the requests, in
slices of the same length. Where nothing can be evicted, commands that may need memory are refused.

The limit is meant for the process, not for a sum in a report: where the resident memory is further over `maxmemory`
than a tenth, the data has to make room, unless the limit is so small that most of the excess would be the program.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.eviction_pool import (
    LEAST_FREQUENT,
    LEAST_RECENT,
    SOONEST_TO_EXPIRE,
    EvictionPool,
    draw_key,
)
from redracer.core.memory import used_memory
from redracer.engine import log, resources
from redracer.engine.client import MULTI
from redracer.engine.flags import DENYOOM
from redracer.engine.gates import GATE_MEMORY
from redracer.engine.timing import monotonic_nanoseconds
from redracer.engine.transactions import effective_flags

if TYPE_CHECKING:
    from redracer.core.keyspace import Keyspace
    from redracer.engine.client import Client
    from redracer.engine.dispatch import Dispatcher
    from redracer.engine.effects import Effects
    from redracer.engine.engine import Engine
    from redracer.engine.lazy_free import LazyFree
    from redracer.engine.registry import Command
    from redracer.engine.statistics import Statistics

# results of an attempt
ENOUGH = 0  # the memory is under the limit, or it is not the time to evict
GOING_ON = 1  # the time was over; the rest follows behind the requests
FAILED = 2  # nothing is left that the policy may evict

NO_EVICTION = -2
RANDOM = -1
ORDERS = {
    "noeviction": NO_EVICTION,
    "random": RANDOM,
    "lru": LEAST_RECENT,
    "lfu": LEAST_FREQUENT,
    "ttl": SOONEST_TO_EXPIRE,
}

KEYS_PER_LOOK = 16  # keys evicted between two looks at the clock
LAZY_SLICE = 250_000  # ns
UNLIMITED = 1 << 62
REFRESH = 10_000_000  # ns for which the count of what clients hold is good enough to evict by
# After so many bytes in or out it is brought up to date, by the end of the round: this, or a part of a high limit. It
# takes looking at every client.
REFRESH_TRAFFIC = 512 * 1024
TRAFFIC_PART = 256
# `maxmemory-eviction-tenacity`: up to 10 each step is 50 us; from there on each step is 15 % longer; 100: no limit.
LINEAR_TENACITY = 10
TENACITY_STEP = 50_000  # ns
TENACITY_GROWTH = 1.15
ENDLESS_TENACITY = 100
# A transaction's end takes no memory for queuing; EXEC is refused by what is in it.
NOT_QUEUED = frozenset((b"exec", b"discard", b"quit", b"reset"))
NANOSECONDS_PER_MILLISECOND = 1_000_000
# Of a limit of which the program is at most this part (a fifth), ...
PROGRAM_PART = 5
RESIDENT_PART = 10  # ... 1.1 may be resident before the data makes room, ...
MOST_ROOM_PART = 8  # ... which is an eighth of the limit at most. docs/design/memory.md says why.

SETTINGS = (
    "maxmemory",
    "maxmemory-policy",
    "maxmemory-samples",
    "maxmemory-eviction-tenacity",
    "lazyfree-lazy-eviction",
    "replica-ignore-maxmemory",
)
SMALL_LIMIT = (
    "WARNING: the new maxmemory value set via CONFIG SET ({}) is smaller than the current memory usage ({}). This "
    "will result in key eviction and/or the inability to accept new write commands depending on the "
    "maxmemory-policy."
)


def time_limit(tenacity: int) -> int:
    """For how long one attempt may evict, in ns."""
    if tenacity <= LINEAR_TENACITY:
        return TENACITY_STEP * tenacity
    if tenacity < ENDLESS_TENACITY:
        return int(TENACITY_STEP * LINEAR_TENACITY * TENACITY_GROWTH ** (tenacity - LINEAR_TENACITY))
    return UNLIMITED


class Eviction:
    """Evicts keys of one engine. `result` is that of the last attempt."""

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        engine: Engine
        statistics: Statistics
        lazy_free: LazyFree
        dispatcher: Dispatcher
        effects: Effects
        pool: EvictionPool
        order: int
        volatile: bool
        lazy: bool
        samples: int
        next_database: int
        maximum: int
        time_limit: int
        result: int
        refreshed: int
        traffic: int
        exceeded_since: int
        exceeded_nanoseconds: int
        scheduled: bool

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.statistics = engine.statistics
        self.lazy_free = engine.lazy_free
        self.dispatcher = engine.dispatcher
        self.effects = engine.effects
        self.pool = EvictionPool()
        self.next_database = 0
        self.result = ENOUGH
        self.refreshed = 0
        self.traffic = 0
        self.scheduled = False
        self.reset_statistics()
        self.apply_settings()
        engine.dispatcher.guard(GATE_MEMORY, self.refusal)
        for name in SETTINGS:
            engine.config.on_change(name, self._settings_changed)
        engine.config.on_change("maxmemory", self._limit_changed)

    # --- settings

    def apply_settings(self) -> None:
        """Takes the settings over, and starts with a new pool: scores of two policies are not comparable."""
        config = self.engine.config
        policy: str = config["maxmemory-policy"]
        self.order = ORDERS[policy.rpartition("-")[2]]
        self.volatile = policy.startswith("volatile-")
        self.samples = config["maxmemory-samples"]
        self.lazy = config["lazyfree-lazy-eviction"]
        self.maximum = config["maxmemory"]
        self.time_limit = time_limit(config["maxmemory-eviction-tenacity"])
        self.pool.clear()
        steps = self.dispatcher.before_sending_steps
        if bool(self.maximum) != (self.look_at_traffic in steps):
            (steps.append if self.maximum else steps.remove)(self.look_at_traffic)
        self.update_limit()

    def _settings_changed(self, _value: object) -> None:
        self.apply_settings()

    def _limit_changed(self, maximum: int) -> None:
        used = self.engine.memory.used
        if maximum and used > maximum:
            log.warning(SMALL_LIMIT.format(maximum, used))
            self._go_on_later()

    def update_limit(self) -> None:
        """Tells dispatch how many bytes the data may take: `maxmemory` without what is counted beside the data."""
        if not self.maximum:
            self.dispatcher.memory_limit = UNLIMITED
            self.dispatcher.gates &= ~GATE_MEMORY
            self._settle(ENOUGH)
            return
        self.refreshed = monotonic_nanoseconds()
        taken = self.engine.memory.limited_beside_data() + self._room_for_waste()
        self.dispatcher.memory_limit = max(self.maximum - taken, 0)

    def look_at_traffic(self) -> None:
        """After each round: much traffic may have left much in the clients' buffers."""
        reactor: Any = self.engine.ports.get("reactor")
        much = max(REFRESH_TRAFFIC, self.maximum // TRAFFIC_PART)
        if reactor is not None and reactor.received + reactor.sent - self.traffic > much:
            self.traffic = reactor.received + reactor.sent
            self.update_limit()

    def _room_for_waste(self) -> int:
        """By how many bytes the data must be smaller, for the resident memory not to grow further."""
        if self.maximum < PROGRAM_PART * self.engine.memory.program:
            return 0
        excess = resources.resident_bytes() - self.maximum - self.maximum // RESIDENT_PART
        return min(max(excess, 0), self.maximum // MOST_ROOM_PART)

    def client_gone(self) -> None:
        """What a client held is free: nothing is evicted before that has been taken into account."""
        self.refreshed = 0

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self.exceeded_since = 0
        self.exceeded_nanoseconds = 0

    @property
    def current_exceeded_nanoseconds(self) -> int:
        """For how long the memory has been over the limit without a break; 0 if it is not."""
        return monotonic_nanoseconds() - self.exceeded_since if self.exceeded_since else 0

    # --- what asks for memory

    def refusal(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """Evicts before a request; what a request that may need memory is told if that was in vain."""
        if self.free_memory() != FAILED:
            return None
        if effective_flags(client, command, argv) & DENYOOM or self._queues(client, command):
            return errors.OUT_OF_MEMORY
        return None

    @property
    def out_of_memory(self) -> bool:
        """Whether commands that may need memory are refused: as of the start of the request in execution."""
        return self.result == FAILED

    def _queues(self, client: Client, command: Command) -> bool:
        return bool(client.flags & MULTI) and command.name not in NOT_QUEUED

    def tick(self) -> None:
        """Takes into account what clients hold by now; evicts if that is too much."""
        if self.maximum:
            self.update_limit()
            if used_memory() > self.dispatcher.memory_limit or self.result != ENOUGH:
                self.free_memory()

    def _go_on_later(self) -> None:
        """Has the rest evicted as soon as the requests at hand are done; without a loop the tick does."""
        call_later: Any = self.engine.ports.get("call_later")
        if call_later is not None and not self.scheduled:
            self.scheduled = True
            call_later(0, self._go_on)

    def _go_on(self) -> None:
        self.scheduled = False
        self.dispatcher.begin()
        self.free_memory()

    # --- evicting

    def permitted(self) -> bool:
        """Whether keys may be evicted now: not while clients are paused, and not on a replica that leaves it to its
        primary."""
        if self.engine.pause.active:
            return False
        return not (self.engine.is_replica and self.engine.config["replica-ignore-maxmemory"])

    def free_memory(self) -> int:
        """Evicts until the memory is under the limit, for as long as it may; returns ENOUGH, GOING_ON or FAILED."""
        if not self.permitted():
            return ENOUGH
        begun = monotonic_nanoseconds()
        result = ENOUGH
        if used_memory() > self.dispatcher.memory_limit and begun - self.refreshed > REFRESH:
            self.update_limit()
        if used_memory() > self.dispatcher.memory_limit:
            result = FAILED if self.order == NO_EVICTION else self.evict(begun + self.time_limit)
            self._note_latency("eviction-cycle", begun)
        if result == FAILED and self.lazy_free.pending:
            self.lazy_free.run(self.time_limit)
            if used_memory() <= self.dispatcher.memory_limit:
                result = ENOUGH
        self._settle(result)
        if result == GOING_ON:
            self._go_on_later()
        return result

    def evict(self, deadline: int) -> int:
        """Evicts until the memory is under the limit or the deadline (monotonic, ns) has come."""
        evicted = 0
        while used_memory() > self.dispatcher.memory_limit:
            if self.lazy and self.lazy_free.pending:  # else more would be evicted than is needed
                self.lazy_free.run(LAZY_SLICE)
            else:
                chosen = self.choose()
                if chosen is None:
                    return FAILED
                self.delete(chosen[0], chosen[1])
                evicted += 1
                if evicted % KEYS_PER_LOOK:
                    continue
            if monotonic_nanoseconds() >= deadline:
                return GOING_ON
        return ENOUGH

    def choose(self) -> tuple[Keyspace, bytes] | None:
        """The next key to be evicted, by the policy; None if it may evict none."""
        databases = self.engine.databases
        if self.order == RANDOM:
            count = len(databases)
            for _ in range(count):
                self.next_database = (self.next_database + 1) % count
                key = draw_key(databases[self.next_database], self.volatile)
                if key is not None:
                    return databases[self.next_database], key
            return None
        while True:
            candidates = False
            for database in databases:
                if self.pool.offer(database, self.volatile, self.samples, self.order):
                    candidates = True
            if not candidates:
                return None
            chosen = self.pool.take(databases, self.volatile)
            if chosen is not None:
                return chosen

    def delete(self, database: Keyspace, key: bytes) -> None:
        """Takes the key out, and says so to everyone."""
        begun = monotonic_nanoseconds()
        if self.lazy:
            value = database.discard_value(key)
            if value is not None:
                self.lazy_free.add(value)
        else:
            database.discard(key)
        self._note_latency("eviction-del", begun)
        self.statistics.evicted_keys += 1
        if self.effects.observed:
            self.effects.key_changed(database.index, key, "evicted")
        if self.effects.feeds:
            self.effects.propagate(database.index, [b"UNLINK" if self.lazy else b"DEL", key])
            self.effects.flush()

    def _settle(self, result: int) -> None:
        """Keeps the gate open or closed, and the account of the time over the limit."""
        self.result = result
        if result == ENOUGH:
            if used_memory() <= self.dispatcher.memory_limit:
                self.dispatcher.gates &= ~GATE_MEMORY
            self.exceeded_nanoseconds += self.current_exceeded_nanoseconds
            self.exceeded_since = 0
            return
        self.dispatcher.gates |= GATE_MEMORY
        if not self.exceeded_since:
            self.exceeded_since = monotonic_nanoseconds()

    def _note_latency(self, event: str, begun: int) -> None:
        elapsed = monotonic_nanoseconds() - begun
        if elapsed >= NANOSECONDS_PER_MILLISECOND:
            milliseconds = elapsed // NANOSECONDS_PER_MILLISECOND
            self.engine.latency.consider(event, milliseconds, self.engine.clock.now // 1000)
