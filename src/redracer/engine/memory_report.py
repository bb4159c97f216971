"""How much memory is used, and for what: for INFO memory, MEMORY STATS, MEMORY DOCTOR and `maxmemory`.

`used` is what was allocated for the store: the data, which core/memory counts to the byte; what the clients hold
(engine/client_census.py); and what other parts say that they hold (`hold`). The program itself (the interpreter,
code, tables of commands) is not in it, as Redis's own code is not in Redis's: `program` is its share of the resident
memory. What is resident beyond both is the allocators' unused space, and is reported as fragmentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.core.memory import used_memory
from redracer.engine import resources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redracer.engine.client_census import Measures
    from redracer.engine.engine import Engine


class DatabaseOverhead(NamedTuple):
    """The bytes of one database's tables, that of its keys and that of their expiries."""

    database: int
    entries: int
    expiries: int


class MemoryReport(NamedTuple):
    """The memory at one moment, in bytes; a ratio is 0 where its divisor is. `held`: by the names of `hold`."""

    used: int
    peak: int
    startup: int
    resident: int
    program: int
    clients: Measures
    databases: list[DatabaseOverhead]
    keys: int
    held: Mapping[str, int]

    @property
    def overhead(self) -> int:
        """Everything that is not the data set."""
        tables = sum(database.entries + database.expiries for database in self.databases)
        return self.startup + self.clients.normal + self.clients.replicas + tables + sum(self.held.values())

    @property
    def dataset(self) -> int:
        """What the keys and values take."""
        return max(self.used - self.overhead, 0)

    @property
    def net(self) -> int:
        """What is used beyond `startup`; at least 1."""
        return max(self.used - self.startup, 1)

    @property
    def dataset_percent(self) -> float:
        """The data set's share of the memory in use beyond startup."""
        return self.dataset * 100 / self.net

    @property
    def peak_percent(self) -> float:
        """The memory in use as a share of the peak."""
        return self.used * 100 / self.peak

    @property
    def bytes_per_key(self) -> int:
        """The average over all keys."""
        return self.net // self.keys if self.keys else 0

    @property
    def heap(self) -> int:
        """Resident memory without the program: what the allocators hold, in use or not."""
        return max(self.resident - self.program, 0)

    @property
    def heap_fragmentation(self) -> float:
        """The heap over used memory."""
        return self.heap / self.used if self.used else 0.0

    @property
    def program_ratio(self) -> float:
        """Resident memory over the heap."""
        return self.resident / self.heap if self.heap else 0.0

    @property
    def fragmentation(self) -> float:
        """Resident over used memory."""
        return self.resident / self.used if self.used else 0.0

    @property
    def fragmentation_bytes(self) -> int:
        """Resident memory that is not used memory; may be negative."""
        return self.resident - self.used


class MemoryUsage:
    """The engine's account of its memory, and its peak."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.peak = 0  # bytes
        self.peak_time = 0  # Unix time, s
        self.holders: dict[str, Callable[[], int]] = {}
        self.unlimited: set[str] = set()
        self.measure_startup()

    def measure_startup(self) -> None:
        """Takes the memory of now as what the process needs before there is any data."""
        self.startup = self.used
        self.program = max(resources.resident_bytes() - self.startup, 0)
        self.note_peak()

    def hold(self, name: str, ask: Callable[[], int], *, limited: bool = True) -> None:
        """Counts `ask()` bytes under a name of MEMORY STATS (`aof.buffer`) from now on.

        `limited` is False for what eviction must not look at: buffers that grow with every evicted key.
        """
        self.holders[name] = ask
        if not limited:
            self.unlimited.add(name)

    def held(self) -> dict[str, int]:
        """The bytes that the other parts hold, by name."""
        return {name: ask() for name, ask in self.holders.items()}

    @property
    def used(self) -> int:
        """The memory in use, in bytes; the clients' share as of the last count. O(1)."""
        clients = self.engine.census.last
        return used_memory() + clients.normal + clients.replicas + sum(self.held().values())

    @property
    def not_limited(self) -> int:
        """The part of `used` that does not count for `maxmemory`: what feeds replicas and the append-only file."""
        held = self.held()
        return self.engine.census.last.replicas + sum(held[name] for name in self.unlimited)

    def limited_beside_data(self) -> int:
        """What counts for `maxmemory` beside the data. O(1), and O(clients) where there are few."""
        self.engine.census.measures()
        return self.used - used_memory() - self.not_limited

    def note_peak(self) -> None:
        """Remembers the memory in use if it has never been more; called by the tick."""
        used = self.used
        if used > self.peak:
            self.peak = used
            self.peak_time = self.engine.clock.now // 1000

    def give_back(self) -> None:
        """Asks libc to give free memory back to the kernel (MEMORY PURGE); others do nothing."""
        import ctypes  # takes a while, and hardly ever is it needed

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(ctypes.c_size_t(0))

    def report(self) -> MemoryReport:
        """The state of now. O(databases), and O(clients) where there are few."""
        clients = self.engine.census.measures()
        self.note_peak()
        databases = [
            DatabaseOverhead(database.index, *database.table_bytes)
            for database in self.engine.databases
            if database.size
        ]
        keys = sum(database.size for database in self.engine.databases)
        return MemoryReport(
            used=self.used,
            peak=self.peak,
            startup=self.startup,
            resident=resources.resident_bytes(),
            program=self.program,
            clients=clients,
            databases=databases,
            keys=keys,
            held=self.held(),
        )
