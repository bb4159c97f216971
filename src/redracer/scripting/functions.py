"""Libraries of functions: loaded once by FUNCTION LOAD, called by FCALL, kept in RDB files.

A library is its code; loading runs it, and it registers its functions. Loading is all or nothing: functions that
a failed library registered are forgotten, and the library that it would have replaced stays.
The names of functions are told apart without regard to case, those of libraries with it, as in Redis.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from redracer.core.checksums import crc64
from redracer.core.dump_payload import CHECKSUM_SIZE, VERSION_SIZE, is_readable
from redracer.core.errors import WRONG_PAYLOAD, CommandError
from redracer.core.rdb_reader import CorruptRdb, RdbReader
from redracer.core.rdb_writer import RDB_VERSION, RdbWriter
from redracer.engine.config_text import split_arguments
from redracer.engine.timing import monotonic_nanoseconds
from redracer.scripting.invocation import FLAG_NAMES
from redracer.scripting.libraries import open_libraries
from redracer.scripting.lua import LuaMissing
from redracer.scripting.sandbox import set_globals
from redracer.scripting.state import Host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redracer.engine.engine import Engine
    from redracer.scripting.state import LuaState

LOAD_LIMIT = 500_000_000  # ns that the code of a library may run
OVERHEAD = 200  # bytes that a function or a library takes here besides its texts
RDB_LIBRARY = 245  # the opcode before a library
RDB_LIBRARY_BEFORE_7 = 246  # of release candidates

CHUNK_NAME = b"@user_function"
NAME = re.compile(rb"[A-Za-z0-9_]+", re.ASCII)
# Redis has this text for the names of functions too.
WRONG_NAME = (
    b"Library names can only contain letters, numbers, or underscores(_) "
    b"and must be at least one character long"
)


class Function:
    """A function of a library. `function` is its place in the LuaState, `flags` are Invocation's."""

    __slots__ = ("description", "flags", "function", "name")

    def __init__(self, name: bytes, function: int, flags: int, description: bytes | None) -> None:
        self.name = name
        self.function = function
        self.flags = flags
        self.description = description

    @property
    def flag_names(self) -> list[bytes]:
        """The flags as FUNCTION LIST tells them."""
        return [name for name, flag in FLAG_NAMES.items() if self.flags & flag]


class Library:
    """A library and its functions by name."""

    __slots__ = ("code", "functions", "name")

    def __init__(self, name: bytes, code: bytes) -> None:
        self.name = name
        self.code = code
        self.functions: dict[bytes, Function] = {}


class Loader(Host):
    """Stands behind a library while its code runs. `limit`: ns of time, 0 for no end."""

    def __init__(self, library: Library, limit: int) -> None:
        self.library = library
        self.limit = limit
        self.started = monotonic_nanoseconds()
        self.runs_script = False
        self.resp = 2

    def register(
        self, name: bytes, function: int, flags: list[bytes], description: bytes | None
    ) -> bytes | None:
        """Takes a function into the library; returns the refusal, or None."""
        bits = 0
        for flag in flags:
            if flag.lower() not in FLAG_NAMES:
                return b"unknown flag given"
            bits |= FLAG_NAMES[flag.lower()]
        if not NAME.fullmatch(name):
            return WRONG_NAME
        if name in self.library.functions:
            return b"Function already exists in the library"
        self.library.functions[name] = Function(name, function, bits, description)
        return None

    def interrupt(self) -> bytes | None:
        """Ends a library whose code does not end."""
        if self.limit and monotonic_nanoseconds() - self.started > self.limit:
            return b"FUNCTION LOAD timeout"
        return None


