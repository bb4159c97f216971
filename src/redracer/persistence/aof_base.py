"""Writing a base file: the whole data set as of one moment, as an RDB file or as commands.

Commands (`aof-use-rdb-preamble no`) are larger and slower to load, and any Redis that knows the commands can read them.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from redracer.core.type_spec import type_spec
from redracer.persistence import rdb_save
from redracer.persistence.append_buffer import AppendBuffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redracer.core.clock import Clock
    from redracer.core.keyspace import Keyspace
    from redracer.engine.engine import Engine

    Report = Callable[[int], None]  # is told how many keys are written

BASE_FIELD = (b"aof-base", b"1")  # in the RDB file's header
CHUNK = 1 << 16  # bytes between two writes
SYNC_EVERY = 4 << 20  # bytes between two syncs, with aof-rewrite-incremental-fsync
KEYS_PER_REPORT = 1024
NO_EXPIRY = -1


def write(path: str, engine: Engine, report: Report | None = None) -> None:
    """Writes a base file in the form that the configuration asks for, to the disk.

    In a forked child, or while nothing else changes the data. Raises OSError and SaveError; then a part of the file may
    be left. O(bytes).
    """
    config = engine.config
    sync_every = SYNC_EVERY if config["aof-rewrite-incremental-fsync"] else 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        if config["aof-use-rdb-preamble"]:
            content = rdb_save.snapshot(engine, [BASE_FIELD])
            how = rdb_save.form(engine)._replace(sync_every=sync_every)
            rdb_save.write(descriptor, content, how, report)
        else:
            with _undisturbed(engine.clock):
                _CommandFile(descriptor, engine, sync_every, report).write()
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_in_place(path: str, engine: Engine) -> None:
    """Writes a base file in this process, so that it is there whole or not at all. Raises OSError and SaveError."""
    temporary = os.path.join(os.path.dirname(path), f"temp-rewriteaof-{os.getpid()}.aof")
    try:
        write(temporary, engine)
        os.rename(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


@contextmanager
def _undisturbed(clock: Clock) -> Iterator[None]:
    """Within it every key is seen, and seeing it is no use of it."""
    before = clock.no_touch, clock.nothing_expires
    clock.no_touch = clock.nothing_expires = True
    try:
        yield
    finally:
        clock.no_touch, clock.nothing_expires = before


class _CommandFile:
    """The data set as commands."""

    def __init__(self, descriptor: int, engine: Engine, sync_every: int, report: Report | None) -> None:
        self.descriptor = descriptor
        self.engine = engine
        self.sync_every = sync_every
        self.report = report
        self.buffer = AppendBuffer(engine.clock)
        self.delay: int = engine.config["rdb-key-save-delay"]
        self.unsynced = 0
        self.keys = 0

    def write(self) -> None:
        if self.engine.config["aof-timestamp-enabled"]:
            self.buffer.text(b"#TS:%d\r\n" % (self.engine.clock.now // 1000))
        functions = self.engine.ports.get("functions")
        for code in functions.libraries() if functions is not None else ():
            self.buffer.command([b"FUNCTION", b"LOAD", code])
        for database in self.engine.databases:
            if database.size:
                self.buffer.command([b"SELECT", b"%d" % database.index])
                self._write_keys(database)
        self._flush()

    def _write_keys(self, database: Keyspace) -> None:
        for key in database.keys(b"*"):
            spec = type_spec(database.type_of(key))
            for argv in spec.commands(key, spec.value(database, key)):
                self.buffer.command(argv)
                if len(self.buffer) >= CHUNK:
                    self._flush()
            expiry = database.expiry_of(key)
            if expiry != NO_EXPIRY:
                self.buffer.command([b"PEXPIREAT", key, b"%d" % expiry])
            if self.delay:
                time.sleep(max(self.delay, 1) / 1_000_000)
            self.keys += 1
            if self.report is not None and not self.keys % KEYS_PER_REPORT:
                self.report(self.keys)

    def _flush(self) -> None:
        while len(self.buffer):
            written = self.buffer.write(self.descriptor)
            self.buffer.drop(written)
            self.unsynced += written
        if self.sync_every and self.unsynced >= self.sync_every:
            os.fdatasync(self.descriptor)
            self.unsynced = 0
