"""`redracer backup` and `redracer restore`: RDB files as backups, for people and for cron.

    redracer backup --from HOST:PORT | --dir DIR --to PATH [--keep N]
    redracer restore FILE --dir DIR

A backup is a snapshot over the wire, as a replica would get it, or a copy of the file that a server has saved. It
counts only once all of it was read back with the right checksum and is on the disk; until then it has another name.
Nothing is ever written over: a file that is in the way of a restore gets another name.

Exit codes: 0 done, 1 it failed (no connection, no room, no right), 2 wrong usage, 3 the data is damaged.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from redracer.cli.client.protocol import ProtocolError, Reader, encoded
from redracer.cli.client.snapshot import SnapshotRefused, announced
from redracer.cli.tls_options import add_tls_options, tls_context
from redracer.engine.config import Config
from redracer.parts import load_commands
from redracer.persistence.rdb_save import sync_directory
from redracer.persistence.rdb_scan import CorruptRdb, Record, Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAILED, DAMAGED = 1, 3
PREFIX, SUFFIX = "backup-", ".rdb"
PIECE = 1 << 16  # bytes
PATIENCE = 60  # s without a byte after which a server counts as gone
PASSWORD_VARIABLE = "REDISCLI_AUTH"


class BackupError(Exception):
    """It cannot be done; the text says why."""


def backup(arguments: Sequence[str]) -> int:
    """`redracer backup`; the exit code."""
    parser = argparse.ArgumentParser(
        prog="redracer backup",
        description="Take a backup, check it, and keep the last of them.",
        epilog="Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 the data is damaged.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--from", dest="server", metavar="HOST:PORT", help="a running server")
    source.add_argument(
        "--dir", metavar="DIR", help="the directory of a server, for the file that it saved last"
    )
    parser.add_argument(
        "--file", default="dump.rdb", metavar="NAME", help="the file in DIR (default: dump.rdb)"
    )
    parser.add_argument(
        "--to", required=True, metavar="PATH", help=f"a directory, or a file (with a name in *{SUFFIX})"
    )
    parser.add_argument("--keep", type=int, metavar="N", help="keep only the last N backups in the directory")
    parser.add_argument(
        "--user", metavar="NAME", help="of the server; its password is in " + PASSWORD_VARIABLE
    )
    add_tls_options(parser)
    options = parser.parse_args(list(arguments))
    target = Path(options.to)
    if options.keep is not None and (options.keep < 1 or is_file(target)):
        parser.error("--keep takes a number from 1 on, and needs a directory")
    return run(lambda: take(options, target))


def restore(arguments: Sequence[str]) -> int:
    """`redracer restore`; the exit code."""
    parser = argparse.ArgumentParser(
        prog="redracer restore",
        description="Check a backup, and put it where a server loads it when it starts.",
        epilog="Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 the data is damaged.",
    )
    parser.add_argument("backup", metavar="FILE")
    parser.add_argument(
        "--dir", required=True, metavar="DIR", help="the directory of a server, which must not run"
    )
    parser.add_argument(
        "--file", default="dump.rdb", metavar="NAME", help="the name there (default: dump.rdb)"
    )
    options = parser.parse_args(list(arguments))
    return run(lambda: put_back(Path(options.backup), Path(options.dir), options.file))


def run(work: Callable[[], str]) -> int:
    """Do it, and tell how it ended; the exit code."""
    load_commands()
    try:
        print(work())
        return 0
    except CorruptRdb as error:
        sys.stderr.write(f"redracer: the data is damaged: {error}\n")
        return DAMAGED
    except BackupError as error:
        sys.stderr.write(f"redracer: {error}\n")
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"redracer: {name}{error.strerror or error}\n")
    return FAILED


def is_file(target: Path) -> bool:
    """Whether a backup is to be that file, not one in that directory."""
    return target.suffix == SUFFIX and not target.is_dir()


# --- taking one


def take(options: argparse.Namespace, target: Path) -> str:
    """Takes a backup; returns what to say. Raises BackupError, CorruptRdb, OSError."""
    directory = target.parent if is_file(target) else target
    directory.mkdir(parents=True, exist_ok=True)
    name = target.name if is_file(target) else time.strftime(f"{PREFIX}%Y%m%dT%H%M%SZ{SUFFIX}", time.gmtime())
    temporary = directory / f"{name}.part-{os.getpid()}"
    try:
        if options.server:
            receive(options.server, options, temporary)
        else:
            shutil.copyfile(Path(options.dir) / options.file, temporary)
        keys = check(temporary)
        path = directory / name
        if path.exists() and not is_file(target):
            raise BackupError(f"{path} is there already")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(str(path))
    removed = remove_old(directory, options.keep) if options.keep else 0
    return f"{path}: {keys} keys, {path.stat().st_size} bytes, checked" + (
        f"; {removed} older ones removed" if removed else ""
    )


def check(path: Path) -> int:
    """Reads a whole file; returns how many keys it has. Raises CorruptRdb and OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return sum(isinstance(part, Record) for part in Scan(descriptor, Config().values).parts())
    finally:
        os.close(descriptor)


