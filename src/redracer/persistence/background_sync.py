"""Brings files to the disk in a thread of its own, so that no command waits for the disk.

Jobs are done in their order. The thread holds Python's lock for no longer than it takes to note a result: the system
calls release it. Nothing here touches the engine; who asks looks at `pending`, `error` and `synced`.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from redracer.engine import log

if TYPE_CHECKING:
    from collections.abc import Callable


class Job(NamedTuple):
    """A file to sync, after which the log is on the disk up to `position`; or to be deleted."""

    descriptor: int
    position: int
    close: bool
    path: str = ""


class BackgroundSync:
    """The thread, started by the first job.

    `pending`: jobs that sync and are not done. `error`: the errno of the last sync, 0 if it went well. `synced`: the
    highest position that is on the disk. `on_synced` is called in the thread after each sync, if it is set.
    """

    def __init__(self) -> None:
        self.pending = 0
        self.error = 0
        self.synced = 0
        self.on_synced: Callable[[], object] | None = None
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)

    def sync(self, descriptor: int, position: int, close: bool = False) -> None:
        """Has a file synced, and closed then if `close`."""
        with self._lock:
            self.pending += 1
        self._put(Job(descriptor, position, close))

    def delete(self, path: str) -> None:
        """Has a file deleted: the kernel may take long to give back the blocks of a large one.

        It is opened and its name removed at once; what takes time, closing it, is the thread's.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            descriptor = -1
        with suppress(OSError):
            os.unlink(path)
        if descriptor >= 0:
            self._put(Job(descriptor, 0, True, path))

    def drain(self) -> None:
        """Waits until nothing is to be synced."""
        with self._idle:
            while self.pending:
                self._idle.wait()

    def stop(self) -> None:
        """Waits until all is done, and ends the thread."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _put(self, job: Job) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="aof-sync", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not job.path:
                self._sync(job)
            if job.close:
                os.close(job.descriptor)

    def _sync(self, job: Job) -> None:
        error = 0
        try:
            os.fdatasync(job.descriptor)
        except OSError as problem:
            error = problem.errno or -1
            if not self.error:
                log.warning(f"Fail to fsync the AOF file: {problem.strerror}")
        with self._idle:
            self.error = error
            if not error:
                self.synced = max(self.synced, job.position)
            self.pending -= 1
            self._idle.notify_all()
        if self.on_synced is not None:
            self.on_synced()
