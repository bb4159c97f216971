"""What DEBUG does to a server for the sake of tests: it stops it for a while, or ends it.

A fatal signal leaves the stack in the log, and ends the process as it would have without a test.
"""

from __future__ import annotations

import faulthandler
import os
import time
from typing import NoReturn

from redracer.engine import log

STANDARD_OUTPUT = 1


def report_fatal_signals(log_file: str) -> None:
    """From now on a fatal signal leaves the stack where the log goes: `log_file`, or standard output.

    The descriptor stays open, because nothing can be opened safely in a process that has just broken.
    """
    descriptor = STANDARD_OUTPUT
    if log_file:
        descriptor = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    faulthandler.enable(descriptor)


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
