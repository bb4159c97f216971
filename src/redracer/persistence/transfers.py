"""Snapshots that travel: what replication asks of the RDB format.

A primary's forked child writes one to a descriptor; a replica loads one in place of all that it has, from
a file or while it comes in (incoming.py).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from redracer.engine import log
from redracer.persistence import rdb_load, rdb_save
from redracer.persistence.child import Child, Outcome, Progress
from redracer.persistence.incoming import Incoming
from redracer.persistence.snapshots import FOR_REPLICAS, PURPOSE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from redracer.engine.engine import Engine


class Transfers:
    """The port `transfers`."""

    def __init__(self, engine: Engine, child: Child) -> None:
        self.engine = engine
        self.child = child
        self.loaded = rdb_load.Loaded(0)  # what the last snapshot that was loaded turned out to hold

    @property
    def busy(self) -> bool:
        """Whether there is a child already."""
        return self.child.active

    def start(
        self,
        descriptor: int,
        done: Callable[[bool], None],
        version: int,
        without_data: bool,
        without_functions: bool,
    ) -> None:
        """Has a child write a snapshot of now to `descriptor`, in a version of the format that is not newer than
        `version`; then calls `done(whether it succeeded)`. Raises ChildError."""
        replication: Any = self.engine.ports["replication"]
        content = rdb_save.snapshot(self.engine, replication.snapshot_fields())
        if without_data:
            content = content._replace(databases=())
        if without_functions:
            content = content._replace(functions=())
        how = rdb_save.form(self.engine)
        how = how._replace(version=min(how.version, version))

        def work(progress: Progress) -> None:
            os.set_blocking(descriptor, True)
            rdb_save.write(descriptor, content, how, progress)

        def ended(outcome: Outcome) -> None:
            if outcome.succeeded:
                log.notice("Background RDB transfer terminated with success")
            elif not outcome.unwanted:
                log.warning("Background transfer error")
            done(outcome.succeeded)

        pid = self.child.start(FOR_REPLICAS, "RDB", work, ended, keep=(descriptor,))
        log.notice(f"Background RDB transfer started by pid {pid}")

    def kill(self) -> None:
        """Nobody wants the snapshot any more."""
        if self.child.purpose == FOR_REPLICAS:
            self.child.kill()

    # --- loading one

    def stop_saving(self) -> None:
        """The file of snapshots is about to become another: a child that writes one is not to replace it later."""
        if self.child.purpose == PURPOSE:
            log.notice(
                "Replica is about to load the RDB file received from the master, but there is a pending RDB child "
                f"running. Killing process {self.child.pid} and removing its temp file to avoid any race"
            )
            self.child.kill()

    def load(self, path: str) -> Generator[int, None, None]:
        """Loads an RDB file in place of all that is there; yields now and then. Raises ValueError, OSError.

        Meanwhile, and for good if it fails, there is no data.
        """
        engine = self.engine
        self.make_room()
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        engine.loading.begin(os.fstat(descriptor).st_size)
        try:
            target = rdb_load.target_of(engine, keep_expired=True)
            self.loaded = yield from rdb_load.load_in_view(engine, descriptor, target)
        except rdb_load.RdbError as problem:
            self.empty()
            raise ValueError(str(problem)) from None
        finally:
            engine.loading.end()
            os.close(descriptor)
        engine.ports["aof"].resume()

    def receive(self, size: int, aside: bool, asynchronous: bool) -> Incoming:
        """Loads a snapshot of `size` bytes (0: not known) while it comes in; `aside`: beside the old data, which is
        there until all of it has come, and is served meanwhile if `asynchronous`."""
        return Incoming(self.engine, size, aside, asynchronous)

    def make_room(self) -> None:
        """Removes all that is there, for something else to be loaded."""
        self.engine.ports["aof"].suspend()
        self.empty()

    def empty(self) -> None:
        """Removes all data, and the functions."""
        self.engine.empty_all(self.engine.config["replica-lazy-flush"])
