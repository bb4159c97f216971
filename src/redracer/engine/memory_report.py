"""How much memory is used, and for what: for INFO memory, MEMORY STATS and MEMORY DOCTOR.

`used` is three sums: the data, which core/memory counts to the byte; what the clients hold
(engine/client_census.py); and `startup`, what the process (interpreter, code, tables of commands) had for
itself before the first key. The sum is close to what the kernel sees as the process's own; what is missing
there is the allocators' unused space, and is reported as fragmentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from redracer.core.memory import used_memory
from redracer.engine import resources

if TYPE_CHECKING:
    from redracer.engine.client_census import Measures
    from redracer.engine.engine import Engine


class DatabaseOverhead(NamedTuple):
    """The bytes of one database's tables, that of its keys and that of their expiries."""

    database: int
    entries: int
    expiries: int


class MemoryReport(NamedTuple):
    """The memory at one moment, in bytes; a ratio is 0 where its divisor is."""

    used: int
    peak: int
    startup: int
    resident: int
    clients: Measures
    databases: list[DatabaseOverhead]
    keys: int

    @property
    def overhead(self) -> int:
        """Everything that is not the data set."""
        tables = sum(database.entries + database.expiries for database in self.databases)
        return self.startup + self.clients.normal + self.clients.replicas + tables

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
        self.startup = 0
        self.measure_startup()

    def measure_startup(self) -> None:
        """Takes the memory of now, without the data, as what the process needs for itself."""
        self.startup = max(resources.private_bytes() - used_memory(), 0)
        self.note_peak()

    @property
    def used(self) -> int:
        """The memory in use, in bytes; the clients' share as of the last count. O(1)."""
        clients = self.engine.census.last
        return self.startup + used_memory() + clients.normal + clients.replicas

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
            self.used, self.peak, self.startup, resources.resident_bytes(), clients, databases, keys
        )
