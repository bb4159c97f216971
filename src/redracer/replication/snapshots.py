"""Full synchronisation: snapshots on their way to replicas.

A forked child writes the snapshot, either to a file that has no name, from which it is then sent
(`repl-diskless-sync no`), or to a pipe, from which this process hands every piece on to all replicas that
wait for it. What changes meanwhile is in the stream, in which each replica has its place from the start.

A pipe is read only while every replica that gets it keeps up; so the slowest sets the pace, as in Redis.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from redracer.engine import log
from redracer.replication.replica import (
    RECEIVING_PIPE,
    SHARE,
    UNCONFIRMED,
    WAITING,
    WAITING_FILE,
    Replica,
)
from redracer.replication.stream import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.replication.primary import Primary

MARK = 40  # characters behind a snapshot whose length was not told
PIPE_PIECE = 1 << 18  # bytes


class Writer(Protocol):
    """What writes snapshots (the persistence layer's, set by app.py)."""

    busy: bool  # a child is at work

    def start(
        self,
        descriptor: int,
        done: Callable[[bool], None],
        version: int,
        without_data: bool,
        without_functions: bool,
    ) -> None: ...

    def kill(self) -> None: ...


class Transfer:
    """One snapshot: those who get it, and how."""

    def __init__(self, primary: Primary, replicas: list[Replica], diskless: bool) -> None:
        self.primary = primary
        self.replicas = replicas
        self.needs = replicas[0].needs
        self.place = primary.stream.end
        self.diskless = diskless
        self.mark = os.urandom(MARK // 2).hex().encode()
        self.file = self.pipe = -1
        self.succeeded: bool | None = None  # the child's end, once it has come
        self.reading = False

    @property
    def writer(self) -> Writer:
        """The port that writes snapshots."""
        port: Writer = self.primary.engine.ports["transfers"]
        return port

    def start(self) -> None:
        """Forks the child. Raises OSError, or what the port raises if there can be no child."""
        if self.diskless:
            self.pipe, target = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self.pipe, False)
        else:
            from tempfile import mkstemp  # a megabyte with what it imports; without a disk nobody needs it

            directory = str(self.primary.engine.config["dir"])
            self.file, path = mkstemp(prefix="temp-replica-", suffix=".rdb", dir=directory)
            os.unlink(path)
            target = self.file
        try:
            self.writer.start(target, self.ended, *self.needs)
        except Exception:
            self.close()
            raise
        finally:
            if self.diskless:
                os.close(target)
        for replica in self.replicas:
            self.attach(replica)
        if self.diskless:
            self.resume()

    def attach(self, replica: Replica) -> None:
        """This replica gets the snapshot, and the stream from the place where it was taken."""
        stream = self.primary.stream
        replica.reader = Reader(stream, self.place)
        replica.transfer = self
        if replica.by_psync:
            replica.client.out.write_encoded(b"+FULLRESYNC %s %d\r\n" % (stream.id, self.place))
        if self.diskless:
            replica.client.out.write_encoded(b"$EOF:%s\r\n" % self.mark)
            replica.state = RECEIVING_PIPE
            replica.heard = self.primary.engine.clock.now
        else:
            replica.state = WAITING_FILE
        if replica not in self.replicas:
            self.replicas.append(replica)
        replica.wake()

    # --- the pipe

    def resume(self) -> None:
        """Goes on reading the pipe, if everyone keeps up."""
        if not self.reading and self.pipe >= 0 and self._all_keep_up():
            self.reading = True
            self.primary.loop.add_reader(self.pipe, self.read)

    def _all_keep_up(self) -> bool:
        return all(len(replica.client.out) < SHARE for replica in self.replicas)

    def read(self) -> None:
        """Hands a piece of the pipe on."""
        try:
            data = os.read(self.pipe, PIPE_PIECE)
        except BlockingIOError:
            return
        if not data:
            log.notice(
                f"Diskless rdb transfer, done reading from pipe, {len(self.replicas)} replicas still up."
            )
            self._stop_reading()
            self.close()
            self._finish_if_done()
            return
        for replica in self.replicas:
            replica.give(data)
        if not self._all_keep_up():
            self._stop_reading()

    def _stop_reading(self) -> None:
        if self.reading:
            self.reading = False
            self.primary.loop.remove_reader(self.pipe)

    # --- the end

    def ended(self, succeeded: bool) -> None:
        """The child has ended."""
        self.succeeded = succeeded
        self._finish_if_done()

    def _finish_if_done(self) -> None:
        """Once the child has ended, and all that it wrote has been read."""
        if self.succeeded is None or (self.diskless and self.pipe >= 0) or not self.replicas:
            return
        self.primary.transfer = None
        if not self.succeeded:
            log.warning("SYNC failed. BGSAVE child returned an error")
            for replica in self.replicas:
                replica.client.close()
        elif self.diskless:
            for replica in self.replicas:
                replica.client.out.write_encoded(self.mark)
                replica.state = UNCONFIRMED
                replica.heard = self.primary.engine.clock.now
                if (
                    replica.snapshot_only
                ):  # others find the mark at the end of what they read, and then say so
                    replica.go_on()
                replica.wake()
                log.notice(f"Streamed replica with replica {replica.describe()} succeeded (socket)")
        else:
            size = os.fstat(self.file).st_size
            for replica in self.replicas:
                replica.send_file(os.dup(self.file), size)
        self.close()

    def forget(self, replica: Replica) -> None:
        """This replica is gone; without any the child has nothing to do."""
        if replica not in self.replicas:
            return
        self.replicas.remove(replica)
        if self.replicas:
            self.resume()
        elif self.succeeded is None:
            kind = "Diskless rdb transfer" if self.diskless else "Background transfer"
            log.notice(f"{kind}, last replica dropped, killing fork child.")
            self._stop_reading()
            self.close()
            self.primary.transfer = None
            self.writer.kill()

    def close(self) -> None:
        """Closes what the child writes to."""
        for descriptor in (self.file, self.pipe):
            if descriptor >= 0:
                os.close(descriptor)
        self.file = self.pipe = -1


def waiting(replicas: list[Replica]) -> list[Replica]:
    """Those who wait for a snapshot and can share one: what the first needs."""
    found = [replica for replica in replicas if replica.state == WAITING]
    return [replica for replica in found if replica.needs == found[0].needs]
