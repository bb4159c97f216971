"""The append-only file: every change of the data set in a log, so that a start finds all of them.

One object per server: the port "aof". It is OFF, ON, or on its way to ON (STARTING): turned on in a running server, the
log is worth something only once a rewrite has written the data that was there before. What changes meanwhile goes to a
temporary file that is taken over with the rewrite's base.

The parts: append_buffer.pyx encodes, aof_writer.py writes and syncs, aof_files.py knows the files, aof_rewrite.py
replaces them, aof_load.py reads them at the start.
https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.engine import log, shutdown
from redracer.engine.config_types import ConfigError
from redracer.engine.disk_errors import LOG
from redracer.persistence import aof_base
from redracer.persistence.aof_files import AofFiles, FatalAofError
from redracer.persistence.aof_load import AofLoader
from redracer.persistence.aof_rewrite import Rewrites
from redracer.persistence.aof_writer import ALWAYS, POLICIES, AofWriter
from redracer.persistence.append_buffer import AppendBuffer
from redracer.persistence.background_sync import BackgroundSync
from redracer.persistence.rdb_save import SaveError

if TYPE_CHECKING:
    from collections.abc import Generator

    from redracer.engine.engine import Engine
    from redracer.persistence.child import Child

OFF, ON, STARTING = range(3)
PLACES = 1000  # of the replication stream, remembered at most
RETRY_EVERY = 1000  # ms between two attempts to write after a failed one


class AppendOnlyFile:
    """The append-only file of one engine."""

    def __init__(self, engine: Engine, child: Child) -> None:
        self.engine = engine
        self.child = child
        self.state = OFF
        self.buffer = AppendBuffer(engine.clock)
        self.syncer = BackgroundSync()
        self.writer = AofWriter(self.buffer, self.syncer, child, self.report_status, self.note_latency)
        self.files = AofFiles(engine.config, self.syncer)
        self.rewrites = Rewrites(self)
        self.loader = AofLoader(engine, self.files)
        self.fed = False  # whether the buffer is given what changes
        self.next_retry = 0  # Unix time, ms
        self.sync_error = 0
        self.was_on = False  # before it was suspended
        self.start_place = 0  # of the log, when the rewrite began that turns it on
        # Places of the replication stream with the bytes of the log that hold all up to them, not known to be synced.
        self.places: deque[tuple[int, int]] = deque()
        self.place_synced = 0
        self._follow_settings()
        engine.at_tick.append(self.tick)
        engine.shutdown.add_step(shutdown.FLUSH_LOG, self._flush_at_end)
        self._provide_fields()

    def _follow_settings(self) -> None:
        config = self.engine.config
        config.on_change("appendonly", self.switch)
        config.on_change("aof-disable-auto-gc", lambda _: self.files.delete_history())
        for name in ("appendfsync", "no-appendfsync-on-rewrite", "aof-timestamp-enabled"):
            config.on_change(name, self._settings_changed)
        self._settings_changed(None)

    def _settings_changed(self, _value: object) -> None:
        config = self.engine.config
        policy = POLICIES[config["appendfsync"]]
        if policy == ALWAYS and self.writer.policy != ALWAYS:
            self.syncer.drain()
        self.writer.policy = policy
        self.writer.spare_disk_in_rewrite = config["no-appendfsync-on-rewrite"]
        self.buffer.timestamps = config["aof-timestamp-enabled"]

    # --- start

    def load(self) -> Generator[int, None, None]:
        """Loads the data set from the log; gives control back after each slice. Raises FatalAofError.

        Afterwards the log goes on where it was. The manifest must have been read (`files.read_manifest`).
        """
        files = self.files
        yield from self.loader.load()
        self.writer.current_size = self.loader.total_size
        self.rewrites.base_size = self.loader.base_size
        try:
            self._open()
        except (OSError, SaveError) as error:
            log.warning(f"Can't open the append-only file: {error}")
            raise FatalAofError from None
        files.delete_temporary()
        files.delete_history()

    def _open(self) -> None:
        """Opens the last file of commands, or makes the first files. Raises OSError and SaveError."""
        files, manifest = self.files, self.files.manifest.copy()
        files.make_directory()
        if not manifest.loaded:
            base = manifest.new_base(files.prefix, self.engine.config["aof-use-rdb-preamble"])
            aof_base.write_in_place(files.path(base.name), self.engine)
            log.notice(f"Creating AOF base file {base.name} on server start")
            self.writer.current_size = self.rewrites.base_size = files.size(base.name)
        is_new = not manifest.increments
        last = manifest.new_increment(files.prefix) if is_new else manifest.increments[-1]
        descriptor = files.open(last.name, False)
        try:
            if is_new or files.manifest.base != manifest.base:
                files.adopt(manifest)
        except OSError:
            os.close(descriptor)
            raise
        log.notice(f"{'Creating' if is_new else 'Opening'} AOF incr file {last.name} on server start")
        self.writer.open(descriptor, os.fstat(descriptor).st_size)
        self.state = ON
        self.set_fed(True)

    @property
    def is_on(self) -> bool:
        """Whether the log holds everything."""
        return self.state == ON

    @property
    def is_off(self) -> bool:
        """Whether nothing is logged."""
        return self.state == OFF

    @property
    def is_starting(self) -> bool:
        """Whether a rewrite must come before the log is worth something."""
        return self.state == STARTING

    def set_fed(self, fed: bool) -> None:
        """From now on the buffer is given what changes, and written before replies leave; or no longer."""
        steps = self.engine.dispatcher.before_sending_steps
        if fed and not self.fed:
            self.buffer.database = -1
            self.engine.effects.add_feed(self.buffer)
            steps.append(self.writer.before_replies)
        elif self.fed and not fed:
            self.engine.effects.remove_feed(self.buffer)
            steps.remove(self.writer.before_replies)
        self.fed = fed

    def reload(self) -> None:
        """DEBUG LOADAOF: removes all data and the functions, and loads them; the server ends if it cannot."""
        if self.writer.is_open:
            self.writer.flush(True)
        was_fed = self.fed
        self.set_fed(False)
        self.engine.empty_all(False)
        try:
            self.files.read_manifest()
            for _ in self.loader.load():
                pass
        except FatalAofError:
            os._exit(1)
        self.set_fed(was_fed)
        self.engine.effects.dirty = 0
        log.notice("Append Only File loaded by DEBUG LOADAOF")

    # --- on and off

    def switch(self, on: bool) -> None:
        """CONFIG SET appendonly. Raises ConfigError."""
        if on and self.state == OFF:
            self._start()
        elif not on and self.state != OFF:
            self._stop()

    def _start(self) -> None:
        self.state = STARTING
        if self.child.active and not self.rewrites.in_progress:
            self.rewrites.scheduled = True
            log.notice(
                "AOF was enabled but there is already another background operation. An AOF background was scheduled "
                "to start when possible."
            )
        elif self.engine.effects.held:
            self.rewrites.scheduled = True
            log.notice(
                "AOF was enabled during a transaction. An AOF background was scheduled to start when possible."
            )
        else:
            if self.rewrites.in_progress:
                log.notice(
                    "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF "
                    "and starting a rewrite now."
                )
                self.child.kill()
            if not self.rewrites.start():
                self.state = OFF
                log.warning(
                    "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. Check the "
                    "above logs for more info about the error."
                )
                raise ConfigError("Unable to turn on AOF. Check server logs.")

    def _stop(self) -> None:
        self.state = OFF
        self.rewrites.scheduled = False
        if self.rewrites.in_progress:
            log.notice(f"Killing running AOF rewrite child: {self.child.pid}")
            self.child.kill()
        if self.writer.is_open:
            self.writer.close()
        self.set_fed(False)
        self.buffer.clear()
        self.places.clear()

    def started(self) -> None:
        """The rewrite that turns it on is done: all that was there when it began is on the disk with its base."""
        self.writer.synced = max(self.writer.synced, self.start_place)
        self.state = ON

    def abandon_start(self) -> None:
        """That rewrite failed: what was logged for it is of no use."""
        self.set_fed(False)
        self.buffer.clear()
        if self.writer.is_open:
            self.writer.close()
        name = self.files.temporary_increment
        if os.path.exists(self.files.path(name)):
            log.notice(f"Removing the temp incr aof file {name} in the background")
            self.files.delete(name)

    def suspend(self) -> None:
        """All data is about to be replaced (by a primary's): what is logged would be of no use."""
        if self.state != OFF:
            self.was_on = True
            self._stop()

    def resume(self) -> None:
        """The data is there: begins a log of it, if there was one before."""
        if self.was_on:
            self.was_on = False
            try:
                self._start()
            except ConfigError:
                log.warning("The AOF can't be turned on again now: a rewrite is scheduled.")
                self.state = STARTING
                self.rewrites.scheduled = True

    # --- replicas and WAITAOF

    def place_on_disk(self) -> int | None:
        """The place of the replication stream up to which everything is on the disk; None while nothing is logged."""
        if self.state == OFF:
            return None
        place = self.engine.ports["replication"].place
        if self.state == ON:
            if self.writer.policy == ALWAYS and self.writer.is_open:
                self.writer.flush()
            self.places.append((self.buffer.fed, place))
            if len(self.places) > PLACES:
                del self.places[-2]
            synced = max(self.writer.synced, self.syncer.synced)
            while self.places and self.places[0][0] <= synced:
                self.place_synced = self.places.popleft()[1]
        return self.place_synced

    @property
    def place(self) -> int:
        """The bytes of the log with all that has been executed, since the server started."""
        return self.buffer.fed

    def is_on_disk(self, place: int) -> bool:
        """Whether the log is on the disk up to a place."""
        if self.state != ON:
            return False
        if self.writer.policy == ALWAYS:
            self.writer.flush()
        return max(self.writer.synced, self.syncer.synced) >= place

    def _tell_waiting(self) -> None:
        """Those who wait for the disk may have waited long enough."""
        replication = self.engine.ports.get("replication")
        if replication is not None and replication.waits.waiting:
            replication.waits.check()

    # --- time

    def tick(self) -> None:
        """What has to be done though no round comes: writes that were put off, the sync of a second, rewrites."""
        if self.writer.is_open:
            self._flush_in_time()
        if self.syncer.error != self.sync_error:
            self.sync_error = self.syncer.error
            self.report_status()
        if not self.engine.loading.active:
            self.rewrites.tick()
        self._tell_waiting()

    def _flush_in_time(self) -> None:
        now = self.engine.clock.now
        if self.writer.write_error:
            if now < self.next_retry:
                return
            self.next_retry = now + RETRY_EVERY
        self.writer.flush()

    # --- errors

    def note_latency(self, event: str, milliseconds: int) -> None:
        """The file took long: for the latency monitor."""
        self.engine.latency.consider(event, milliseconds, self.engine.clock.now // 1000)

    def report_status(self) -> None:
        """Has writes refused while they could not be kept."""
        error = self.writer.write_error or self.syncer.error
        text = errors.append_only_file_failed(os.strerror(error).encode()) if error else None
        self.engine.disk_errors.report(LOG, text)

    # --- the end

    def _flush_at_end(self, request: shutdown.Request) -> None:
        """The log is to hold everything; it stays open, for what other clients still do in this round."""
        if self.rewrites.in_progress:
            if self.state == STARTING:
                if not request.force:
                    log.warning("Writing initial AOF, can't exit.")
                    raise shutdown.ShutdownRefused
                log.warning("Writing initial AOF. Exit anyway.")
            log.warning("There is a child rewriting the AOF. Killing it!")
            self.child.kill()
        if self.writer.is_open:
            log.notice("Calling fsync() on the AOF file.")
            self.writer.flush(True)
            try:
                os.fdatasync(self.writer.descriptor)
            except OSError as error:
                log.warning(f"Fail to fsync the AOF file: {error.strerror}.")

    def finish(self) -> None:
        """The last words: after this, nothing is executed any more."""
        if self.writer.is_open:
            self.writer.close()
        self.syncer.stop()

    # --- what INFO tells

    def _provide_fields(self) -> None:
        for name, value in (
            ("aof_enabled", lambda: int(self.state != OFF)),
            (
                "aof_last_write_status",
                lambda: "err" if self.writer.write_error or self.syncer.error else "ok",
            ),
        ):
            self.engine.info.provide(name, value)
        self.engine.memory.hold("aof.buffer", lambda: len(self.buffer), limited=False)
        self.engine.info.extend("persistence", self.fields)

    def fields(self) -> list[tuple[str, object]]:
        """What INFO persistence tells only while it is on."""
        if self.state == OFF:
            return []
        return [
            ("aof_current_size", self.writer.current_size),
            ("aof_base_size", self.rewrites.base_size),
            ("aof_pending_rewrite", 0),
            ("aof_buffer_length", len(self.buffer)),
            ("aof_pending_bio_fsync", self.syncer.pending),
            ("aof_delayed_fsync", self.writer.delayed_syncs),
        ]
