"""A snapshot that is loaded while it comes in from a primary, without waiting for any of it.

Whoever has the connection runs `loading`, and feeds it whenever it is `hungry`. What was fed is kept from the start of
the entry in work on, for that is read again when it was not all there; and so that a large one is not read again for
each piece of it, as much again as there is must come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core.errors import CommandError
from redracer.core.keyspace import Keyspace
from redracer.engine.field_expiry import FieldExpiry
from redracer.persistence import rdb_load
from redracer.persistence.rdb_file_reader import Starved

if TYPE_CHECKING:
    from collections.abc import Generator

    from redracer.engine.engine import Engine


class Incoming:
    """The bytes, and the loading of them. `loading` yields now and then; it raises ValueError, and then there is no
    data, or the old data if the new was `aside`. It must be run to its end, or closed."""

    def __init__(self, engine: Engine, size: int, aside: bool, asynchronous: bool) -> None:
        self.engine = engine
        self.size = size  # bytes; 0: not known
        self.asynchronous = asynchronous  # the old data is served meanwhile
        self.window = bytearray()  # from the start of the entry in work on
        self.start = 0  # the offset of the window in the file
        self.offset = 0  # of what is read next
        self.wanted = 0  # bytes that must be in the window before it is worth reading again
        self.starved = False  # the reader has asked for more than there is
        self.finished = False  # all has been fed
        self.loading = self._load_aside() if aside else self._load_in_place()

    # --- the bytes

    @property
    def hungry(self) -> bool:
        """Whether loading goes on only when it is fed, or told that there is nothing more."""
        return len(self.window) < self.wanted and not self.finished

    def feed(self, data: bytes) -> None:
        """More has come."""
        self.window += data

    def finish(self) -> None:
        """Nothing more will come."""
        self.finished = True

    def pull(self, most: int) -> bytes:
        """What the reader asks for: the next bytes, at most so many."""
        at = self.offset - self.start
        data = bytes(self.window[at : at + most])
        if not data and not self.finished:
            self.starved = True
            raise Starved
        self.offset += len(data)
        return data

    def _steps(self, target: rdb_load.Target) -> Generator[int, None, None]:
        """Loads; behind each step it is known whether more bytes are needed. Raises ValueError."""
        loading = self.engine.loading
        loading.begin(self.size, self.asynchronous)
        try:
            steps = rdb_load.load_in_view(self.engine, -1, target, self.pull)
            while True:
                try:
                    place = next(steps)
                except StopIteration as end:
                    self.engine.ports["transfers"].loaded = end.value
                    return
                self.wanted = 0
                if self.starved:  # and has gone back to this place
                    self.starved = False
                    del self.window[: place - self.start]
                    self.start = self.offset = place
                    self.wanted = 2 * len(self.window) + 1
                yield place
        except rdb_load.RdbError as problem:
            raise ValueError(str(problem)) from None
        finally:
            loading.end()

    # --- where it goes

    def _load_in_place(self) -> Generator[int, None, None]:
        """Into the databases themselves, which are emptied first."""
        transfers: Any = self.engine.ports["transfers"]
        transfers.make_room()
        try:
            yield from self._steps(rdb_load.target_of(self.engine, keep_expired=True))
        except BaseException:
            transfers.empty()
            raise
        self.engine.ports["aof"].resume()

    def _load_aside(self) -> Generator[int, None, None]:
        """Into databases that take the place of the old ones at the end."""
        engine = self.engine
        databases = [Keyspace(index, engine.clock) for index in range(len(engine.databases))]
        fields = FieldExpiry(engine)
        libraries: list[bytes] = []
        target = rdb_load.target_of(
            engine,
            databases,
            fields,
            keep_expired=True,
            load_function=lambda code, replace: libraries.append(code),
        )
        try:
            yield from self._steps(target)
            self._exchange(databases, fields, libraries)
        finally:
            for database in databases:  # now those with the old data, or with half of the new
                engine.lazy_free.add(database.detach())

    def _exchange(self, databases: list[Keyspace], fields: FieldExpiry, libraries: list[bytes]) -> None:
        engine, aof = self.engine, self.engine.ports["aof"]
        functions = engine.ports.get("functions")
        if functions is not None:
            try:
                functions.take(libraries, b"flush")
            except CommandError as error:
                text = error.text.decode(errors="replace")
                raise ValueError(f"a library cannot be loaded: {text}") from None
        aof.suspend()
        engine.effects.databases_flushed([database.index for database in databases])
        for database, new in zip(engine.databases, databases, strict=True):
            database.swap_with(new)
        engine.expiry.fields.take_over(fields)
        aof.resume()
