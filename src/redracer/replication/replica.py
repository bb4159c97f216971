"""One replica of this server, as the server sees it: what it can do, how far it is, what it is sent next."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from redracer.engine import log

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.statistics import Statistics
    from redracer.replication.snapshots import Transfer
    from redracer.replication.stream import Reader

# states, in the order in which a replica goes through them
ASKING = 0  # it has told about itself, and asked for nothing yet
WAITING = 1  # for a snapshot to be begun
RECEIVING_PIPE = 2  # the snapshot, while it is made
WAITING_FILE = 3  # for the snapshot to be on the disk
RECEIVING_FILE = 4
UNCONFIRMED = 5  # it has been sent a snapshot, and has not said that it has loaded it
ONLINE = 6
SNAPSHOT_ONLY = 7  # it has what it wanted, and will go (redis-cli --rdb)

STATE_NAMES = {
    WAITING: "wait_bgsave",
    RECEIVING_PIPE: "wait_bgsave",
    WAITING_FILE: "wait_bgsave",
    RECEIVING_FILE: "send_bulk",
    UNCONFIRMED: "online",
    ONLINE: "online",
    SNAPSHOT_ONLY: "rdb_transmitted",
}

# From which version of the server on it reads which version of the RDB format. One that tells none is of 7.0, or older.
FORMATS = ((0, 10), (0x70200, 11), (0x70400, 12))

SHARE = 1 << 20  # bytes at most that are in the client's own buffer; the rest waits where it is
PIECE = 1 << 17  # bytes read from a snapshot's file at a time


class Replica:
    """A client that replicates from us."""

    def __init__(self, client: Client, statistics: Statistics) -> None:
        self.client = client
        self.statistics = statistics
        self.state = ASKING
        self.reader: Reader | None = None  # of the stream, from where its snapshot ends
        self.transfer: Transfer | None = None  # the snapshot that it gets
        self.acknowledged = 0  # the place that it has told
        self.acknowledged_on_disk = 0
        self.heard = 0  # Unix time in ms of its last word
        self.address = ""  # that it has announced
        self.port = 0
        self.takes_marked_end = False  # capa eof: a snapshot whose length is not known
        self.takes_new_names = False  # capa psync2: +CONTINUE with an id
        self.by_psync = True
        self.version = 0  # that it has told, such as 0x80200
        self.snapshot_only = False  # rdb-only
        self.without_data = False  # rdb-filter-only functions
        self.without_functions = False  # rdb-filter-only without functions in it
        self.pending = 0  # bytes that it had not taken at the last look
        self.file = -1
        self.file_size = self.file_at = 0

    @property
    def needs(self) -> tuple[int, bool, bool]:
        """What its snapshot must be like: the newest version, and what it leaves out. Those that agree share one."""
        return self.newest_format, self.without_data, self.without_functions

    @property
    def newest_format(self) -> int:
        """The newest version of the RDB format that it reads."""
        if self.snapshot_only:  # it only keeps the file
            return FORMATS[-1][1]
        return max(format for version, format in FORMATS if version <= self.version)

    @property
    def is_to_answer(self) -> bool:
        """Whether its silence means that it is gone. While a file is on its way to it, it keeps nobody else waiting."""
        return self.state == RECEIVING_PIPE or (self.by_psync and self.state in (ONLINE, UNCONFIRMED))

    def note_progress(self, now: int) -> None:
        """Looks whether it has taken some of its snapshot since the last look, which counts as a word of it."""
        pending = len(self.client.out)
        if not pending or pending != self.pending:
            self.heard = now
        self.pending = pending

    @property
    def host(self) -> str:
        """Its address, as others reach it."""
        return self.address or self.client.address.rpartition(":")[0].strip("[]")

    def describe(self) -> str:
        """For the log: where it listens."""
        return f"{self.host}:{self.port}" if self.port else self.client.address

    def send_file(self, file: int, size: int) -> None:
        """Sends the snapshot in this file, then the stream. The descriptor is the replica's own from now on."""
        self.file, self.file_size, self.file_at = file, size, 0
        self.state = RECEIVING_FILE
        self.client.out.write_encoded(b"$%d\r\n" % size)
        self.wake()

    def go_on(self) -> None:
        """It has all of its snapshot: from now on it is sent the stream, or nothing more."""
        self.state = SNAPSHOT_ONLY if self.snapshot_only else ONLINE
        if self.snapshot_only and self.reader is not None:
            self.reader.close()
            self.reader = None
        self.pump()
        self.wake()

    def pump(self) -> bool:
        """Moves what comes next to the client's buffer, as far as its share goes; whether that was anything."""
        if self.state == ONLINE and self.reader is not None:
            out = self.client.out
            moved = self.reader.move(out, SHARE - len(out))
            self.statistics.replication_sent += moved
            return moved > 0
        if self.state == RECEIVING_FILE:
            return self._pump_file()
        if self.state == RECEIVING_PIPE and self.transfer is not None:
            self.transfer.resume()
        return False

    def _pump_file(self) -> bool:
        try:
            data = os.pread(self.file, PIECE, self.file_at)
        except OSError as error:
            data = b""
            log.warning(f"Read error sending DB to replica: {error.strerror}")
        if not data:
            log.warning("The snapshot for a replica ended before its end; closing it.")
            self.client.close_after_reply()
            return False
        self._put(data)
        self.file_at += len(data)
        if self.file_at == self.file_size:
            self.close_file()
            log.notice(f"Synchronization with replica {self.describe()} succeeded")
            self.go_on()
        return True

    def give(self, data: bytes) -> None:
        """Sends a piece of its snapshot."""
        self._put(data)
        self.wake()

    def _put(self, data: bytes) -> None:
        self.client.out.write_encoded(data)
        self.statistics.replication_sent += len(data)

    def wake(self) -> None:
        """Has what is pending sent."""
        if self.client.transport is not None:
            self.client.transport.wake()

    def close_file(self) -> None:
        """Its snapshot is sent, or not wanted."""
        if self.file >= 0:
            with suppress(OSError):
                os.close(self.file)
            self.file = -1

    def forget(self) -> None:
        """The client is gone."""
        self.close_file()
        self.transfer = None
        if self.reader is not None:
            self.reader.close()
            self.reader = None
