"""Rewriting the append-only file: a base with the data as it is takes the place of all the commands that led to it.

    1. a new file of commands is opened and named in the manifest; from the next command on, changes go there
    2. the child, forked at that moment, writes a base to a temporary file
    3. the base takes its name, and a manifest with it and the new file of commands takes effect by a rename;
       what they replace is history, and is deleted

Nothing passes between the two processes, and at each moment the manifest on the disk names files that together hold
everything. A rewrite that fails leaves one more file of commands, and is tried again; after three failures in a row
with growing pauses, so that a full disk is not filled with further files.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from redracer.engine import log
from redracer.engine.timing import monotonic_nanoseconds
from redracer.persistence import aof_base, rdb_save
from redracer.persistence.aof_files import base_temporary
from redracer.persistence.child import ChildError

if TYPE_CHECKING:
    from redracer.persistence.aof import AppendOnlyFile
    from redracer.persistence.aof_manifest import Manifest
    from redracer.persistence.child import Outcome, Progress

PURPOSE = "aof"  # of the child
FAILURES_BEFORE_PAUSE = 3
LONGEST_PAUSE = 60  # minutes


class Rewrites:
    """The rewrites of one append-only file. `base_size`: bytes of all files after the last one."""

    def __init__(self, aof: AppendOnlyFile) -> None:
        self.aof = aof
        self.engine = aof.engine
        self.child = aof.child
        self.scheduled = False
        self.base_size = 0
        self.count = 0
        self.succeeded = True
        self.seconds = -1  # that the last one took
        self.copied = 0  # bytes, because of it
        self.failures = 0  # in a row
        self.pause_minutes = 0
        self.paused_until = 0.0  # Unix time, s; 0: no pause
        self.temporary = ""  # where the child writes the base
        self.as_rdb = True  # its form
        self._provide_fields()

    @property
    def in_progress(self) -> bool:
        """Whether the child rewrites."""
        return self.child.purpose == PURPOSE

    def _provide_fields(self) -> None:
        for name, value in (
            ("aof_rewrite_in_progress", lambda: int(self.in_progress)),
            ("aof_rewrite_scheduled", lambda: int(self.scheduled)),
            ("aof_last_rewrite_time_sec", lambda: self.seconds),
            ("aof_current_rewrite_time_sec", self._current_seconds),
            ("aof_last_bgrewrite_status", lambda: "ok" if self.succeeded else "err"),
            ("aof_rewrites", lambda: self.count),
            ("aof_rewrites_consecutive_failures", lambda: self.failures),
            ("aof_last_cow_size", lambda: self.copied),
        ):
            self.engine.info.provide(name, value)

    def _current_seconds(self) -> int:
        return int(time.time() - self.child.started) if self.in_progress else -1

    def schedule(self) -> None:
        """One is to begin as soon as there is no child, whatever failed before."""
        self.scheduled = True
        self.failures = 0

    # --- when

    def tick(self) -> None:
        """Begins a rewrite that is scheduled, or that the size of the file asks for."""
        if self.child.active or self.engine.effects.held:  # half of a unit is no moment to begin
            return
        if self.scheduled:
            if not self._is_paused():
                self.start()
        elif self.aof.is_on and self._has_grown() and not self._is_paused():
            growth = self.aof.writer.current_size * 100 // (self.base_size or 1) - 100
            log.notice(f"Starting automatic rewriting of AOF on {growth}% growth")
            self.start()

    def _has_grown(self) -> bool:
        config, size = self.engine.config, self.aof.writer.current_size
        percentage: int = config["auto-aof-rewrite-percentage"]
        if not percentage or size <= config["auto-aof-rewrite-min-size"]:
            return False
        return size * 100 // (self.base_size or 1) - 100 >= percentage

    def _is_paused(self) -> bool:
        """Whether a rewrite must not begin yet after others that failed."""
        if self.failures < FAILURES_BEFORE_PAUSE:
            self.pause_minutes, self.paused_until = 0, 0.0
            return False
        if self.paused_until:
            if time.time() < self.paused_until:
                return True
            self.paused_until = 0.0
            return False
        self.pause_minutes = min(self.pause_minutes * 2 or 1, LONGEST_PAUSE)
        self.paused_until = time.time() + self.pause_minutes * 60
        log.warning(
            "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in "
            f"{self.pause_minutes} minutes"
        )
        return True

    # --- one rewrite

    def start(self) -> bool:
        """Begins a rewrite; False if it could not begin, and the log says why."""
        if self.child.active:
            return False
        try:
            self.aof.files.make_directory()
            self._begin_increment()
            self._fork()
        except (OSError, ChildError) as error:
            if isinstance(error, ChildError):
                log.warning(f"Can't rewrite append only file in background: {error}")
            self._note_failure()
            if self.aof.is_starting:
                self.aof.abandon_start()
            return False
        self.scheduled = False
        return True

    def _begin_increment(self) -> None:
        """From the next command on, changes go to a new file. Raises OSError."""
        aof = self.aof
        if aof.is_off:
            return
        if aof.writer.is_open:
            aof.writer.flush(True)
            if len(
                aof.buffer
            ):  # it would come into the new file, and be done once more on top of the new base
                raise OSError(aof.writer.write_error, os.strerror(aof.writer.write_error))
        files = aof.files
        if aof.is_starting:
            aof.syncer.drain()
            aof.start_place = aof.place
            name, manifest = files.temporary_increment, None
        else:
            manifest = files.manifest.copy()
            name = manifest.new_increment(files.prefix).name
        descriptor = files.open(name, True)
        if manifest is not None:
            self._adopt_increment(manifest, name, descriptor)
        log.notice(f"Creating AOF incr file {name} on background rewrite")
        aof.buffer.database = -1
        aof.writer.take_over(descriptor)
        aof.set_fed(True)

    def _adopt_increment(self, manifest: Manifest, name: str, descriptor: int) -> None:
        """Puts a manifest with the new, open file in force. Raises OSError; then commands go on into the old one."""
        files = self.aof.files
        try:
            files.adopt(manifest)
            if not files.is_certain:  # the new file stays, empty: it is named
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        except OSError:
            os.close(descriptor)
            if files.manifest is not manifest:
                files.delete(name)
            raise

    def _fork(self) -> None:
        engine = self.engine

        def work(progress: Progress) -> None:
            path = base_temporary(os.getpid())
            try:
                aof_base.write(path, engine, progress)
            except (OSError, rdb_save.SaveError) as problem:
                raise rdb_save.SaveError(f"Error writing append only file on disk: {problem}") from None
            log.notice(f"Successfully created the temporary AOF base file {path}")

        self.count += 1
        self.as_rdb = engine.config["aof-use-rdb-preamble"]
        pid = self.child.start(
            PURPOSE, "AOF rewrite", work, self._ended, processors=engine.config["aof-rewrite-cpulist"]
        )
        self.temporary = base_temporary(pid)
        log.notice(f"Background append only file rewriting started by pid {pid}")

    def _ended(self, outcome: Outcome) -> None:
        """The child has ended."""
        self.seconds, self.copied = outcome.seconds, outcome.copied
        if outcome.succeeded:
            log.notice("Background AOF rewrite terminated with success")
            with suppress(OSError):
                self._install()
        elif outcome.signal:
            log.warning(f"Background AOF rewrite terminated by signal {outcome.signal}")
            if not outcome.unwanted:
                self._note_failure()
        else:
            log.warning("Background AOF rewrite terminated with error")
            self._note_failure()
        with suppress(OSError):
            os.unlink(self.temporary)
        if self.aof.is_starting:
            self.aof.abandon_start()
            self.scheduled = True

    def _note_failure(self) -> None:
        self.succeeded = False
        self.failures += 1

    def _install(self) -> None:
        """Puts what the child has written in the place of what was there. Raises OSError; then nothing has changed."""
        aof, files = self.aof, self.aof.files
        manifest = files.manifest.copy()
        new: list[str] = []
        try:
            self._take_names(manifest, new)
            manifest.retire_increments(keep_last=aof.writer.is_open)
            files.adopt(manifest)
        except OSError:
            self.succeeded = False
            for name in new:
                files.delete(name)
            raise
        if not aof.is_off:
            aof.writer.current_size = self._size(new[0]) + aof.writer.end
            self.base_size = aof.writer.current_size
        files.delete_history()
        self.succeeded = True
        self.failures = 0
        log.notice("Background AOF rewrite finished successfully")
        if aof.is_starting:
            aof.started()

    def _take_names(self, manifest: Manifest, new: list[str]) -> None:
        """Names the child's file, and that of the commands since a start; adds the names to `new`. Raises OSError."""
        aof, files = self.aof, self.aof.files
        base = manifest.new_base(files.prefix, self.as_rdb)
        self._rename(self.temporary, base.name, "base")
        new.append(base.name)
        if aof.is_starting:
            increment = manifest.new_increment(files.prefix)
            self._rename(files.path(files.temporary_increment), increment.name, "incr")
            new.append(increment.name)

    def _size(self, name: str) -> int:
        """The bytes of a file."""
        begun = monotonic_nanoseconds()
        size = self.aof.files.size(name)
        self.engine.latency.consider_since("aof-fstat", begun, int(time.time()))
        return size

    def _rename(self, source: str, name: str, kind: str) -> None:
        """Has a temporary file take its name. Raises OSError."""
        begun = monotonic_nanoseconds()
        self.aof.files.rename(source, name, kind)
        self.engine.latency.consider_since("aof-rename", begun, int(time.time()))