class Functions:
    """The libraries of one engine. The interpreter is made at the first use."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lua: LuaState | None = None
        self.by_name: dict[bytes, Library] = {}
        self.functions: dict[bytes, Function] = {}  # by name in lower case

    @property
    def memory(self) -> int:
        """Bytes that the libraries take besides the interpreter, about. O(libraries)."""
        texts = sum(len(library.code) for library in self.by_name.values())
        return texts + OVERHEAD * (len(self.by_name) + len(self.functions))

    @property
    def vm_memory(self) -> int:
        """Bytes that the interpreter holds."""
        return self.lua.memory if self.lua is not None else 0

    def state(self) -> LuaState:
        """The interpreter. Raises CommandError where Lua is missing."""
        if self.lua is None:
            try:
                self.lua = open_libraries(self.engine, for_functions=True)
            except LuaMissing as missing:
                raise CommandError(b"ERR " + str(missing).encode()) from None
        return self.lua

    def find(self, name: bytes) -> Function:
        """The function of a name in any case. Raises CommandError."""
        function = self.functions.get(name.lower())
        if function is None:
            raise CommandError(b"ERR Function not found")
        return function

    # --- changing the libraries

    def load(self, code: bytes, replace: bool = False, limit: int = LOAD_LIMIT) -> bytes:
        """Loads a library and returns its name. Raises CommandError, and then nothing has changed."""
        library = self._compile(code, self.by_name if not replace else {}, limit)
        self._join([library], replace=True)
        return library.name

    def load_library(self, code: bytes, replace: bool = False) -> None:
        """Loads a library from a file of ours, however long it takes. Raises CorruptRdb."""
        try:
            self.load(code, replace, limit=0)
        except CommandError as error:
            raise CorruptRdb(f"a library cannot be loaded: {error.text.decode(errors='replace')}") from None

    def libraries(self) -> list[bytes]:
        """The code of every library, which is all of it."""
        return [library.code for library in self.by_name.values()]

    def delete(self, name: bytes) -> None:
        """Deletes a library. Raises CommandError."""
        library = self.by_name.get(name)
        if library is None:
            raise CommandError(b"ERR Library not found")
        self._unlink(library)
        self._forget([library])

    def flush(self) -> None:
        """Deletes all libraries and whatever else the interpreter holds."""
        self.by_name.clear()
        self.functions.clear()
        self.lua = None

    # --- dump and restore

    def dump(self) -> bytes:
        """All libraries as FUNCTION RESTORE takes them: as in an RDB file, with version and checksum. O(bytes)."""
        writer = RdbWriter()
        for library in self.by_name.values():
            writer.byte(RDB_LIBRARY)
            writer.string(library.code)
        content = writer.take() + RDB_VERSION.to_bytes(VERSION_SIZE, "little")
        return content + crc64(content).to_bytes(CHECKSUM_SIZE, "little")

    def restore(self, payload: bytes, policy: bytes) -> None:
        """Loads the libraries of a dump, all or none. `policy`: flush, append or replace. Raises CommandError."""
        self.take(read_dump(payload, self.engine), policy)

    def take(self, codes: Iterable[bytes], policy: bytes) -> None:
        """`restore` of the libraries' code."""
        libraries: list[Library] = []
        try:
            for code in codes:
                libraries.append(self._compile(code, {library.name: library for library in libraries}, 0))
            if policy == b"flush":
                self._check_collisions(libraries, {})
                old = list(self.by_name.values())
                for library in old:
                    self._unlink(library)
                self._forget(old)
            self._join(libraries, replace=policy == b"replace")
        except CommandError:
            self._forget([library for library in libraries if self.by_name.get(library.name) is not library])
            raise

    # --- the steps

    def _compile(self, code: bytes, taken: dict[bytes, Library], limit: int) -> Library:
        """Runs the code of a library, which nobody knows yet. Raises CommandError."""
        name, body = read_metadata(code)
        if name in taken:
            raise CommandError(b"ERR Library '%s' already exists" % name)
        library = Library(name, code)
        state = self.state()
        try:
            chunk = state.compile(body, CHUNK_NAME)
        except SyntaxError as error:
            message = str(error).encode("utf-8", "surrogateescape")
            raise CommandError(b"ERR Error compiling function: " + message) from None
        outer, state.host = state.host, Loader(library, limit)
        set_globals(state, loading=True)
        try:
            state.run(chunk, None, 0, False)
        finally:
            set_globals(state, loading=False)
            state.host = outer
            state.forget(chunk)
        if state.failed is not None:
            self._forget([library])
            message = state.failed[0] or b"execution failure"
            raise CommandError(b"ERR Error registering functions: " + message)
        if not library.functions:
            raise CommandError(b"ERR No functions registered")
        return library

    def _join(self, libraries: list[Library], replace: bool) -> None:
        """Makes compiled libraries known, in place of those of the same names. Raises CommandError."""
        try:
            replaced = [self.by_name[library.name] for library in libraries if library.name in self.by_name]
            if replaced and not replace:
                raise CommandError(b"ERR Library %s already exists" % replaced[0].name)
            gone = {name.lower() for library in replaced for name in library.functions}
            kept = {name: function for name, function in self.functions.items() if name not in gone}
            self._check_collisions(libraries, kept)
        except CommandError:
            self._forget(libraries)
            raise
        for library in replaced:
            self._unlink(library)
        self._forget(replaced)
        for library in libraries:
            self.by_name[library.name] = library
            self.functions.update({name.lower(): function for name, function in library.functions.items()})

    @staticmethod
    def _check_collisions(libraries: Iterable[Library], kept: dict[bytes, Function]) -> None:
        names = set(kept)
        for library in libraries:
            for name in library.functions:
                if name.lower() in names:
                    raise CommandError(b"ERR Function %s already exists" % name)
                names.add(name.lower())

    def _unlink(self, library: Library) -> None:
        del self.by_name[library.name]
        for name in library.functions:
            del self.functions[name.lower()]

    def _forget(self, libraries: Iterable[Library]) -> None:
        """Has the interpreter let go of the libraries' functions."""
        for library in libraries:
            for function in library.functions.values():
                self.state().forget(function.function)
            library.functions = {}


