"""The server's log, in Redis's line format: `PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message`.

The role is M (primary), S (replica) or C (a child process, and the server until it has initialized);
the level is one of `.-*#` for debug, verbose, notice and warning. The log goes to the standard output
or, with `logfile`, to a file that is opened for every line, so that a rotated file is left at once, and
to the system log with `syslog-enabled`. A line is one write, never buffered: tools follow it.

One log per process, as there is one standard output; `configure` may be called again.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

DEBUG, VERBOSE, NOTICE, WARNING, NOTHING = range(5)
LEVELS = {"debug": DEBUG, "verbose": VERBOSE, "notice": NOTICE, "warning": WARNING, "nothing": NOTHING}
MARKS = ".-*#"
STANDARD_OUTPUT = 1


class _State:
    """Where lines go, and which do."""

    __slots__ = ("file", "level", "main_process", "role", "syslog")

    def __init__(self) -> None:
        self.level = NOTICE
        self.file = ""
        self.role = "M"
        self.main_process = 0
        self.syslog: ModuleType | None = None


_state = _State()


def configure(level: str, file: str = "") -> None:
    """Set the lowest level to write (a word of LEVELS) and the file; no file is the standard output."""
    _state.level = LEVELS[level]
    _state.file = file


def set_level(level: str) -> None:
    """Change the lowest level to write: a callback for `loglevel`."""
    _state.level = LEVELS[level]


def is_on_terminal() -> bool:
    """Whether the log goes to the standard output: somebody may be watching it."""
    return not _state.file


def set_main_process() -> None:
    """This process is the server: its lines carry M or S; those of its children carry C."""
    _state.main_process = os.getpid()


def set_role(role: str) -> None:
    """`M` for a primary, `S` for a replica."""
    _state.role = role


def open_system_log(identity: str, facility: str) -> None:
    """Send every line to the system log too, where the platform has one."""
    try:
        import syslog
    except ImportError:
        warning("The system log is not available on this platform.")
        return
    code: Any = getattr(syslog, f"LOG_{facility.upper()}")
    syslog.openlog(identity, syslog.LOG_PID | syslog.LOG_NDELAY | syslog.LOG_NOWAIT, code)
    _state.syslog = syslog


def debug(text: str) -> None:
    """Write a line that helps development."""
    _write(DEBUG, text)


def verbose(text: str) -> None:
    """Write a line that is rarely useful."""
    _write(VERBOSE, text)


def notice(text: str) -> None:
    """Write a line that production wants to see."""
    _write(NOTICE, text)


def warning(text: str) -> None:
    """Write a line that nobody must miss."""
    _write(WARNING, text)


def raw(text: str, level: int = NOTICE) -> None:
    """Write text as it is, without time and level (the start banner)."""
    if level >= _state.level:
        _output(text)


def is_enabled(level: int) -> bool:
    """Whether lines of this level are written, to spare the work of making them."""
    return level >= _state.level


def _write(level: int, text: str) -> None:
    if level < _state.level:
        return
    now = time.time_ns()
    process = os.getpid()
    role = _state.role if process == _state.main_process else "C"
    stamp = time.strftime("%d %b %Y %H:%M:%S", time.localtime(now // 1_000_000_000))
    milliseconds = now // 1_000_000 % 1000
    _output(f"{process}:{role} {stamp}.{milliseconds:03d} {MARKS[level]} {text}\n")
    if _state.syslog is not None:
        system = _state.syslog
        priorities = (system.LOG_DEBUG, system.LOG_INFO, system.LOG_NOTICE, system.LOG_WARNING)
        system.syslog(priorities[level], text)


def _output(text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    try:
        if not _state.file:
            os.write(STANDARD_OUTPUT, data)
            return
        descriptor = os.open(_state.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError:
        # A full disk or a closed pipe must not stop the server, and there is nowhere left to say so.
        pass
