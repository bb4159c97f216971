"""What a replica gets from its primary: --rdb and --functions-rdb write the snapshot, --replica shows the commands.

The file appears under its name when it is complete: a transfer that fails leaves an older file as it was, which
redis-cli does not.
"""

from __future__ import annotations

import os
import sys

from redracer.cli.client import formats
from redracer.cli.client.connection import ConnectionLost
from redracer.cli.client.options import complain, fail
from redracer.cli.client.progress import Progress
from redracer.cli.client.protocol import ProtocolError, encoded
from redracer.cli.client.session import connected
from redracer.cli.client.snapshot import SnapshotRefused, announced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from redracer.cli.client.options import Options
    from redracer.cli.client.session import Session
    from redracer.cli.client.snapshot import Snapshot


def request_snapshot(session: Session) -> Snapshot:
    """Asks for a snapshot; ends the program if the server refuses."""
    assert session.connection is not None
    try:
        session.connection.send(b"SYNC\r\n")
    except ConnectionLost:
        raise fail("Error writing to master\n") from None
    return coming_snapshot(session)


def coming_snapshot(session: Session) -> Snapshot:
    """The snapshot that was asked for; ends the program if it does not come."""
    assert session.connection is not None
    try:
        return announced(session.connection.reader)
    except SnapshotRefused as error:
        raise fail(b"SYNC with master failed: ", error.reply, b"\n") from None
    except ConnectionLost:
        raise fail("Error reading bulk length while SYNCing\n") from None


def _configure(session: Session, name: str, value: str) -> bool:
    """Tells the primary something of this replica; servers that do not know it may refuse."""
    complain(f"sending REPLCONF {name} {value}\n")
    assert session.connection is not None
    try:
        reply = session.connection.request(b"REPLCONF", name.encode(), value.encode())
    except (ConnectionLost, ProtocolError):
        raise fail("\nI/O error\n") from None
    if reply.is_error:
        complain(f"REPLCONF {name} error: ", reply.value, b"\n")
    return not reply.is_error


def dump(options: Options) -> None:
    """--rdb, --functions-rdb: writes the snapshot to a file or to the standard output."""
    session = connected(options)
    _configure(session, "capa", "eof")
    _configure(session, "rdb-only", "1")
    if options.functions_only and not _configure(session, "rdb-filter-only", "functions"):
        raise fail("Failed requesting functions only RDB from server, aborting\n")
    snapshot = request_snapshot(session)
    where = options.file
    if snapshot.mark:
        complain(f"SYNC sent to master, writing bytes of bulk transfer until EOF marker to '{where}'\n")
    else:
        complain(f"SYNC sent to master, writing {snapshot.size} bytes to '{where}'\n")
    if where == "-":
        _copy(snapshot, sys.stdout.buffer)
    else:
        _write_file(snapshot, where)
    if snapshot.mark:
        complain(f"Transfer finished with success after {snapshot.received} bytes\n")
    else:
        complain("Transfer finished with success.\n")
    session.close()


def _write_file(snapshot: Snapshot, path: str) -> None:
    """Writes to a file beside `path` that then gets its name; what is no plain file is written to as it is."""
    special = os.path.exists(path) and not os.path.isfile(path)
    real = os.path.realpath(path)
    target = real if special else f"{real}.{os.getpid()}.part"
    try:
        file = open(target, "wb")  # noqa: SIM115 - closed below, where its errors are told apart
    except OSError as error:
        raise fail(f"Error opening '{path}': {error.strerror}\n") from None
    try:
        with file:
            _copy(snapshot, file)
            file.flush()
            if not special:
                os.fsync(file.fileno())
        if not special:
            os.replace(target, real)
    except OSError as error:
        raise fail(f"Error writing data to file: {error.strerror}\n") from None
    finally:
        if not special and os.path.exists(target):
            os.unlink(target)


def _copy(snapshot: Snapshot, file: BinaryIO) -> None:
    try:
        with Progress("bytes", snapshot.size) as progress:
            for piece in snapshot.pieces():
                file.write(piece)
                progress.update(snapshot.received)
    except ConnectionLost:
        raise fail("I/O Error reading RDB payload from socket\n") from None


def replica(options: Options) -> None:
    """--replica: shows what a primary sends to its replicas, as CSV."""
    session = connected(options)
    _configure(session, "capa", "eof")
    _configure(session, "rdb-filter-only", "")
    follow(session, request_snapshot(session))


def follow(session: Session, snapshot: Snapshot) -> None:
    """Drops the snapshot and prints the commands that follow it, until the connection ends."""
    if snapshot.mark:
        complain("SYNC with master, discarding bytes of bulk transfer until EOF marker...\n")
    else:
        complain(f"SYNC with master, discarding {snapshot.size} bytes of bulk transfer...\n")
    try:
        for _ in snapshot.pieces():
            pass
    except ConnectionLost:
        raise fail("Error reading RDB payload while SYNCing\n") from None
    if snapshot.mark:
        complain(f"SYNC done after {snapshot.received} bytes. Logging commands from master.\n")
        complain("sending REPLCONF ACK 0\n")
        assert session.connection is not None
        session.connection.send(encoded([b"REPLCONF", b"ACK", b"0"]))
    else:
        complain("SYNC done. Logging commands from master.\n")
    session.options.output = formats.CSV
    while True:
        try:
            session.read()
        except (ConnectionLost, ProtocolError) as error:
            raise fail(f"Error: {error}\n") from None