def remove_old(directory: Path, keep: int) -> int:
    """Removes all but the last `keep` backups; returns how many. Their names have the time, so they sort by it."""
    old = sorted(directory.glob(f"{PREFIX}*{SUFFIX}"))[:-keep]
    for path in old:
        path.unlink()
    return len(old)


def receive(place: str, options: argparse.Namespace, target: Path) -> None:
    """Gets a snapshot from a server as a replica would. Raises BackupError and OSError."""
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        raise BackupError(f"'{place}' is no HOST:PORT")
    host = host.strip("[]")
    context = tls_context(options)
    try:
        connection = socket.create_connection((host, int(port)), PATIENCE)
        if context:
            connection = context.wrap_socket(connection, server_hostname=options.sni or host)
    except OSError as error:
        raise BackupError(f"cannot connect to {place}: {error.strerror or error}") from None
    with connection, target.open("xb") as file:
        reader = Reader(lambda: received(connection))
        password = os.environ.get(PASSWORD_VARIABLE)
        if password is not None:
            words = [b"AUTH", *([options.user.encode()] if options.user else []), password.encode()]
            ask(connection, reader, words, required=True)
        # What it may send, and that no stream of changes is wanted; older servers do not know these.
        ask(connection, reader, [b"REPLCONF", b"capa", b"eof"])
        ask(connection, reader, [b"REPLCONF", b"rdb-only", b"1"])
        connection.sendall(encoded([b"SYNC"]))
        try:
            file.writelines(announced(reader).pieces())
        except SnapshotRefused as error:
            raise BackupError(f"the server refuses: {error}") from None


def received(connection: socket.socket) -> bytes:
    """Some bytes. Raises BackupError at the end."""
    data = connection.recv(PIECE)
    if not data:
        raise BackupError("the server has closed the connection")
    return data


def ask(connection: socket.socket, reader: Reader, words: list[bytes], required: bool = False) -> None:
    """Sends a command. Raises BackupError where it must succeed and does not."""
    connection.sendall(encoded(words))
    try:
        reply = reader.read()
    except ProtocolError as error:
        raise BackupError(str(error)) from None
    if required and reply.is_error:
        raise BackupError(reply.value.decode("utf-8", "replace"))


# --- putting one back


def put_back(source: Path, directory: Path, name: str) -> str:
    """Puts a backup in place; returns what to say. Raises BackupError, CorruptRdb, OSError."""
    keys = check(source)
    if not directory.is_dir():
        raise BackupError(f"{directory} is no directory")
    path = directory / name
    temporary = directory / f"{name}.part-{os.getpid()}"
    said = []
    try:
        shutil.copyfile(source, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        check(temporary)
        if path.exists():
            before = directory / f"{name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
            os.link(path, before)
            said.append(f"what was there is now {before}")
        temporary.rename(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(str(path))
    if (directory / "appendonlydir").is_dir():
        said.append("a server with `appendonly yes` loads appendonlydir, not this file")
    return "; ".join([f"{path}: {keys} keys", *said])
