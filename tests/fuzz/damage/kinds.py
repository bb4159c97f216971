"""Three kinds of input: payloads of DUMP, RDB files, append-only files. Each makes one, has it loaded, and looks.

`one(draw)` returns whether the input was loaded; AssertionError, and whatever else is raised, is a bug. Nothing that
an input did is left behind it, so that any input can be run again alone. Checksums are not looked at, else nearly
every file would be refused for that alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from unittest.mock import patch

from redracer.core.memory import used_memory
from redracer.engine import log
from redracer.parts import Parts
from redracer.persistence import aof_check, rdb_load, rdb_save, rdb_scan
from redracer.persistence.aof_files import FatalAofError
from tests.fuzz.damage.values import choose, damaged, make_values, use
from tests.unit.commands.served import Served
from tests.unit.persistence.test_rdb_files import FORM
from tests.unit.types.payloads import payload, string
from tests.unit.types.test_rdb_values import VALUES
from tests.wire.conftest import encoded

MEMORY_LIMIT = 32 << 20  # bytes that damaged data may take: there are at most some 100 KB of it
THRESHOLDS = (b"hash-max-listpack-entries", b"zset-max-listpack-entries", b"set-max-listpack-entries")
EXPIRY = b"\xfc" + (4_000_000_000_000).to_bytes(8, "little")
LIBRARY = b"#!lua name=lib\nredis.register_function('f', function() return 1 end)\n"
AROUND = [  # what stands before a key in an RDB file
    b"",
    EXPIRY,
    b"\xfd" + (2_000_000_000).to_bytes(4, "little"),
    b"\xf8\x40\x99",
    b"\xf9\x07",
    EXPIRY + b"\xf8\x05",
    b"\xfe\x03\xfb\x02\x01",
    b"\xf4\x01\x02\x03",
    b"\xfa\x03abc\x05defgh",
    b"\xf5" + string(LIBRARY),
    b"\xf7\x81ABCDEFGH\x02\x05\x03\x04\x05\x02ab\x00",
]
RDB_VERSIONS = [1, 3, 6, 9, 10, 11, 12, 12, 12]
SAVED_AGAIN = 0.05  # of the files that could be loaded
UNIT_LIMIT = 3000  # bytes of the commands that make one value in a log
UNITS = [  # of a log, besides those that make the values
    [("SELECT", 0)],
    [("SELECT", 3), ("SET", "elsewhere", 1)],
    [("SET", "s", "value"), ("PEXPIREAT", "s", 9999999999999)],
    [("SET", "expiring", "value", "PXAT", 9999999999999)],
    [("RPUSH", "l", 1, 2, 3, "four")],
    [("HSET", "h", "f", "v", "g", "w"), ("HPEXPIREAT", "h", 9999999999999, "FIELDS", 1, "f")],
    [
        ("XADD", "x", "1-1", "f", "v"),
        ("XGROUP", "CREATE", "x", "g", "0-0", "ENTRIESREAD", 0),
        ("XCLAIM", "x", "g", "c", 0, "1-1", "TIME", 5, "RETRYCOUNT", 1, "FORCE", "JUSTID", "LASTID", "1-1"),
    ],
    [("MULTI",), ("INCR", "left"), ("INCR", "right"), ("EXEC",)],
    [("DEL", "set")],
    [("FUNCTION", "LOAD", LIBRARY)],
]
SPLICES = [  # what is put into a log
    b"\r\n",
    b"\0" * 9,
    b"*",
    b"$",
    b"#TS:1\r\n",
    b"*1\r\n$4\r\nEXEC\r\n",
    b"*1\r\n$5\r\nMULTI\r\n",
    b"$-1\r\n",
    b"*99999999\r\n",
    b"$999999999\r\n",
    b"9" * 20,
    b"file x seq 1 type b\n",
    b" type h\n",
]


ARGUMENTS = [b"-", b"0", b"99999", b"9223372036854775807", b" ", b"18446744073709551615-1", b"nan", b"1e309"]
ARGUMENTS_DAMAGED = 0.4  # of the logs, instead of any bytes


class Kind:
    """One kind of input, with a server of its own."""

    name: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.values = make_values()
        self.server = Served(enable_debug_command="yes", save=(), dir=str(directory))
        self.parts = Parts(self.server.engine)
        self.defaults = {name: self.server.engine.config[name.decode()] for name in THRESHOLDS}
        self.wipe()
        self.empty = used_memory()

    def one(self, draw: Random) -> bool:
        """Makes, loads and uses one input; whether it could be loaded."""
        before = used_memory()
        if draw.random() < 0.3:
            self.set_thresholds(draw.choice([1, 5]))
        try:
            loaded = self.load(draw)
            assert used_memory() - before < MEMORY_LIMIT
            for key in (b"k", b"x", b"h"):
                use(self.server, key)
        finally:
            self.wipe()
        assert used_memory() == self.empty, "memory is left behind"
        return loaded

    def load(self, draw: Random) -> bool:
        """Makes and loads one input; whether it could be loaded."""
        raise NotImplementedError

    def set_thresholds(self, entries: int) -> None:
        """Sets above how many entries a value is no longer packed."""
        for name in THRESHOLDS:
            self.server.run([b"CONFIG", b"SET", name, b"%d" % entries])

    def wipe(self) -> None:
        """Takes away all that an input has left."""
        self.server.run(b"SELECT 0")
        self.server.run(b"FLUSHALL")
        self.server.run(b"FUNCTION FLUSH")
        for name, value in self.defaults.items():
            self.server.run([b"CONFIG", b"SET", name, b"%d" % value])


class Dumps(Kind):
    """Payloads of DUMP, given to RESTORE."""

    name = "dump"

    def load(self, draw: Random) -> bool:
        content = damaged(draw, choose(draw, self.values))
        before = used_memory()
        reply = self.server.run([b"RESTORE", b"k", b"0", payload(content)])
        if reply == b"+OK\r\n":
            return True
        assert reply == b"-ERR Bad data format\r\n", reply
        assert used_memory() == before
        return False


class Snapshots(Kind):
    """RDB files: read by the loader, in pieces of several sizes, and looked through."""

    name = "rdb"

    def load(self, draw: Random) -> bool:
        content = damaged(draw, rdb_file(draw, self.values))
        engine = self.server.engine
        target = rdb_load.target_of(engine, replace=draw.random() < 0.5)
        target = target._replace(checksum=False, sanitize=draw.random() < 0.7)
        source = Source(content, draw.choice([1, 100, 1 << 20]))
        try:
            rdb_load.finish(rdb_load.load(rdb_load.open_stream(target, -1, source.pull), target))
        except rdb_load.RdbError as problem:
            assert str(problem)
            path = self.directory / "damaged.rdb"
            path.write_bytes(content)
            assert rdb_scan.damage(str(path), engine.config.values)
            return False
        if draw.random() < SAVED_AGAIN:
            self.save_again()
        return True

    def save_again(self) -> None:
        """What was loaded can be written, and what was written can be read."""
        engine, path = self.server.engine, self.directory / "again.rdb"
        rdb_save.write_file(str(path), rdb_save.snapshot(engine), FORM)
        with path.open("rb") as file:
            for _ in rdb_scan.Scan(file.fileno(), engine.config.values).parts():
                pass


class Source:
    """A stream that gives pieces of one size."""

    def __init__(self, content: bytes, size: int) -> None:
        self.content, self.size, self.place = content, size, 0

    def pull(self, most: int) -> bytes:
        """The next bytes."""
        piece = self.content[self.place : self.place + min(self.size, most)]
        self.place += len(piece)
        return piece


def rdb_file(draw: Random, values: list[bytes]) -> bytes:
    """A file of a few keys with whatever may stand around them."""
    content = b"REDIS%04d" % draw.choice(RDB_VERSIONS)
    for number in range(draw.choice([1, 1, 2, 4])):
        value = choose(draw, values)
        key = b"k" if number == 0 else b"key%d" % number
        content += draw.choice(AROUND) + value[:1] + bytes([len(key)]) + key + value[1:]
    return content + b"\xff" + bytes(8)


class Logs(Kind):
    """Append-only files: a manifest, perhaps a base, and one or two files of commands, of which one is damaged."""

    name = "aof"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        made = [unit for unit in VALUES.values() if len(written(unit)) < UNIT_LIMIT]
        self.units = made + [[[as_bytes(word) for word in command] for command in unit] for unit in UNITS]
        self.files = self.parts.aof.files
        self.files.make_directory()

    def load(self, draw: Random) -> bool:
        content = self.log(draw)
        victim = draw.choice([*content, *content, "1.incr"])
        splices = SPLICES if victim != "base" or draw.random() < 0.5 else self.values[:20]
        if victim.endswith("incr") and draw.random() < ARGUMENTS_DAMAGED:
            content[victim] = self.commands(draw, 1)
        else:
            content[victim] = damaged(draw, content[victim], splices)
        self.write(content)
        self.server.engine.config.values["aof-load-corrupt-tail-max-size"] = draw.choice([0, 0, 50])
        self.check()
        loaded = self.start()
        engine = self.server.engine
        assert not engine.loading.active
        assert engine.clock.nothing_expires is False
        return loaded

    def write(self, content: dict[str, bytes]) -> None:
        """Puts these files, by name, in the place of those that are there."""
        for name in os.listdir(self.files.directory):
            os.unlink(self.files.path(name))
        for name, data in content.items():
            Path(self.files.path(name)).write_bytes(data)

    def log(self, draw: Random) -> dict[str, bytes]:
        """The files of a whole log by name."""
        content = {name: self.commands(draw) for name in draw.choice([["1.incr"], ["1.incr", "2.incr"]])}
        kind = draw.choice(["", "rdb", "aof"])
        if kind:
            content["base"] = self.commands(draw) if kind == "aof" else rdb_file(draw, self.values)
        lines = ["file base seq 1 type b"] if kind else []
        lines += [f"file {name} seq {name[0]} type i" for name in content if name != "base"]
        content[f"{self.files.prefix}.manifest"] = ("\n".join(lines) + "\n").encode()
        return content

    def commands(self, draw: Random, damages: int = 0) -> bytes:
        """A file of a few commands, in so many of which an argument is damaged; their form is right."""
        commands = [command for unit in draw.choices(self.units, k=draw.randrange(1, 8)) for command in unit]
        for _ in range(damages):
            at = draw.randrange(len(commands))
            words = list(commands[at])
            place = draw.randrange(len(words))
            words[place] = damaged(draw, words[place] or b"0", ARGUMENTS)
            commands[at] = words
        return written(commands)

    def start(self) -> bool:
        """Loads the log as a start does; whether the server could start. Why it could not stands in the log."""
        with logged() as lines:
            try:
                self.files.read_manifest()
                for _ in self.parts.aof.loader.load():
                    pass
            except FatalAofError:
                assert lines and all(lines)
                return False
        return True

    def check(self) -> None:
        """Has the checker look at it: it says what is wrong, or nothing is."""
        said: list[str] = []
        options = aof_check.Options(say=said.append, check_rdb=lambda file, name: file.seek(0, os.SEEK_END))
        try:
            aof_check.check(self.files.path(f"{self.files.prefix}.manifest"), options)
        except aof_check.CheckFailed as problem:
            assert str(problem)


def written(commands: Sequence[Sequence[bytes]]) -> bytes:
    """Commands as a log has them."""
    return b"".join(encoded(*command) for command in commands)


def as_bytes(word: object) -> bytes:
    """An argument."""
    return word if isinstance(word, bytes) else str(word).encode()


@contextmanager
def logged() -> Iterator[list[str]]:
    """The lines of the log of level warning."""
    lines: list[str] = []
    with patch.object(log, "warning", lines.append), patch.object(log, "notice", lambda line: None):
        yield lines


KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (Dumps, Snapshots, Logs)}
