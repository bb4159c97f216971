"""The files of the append-only file: where they are, which of them count, and taking away those that do not.

One manifest at a time is in force. A change is made on a copy, written to the disk, and only then in force (`adopt`),
so that a failure leaves everything as it was.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from redracer.engine import log
from redracer.persistence import aof_manifest
from redracer.persistence.aof_manifest import BASE, Manifest, ManifestError, Part, manifest_name

if TYPE_CHECKING:
    from redracer.engine.config import Config
    from redracer.persistence.background_sync import BackgroundSync

BASE_TEMPORARY = "temp-rewriteaof-bg-"  # and a process number; in the working directory
MODE = 0o644


class FatalAofError(Exception):
    """The server cannot start with these files; the log has said why."""


class AofFiles:
    """The directory `appenddirname`, and the manifest in force."""

    def __init__(self, config: Config, syncer: BackgroundSync) -> None:
        self.config = config
        self.syncer = syncer
        self.manifest = Manifest()
        self.is_certain = True  # that it is this manifest that a start after a power failure finds

    @property
    def directory(self) -> str:
        """The directory. A store that is part of a program has its own, not in the working directory."""
        return os.path.join(str(self.config["dir"]), str(self.config["appenddirname"]))

    @property
    def prefix(self) -> str:
        """What the files' names begin with."""
        name: str = self.config["appendfilename"]
        return name

    @property
    def temporary_increment(self) -> str:
        """The file of commands during the rewrite that turns the append-only file on."""
        return f"temp-{self.prefix}.incr"

    def path(self, name: str) -> str:
        """The path of a file in the directory."""
        return os.path.join(self.directory, name)

    def size(self, name: str) -> int:
        """The bytes of a file in the directory; 0 if it cannot be told."""
        try:
            return os.stat(self.path(name)).st_size
        except OSError as error:
            log.warning(f"Unable to obtain the AOF file {name} length. stat: {error.strerror}")
            return 0

    def make_directory(self) -> None:
        """Makes the directory if there is none. Raises OSError."""
        try:
            os.mkdir(self.directory, 0o755)
        except FileExistsError:
            if not os.path.isdir(self.directory):
                log.warning(f"Can't open or create append-only dir {self.directory}: Not a directory")
                raise
        except OSError as error:
            log.warning(f"Can't open or create append-only dir {self.directory}: {error.strerror}")
            raise

    # --- the manifest

    def read_manifest(self) -> None:
        """Puts the manifest on the disk in force. Raises FatalAofError."""
        self.manifest = Manifest()
        path = self.path(manifest_name(self.prefix))
        try:
            with open(path, "rb") as file:
                data = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            log.warning(f"Fatal error: can't open the AOF manifest file {path} for reading: {error.strerror}")
            raise FatalAofError from None
        try:
            self.manifest = aof_manifest.parse(data)
        except ManifestError as error:
            log.warning("\n*** FATAL AOF MANIFEST FILE ERROR ***\n")
            if error.number:
                shown = error.line.decode("utf-8", "backslashreplace")
                log.warning(f"Reading the manifest file, at line {error.number}\n")
                log.warning(f">>> '{shown}'\n")
            log.warning(f"{error.text}\n")
            raise FatalAofError from None

    def adopt(self, manifest: Manifest) -> None:
        """Brings a manifest to the disk and puts it in force. Raises OSError; then the old one stays."""
        self.is_certain = aof_manifest.save(self.directory, manifest_name(self.prefix), manifest)
        self.manifest = manifest

    # --- files

    def open(self, name: str, truncate: bool) -> int:
        """Opens a file of commands for appending; returns the descriptor. Raises OSError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if truncate else 0)
        try:
            return os.open(self.path(name), flags, MODE)
        except OSError as error:
            log.warning(f"Can't open the append-only file {name}: {error.strerror}")
            raise

    def rename(self, source: str, name: str, kind: str) -> None:
        """Has a temporary file take its name in the directory. Raises OSError."""
        shown = os.path.basename(source)
        try:
            os.rename(source, self.path(name))
        except OSError as error:
            log.warning(
                f"Error trying to rename the temporary AOF {kind} file {shown} into {name}: {error.strerror}"
            )
            raise
        log.notice(f"Successfully renamed the temporary AOF {kind} file {shown} into {name}")

    def delete(self, name: str) -> None:
        """Takes a file of the directory away, without waiting for the disk."""
        self.syncer.delete(self.path(name))

    def delete_history(self) -> None:
        """Takes the files away that rewrites have replaced. A failure costs only their space."""
        if not self.manifest.history or not self.is_certain or self.config["aof-disable-auto-gc"]:
            return
        for part in self.manifest.history:
            log.notice(f"Removing the history file {part.name} in the background")
            self.delete(part.name)
        manifest = self.manifest.copy()
        manifest.history = []
        with suppress(OSError):
            self.adopt(manifest)

    def delete_temporary(self) -> None:
        """Takes away what a server left that was killed in the midst of a rewrite."""
        names = [self.temporary_increment, f"temp-{manifest_name(self.prefix)}"]
        for path in [self.path(name) for name in names]:
            with suppress(OSError):
                os.unlink(path)
        with suppress(OSError):
            for name in os.listdir("."):
                process = name.removeprefix(BASE_TEMPORARY).removesuffix(".aof")
                if name == base_temporary(process) and process.isdigit() and not _is_alive(int(process)):
                    os.unlink(name)

    def upgrade(self) -> None:
        """Takes over the single file that Redis before 7.0 had, as the base. Raises FatalAofError.

        It is taken for one if there is nothing of the new layout, or if a crash came between the two steps below.
        """
        base, name = self.manifest.base, self.prefix
        if not os.path.isfile(name):
            return
        interrupted = base is not None and base.name == name and not os.path.exists(self.path(name))
        if self.manifest.increments or not (base is None or interrupted):
            return
        try:
            self.make_directory()
            self.adopt(Manifest(Part(name, 1, BASE), base_sequence=1))
        except OSError:
            raise FatalAofError from None
        try:
            os.rename(name, self.path(name))
            aof_manifest.sync_directory(self.directory)
            aof_manifest.sync_directory(".")
        except OSError as error:
            log.warning(
                f"Error trying to move the old AOF file {name} into dir {self.directory}: {error.strerror}"
            )
            raise FatalAofError from None
        log.notice(
            f"Successfully migrated an old-style AOF configuration ({name}) into the AOF directory "
            f"({self.directory})."
        )


def base_temporary(process: int | str) -> str:
    """Where the child of that process number writes a base file."""
    return f"{BASE_TEMPORARY}{process}.aof"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
