"""Checking the files of an append-only file, and cutting off what is damaged: redracer check-aof.

Stricter than loading (command_reader.pyx): whoever asks wants to know. The output is that of redis-check-aof, which
scripts read. A file is checked by the units that a start would execute: what is good ends before the first that is not
whole, a transaction without its EXEC included.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from redracer.persistence import aof_manifest
from redracer.persistence.aof_manifest import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable

RDB_SIGNATURE = b"REDIS"
LINE_LIMIT = 127  # bytes of a line with a number
PIECE = 1 << 20  # bytes of an argument that are read at once


class CheckFailed(Exception):
    """The files are not good, or could not be made so; the text says why."""


class Damage(Exception):
    """What is wrong; the text says where, too. An empty one: the file ends where a line should begin."""


@dataclass
class Options:
    """What is asked for. `timestamp`: cut off what was written after that Unix time; 0: nothing."""

    fix: bool = False
    timestamp: int = 0
    say: Callable[[str], object] = print
    confirm: Callable[[], bool] = field(default=lambda: False)  # may the file be shortened?
    check_rdb: Callable[[BinaryIO, str], int] | None = (
        None  # returns the bytes of an RDB file, or raises CheckFailed
    )


def check(path: str, options: Options) -> None:
    """Checks a manifest with its files, or a single file. Raises CheckFailed. O(bytes)."""
    try:
        with open(path, "rb") as file:
            start = file.read(PIECE)
    except OSError as error:
        raise CheckFailed(f"Cannot open file {path}: {error.strerror}") from None
    if _is_manifest(start):
        _check_manifest(path, options)
        return
    options.say("Start checking Old-Style AOF")
    _check_file(path, path, True, options)


def _is_manifest(start: bytes) -> bool:
    lines = [line for line in start.split(b"\n") if not line.startswith(b"#")]
    return bool(lines) and lines[0].startswith(b"file")


def _check_manifest(path: str, options: Options) -> None:
    options.say("Start checking Multi Part AOF")
    with open(path, "rb") as file:
        try:
            manifest = aof_manifest.parse(file.read())
        except ManifestError as error:
            place = f" at line {error.number}" if error.number else ""
            raise CheckFailed(f"The manifest {path} cannot be used: {error.text}{place}") from None
    directory = os.path.dirname(path)
    for part in manifest.loaded:
        last = part is manifest.loaded[-1]
        file_path = os.path.join(directory, part.name)
        if part is manifest.base:
            options.say(f"Start to check BASE AOF ({'RDB' if _is_rdb(file_path) else 'RESP'} format).")
        elif part is manifest.increments[0]:
            options.say("Start to check INCR files.")
        _check_file(part.name, file_path, last, options, "BASE " if part is manifest.base else "INCR ")
    options.say("All AOF files and manifest are valid")


def _is_rdb(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(RDB_SIGNATURE)) == RDB_SIGNATURE
    except OSError:
        return False


def _check_file(name: str, path: str, last: bool, options: Options, kind: str = "") -> None:
    """Checks one file, and shortens it if that is asked for. Raises CheckFailed."""
    changes = options.fix or options.timestamp
    try:
        file = open(path, "r+b" if changes else "rb")  # noqa: SIM115
    except OSError as error:
        raise CheckFailed(f"Cannot open file {path}: {error.strerror}, aborting...") from None
    with file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            options.say(f"{kind}AOF {name} is empty")
            return
        if file.read(len(RDB_SIGNATURE)) == RDB_SIGNATURE:
            file.seek(_check_snapshot(file, name, options))
            options.say("RDB preamble is OK, proceeding with AOF tail...")
        else:
            file.seek(0)
        scan = Scan(file, name, options.timestamp)
        try:
            scan.run()
        except Damage as damage:
            if str(damage):
                options.say(str(damage))
        if options.timestamp and (scan.good == size or scan.stopped):
            _cut_after(name, file, scan, last, options)
            if not scan.stopped:
                options.say(f"{kind}AOF {name} is valid")
            return
        _report(name, file, scan, size, last, options, kind)


def _check_snapshot(file: BinaryIO, name: str, options: Options) -> int:
    """Checks the RDB file at the start; returns where commands begin. Raises CheckFailed."""
    file.seek(0)
    if options.check_rdb is None:
        raise CheckFailed(f"{name} begins with an RDB file, which is not checked here")
    return options.check_rdb(file, name)


def _cut_after(name: str, file: BinaryIO, scan: Scan, last: bool, options: Options) -> None:
    """Cuts off what was written after the time that was asked for. Raises CheckFailed."""
    time = options.timestamp
    if not scan.stopped:
        options.say(f"Truncate nothing in AOF {name} to timestamp {time}")
        return
    if not scan.good:
        raise CheckFailed(f"AOF {name} has nothing before timestamp {time}, aborting...")
    if not last:
        raise CheckFailed(
            f"Failed to truncate AOF {name} to timestamp {time} to offset {scan.good} because it is not the last "
            "file.\nIf you insist, please delete all files after this file according to the manifest file and delete "
            "the corresponding records in manifest file manually. Then re-run redis-check-aof."
        )
    _truncate(file, scan.good, f"Failed to truncate AOF {name} to timestamp {time}")
    options.say(f"Successfully truncated AOF {name} to timestamp {time}")


def _report(
    name: str, file: BinaryIO, scan: Scan, size: int, last: bool, options: Options, kind: str
) -> None:
    """Says how much of a file is good, and cuts off the rest if that is asked for. Raises CheckFailed."""
    rest = size - scan.good
    options.say(
        f"AOF analyzed: filename={name}, size={size}, ok_up_to={scan.good}, ok_up_to_line={scan.line}, diff={rest}"
    )
    if not rest:
        options.say(f"{kind}AOF {name} is valid")
        return
    if not options.fix:
        raise CheckFailed(f"AOF {name} is not valid. Use the --fix option to try fixing it.")
    if not last:
        raise CheckFailed(f"Failed to truncate AOF {name} because it is not the last file")
    options.say(f"This will shrink the AOF {name} from {size} bytes, with {rest} bytes, to {scan.good} bytes")
    if not options.confirm():
        raise CheckFailed("Aborting...")
    _truncate(file, scan.good, f"Failed to truncate AOF {name}")
    options.say(f"Successfully truncated AOF {name}")


def _truncate(file: BinaryIO, size: int, failure: str) -> None:
    try:
        os.ftruncate(file.fileno(), size)
        os.fsync(file.fileno())
    except OSError as error:
        raise CheckFailed(f"{failure}: {error.strerror}") from None


class Scan:
    """A walk over the commands of a file.

    `good`: bytes of whole units so far. `line`: lines that were read, and one. `stopped`: by an annotation of a time
    after the one given (0: none).
    """

    def __init__(self, file: BinaryIO, name: str, timestamp: int) -> None:
        self.file = file
        self.name = name
        self.good = self.position = file.tell()
        self.begun = self.position  # of the last line with a number, or argument
        self.timestamp = timestamp
        self.line = 1
        self.stopped = False
        self.in_transaction = False

    def run(self) -> None:
        """Walks to the end, or to the time given. Raises Damage."""
        while not self.stopped:
            if not self.in_transaction:
                self.good = self.position
            start = self._read_line()
            if start.startswith(b"#"):
                self._annotation(start)
            elif start.startswith(b"*"):
                if not self._command(start):
                    break
            elif start:
                raise Damage(f"AOF {self.name} format error")
            else:
                break
        if self.in_transaction and not self.stopped:
            raise self._damage("Reached EOF before reading EXEC for MULTI")

    def _damage(self, text: str) -> Damage:
        return Damage(f"0x{self.begun:>16x}: {text}")

    def _read_line(self) -> bytes:
        start = self.file.readline(LINE_LIMIT)
        while start.startswith(b"#") and not start.endswith(b"\n"):
            more = self.file.readline(PIECE)
            if not more:
                break
            start += more
        self.position += len(start)
        return start

    def _annotation(self, text: bytes) -> None:
        if not self.timestamp or not text.startswith(b"#TS:"):
            return
        digits = text[4:].rstrip(b"\r\n")
        if not digits.isdigit():
            raise CheckFailed("Invalid timestamp annotation")
        if int(digits) > self.timestamp:
            self.stopped = True

    def _command(self, start: bytes) -> bool:
        """Reads a command; False if the file ends where one of its lines should begin."""
        self.begun = self.position - len(start)
        count = self._number(start, b"*")
        name = b""
        for i in range(count):
            self.begun = self.position
            line = self._read_line()
            if not line:
                return False
            argument = self._argument(self._number(line, b"$"))
            if i == 0:
                name = argument.lower()
        if name == b"multi":
            if self.in_transaction:
                raise self._damage(f"Unexpected MULTI in AOF {self.name}")
            self.in_transaction = True
        elif name == b"exec":
            if not self.in_transaction:
                raise self._damage(f"Unexpected EXEC in AOF {self.name}")
            self.in_transaction = False
        return True

    def _number(self, text: bytes, prefix: bytes) -> int:
        if not text.startswith(prefix):
            shown = text[:1].decode("latin-1")
            raise self._damage(f"Expected prefix '{prefix.decode()}', got: '{shown}'")
        body = text[1:].rstrip(b"\r\n")
        digits = len(body) - len(body.lstrip(b"-0123456789"))
        rest = text[1 + digits : 3 + digits]
        if rest != b"\r\n":
            raise self._damage(f"Expected \\r\\n, got: {rest.ljust(2, bytes(1)).hex()}")
        self.line += 1
        try:
            number = int(body[:digits] or b"0")
        except ValueError:
            number = -1
        if number < 0:
            raise self._damage(f"Expected a length, got: {body.decode('latin-1')}")
        return number

    def _argument(self, length: int) -> bytes:
        """Reads an argument and its line end; returns it, or its start if it is long."""
        self.begun, left = self.position, length + 2
        text = tail = b""
        while left:
            piece = self.file.read(min(left, PIECE))
            if not piece:
                read = self.position - self.begun
                raise self._damage(f"Expected to read {length + 2} bytes, got {read} bytes")
            text = text or piece
            tail = (tail + piece)[-2:]
            left -= len(piece)
            self.position += len(piece)
        if tail != b"\r\n":
            raise self._damage(f"Expected \\r\\n, got: {tail.hex()}")
        self.line += 1
        return text[:length]
