"""Loading the data set from the append-only file: the base, then the commands since.

`load` is a generator: after each slice it hands control back and tells the bytes read so far, so that the server
answers clients meanwhile. The last file may end in the midst of a unit, where a crash came between the parts of a
write: with `aof-load-truncated` the rest is cut off. In any other file, and for bytes that no crash leaves, the server
does not start: somebody must look.

While a log is replayed nothing expires by itself: a key that has expired since must be there for the commands that were
executed before it did (Clock.nothing_expires). Its end is in the log too, or comes when all is loaded.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from redracer.engine import log
from redracer.persistence import rdb_load
from redracer.persistence.aof_files import AofFiles, FatalAofError
from redracer.persistence.aof_replay import Replay, UnknownCommand
from redracer.persistence.command_reader import BadFormat, CommandReader, UnexpectedEnd

if TYPE_CHECKING:
    from collections.abc import Generator

    from redracer.engine.engine import Engine

RDB_SIGNATURE = b"REDIS"


class AofLoader:
    """Loads the files of a manifest. `total_size` and `base_size`: bytes of what was loaded."""

    def __init__(self, engine: Engine, files: AofFiles) -> None:
        self.engine = engine
        self.files = files
        self.total_size = self.base_size = 0
        self.done = 0  # bytes of the files before the one in work

    def load(self) -> Generator[int, None, None]:
        """Loads everything. Raises FatalAofError; the log has said why."""
        files = self.files
        files.upgrade()
        parts = files.manifest.loaded
        sizes = [self._size(part.name) for part in parts]
        self.total_size, self.done = sum(sizes), 0
        self.base_size = sizes[0] if files.manifest.base is not None else 0
        if not self.total_size:
            return
        loading, clock = self.engine.loading, self.engine.clock
        loading.begin(self.total_size)
        clock.nothing_expires = True
        try:
            for part, size in zip(parts, sizes, strict=True):
                kind = "base" if part is files.manifest.base else "incr"
                yield from self._load_part(part.name, kind, part is parts[-1])
                self.done += size
            seconds = loading.seconds
        finally:
            clock.nothing_expires = False
            self.engine.dispatcher.begin()
            loading.end()
        self.total_size = sum(self._size(part.name) for part in parts)  # the last may have been cut
        log.notice(f"DB loaded from append only file: {seconds:.3f} seconds")

    def _size(self, name: str) -> int:
        try:
            return os.stat(self.files.path(name)).st_size
        except FileNotFoundError:
            log.warning(f"The append log file {name} doesn't exist: {os.strerror(2)}")
        except OSError as error:
            log.warning(f"Unable to obtain the AOF file {name} length. stat: {error.strerror}")
        raise FatalAofError

    def _load_part(self, name: str, kind: str, last: bool) -> Generator[int, None, None]:
        """Loads one file. Raises FatalAofError."""
        begun = time.monotonic()
        if (yield from self._load_file(name, last)):
            log.notice(f"DB loaded from {kind} file {name}: {time.monotonic() - begun:.3f} seconds")

    def _load_file(self, name: str, last: bool) -> Generator[int, None, bool]:
        """Loads one file; returns whether it holds anything. Raises FatalAofError."""
        try:
            descriptor = os.open(self.files.path(name), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            log.warning(f"Fatal error: can't open the append log file {name} for reading: {error.strerror}")
            raise FatalAofError from None
        try:
            size = os.fstat(descriptor).st_size
            if not size:
                return False
            offset = 0
            if os.pread(descriptor, len(RDB_SIGNATURE), 0) == RDB_SIGNATURE:
                offset = yield from self._load_snapshot(name, descriptor)
            os.lseek(descriptor, offset, os.SEEK_SET)
            replay = Replay(self.engine, CommandReader(descriptor, offset, size), name)
            yield from self._replay(name, replay, last)
            return True
        except OSError as error:
            log.warning(f"Unrecoverable error reading the append only file {name}: {error.strerror}")
            raise FatalAofError from None
        finally:
            os.close(descriptor)

    def _load_snapshot(self, name: str, descriptor: int) -> Generator[int, None, int]:
        """Loads the RDB file at the start of a file; returns where commands begin. Raises FatalAofError."""
        old_style = name == self.files.prefix
        log.notice(
            "Reading RDB preamble from AOF file..."
            if old_style
            else "Reading RDB base file on AOF loading..."
        )
        target = rdb_load.target_of(self.engine, keep_expired=True)
        try:  # it is the first file, so that its places are those of the whole
            loaded = yield from rdb_load.load_in_view(self.engine, descriptor, target)
        except rdb_load.RdbError as problem:
            log.warning(str(problem))
            what = "RDB preamble of the AOF file" if old_style else "RDB base file"
            log.warning(f"Error reading the {what} {name}, AOF loading aborted")
            raise FatalAofError from None
        if old_style:
            log.notice("Reading the remaining AOF tail...")
        return loaded.size

    def _replay(self, name: str, replay: Replay, last: bool) -> Generator[int, None, None]:
        """Executes the commands of a file. Raises FatalAofError."""
        slice_bytes: int = self.engine.config["loading-process-events-interval-bytes"]
        delay: int = self.engine.config["key-load-delay"]
        try:
            while replay.run(replay.reader.offset + 1 if delay else replay.reader.offset + slice_bytes):
                if delay:
                    time.sleep(max(delay, 1) / 1_000_000)
                place = self.done + replay.reader.offset
                self.engine.loading.advance(place)
                yield place
            if not replay.in_transaction:
                return
            log.warning(f"Revert incomplete MULTI/EXEC transaction from AOF file {name}")
        except UnexpectedEnd:
            pass
        except UnknownCommand as problem:
            unknown = problem.args[0].decode("utf-8", "backslashreplace")
            log.warning(f"Unknown command '{unknown}' reading the append only file {name}")
            raise FatalAofError from None
        except BadFormat:
            if last and self._cut_damage(name, replay.valid):
                return
            log.warning(
                f"Bad file format reading the append only file {name}: make a backup of your AOF file, then use "
                "./redis-check-aof --fix <filename.manifest>"
            )
            raise FatalAofError from None
        self._cut(name, replay.valid, last)

    def _cut(self, name: str, valid: int, last: bool) -> None:
        """The last unit of a file is not whole: cuts it off if that is allowed. Raises FatalAofError."""
        if self.engine.config["aof-load-truncated"]:
            log.warning(f"!!! Warning: short read while loading the AOF file {name}!!!")
            if not last:  # what follows it was written when it was whole
                log.warning("Fatal error: the truncated file is not the last file")
                raise FatalAofError
            log.warning(f"!!! Truncating the AOF {name} at offset {valid} !!!")
            if self._truncate(name, valid):
                log.warning(f"AOF {name} loaded anyway because aof-load-truncated is enabled")
                return
        log.warning(
            f"Unexpected end of file reading the append only file {name}. You can: 1) Make a backup of your AOF file, "
            "then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the "
            "'aof-load-truncated' configuration option to yes and restart the server."
        )
        raise FatalAofError

    def _cut_damage(self, name: str, valid: int) -> bool:
        """Cuts a damaged end off, as a power failure leaves one, if it is as short as is allowed; whether it did."""
        size = os.stat(self.files.path(name)).st_size - valid
        if size > self.engine.config["aof-load-corrupt-tail-max-size"]:
            return False
        log.warning(f"!!! Truncating the AOF {name} at offset {valid}: the last {size} bytes are damaged !!!")
        if not self._truncate(name, valid):
            return False
        log.warning(f"AOF {name} loaded anyway because aof-load-corrupt-tail-max-size allows it")
        return True

    def _truncate(self, name: str, size: int) -> bool:
        """Cuts a file to so many bytes; whether that succeeded."""
        try:
            os.truncate(self.files.path(name), size)
        except OSError as error:
            log.warning(f"Error truncating the AOF file {name}: {error.strerror}")
            return False
        return True
