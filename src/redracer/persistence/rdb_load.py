"""Reading RDB files of every version, from a file or from a connection.

`load` is a generator: after each slice of bytes it hands control back, so that the server answers clients meanwhile;
who wants it in one go runs it to the end (`finish`). It does so too where its source is out of bytes for now
(`Starved`): then it goes back to the start of the entry in work, and reads that again when there is more. So nothing
waits for a slow connection, at the price of keeping an entry's bytes until all of them are there.

It fills the databases that it is given, which may be those of the server or others that take their place later. What it
cannot read is an RdbError, which says where and which key; what was loaded until then stays, and it is for the caller
to throw it away.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from redracer.core.rdb_reader import CorruptRdb
from redracer.core.rdb_writer import RDB_VERSION
from redracer.core.type_spec import type_spec_of_rdb
from redracer.engine import log
from redracer.persistence import rdb_format
from redracer.persistence.rdb_file_reader import (
    EMPTY_VALUE,
    LIMIT_REACHED,
    EntryLoader,
    Starved,
    StreamRdbReader,
    module_type_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from redracer.core.keyspace import Keyspace
    from redracer.engine.engine import Engine
    from redracer.engine.field_expiry import FieldExpiry

_Result = TypeVar("_Result")

SLICE = 2 << 20  # bytes between two chances for others, unless the configuration says otherwise
RDB_TYPES = 256
EMPTY_KEYS_TOLD = 10  # in the log
DELAYED_SLICE = 0.02  # s of sleep for tests after which others have a chance


class RdbError(Exception):
    """A file that cannot be loaded. The text says what is wrong, at which offset, and with which key."""


class ChecksumError(RdbError):
    """All could be read, and the checksum says that it is not what was written."""


class Target(NamedTuple):
    """Where the content of a file goes."""

    databases: Sequence[Keyspace]
    settings: Mapping[str, Any]  # the configuration's values
    now: int  # Unix time, ms: keys that expired before are passed over,
    keep_expired: bool = False  # unless this is set: a replica's are its primary's to delete
    replace: bool = False  # a key that is there already is replaced; else it is an error
    sanitize: bool = False  # look for what damaged data could hide from a usual check
    checksum: bool = True  # hold the file against its checksum
    slice_bytes: int = SLICE
    delay: int = 0  # microseconds of sleep after each key; negative: after each so many keys; for tests
    # (code of a library, whether one of its name is replaced); raises CorruptRdb
    load_function: Callable[[bytes, bool], None] | None = None
    on_expiring_fields: Callable[[Keyspace, bytes, Any], None] = lambda *_: None
    note_expired: bool = False  # keys that are passed over are noted, with the numbers of their databases
    on_used_memory: Callable[[int], None] = lambda _: None  # of who wrote the file, in bytes


class Loaded:
    """What a file turned out to hold."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.fields: dict[bytes, bytes] = {}  # of the header ("aux")
        self.keys = 0
        self.expired = 0  # keys that were passed over
        self.expired_keys: list[tuple[int, bytes]] = []
        self.empty = 0
        self.functions = 0
        self.size = 0  # bytes of it; what follows in the stream is none of it


def target_of(
    engine: Engine,
    databases: Sequence[Keyspace] | None = None,
    fields: FieldExpiry | None = None,
    **options: Any,
) -> Target:
    """The engine's databases, or others that are to take their place with the index `fields` of theirs; with what the
    configuration says."""
    config = engine.config
    index = engine.expiry.fields if fields is None else fields

    def watch_fields(database: Keyspace, key: bytes, value: Any) -> None:
        spec = type_spec_of_rdb(rdb_format.HASH_WITH_EXPIRIES)
        if spec is not None and spec.next_expiry is not None:
            index.watch(database, key, spec.next_expiry(value))

    def note_memory(used: int) -> None:
        engine.loading.used_memory = used

    functions = engine.ports.get("functions")
    if functions is not None:
        options.setdefault("load_function", functions.load_library)
    return Target(
        engine.databases if databases is None else databases,
        config.values,
        engine.clock.now,
        sanitize=config["sanitize-dump-payload"] == "yes",
        checksum=config["rdbchecksum"] and not engine.skip_checksums,
        slice_bytes=config["loading-process-events-interval-bytes"] or SLICE,
        delay=config["key-load-delay"],
        on_expiring_fields=watch_fields,
        on_used_memory=note_memory,
        **options,
    )


def open_stream(
    target: Target, descriptor: int, pull: Callable[[int], bytes] | None = None
) -> StreamRdbReader:
    """A reader for `load`: of a descriptor that blocks, or of what `pull(most bytes)` returns."""
    reader = StreamRdbReader(b"", target.settings, target.sanitize)
    reader.open(descriptor, pull, target.checksum)
    return reader


