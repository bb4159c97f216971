"""Writing RDB files: the whole data set as it is at one moment.

`write` goes through a snapshot in steps, in this process (SAVE, SHUTDOWN) or in a forked child (BGSAVE, the rewrite
of the append-only file, replication); `write_file` puts it in place of an older file so that a crash at any moment
leaves one of the two whole: a temporary file beside it, fsync, rename, fsync of the directory.

An older version of the format (`rdb-version`) that has no form for a value is an error that names the key: leaving
out what it cannot hold would lose data without a word.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from redracer.core.rdb_writer import NotInVersion
from redracer.core.type_spec import type_spec
from redracer.engine.version import REDIS_VERSION
from redracer.persistence import rdb_format
from redracer.persistence.rdb_file_writer import (
    FREQUENCIES,
    IDLE_TIMES,
    NO_STAMPS,
    DatabaseWalk,
    FileRdbWriter,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redracer.core.keyspace import Keyspace
    from redracer.engine.engine import Engine

SYNC_EVERY = 4 << 20  # bytes after which the kernel starts to write, with rdb-save-incremental-fsync
STEP = 1024  # keys between two reports of progress
TYPES = 6  # of values


class SaveError(Exception):
    """The snapshot cannot be written; the text says why."""


class Snapshot(NamedTuple):
    """What is to be written: of one moment as long as nothing changes it, or in a forked child."""

    databases: Sequence[Keyspace]
    functions: Sequence[bytes]  # the code of each library
    fields: Sequence[tuple[bytes, bytes]]  # of the header ("aux"), after those that every file has
    used_memory: int  # bytes
    now: int  # Unix time, s

    @property
    def key_count(self) -> int:
        """How many keys there are."""
        return sum(database.size for database in self.databases)


class Form(NamedTuple):
    """How it is written."""

    version: int  # of the format, as RdbWriter takes it
    compression: bool
    checksum: bool
    sync_every: int  # bytes; 0: never
    stamps: int = NO_STAMPS
    delay: int = 0  # microseconds of sleep after each key; negative: after each so many keys; for tests


def snapshot(engine: Engine, fields: Sequence[tuple[bytes, bytes]] = ()) -> Snapshot:
    """All that the engine holds. `fields`: of the header, such as `aof-base`."""
    functions = engine.ports.get("functions")
    return Snapshot(
        engine.databases,
        functions.libraries() if functions is not None else (),
        fields,
        engine.memory.used,
        engine.clock.now // 1000,
    )


def form(engine: Engine) -> Form:
    """How the configuration asks for it."""
    config = engine.config
    policy = config["maxmemory-policy"]
    return Form(
        version=config["rdb-version"],
        compression=config["rdbcompression"],
        checksum=config["rdbchecksum"],
        sync_every=SYNC_EVERY if config["rdb-save-incremental-fsync"] else 0,
        stamps=FREQUENCIES if "lfu" in policy else IDLE_TIMES if "lru" in policy else NO_STAMPS,
        delay=config["rdb-key-save-delay"],
    )


def write(
    descriptor: int, content: Snapshot, how: Form, progress: Callable[[int], None] | None = None
) -> int:
    """Writes an RDB file to a descriptor; returns its bytes. `progress` is told the keys written so far, now and then.

    Raises OSError, and SaveError where the version has no form for a value. Does not fsync. O(bytes).
    """
    writer = FileRdbWriter(how.version, how.compression)
    writer.open(descriptor, how.checksum, how.sync_every)
    writer.raw(b"%s%04d" % (rdb_format.MAGIC, how.version))
    for name, value in (*_usual_fields(content), *content.fields):
        writer.byte(rdb_format.AUX)
        writer.string(name)
        writer.string(value)
    for code in content.functions:
        writer.byte(rdb_format.FUNCTION)
        writer.string(code)
    written = 0
    for database in content.databases:
        if database.size:
            written = _write_database(writer, database, how, written, progress)
    writer.finish()
    return writer.sent


def _usual_fields(content: Snapshot) -> list[tuple[bytes, bytes]]:
    return [
        (b"redis-ver", REDIS_VERSION.encode()),
        (b"redis-bits", b"64"),
        (b"ctime", b"%d" % content.now),
        (b"used-mem", b"%d" % content.used_memory),
    ]


def _write_database(
    writer: FileRdbWriter,
    database: Keyspace,
    how: Form,
    written: int,
    progress: Callable[[int], None] | None,
) -> int:
    """Writes a database, `written` keys after the start of the file; returns the keys written until its end."""
    writer.byte(rdb_format.SELECT_DATABASE)
    writer.number(database.index)
    writer.byte(rdb_format.RESIZE_DATABASE)
    writer.number(database.size)
    writer.number(database.expires)
    walk = DatabaseWalk(database, [type_spec(number).rdb for number in range(TYPES)], how.stamps)
    step = STEP
    if how.delay:
        step = 1 if how.delay > 0 else -how.delay
    try:
        while count := walk.write(writer, step):
            written += count
            if how.delay:
                time.sleep(max(how.delay, 1) / 1_000_000)
            if progress is not None:
                progress(written)
    except NotInVersion as problem:
        name = (walk.key or b"").decode("utf-8", "backslashreplace")
        raise SaveError(f"key '{name}' in database {database.index}: {problem}") from None
    return written


def write_file(path: str, content: Snapshot, how: Form, progress: Callable[[int], None] | None = None) -> int:
    """Writes an RDB file to `path`, in place of what is there once it is on the disk; returns its bytes.

    Raises OSError and SaveError; then the old file is as it was, and no other is left.
    """
    temporary = temporary_path(path, os.getpid())
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        try:
            size = write(descriptor, content, how, progress)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync_directory(path)
    return size


def temporary_path(path: str, process: int) -> str:
    """Where the process of that number writes the file that is to replace `path`."""
    return os.path.join(os.path.dirname(path), f"temp-{process}.rdb")


def sync_directory(path: str) -> None:
    """Brings the directory that holds `path` to the disk, so that a rename in it lasts. Raises OSError."""
    descriptor = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
