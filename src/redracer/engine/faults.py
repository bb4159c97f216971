"""The end of a server that cannot go on, and what DEBUG does to one for the sake of tests.

A fatal signal leaves a report in the log (crash.pyx): the signal, registers, the stacks in C and in Python, the
current command, the clients and INFO. Then the process ends as it would have without.
"""

from __future__ import annotations

import faulthandler
import os
import time
from typing import TYPE_CHECKING, NoReturn

from redracer.engine import crash, log
from redracer.engine.config_text import quoted
from redracer.engine.slowlog import redacted
from redracer.engine.watchdog import Watchdog

if TYPE_CHECKING:
    from redracer.engine.engine import Engine

STANDARD_OUTPUT = 1
ARGUMENTS_TOLD = 32  # of the request in execution, and of each
BYTES_TOLD = 128


def report_fatal_signals(log_file: str) -> None:
    """From now on a fatal signal leaves the stack where the log goes: `log_file`, or standard output."""
    descriptor = _open_log(log_file)
    faulthandler.enable(descriptor)  # has its turn when the report itself fails
    crash.install(descriptor, _last_part)


def report_on(engine: Engine) -> None:
    """From now on a report tells of this engine, as long as `crash-log-enabled` allows it; so does the watchdog's."""
    descriptor = _open_log(engine.config["logfile"])

    def enable(enabled: bool) -> None:
        if enabled:
            crash.install(descriptor, lambda to: _last_part(to) + _state_of(engine))
        else:
            crash.remove()

    enable(engine.config["crash-log-enabled"])
    engine.config.on_change("crash-log-enabled", enable)
    Watchdog(engine, descriptor)


def _open_log(log_file: str) -> int:
    """A descriptor that stays open: nothing can be opened safely in a process that has just broken."""
    if not log_file:
        return STANDARD_OUTPUT
    return os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)


def _last_part(descriptor: int) -> bytes:
    """Writes the stack in Python; the interpreter is in a state in which nothing is sure."""
    os.write(descriptor, b"------ PYTHON STACK TRACE ------\n")
    faulthandler.dump_traceback(descriptor, all_threads=True)
    return b""


def _state_of(engine: Engine) -> bytes:
    """What the engine was doing, for whom, and in which state it was."""
    parts = []
    client = engine.dispatcher.context.client
    if client is not None:
        command = client.last_command
        name = "none" if command is None else command.name.decode()
        parts += ["------ CURRENT CLIENT INFO ------", engine.describe(client), f"command: {name}"]
        parts += _request_of(engine)
    clients = [engine.describe(client) for client in engine.clients.values()]
    parts += ["", "------ CLIENT LIST OUTPUT ------", *clients]
    parts += ["", "------ INFO OUTPUT ------", engine.info.report(["everything"])]
    return "\n".join(parts).encode("utf-8", "surrogateescape")


def _request_of(engine: Engine) -> list[str]:
    """The arguments in execution, without secrets, and with `hide-user-data-from-log` only how long they are."""
    reactor = engine.ports.get("reactor")
    argv = None if reactor is None else reactor.request_in_execution()
    if argv is None:
        return []
    command = engine.dispatcher.resolve(argv)
    shown = argv if command is None else redacted(command, argv)
    names = 0 if command is None else 1 + (command.parent is not None)
    lines = [f"argc: {len(argv)}"]
    for position, argument in enumerate(shown[:ARGUMENTS_TOLD]):
        if engine.config["hide-user-data-from-log"] and position >= names:
            lines.append(f"argv[{position}]: {len(argument)} bytes")
        else:
            lines.append(f"argv[{position}]: '{quoted(argument[:BYTES_TOLD]).decode('ascii')}'")
    return lines


def stand_still(seconds: float) -> None:
    """Does nothing at all for so long: no command, no timer."""
    if seconds > 0:
        time.sleep(seconds)


def segmentation_fault() -> NoReturn:
    """Writes to memory that is not the process's: it ends with SIGSEGV."""
    import ctypes  # takes a while, and only this needs it

    ctypes.memset(1, 0, 1)
    os.abort()


def panic(reason: str, place: str) -> NoReturn:
    """The server cannot go on: says so in the log and ends the process with SIGABRT."""
    log.warning("------------------------------------------------")
    log.warning("!!! Software failure: the server cannot go on, and stops here.")
    log.warning(f"Guru Meditation: {reason} #{place}")
    log.warning("------------------------------------------------")
    os.abort()


def failed_assertion(expression: str, place: str) -> NoReturn:
    """Something that must hold does not: says so in the log and ends the process with SIGABRT."""
    log.warning("=== ASSERTION FAILED ===")
    log.warning(f"==> {place} '{expression}' is not true")
    os.abort()
