"""What DEBUG does to a server for the sake of tests: it stops it for a while, or ends it.

A fatal signal leaves the stack in the log (app.py has faulthandler write it), and ends the process as it
would have without a test.
"""

from __future__ import annotations

import os
import time
from typing import NoReturn

from redracer.engine import log


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