def read_metadata(code: bytes) -> tuple[bytes, bytes]:
    """The name in `#!lua name=...`, and the code with an empty line in its place. Raises CommandError."""
    if not code.startswith(b"#!"):
        raise CommandError(b"ERR Missing library metadata")
    line, newline, body = code.partition(b"\n")
    words = split_arguments(line) if newline else None
    if not words:
        raise CommandError(b"ERR Invalid library metadata")
    name: bytes | None = None
    for word in words[1:]:
        if word[:5].lower() != b"name=":
            raise CommandError(b"ERR Invalid metadata value given: %s" % word)
        if name is not None:
            raise CommandError(b"ERR Invalid metadata value, name argument was given multiple times")
        name = word[5:]
    if name is None:
        raise CommandError(b"ERR Library name was not given")
    if not NAME.fullmatch(name):
        raise CommandError(b"ERR " + WRONG_NAME)
    if words[0][2:].lower() != b"lua":
        raise CommandError(b"ERR Engine '%s' not found" % words[0][2:])
    return name, newline + body


def read_dump(payload: bytes, engine: Engine) -> list[bytes]:
    """The code of each library in a dump. Raises CommandError. O(bytes)."""
    if not is_readable(payload, check=not engine.skip_checksums):
        raise CommandError(WRONG_PAYLOAD)
    reader = RdbReader(payload, engine.config.values, end=len(payload) - VERSION_SIZE - CHECKSUM_SIZE)
    codes = []
    while reader.remaining:
        try:
            kind = reader.byte()
            if kind == RDB_LIBRARY_BEFORE_7:
                raise CommandError(b"ERR Pre-GA function format not supported")
            if kind != RDB_LIBRARY:
                raise CommandError(b"ERR given type is not a function")
            codes.append(reader.string())
        except CorruptRdb:
            raise CommandError(b"ERR failed loading the given functions payload") from None
    return codes
