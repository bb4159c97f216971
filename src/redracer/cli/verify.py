"""`redracer verify`: is the server there, guarded, complete, and does it keep what it is told?

The password comes from a file or the environment: what is on a command line, anybody on the machine can read.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from redracer.cli.tls_options import add_tls_options, tls_context
from redracer.verify import Phase, Target, verify
from redracer.verify.run import PATIENCE, PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSWORD_VARIABLE = "REDISCLI_AUTH"
EPILOG = f"""\
The password is read from --password-file, or else from the variable {PASSWORD_VARIABLE}.

Exit codes: 0 all is well; 1 a command or a data type fails; 2 wrong usage; 3 no connection; 4 the password is not
accepted, or a wrong or missing one is; 5 what was written is not saved, or not there after the restart; 6 keys are
left behind. Where several apply, the first of 3, 4, 5, 1, 6.

With --restart, or with --phase before, a restart of the server by somebody else, and --phase after, the same set of
keys must be there afterwards. Without, the server saves once and the set is compared with what was written.
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    parser = parser_of_options()
    options = parser.parse_args(list(arguments))
    if options.phase and options.restart:
        parser.error("--restart and --phase exclude one another")
    try:
        target = target_of(options)
        report = verify(
            target,
            prefix=options.prefix,
            phase=options.phase and Phase(options.phase),
            restart=options.restart,
            patience=options.wait,
        )
        text = {"text": report.as_text, "json": report.as_json, "junit": report.as_junit}[options.format]()
        if options.output:
            Path(options.output).write_text(text)
        else:
            sys.stdout.write(text)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:  # also ssl.SSLError, of a certificate that is none
        parser.error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return report.exit_code


def parser_of_options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redracer verify",
        description="Verify a running server, of redracer or another that speaks its protocol.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option(
        "--server",
        default="127.0.0.1:6379",
        metavar="HOST:PORT|PATH",
        help="where it is (default: %(default)s)",
    )
    option("--user", default="", metavar="NAME", help="whose password it is (default: the default user)")
    option("--password-file", metavar="FILE", help="its first line is the password")
    option("--prefix", default=PREFIX, help="of all keys and channels that are used (default: %(default)s)")
    when = parser.add_argument_group("persistence")
    when.add_argument("--restart", metavar="CMD", help="a shell command that restarts the server")
    when.add_argument("--phase", choices=list(Phase), help="the half before, or after, a restart")
    when.add_argument(
        "--wait",
        type=seconds,
        default=PATIENCE,
        metavar="S",
        help="seconds for a save or a restart (%(default)g)",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--format", choices=["text", "json", "junit"], default="text")
    output.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
    add_tls_options(parser)
    option("--timeout", type=seconds, default=10.0, metavar="S", help="seconds for each reply (%(default)g)")
    return parser


def seconds(text: str) -> float:
    """A positive number of seconds. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def target_of(options: argparse.Namespace) -> Target:
    """Raises ValueError, OSError."""
    return Target(
        options.server,
        user=options.user,
        password=password_of(options.password_file),
        tls=tls_context(options),
        server_name=options.sni,
        timeout=options.timeout,
    )


def password_of(file: str | None) -> str | None:
    """The password of the file, or of the environment. Raises ValueError if the file has none, OSError."""
    if file is None:
        return os.environ.get(PASSWORD_VARIABLE)
    password = Path(file).read_text(errors="surrogateescape").split("\n", 1)[0].rstrip("\r")
    if not password:
        raise ValueError(f"{file}: its first line, the password, is empty")
    return password
