# cython: annotation_typing=False
"""Writes the append-only file, and decides when it is brought to the disk (`appendfsync`).

    always      before the replies of a round leave, what it changed is written and synced: one sync for all of them
    everysec    written before the replies leave, synced by a thread once a second. While that takes longer, a write
                would have to wait for the disk: it is put off for up to two seconds, then made all the same
    no          written; the kernel decides

A write that fails is tried again, and until it succeeds nothing that would change the data is served; with `always` the
server ends, since it cannot keep what it has promised. What a short write has left in the file is cut off.

`before_replies` runs once per round of the network, so this module is compiled.
"""

from __future__ import annotations

import errno as errors
import os
import sys
import time
from typing import TYPE_CHECKING

from redracer.engine import log
from redracer.engine.timing import monotonic_nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.persistence.append_buffer import AppendBuffer
    from redracer.persistence.background_sync import BackgroundSync
    from redracer.persistence.child import Child

NO, ALWAYS, EVERY_SECOND = range(3)
POLICIES = {"no": NO, "always": ALWAYS, "everysec": EVERY_SECOND}
SECOND = 1_000_000_000  # ns
LONGEST_WAIT = 2 * SECOND  # that a write is put off
COMPLAINT_EVERY = 30 * SECOND
MILLISECOND = 1_000_000  # ns
EXIT_CODE = 1


