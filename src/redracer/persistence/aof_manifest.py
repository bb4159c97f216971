"""The manifest of an append-only file: which files it is made of, and in which order they are loaded.

    appendonly.aof.1.base.rdb    the data set as it was when the last rewrite began, as an RDB file or as commands
    appendonly.aof.1.incr.aof    the commands since then; a further one from each rewrite that has begun
    appendonly.aof.manifest      names, sequence numbers and types of the files, a line each

All of them are in the directory `appenddirname`. A file is history (`h`) once a rewrite has replaced it: nobody loads
it, and it is deleted. The manifest is replaced by a rename, so a crash leaves the old one or the new one, and each
names files that are there. https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import NamedTuple

from redracer.engine import log
from redracer.engine.config_text import quoted, split_arguments

BASE, INCREMENTAL, HISTORY = "b", "i", "h"
LINE_LIMIT = 1024  # bytes of a line
LEAST_WORDS = 6
RDB_SUFFIX, AOF_SUFFIX = ".rdb", ".aof"


class ManifestError(Exception):
    """A manifest that cannot be used: what is wrong, and the line, if one is."""

    def __init__(self, text: str, number: int = 0, line: bytes = b"") -> None:
        super().__init__(text)
        self.text = text
        self.number = number
        self.line = line


class Part(NamedTuple):
    """One file: its name in the directory, its number among those of its type, and its type."""

    name: str
    sequence: int
    type: str

    def line(self) -> bytes:
        """Its line in the manifest."""
        name = os.fsencode(self.name)
        if any(byte <= 32 or byte in b"\"'" or byte >= 127 for byte in name):
            name = quoted(name)
        return b"file %s seq %d type %s\n" % (name, self.sequence, self.type.encode())


class Manifest:
    """The files of an append-only file."""

    def __init__(
        self,
        base: Part | None = None,
        increments: list[Part] | None = None,
        history: list[Part] | None = None,
        base_sequence: int = 0,
        increment_sequence: int = 0,
    ) -> None:
        self.base = base
        self.increments = increments or []
        self.history = history or []
        self.base_sequence = base_sequence
        self.increment_sequence = increment_sequence

    @property
    def loaded(self) -> list[Part]:
        """The files to load, in their order."""
        return [*([self.base] if self.base else []), *self.increments]

    def copy(self) -> Manifest:
        """Another one with the same files, to be changed until it is certain."""
        return Manifest(
            self.base,
            list(self.increments),
            list(self.history),
            self.base_sequence,
            self.increment_sequence,
        )

    def encoded(self) -> bytes:
        """The text of the file."""
        history = [Part(part.name, part.sequence, HISTORY) for part in self.history]
        return b"".join(
            part.line() for part in [*self.loaded[: 1 if self.base else 0], *history, *self.increments]
        )

    def new_base(self, prefix: str, rdb: bool) -> Part:
        """A base file with the next number; the one before it is history."""
        if self.base is not None:
            self.history.insert(0, self.base)
        self.base_sequence += 1
        suffix = RDB_SUFFIX if rdb else AOF_SUFFIX
        self.base = Part(f"{prefix}.{self.base_sequence}.base{suffix}", self.base_sequence, BASE)
        return self.base

    def new_increment(self, prefix: str) -> Part:
        """A further file of commands, with the next number."""
        self.increment_sequence += 1
        name = f"{prefix}.{self.increment_sequence}.incr{AOF_SUFFIX}"
        self.increments.append(Part(name, self.increment_sequence, INCREMENTAL))
        return self.increments[-1]

    def retire_increments(self, keep_last: bool) -> None:
        """All files of commands, or all but the last, are history: a rewrite has replaced them."""
        kept = self.increments[-1:] if keep_last else []
        self.history = [*self.increments[: len(self.increments) - len(kept)], *self.history]
        self.increments = kept


def manifest_name(prefix: str) -> str:
    """The name of the manifest's file."""
    return f"{prefix}.manifest"


def parse(data: bytes) -> Manifest:
    """Reads a manifest. Raises ManifestError. O(bytes)."""
    manifest = Manifest()
    lines = data.split(b"\n")
    ended, rest = [line + b"\n" for line in lines[:-1]], lines[-1]
    if not data:
        raise ManifestError("Found an empty AOF manifest")
    for number, line in enumerate([*ended, rest] if rest else ended, 1):
        if line.startswith(b"#"):
            continue
        if not line.endswith(b"\n") or len(line) > LINE_LIMIT:
            raise ManifestError("The AOF manifest file contains too long line")
        text = line.strip(b" \t\r\n")
        try:
            _add(manifest, _part(text))
        except ManifestError as error:
            raise ManifestError(error.text, number, text) from None
    return manifest


def _part(text: bytes) -> Part:
    words = split_arguments(text) if text else None
    # More words than are known are for later versions.
    if words is None or len(words) < LEAST_WORDS or len(words) % 2:
        raise ManifestError("Invalid AOF manifest file format")
    name, sequence, type = b"", 0, ""
    for key, value in zip(words[::2], words[1::2], strict=True):
        if key.lower() == b"file":
            name = value
            if b"/" in name or b"\\" in name:
                raise ManifestError("File can't be a path, just a filename")
        elif key.lower() == b"seq":
            sequence = _leading_number(value)
        elif key.lower() == b"type":
            type = value[:1].decode("latin-1")
    if not name or not sequence or not type:
        raise ManifestError("Invalid AOF manifest file format")
    return Part(os.fsdecode(name), sequence, type)


def _leading_number(text: bytes) -> int:
    """The number that a text begins with, as C's atoll reads it; 0 for none."""
    digits = text[1:] if text[:1] in (b"-", b"+") else text
    length = len(digits) - len(digits.lstrip(b"0123456789"))
    return int(text[: len(text) - len(digits) + length]) if length else 0


def _add(manifest: Manifest, part: Part) -> None:
    if part.type == BASE:
        if manifest.base is not None:
            raise ManifestError("Found duplicate base file information")
        manifest.base = part
        manifest.base_sequence = part.sequence
    elif part.type == HISTORY:
        manifest.history.append(part)
    elif part.type == INCREMENTAL:
        if part.sequence <= manifest.increment_sequence:
            raise ManifestError("Found a non-monotonic sequence number")
        manifest.increments.append(part)
        manifest.increment_sequence = part.sequence
    else:
        raise ManifestError("Unknown AOF file type")


def save(directory: str, name: str, manifest: Manifest) -> bool:
    """Writes the manifest in place of the one that is there. Raises OSError; then that one stays.

    Returns whether it is certain that the new one survives a power failure: the directory could be synced.
    """
    path, temporary = os.path.join(directory, name), os.path.join(directory, f"temp-{name}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_TRUNC | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            write_all(descriptor, manifest.encoded())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except OSError as error:
        log.warning(f"Can't write the AOF manifest file {name}: {error.strerror}")
        with suppress(OSError):
            os.unlink(temporary)
        raise
    try:
        sync_directory(directory)
    except OSError as error:
        log.warning(f"Fail to fsync AOF directory {directory}: {error.strerror}.")
        return False
    return True


def write_all(descriptor: int, data: bytes) -> None:
    """Writes every byte. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_directory(directory: str) -> None:
    """Brings the names in a directory to the disk, so that a rename in it lasts. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