def finish(loading: Generator[int, None, Loaded]) -> Loaded:
    """Runs a load to its end at once."""
    while True:
        try:
            next(loading)
        except StopIteration as end:
            loaded: Loaded = end.value
            return loaded


def load_in_view(
    engine: Engine, descriptor: int, target: Target, pull: Callable[[int], bytes] | None = None
) -> Generator[int, None, Loaded]:
    """`load` of what `open_stream` opens; the engine tells in INFO how far it is (engine/loading.py)."""
    steps = load(open_stream(target, descriptor, pull), target)
    while True:
        try:
            place = next(steps)
        except StopIteration as end:
            loaded: Loaded = end.value
            break
        engine.loading.advance(place)
        yield place
    counts = f"Done loading RDB, keys loaded: {loaded.keys}, keys expired: {loaded.expired}"
    log.notice(f"{counts}, empty keys skipped: {loaded.empty}." if loaded.empty else f"{counts}.")
    return loaded


def load(reader: StreamRdbReader, target: Target) -> Generator[int, None, Loaded]:
    """Loads an RDB file; yields the bytes read so far after each slice. Raises RdbError and OSError. O(bytes)."""
    loader = EntryLoader(reader, *_codecs(), target.on_expiring_fields)
    loader.now = target.now
    loader.keep_expired = target.keep_expired
    loader.replace = target.replace
    loader.select(target.databases[0])
    try:
        loaded = Loaded((yield from _patiently(reader, read_header)))
        if target.note_expired:
            loader.on_expired = lambda database, key: loaded.expired_keys.append((database.index, key))
        yield from _read_parts(loader, target, loaded)
        yield from _patiently(reader, _check_end, target, loaded)
    except CorruptRdb as problem:
        raise RdbError(_described(problem, loader)) from None
    loaded.keys, loaded.expired, loaded.empty = loader.loaded, loader.expired, loader.empty
    loaded.size = reader.offset
    return loaded


def _patiently(
    reader: StreamRdbReader, step: Callable[..., _Result], *arguments: Any
) -> Generator[int, None, _Result]:
    """Does a step that reads something, again from its start when there are more bytes if there were too few."""
    reader.mark()
    while True:
        try:
            return step(reader, *arguments)
        except Starved:
            yield reader.rewind()


def _codecs() -> tuple[list[Any], list[int]]:
    """For each RDB type its codec, and the type of the entries."""
    specs = [type_spec_of_rdb(number) for number in range(RDB_TYPES)]
    return [spec and spec.rdb for spec in specs], [spec.type if spec else -1 for spec in specs]


def _described(problem: CorruptRdb, loader: EntryLoader) -> str:
    """What is wrong, and where."""
    if loader.rdb_type < 0:
        return f"{problem} (at offset {loader.reader.offset})"
    key = loader.key.decode("utf-8", "backslashreplace") if loader.key is not None else None
    name = f"key '{key}'" if key is not None else "a key's name"
    return f"{name}, type {loader.rdb_type}: {problem} (at offset {loader.reader.offset})"


def read_header(reader: StreamRdbReader) -> int:
    """Reads the start of a file; returns its version. Raises CorruptRdb."""
    header = reader.raw(rdb_format.HEADER_SIZE)
    if not header.startswith(rdb_format.MAGIC):
        raise CorruptRdb("Wrong signature trying to load DB from file")
    digits = header[len(rdb_format.MAGIC) :]
    version = int(digits) if digits.isdigit() else 0
    if not 1 <= version <= RDB_VERSION:
        raise CorruptRdb(f"Can't handle RDB format version {digits.decode('ascii', 'backslashreplace')}")
    return version


def _read_parts(loader: EntryLoader, target: Target, loaded: Loaded) -> Generator[int, None, None]:
    """Everything between header and end."""
    reader = loader.reader
    slice_bytes = 1 if target.delay else target.slice_bytes
    delayed = _Delay(target.delay)
    given_back = 0
    while True:
        try:
            opcode = _read_part(loader, target, loaded, slice_bytes)
        except Starved:
            given_back = reader.rewind()
            yield given_back
            continue
        if opcode == rdb_format.END:
            return
        if opcode == LIMIT_REACHED:
            if target.delay:
                delayed.after_key()
                if reader.offset - given_back < target.slice_bytes and not delayed.is_long():
                    continue
            given_back = reader.offset
            yield reader.offset