class AofWriter:
    """The open file and what is to be written to it.

    `end`: bytes of the file. `position`: bytes of the buffer's stream (`AppendBuffer.fed`) that are in files; of those,
    `requested` and `synced`: for which a sync was begun, and is known to be done. `current_size`: bytes of all files
    that a start would load. `write_error`: the errno of the last write, 0 if it went well; `on_status` is called when
    it changes. `spare_disk_in_rewrite`: no sync while there is a child. `postponed`: a write was put off. `delay`: s of
    sleep before each write, for tests.
    """

    if not getattr(sys.modules.get("cython"), "compiled", False):  # the fields are in the .pxd
        buffer: AppendBuffer
        syncer: BackgroundSync
        child: Child
        on_status: Callable[[], None]
        descriptor: int
        end: int
        position: int
        requested: int
        synced: int
        current_size: int
        policy: int
        spare_disk_in_rewrite: bool
        delayed_syncs: int
        write_error: int
        postponed: bool
        delay: float
        postponed_since: int
        last_sync: int
        next_complaint: int

    def __init__(
        self,
        buffer: AppendBuffer,
        syncer: BackgroundSync,
        child: Child,
        on_status: Callable[[], None],
        on_slow: Callable[[str, int], None],
    ) -> None:
        self.buffer = buffer
        self.syncer = syncer
        self.child = child
        self.on_status = on_status
        self.on_slow = on_slow  # called with what took a millisecond or more, and how many
        self.descriptor = -1
        self.end = self.position = self.requested = self.synced = self.current_size = 0
        self.policy = EVERY_SECOND
        self.spare_disk_in_rewrite = False
        self.delayed_syncs = 0
        self.write_error = 0
        self.postponed = False
        self.delay = 0.0
        self.postponed_since = self.last_sync = self.next_complaint = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a file to write to."""
        return self.descriptor >= 0

    def open(self, descriptor: int, end: int) -> None:
        """From now on writes to this file, which has `end` bytes."""
        self.descriptor = descriptor
        self.end = end
        self.position = self.requested = self.buffer.fed - len(self.buffer)

    def take_over(self, descriptor: int) -> None:
        """Goes on with a new, empty file; the one before is synced and closed. Call it when nothing is buffered."""
        old = self.descriptor
        if old >= 0:
            if self.policy == ALWAYS:
                self._sync_now()
                os.close(old)
            else:
                self.syncer.sync(old, self.position, close=True)
                self.last_sync = monotonic_nanoseconds()
        self.open(descriptor, 0)

    def close(self) -> None:
        """Writes and syncs what there is, and closes the file."""
        self.flush(True)
        self.syncer.drain()
        try:
            os.fdatasync(self.descriptor)
            self.synced = self.position
        except OSError as error:
            log.warning(f"Fail to fsync the AOF file: {error.strerror}")
        os.close(self.descriptor)
        self.descriptor = -1
        self.end = 0
        self.postponed = False
        if self.write_error:
            self.write_error = 0
            self.on_status()

    def before_replies(self) -> None:
        """The step before the replies of a round leave."""
        if self.descriptor >= 0:
            self.flush()

    def flush(self, force: bool = False) -> None:
        """Writes what is in the buffer, and syncs as the policy says. `force`: even if that may have to wait."""
        if not len(self.buffer):
            if self.requested == self.position or self.policy == NO:
                return
        else:
            busy = self.policy == EVERY_SECOND and not force and self.syncer.pending
            if (busy and self._waits_for_sync()) or not self._write():
                return
        self._sync()

    def _waits_for_sync(self) -> bool:
        """Whether a write is put off because a sync is going on."""
        now = monotonic_nanoseconds()
        if not self.postponed:
            self.postponed = True
            self.postponed_since = now
            return True
        if now - self.postponed_since < LONGEST_WAIT:
            return True
        self.delayed_syncs += 1
        log.notice(
            "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for "
            "fsync to complete, this may slow down Redis."
        )
        return False

    def _write(self) -> bool:
        """Writes the whole buffer; False if that failed."""
        self.postponed = False
        length = len(self.buffer)
        began = monotonic_nanoseconds()
        if self.delay:
            time.sleep(self.delay)
        try:
            written = self.buffer.write(self.descriptor)
        except OSError as error:
            self._write_failed(error.errno or errors.EIO, 0)
            return False
        if written != length:
            self._write_failed(errors.ENOSPC, written)
            return False
        elapsed = monotonic_nanoseconds() - began
        if elapsed >= MILLISECOND:
            self._slow_write(elapsed // MILLISECOND)
        self.buffer.drop(length)
        self._advance(length)
        if self.write_error:
            log.notice("AOF write error looks solved. The server can write again.")
            self.write_error = 0
            self.on_status()
        return True

    def _slow_write(self, milliseconds: int) -> None:
        if self.syncer.pending:
            self.on_slow("aof-write-pending-fsync", milliseconds)
        elif self.child.active:
            self.on_slow("aof-write-active-child", milliseconds)
        else:
            self.on_slow("aof-write-alone", milliseconds)
        self.on_slow("aof-write", milliseconds)

    def _advance(self, count: int) -> None:
        self.end += count
        self.position += count
        self.current_size += count

    def _write_failed(self, error: int, written: int) -> None:
        """Nothing, or a part, of the buffer was written."""
        now = monotonic_nanoseconds()
        complain = now >= self.next_complaint
        if complain:
            self.next_complaint = now + COMPLAINT_EVERY
        if written:
            if complain:
                log.warning(
                    f"Short write while writing to the AOF file: (nwritten={written}, expected={len(self.buffer)})"
                )
            written = self._cut(written, complain)
        elif complain:
            log.warning(f"Error writing to the AOF file: {os.strerror(error)}")
        if self.policy == ALWAYS:
            log.warning(
                "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..."
            )
            os._exit(EXIT_CODE)
        if written:  # it stays in the file, so the rest goes behind it
            self.buffer.drop(written)
            self._advance(written)
        if self.write_error != error:
            self.write_error = error
            self.on_status()

    def _cut(self, written: int, complain: bool) -> int:
        """Takes the part that was written out of the file again; returns the bytes that could not be taken out."""
        try:
            os.ftruncate(self.descriptor, self.end)
        except OSError as error:
            if complain:
                log.warning(
                    "Could not remove short write from the append-only file.  Redis may refuse to load the AOF the "
                    f"next time it starts.  ftruncate: {error.strerror}"
                )
            return written
        return 0

    def _sync(self) -> None:
        if self.policy == NO or (self.spare_disk_in_rewrite and self.child.active):
            return
        if self.requested == self.position:
            return
        if self.policy == ALWAYS:
            self._sync_now()
            return
        now = monotonic_nanoseconds()
        if now - self.last_sync >= SECOND and not self.syncer.pending:
            self.syncer.sync(self.descriptor, self.position)
            self.requested = self.position
            self.last_sync = now

    def _sync_now(self) -> None:
        began = monotonic_nanoseconds()
        try:
            os.fdatasync(self.descriptor)
        except OSError as error:
            log.warning(
                "Can't persist AOF for fsync error when the AOF fsync policy is 'always': "
                f"{error.strerror}. Exiting..."
            )
            os._exit(EXIT_CODE)
        self.requested = self.synced = self.position
        self.last_sync = monotonic_nanoseconds()
        if self.last_sync - began >= MILLISECOND:
            self.on_slow("aof-fsync-always", (self.last_sync - began) // MILLISECOND)
