"""The longest stall while a collection grows to millions of elements, converts, or is deleted by UNLINK or expiry.

One connection sends a small batch, waits for its replies, and reads the CPU time that the server's process has used
since the batch before: what the batch itself costs, and whatever work of its own the server did meanwhile. Other
programs on the machine do not change that. While a value is being freed, the batch is one PING. The usual batch costs
below a tenth of a millisecond, so that a high figure is a stall: a table that is resized at once, a value that is freed
at once.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from benchmarks.probe import PRIORITY, percentile
from benchmarks.servers import Cores, Program, Server, cpu_clock, running
from benchmarks.wire import Connection, batches, encode

ELEMENTS = 10_000_000
COMMAND_ELEMENTS = 10  # elements of one command that takes several
BATCH_ELEMENTS = 50
CONVERTED = 1_000  # elements of a collection that stays packed up to there, and converts with the next
PAUSE = 0.0002  # seconds between two looks while a value is being freed
QUIET = 2.0  # seconds without work after which a value is taken to be freed
FREE_LIMIT = 300.0  # seconds
KEY = "collection"


def several(name: str, element: Callable[[int], tuple[bytes | int, ...]]) -> Callable[[int], bytes]:
    """A command that adds the elements from a number on."""

    def command(first: int) -> bytes:
        numbers = range(first, first + COMMAND_ELEMENTS)
        return encode(name, KEY, *(word for number in numbers for word in element(number)))

    return command


def stream_entry(number: int) -> bytes:
    return encode("XADD", KEY, f"{number + 1}-0", "field", number)


@dataclass(frozen=True)
class Kind:
    """One type: the command that adds elements from a number on, and the limit up to which it stays packed."""

    command: Callable[[int], bytes]
    elements: int = COMMAND_ELEMENTS  # of one command
    lines: int = 1  # of a reply
    packed: str = ""  # the option that keeps it packed


KINDS = {
    "list": Kind(several("RPUSH", lambda number: (b"item:%010d" % number,)), packed="list-max-listpack-size"),
    "set of integers": Kind(several("SADD", lambda number: (number,)), packed="set-max-intset-entries"),
    "set of strings": Kind(several("SADD", lambda number: (b"member:%010d" % number,))),
    "hash": Kind(
        several("HSET", lambda number: (b"field:%010d" % number, number)), packed="hash-max-listpack-entries"
    ),
    "sorted set": Kind(
        several("ZADD", lambda number: (number * 7919 % 10_000_019, b"member:%010d" % number)),
        packed="zset-max-listpack-entries",
    ),
    "stream": Kind(stream_entry, elements=1, lines=2),
}


def measure(
    programs: Sequence[Program], elements: int, base_port: int, cores: Cores
) -> dict[str, dict[str, object]]:
    """Returns {"list, grows to 10,000,000": {server: figures in ms}}."""
    found: dict[str, dict[str, object]] = {}
    for name, kind in KINDS.items():
        for program in programs:
            with running(program, base_port, cores.server) as server, Connection(server.port) as connection:
                watch = Watch(server, connection)
                figures = phases(watch, kind, elements)
            for phase, row in figures.items():
                found.setdefault(f"{name}, {phase}", {})[program.name] = row
                print(f"{name}, {phase}: {program.name} {row}", flush=True)
    return found


def phases(watch: "Watch", kind: Kind, elements: int) -> dict[str, dict[str, float]]:
    """Grows, unlinks, grows again, lets expire; and converts where that can be put off until the value is large."""
    found = {f"grows to {elements:,}": watch.fill(kind, elements)}
    found["UNLINK"] = watch.free("UNLINK", KEY)
    watch.fill(kind, elements // 10)
    found[f"expires with {elements // 10:,}"] = watch.free("PEXPIRE", KEY, 100)
    if kind.packed:
        watch.connection.call("CONFIG", "SET", kind.packed, CONVERTED)
        found[f"converts at {CONVERTED:,}"] = watch.fill(kind, CONVERTED + BATCH_ELEMENTS)
    return found


class Watch:
    """A server, and the CPU time that it uses from one look to the next."""

    def __init__(self, server: Server, connection: Connection) -> None:
        self.server = server
        self.connection = connection
        self._clock = cpu_clock(server.pid)

    def fill(self, kind: Kind, elements: int) -> dict[str, float]:
        """Adds elements; returns the figures of the batches."""
        commands = (kind.command(first) for first in range(0, elements, kind.elements))
        return summarise(self._filling(commands, BATCH_ELEMENTS // kind.elements, kind.lines))

    def free(self, *command: str | int) -> dict[str, float]:
        """Sends a command that deletes the key; the figures are its own and those of PINGs until all is freed."""
        with first_on_its_core():
            return summarise(self._freeing(command))

    def _filling(self, commands: Iterable[bytes], batch: int, lines: int) -> Iterator[int]:
        used = self._used()
        for _, chunk in batches(commands, batch):
            self.connection.fill([chunk], 1, batch * lines)
            before, used = used, self._used()
            yield used - before

    def _freeing(self, command: Sequence[str | int]) -> Iterator[int]:
        used = self._used()
        self.connection.call(*command)
        yield self._used() - used
        last_work = began = time.monotonic()
        while time.monotonic() < last_work + QUIET:
            time.sleep(PAUSE)
            used = self._used()
            self.connection.call("PING")
            yield self._used() - used
            if self._is_freeing():
                last_work = time.monotonic()
            if last_work - began > FREE_LIMIT:
                raise RuntimeError("it is not freed in time")

    def _is_freeing(self) -> bool:
        info = self.connection.call("INFO", "memory")
        lines = info.decode().splitlines() if isinstance(info, bytes) else []
        pending = next((line for line in lines if line.startswith("lazyfree_pending_objects:")), ":0")
        return pending.partition(":")[2] != "0" or self.connection.call("EXISTS", KEY) == 1

    def _used(self) -> int:
        return time.clock_gettime_ns(self._clock)


@contextmanager
def first_on_its_core() -> Iterator[None]:
    """Where it is allowed, nothing delays this process: what the server does until we look is taken for a stall."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def summarise(times: Iterable[int]) -> dict[str, float]:
    """Figures in milliseconds, from the CPU time of each batch in nanoseconds."""
    ordered = sorted(times)
    return {
        "cpu_p50": round(percentile(ordered, 0.5) / 1e6, 3),
        "cpu_p999": round(percentile(ordered, 0.999) / 1e6, 3),
        "cpu_max": round(ordered[-1] / 1e6, 3),
    }
