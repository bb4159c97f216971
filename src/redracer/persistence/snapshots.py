"""Snapshots of the data set in an RDB file: when they are taken, what became of them, and loading one.

One object per server: the port "snapshots". A snapshot is taken here, with nobody served meanwhile (SAVE, the end of
the server), or by the forked child (BGSAVE, the save points). After a failed one, writes are refused if the
configuration asks for it: who goes on writing believes that it is kept.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.engine import log, process, shutdown
from redracer.engine.disk_errors import SNAPSHOT
from redracer.engine.timing import monotonic_nanoseconds
from redracer.persistence import rdb_load, rdb_save, rdb_scan
from redracer.persistence.child import Child, ChildError, Outcome, Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from redracer.engine.engine import Engine

PURPOSE = "rdb"  # of the child
FOR_REPLICAS = "replication"
RETRY_DELAY = 5  # s after a failed snapshot before the next is tried by itself


class LoadError(Exception):
    """The data set cannot be loaded; the log has said why."""


class Snapshots:
    """The snapshots of one engine. The file is `dbfilename` in the working directory. Times are Unix times in s."""

    def __init__(self, engine: Engine, child: Child) -> None:
        self.engine = engine
        self.child = child
        self.last_save = engine.clock.now // 1000
        self.last_try = 0
        self.succeeded = True  # the last one that the child took
        self.seconds = -1  # that it took
        self.copied = 0  # bytes, because of it
        self.saves = 0
        self.scheduled = False
        self.dirty_before = 0
        self.child_file = ""
        self.last_load = rdb_load.Loaded(0)
        for name in ("save", "stop-writes-on-bgsave-error"):
            engine.config.on_change(name, self._settings_changed)
        engine.at_tick.append(self.tick)
        engine.shutdown.add_step(shutdown.STOP_SNAPSHOT, self._stop)
        engine.shutdown.add_step(shutdown.SAVE, self._save_at_end)
        self._provide_fields()

    @property
    def in_progress(self) -> bool:
        """Whether the child takes one, for us or for replicas."""
        return self.child.purpose in (PURPOSE, FOR_REPLICAS)

    @property
    def path(self) -> str:
        """The file. A store that is part of a program has a directory that is not the working directory."""
        config = self.engine.config
        return os.path.join(str(config["dir"]), str(config["dbfilename"]))

    def _history(self) -> list[tuple[bytes, bytes]]:
        """The fields of the file's header that say at what place of which replication history the data is."""
        replication = self.engine.ports.get("replication")
        return replication.snapshot_fields() if replication is not None else []

    def _provide_fields(self) -> None:
        for name, value in (
            ("rdb_bgsave_in_progress", lambda: int(self.in_progress)),
            ("rdb_last_save_time", lambda: self.last_save),
            ("rdb_last_bgsave_status", lambda: "ok" if self.succeeded else "err"),
            ("rdb_last_bgsave_time_sec", lambda: self.seconds),
            ("rdb_current_bgsave_time_sec", self._current_seconds),
            ("rdb_saves", lambda: self.saves),
            ("rdb_last_cow_size", lambda: self.copied),
            ("rdb_last_load_keys_expired", lambda: self.last_load.expired),
            ("rdb_last_load_keys_loaded", lambda: self.last_load.keys),
        ):
            self.engine.info.provide(name, value)

    def _current_seconds(self) -> int:
        return int(time.time() - self.child.started) if self.in_progress else -1

    # --- taking one

    def save(self) -> bool:
        """Takes one now, while nobody is served; False if it failed, and the log says why."""
        self.saves += 1
        path = self.path
        try:
            with _exit_at_interrupt(self.engine, rdb_save.temporary_path(path, os.getpid())):
                rdb_save.write_file(
                    path, rdb_save.snapshot(self.engine, self._history()), rdb_save.form(self.engine)
                )
        except (OSError, rdb_save.SaveError) as problem:
            log.warning(save_problem(path, problem))
            return False
        log.notice("DB saved on disk")
        self.engine.effects.dirty = 0
        self._note(True)
        self.last_save = int(time.time())
        return True

    def save_in_background(self) -> bool:
        """Has the child take one; False if it could not be started. There must be no child."""
        engine, path = self.engine, self.path
        self.saves += 1
        self.last_try = int(time.time())
        content, how = rdb_save.snapshot(engine), rdb_save.form(engine)

        def work(progress: Progress) -> None:
            try:
                rdb_save.write_file(path, content, how, progress)
            except (OSError, rdb_save.SaveError) as problem:
                raise rdb_save.SaveError(save_problem(path, problem)) from None
            log.notice("DB saved on disk")

        try:
            pid = self.child.start(
                PURPOSE, "RDB", work, self._ended, processors=engine.config["bgsave-cpulist"]
            )
        except ChildError as problem:
            log.warning(f"Can't save in background: {problem}")
            self._note(False)
            return False
        log.notice(f"Background saving started by pid {pid}")
        self.dirty_before = engine.effects.dirty
        self.child_file = rdb_save.temporary_path(path, pid)
        self.scheduled = False
        return True

    def _ended(self, outcome: Outcome) -> None:
        """The child has ended."""
        self.seconds, self.copied = outcome.seconds, outcome.copied
        if outcome.succeeded:
            log.notice("Background saving terminated with success")
            self.engine.effects.dirty -= self.dirty_before
            self.last_save = int(time.time())
            self._note(True)
            return
        if outcome.signal:
            log.warning(f"Background saving terminated by signal {outcome.signal}")
            begun = monotonic_nanoseconds()
            with suppress(OSError):
                os.unlink(self.child_file)
            self.engine.latency.consider_since("rdb-unlink-temp-file", begun, int(time.time()))
        else:
            log.warning("Background saving error")
        if not outcome.unwanted:
            self._note(False)

    def _note(self, succeeded: bool) -> None:
        """The last snapshot succeeded, or not."""
        self.succeeded = succeeded
        self._settings_changed(None)

    def _settings_changed(self, _value: object) -> None:
        config = self.engine.config
        refused = not self.succeeded and config["save"] and config["stop-writes-on-bgsave-error"]
        self.engine.disk_errors.report(SNAPSHOT, errors.SNAPSHOT_FAILED if refused else None)

    # --- when

    def schedule(self) -> None:
        """One is to be taken by the child as soon as there is none."""
        self.scheduled = True

    def tick(self) -> None:
        """Takes one that is scheduled, or that a save point asks for."""
        if self.child.active or self.engine.loading.active:
            return
        now = int(time.time())
        if not self.succeeded and now - self.last_try <= RETRY_DELAY:
            return
        changes = self.engine.effects.dirty
        for seconds, least in self.engine.config["save"]:
            if changes >= least and now - self.last_save > seconds:
                log.notice(f"{least} changes in {seconds} seconds. Saving...")
                self.save_in_background()
                return
        if self.scheduled:
            self.save_in_background()

    def emptied(self) -> None:
        """All databases were emptied by a command: the file is to tell that at once."""
        if self.in_progress:
            self.child.kill()
        if self.engine.config["save"]:
            self.save()

    # --- at the end

    def _stop(self, request: shutdown.Request) -> None:
        """A child must not replace the file that is written at the end."""
        if self.in_progress:
            log.warning("There is a child saving an .rdb. Killing it!")
            self.child.kill()

    def _save_at_end(self, request: shutdown.Request) -> None:
        if request.save is None and not self.engine.config["save"]:
            return
        if request.save is False:
            return
        log.notice("Saving the final RDB snapshot before exiting.")
        if self.save():
            return
        if not request.force:
            log.warning("Error trying to save the DB, can't exit.")
            raise shutdown.ShutdownRefused
        log.warning("Error trying to save the DB. Exit anyway.")

    # --- loading

    def load(self) -> Generator[int, None, None]:
        """Loads the file, if there is one; gives control back after each slice. Raises LoadError."""
        path = self.path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning(f"Fatal error: can't open the RDB file {path} for reading: {error.strerror}")
            raise LoadError from None
        loading = self.engine.loading
        loading.begin(os.fstat(descriptor).st_size)
        try:
            replica = self.engine.is_replica
            target = rdb_load.target_of(self.engine, keep_expired=replica, note_expired=not replica)
            self.last_load = yield from rdb_load.load_in_view(self.engine, descriptor, target)
            log.notice(f"DB loaded from disk: {loading.seconds:.3f} seconds")
        except (rdb_load.RdbError, OSError) as problem:
            log.warning(f"Can't load the RDB file {path}: {problem}")
            log.warning(f"A look through the file: {rdb_scan.damage(path, self.engine.config.values)}")
            log.warning("Terminating server after rdb file reading failure.")
            raise LoadError from None
        finally:
            loading.end()
            os.close(descriptor)

    def reload(self, save: bool, flush: bool, merge: bool) -> bytes | None:
        """DEBUG RELOAD: saves, empties and loads, as far as is asked for; the error text, or None."""
        if save and not self.save():
            return errors.SAVE_FAILED
        changes = self.engine.effects.dirty
        if flush:
            self.engine.empty_all(False)
            self.engine.effects.dirty = changes  # what is loaded again is no change
        path = self.path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            log.warning(f"Can't open the RDB file {path} for reading: {error.strerror}")
            return errors.RELOAD_FAILED
        loading = self.engine.loading
        loading.begin(os.fstat(descriptor).st_size)
        try:
            target = rdb_load.target_of(self.engine, keep_expired=self.engine.is_replica, replace=merge)
            self.last_load = rdb_load.finish(rdb_load.load_in_view(self.engine, descriptor, target))
        except (rdb_load.RdbError, OSError) as problem:
            log.warning(f"Can't load the RDB file {path}: {problem}")
            return errors.RELOAD_FAILED
        finally:
            loading.end()
            os.close(descriptor)
        log.warning("DB reloaded by DEBUG RELOAD")
        return None


def save_problem(path: str, problem: Exception) -> str:
    """What went wrong, for the log."""
    if isinstance(problem, OSError):
        return f"Error saving the DB to {path} (in server root {os.getcwd()}): {problem.strerror}"
    return f"Error saving the DB to {path}: {problem}"


@contextmanager
def _exit_at_interrupt(engine: Engine, temporary: str) -> Iterator[None]:
    """While nobody is served, a SIGINT ends the process at once, if a shutdown is what it is busy with.

    The event loop would tell of it only afterwards.
    """
    if not engine.shutdown.finishing or threading.current_thread() is not threading.main_thread():
        yield
        return

    def insist(number: int, frame: object) -> None:
        log.warning("You insist... exiting now.")
        with suppress(OSError):
            os.unlink(temporary)
        process.remove_pid_file(engine.config)
        os._exit(1)

    before = signal.signal(signal.SIGINT, insist)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