def _read_part(loader: EntryLoader, target: Target, loaded: Loaded, slice_bytes: int) -> int:
    """Reads keys for so many bytes, or to the next part that is no key, and that. Returns what `run` returned."""
    opcode = loader.run(slice_bytes)
    if opcode == EMPTY_VALUE:
        if loader.empty <= EMPTY_KEYS_TOLD:
            key = (loader.key or b"").decode("utf-8", "backslashreplace")
            log.notice(f"rdbLoadObject skipping empty key: {key}")
    elif opcode == rdb_format.SELECT_DATABASE:
        number = loader.reader.number()
        if number >= len(target.databases):
            raise CorruptRdb(
                f"FATAL: Data file was created with a Redis server configured to handle more than "
                f"{len(target.databases)} databases. Exiting"
            )
        loader.select(target.databases[number])
    elif opcode not in (LIMIT_REACHED, rdb_format.END):
        _read_other(loader.reader, opcode, target, loaded)
    return opcode


def _read_other(reader: StreamRdbReader, opcode: int, target: Target, loaded: Loaded) -> None:
    """What is neither a key nor about a database."""
    if opcode == rdb_format.AUX:
        name = reader.string()
        _note_field(target, loaded, name, reader.string())
    elif opcode == rdb_format.RESIZE_DATABASE:
        reader.number()
        reader.number()
    elif opcode == rdb_format.SLOT_INFO:
        for _ in range(3):
            reader.number()
    elif opcode == rdb_format.FUNCTION:
        code = reader.string()
        if target.load_function is None:
            raise CorruptRdb("the file has a library of functions, which this server cannot load")
        target.load_function(code, target.replace)
        loaded.functions += 1
    elif opcode == rdb_format.FUNCTION_PRE_GA:
        raise CorruptRdb("Pre-release function format not supported.")
    elif opcode == rdb_format.MODULE_AUX:
        name = module_type_name(reader.number()).encode()
        skip_module_data(reader)
        log.warning(f"AUX data of the module '{name.decode()}' is passed over: modules cannot be loaded")
    else:
        raise CorruptRdb(f"no part of a file has the opcode {opcode}")


def _note_field(target: Target, loaded: Loaded, name: bytes, value: bytes) -> None:
    """Keeps a field of the header, and says in the log what people look for."""
    loaded.fields[name] = value
    text = value.decode("utf-8", "backslashreplace")
    if name == b"redis-ver":
        log.notice(f"Loading RDB produced by version {text}")
    elif name == b"ctime" and value.isdigit():
        age = max(int(time.time()) - int(value), 0)
        log.notice(f"RDB age {age} seconds")
    elif name == b"used-mem" and value.isdigit():
        target.on_used_memory(int(value))
        log.notice(f"RDB memory usage when created {int(value) / (1 << 20):.2f} Mb")
    elif name == b"aof-base" and value == b"1":
        log.notice("RDB is base AOF")
    elif name == b"aof-preamble" and value == b"1":
        log.notice("RDB has an AOF tail")


def skip_module_data(reader: StreamRdbReader) -> None:
    """Reads over the data that a module has written. Raises CorruptRdb."""
    while True:
        kind = reader.number()
        if kind == rdb_format.MODULE_END:
            return
        if kind in (rdb_format.MODULE_SIGNED, rdb_format.MODULE_UNSIGNED):
            reader.number()
        elif kind == rdb_format.MODULE_FLOAT:
            reader.raw(4)
        elif kind == rdb_format.MODULE_DOUBLE:
            reader.raw(8)
        elif kind == rdb_format.MODULE_STRING:
            reader.string()
        else:
            raise CorruptRdb(f"no module's data has a part of the kind {kind}")


def _check_end(reader: StreamRdbReader, target: Target, loaded: Loaded) -> None:
    """Holds what was read against the checksum at the end. Raises RdbError."""
    if loaded.version < rdb_format.CHECKSUM_VERSION:
        return
    found = reader.checksum_so_far
    try:
        expected = int.from_bytes(reader.raw(rdb_format.CHECKSUM_SIZE), "little")
    except CorruptRdb as problem:
        raise RdbError(f"the file ends before its checksum: {problem}") from None
    if not target.checksum:
        return
    if expected == rdb_format.NO_CHECKSUM:
        log.notice("RDB file was saved with checksum disabled: no check performed.")
    elif expected != found:
        log.warning(f"Wrong RDB checksum expected: ({expected:x}) but got ({found:x}). Aborting now.")
        raise ChecksumError("RDB CRC error")


class _Delay:
    """Sleeps while loading, so that a test sees it happen (key-load-delay)."""

    def __init__(self, microseconds: int) -> None:
        self.microseconds = microseconds
        self.keys = 0
        self.slept = 0.0

    def after_key(self) -> None:
        self.keys += 1
        if self.microseconds > 0:
            time.sleep(self.microseconds / 1_000_000)
            self.slept += self.microseconds / 1_000_000
        elif self.keys % -self.microseconds == 0:
            time.sleep(0.000_001)

    def is_long(self) -> bool:
        """Whether it slept for so long that others should have a chance."""
        if self.slept < DELAYED_SLICE:
            return False
        self.slept = 0.0
        return True
