"""`redracer migrate`: move a running server's data to another server, or into a directory.

    redracer migrate --from redis://OLD:6379 --to redis://NEW:6379 [--verify]
    redracer migrate --from redis://OLD:6379 --dir /var/lib/redracer [--verify]

Exit codes: 0 done, 1 it failed and the source goes on, 2 wrong usage, 3 the target is not the same.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from redracer.cli.migration.moving import Migration, MigrationError, Report
from redracer.cli.tls_options import add_tls_options, make_context
from redracer.verify.connection import Connection, ServerError, Target, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FAILED, DIFFERENT = 1, 3
DEFAULT_PORT = 6379
TIMEOUT = 60.0  # s for one reply
EPILOG = """\
The target follows the source as its replica, so it must reach it, and read its version of the RDB format. Writes to
the source are held (CLIENT PAUSE WRITE) from the moment in which the target has caught up, for --hold seconds at most:
point the clients to the target meanwhile. With --verify every key is compared before the target takes over.

Over TLS (rediss://, or --tls for both) the target needs tls-cert-file, tls-key-file and tls-ca-cert-file of its own;
with --dir they are what --cert, --key and --cacert name.

A password may be in the URI (redis://USER:PASSWORD@HOST:PORT), or for the source in REDISCLI_AUTH.

Exit codes: 0 done; 1 it failed, and the source goes on as before; 2 wrong usage; 3 the target is not the same, and has
not taken over.
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    parser = parser_of_options()
    options = parser.parse_args(list(arguments))
    try:
        source = target_of(options.source, options)
        if options.target:
            report = move(source, target_of(options.target, options), options)
        else:
            report = move_into(source, Path(options.dir), options)
    except ValueError as problem:
        parser.error(str(problem))
    except (MigrationError, ServerError, Unreachable, OSError) as problem:
        sys.stderr.write(f"\nredracer migrate: {problem}\n")
        return FAILED
    print_report(report, options)
    return DIFFERENT if report.differences else 0


def parser_of_options() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="redracer migrate",
        description="Move a running server's data to another server, or into a directory, holding writes briefly.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--from", dest="source", required=True, metavar="URI", help="redis://HOST:PORT of the source"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", dest="target", metavar="URI", help="of the server that is to take over")
    where.add_argument(
        "--dir", metavar="DIR", help="a directory for a redracer-server that will be started there"
    )
    parser.add_argument(
        "--verify", action="store_true", help="compare every key before the target takes over"
    )
    parser.add_argument("--replace", action="store_true", help="although the target has data, which is lost")
    parser.add_argument(
        "--hold",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for which writes are held (default: %(default)g)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT,
        metavar="SECONDS",
        help="without progress after which it is given up (default: %(default)g)",
    )
    add_tls_options(parser)
    return parser


def target_of(uri: str, options: argparse.Namespace) -> Target:
    """Where a URI, or HOST:PORT, leads. Raises ValueError, OSError."""
    parts = urlsplit(uri if "://" in uri else f"redis://{uri}")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError(f"{uri!r} is no redis://[USER:PASSWORD@]HOST[:PORT]")
    password = unquote(parts.password) if parts.password is not None else None
    user = unquote(parts.username or "")
    if password is None and user:  # redis://PASSWORD@HOST, as redis-cli has it
        user, password = "", user
    if password is None and uri == options.source:
        password = os.environ.get("REDISCLI_AUTH")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    context = make_context(options) if options.tls or parts.scheme == "rediss" else None
    return Target(
        f"{host}:{parts.port or DEFAULT_PORT}", user, password, context, options.sni, options.timeout
    )


def move(source: Target, target: Target, options: argparse.Namespace) -> Report:
    """To a running server."""
    migration = Migration(source, target, say, options.timeout)
    migration.check(options.replace)
    return migration.run(options.verify, options.hold)


def move_into(source: Target, directory: Path, options: argparse.Namespace) -> Report:
    """Into a directory: by a server that runs there meanwhile."""
    encryption: list[str] = []
    if source.tls is not None:
        if not (options.cert and options.key and options.cacert):
            raise ValueError("over TLS the server in the directory needs --cert, --key and --cacert")
        encryption += ["--tls-cert-file", options.cert, "--tls-key-file", options.key]
        encryption += ["--tls-ca-cert-file", options.cacert]
    if (directory / "dump.rdb").exists() and not options.replace:
        raise MigrationError(f"{directory / 'dump.rdb'} is there, which --replace would have replaced")
    directory.mkdir(parents=True, exist_ok=True)
    with server_in(directory, encryption, options.timeout) as target:
        report = move(source, target, options)
        if not report.differences:
            with Connection(target) as connection:
                connection.ask("SAVE")
    return report


@contextmanager
def server_in(directory: Path, encryption: list[str], patience: float) -> Iterator[Target]:
    """A server of ours on a free port, which nobody else reaches, with this directory. Raises MigrationError."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "redracer", "serve", "--port", str(port), "--bind", "127.0.0.1"]
    command += [
        "--dir",
        str(directory),
        "--save",
        "",
        "--logfile",
        str(directory / "migrate.log"),
        *encryption,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    target = Target(f"127.0.0.1:{port}", timeout=patience)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                Connection(target).close()
                break
            except Unreachable:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise MigrationError(
                        f"no server can be started in {directory}: see {directory / 'migrate.log'}"
                    ) from None
                time.sleep(0.05)
        yield target
    finally:
        process.terminate()
        process.wait()


def say(text: str, transient: bool) -> None:
    """On the standard error; what is transient only for somebody who watches."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}" + ("" if transient else "\n"))
        sys.stderr.flush()
    elif not transient:
        sys.stderr.write(text + "\n")


def print_report(report: Report, options: argparse.Namespace) -> None:
    """What was done, on the standard output."""
    say("", True)
    for one in report.differences:
        print(f"db{one.database} {one.key.decode('utf-8', 'backslashreplace')}: {one.what}")
    keys = sum(report.databases.values())
    print(f"keys: {keys} in {len(report.databases)} databases")
    print(f"seconds: {report.copying:.1f} to copy, {report.held:.1f} with writes held")
    if options.verify:
        print(f"compared: {report.compared} keys, {len(report.differences)} differ")
    if report.differences:
        print("the target has not taken over; the source goes on")
    elif options.target:
        print("the target has taken over: point the clients to it, writes to the source are held still")
    else:
        print(f"the data is in {options.dir}; writes to the source are held still")
