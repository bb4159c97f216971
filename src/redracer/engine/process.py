"""What the server does to its own process: daemon, pid file, supervisors, processor set, kernel scores.

Every function is best effort in the way Redis's is: a pid file that cannot be written does not stop the
server. Setting the process title is left out: Python's standard library has no call for it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from redracer.engine import log
from redracer.engine.config_types import ConfigError
from redracer.engine.version import REDIS_VERSION, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from redracer.engine.config import Config

DEFAULT_PID_FILE = "/var/run/redis.pid"
OOM_SCORE_FILE = "/proc/self/oom_score_adj"
# Bounds of what the kernel takes there.
OOM_SCORE_MIN, OOM_SCORE_MAX = -1000, 1000
PRIMARY, REPLICA, BACKGROUND_CHILD = 0, 1, 2

BANNER = """
     __________
    /  ________)      redracer {version} (speaks as Redis {redis_version}), {bits} bit
    \\\\ \\\\_____
     \\\\_____ \\\\         Running in {mode} mode
    ___.__) |         Port: {port}
   (______o/=<        Listening on {addresses}
                      PID: {pid}

"""


def daemonize() -> None:
    """Go on in a background process, detached from the terminal; the calling process exits with 0.

    Two forks: the first lets the caller return, the second gives up the lead of the new session, so that
    the daemon can never get a terminal again. Standard streams go to /dev/null: without a log file, a
    daemon does not log.
    """
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if null > 2:
        os.close(null)


def create_pid_file(config: Config) -> None:
    """Write the process's number to `pidfile`; a daemon without one gets, and shows, the default."""
    if config["daemonize"] and not config["pidfile"]:
        config.values["pidfile"] = DEFAULT_PID_FILE
    path = config["pidfile"]
    if not path:
        return
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as error:
        log.verbose(f"Failed to write PID file: {error.strerror}")


def remove_pid_file(config: Config) -> None:
    """Remove what create_pid_file wrote; call it last, on the way out."""
    path = config["pidfile"]
    if not path:
        return
    log.notice("Removing the pid file.")
    try:
        os.unlink(path)
    except OSError as error:
        log.verbose(f"Failed to remove PID file: {error.strerror}")


def show_banner(config: Config, addresses: Sequence[str], mode: str = "standalone") -> None:
    """Log the start banner with the addresses, or one line in its place when the log is not a terminal.

    Redis's test harness takes ` PID: <pid>` as the sign that the server listens: call it after that.
    """
    plain_output = not config["syslog-enabled"] and not config["logfile"]
    port = config["port"] or config["tls-port"]
    if not config["always-show-logo"] and not (plain_output and os.isatty(log.STANDARD_OUTPUT)):
        log.notice(f"Running mode={mode}, port={port}.")
        return
    bits = 64 if sys.maxsize > 2**32 else 32
    log.raw(
        BANNER.format(
            version=VERSION,
            redis_version=REDIS_VERSION,
            bits=bits,
            mode=mode,
            port=port,
            addresses=", ".join(addresses),
            pid=os.getpid(),
        )
    )


# --- supervisors


def supervisor(config: Config) -> str:
    """What supervises this process, by `supervised`: "no", "upstart" or "systemd".

    Upstart is told by stopping the process, which is done here; systemd is told by notify_systemd.
    """
    mode: str = config["supervised"]
    if mode == "auto":
        mode = "upstart" if "UPSTART_JOB" in os.environ else "systemd"
        if mode == "systemd" and "NOTIFY_SOCKET" not in os.environ:
            return "no"
    if mode == "upstart":
        if "UPSTART_JOB" not in os.environ:
            log.warning("Upstart supervision requested, but UPSTART_JOB not found!")
            return "no"
        import signal

        log.notice("Supervised by upstart, will stop to signal readiness.")
        os.kill(os.getpid(), signal.SIGSTOP)
        os.environ.pop("UPSTART_JOB")
    elif mode == "systemd" and "NOTIFY_SOCKET" not in os.environ:
        log.warning("Systemd supervision requested or auto-detected, but NOTIFY_SOCKET not found!")
        return "no"
    return mode


def notify_systemd(text: str) -> None:
    """Send a state such as `READY=1` or `STATUS=...` to systemd, if it supervises this process."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    import socket

    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(text.encode(), address)
        except OSError as error:
            log.warning(f"Can't send to systemd: {error.strerror}")


# --- the kernel


def bind_to_processors(processors: str | None) -> None:
    """Run on these processors only: `server-cpulist`, such as `0,2`, `0-3`, `0-11:2`."""
    if not processors or not hasattr(os, "sched_setaffinity"):
        return
    try:
        os.sched_setaffinity(0, parse_processors(processors))
    except (OSError, ValueError):
        log.warning(f"Can't run on the processors '{processors}'")


def parse_processors(text: str) -> set[int]:
    """The numbers in a list of `n`, `first-last` or `first-last:step`; raises ValueError."""
    numbers: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        numbers.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return numbers


class OomScore:
    """The kernel's inclination to kill this process when memory runs out (`oom-score-adj`)."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._original = 0  # the score before we adjusted it
        self._adjusted = False
        self.role = PRIMARY  # or REPLICA

    def follow_role(self, role: int) -> None:
        """From now on this process is a PRIMARY or a REPLICA. Best effort: the log says where the kernel refuses."""
        self.role = role
        with suppress(ConfigError):
            self.apply(role)

    def apply(self, process_class: int) -> None:
        """Set the score for PRIMARY, REPLICA or BACKGROUND_CHILD; raises ConfigError if the kernel refuses.

        With `oom-score-adj no`, puts back what was there before it was adjusted, if it was.
        """
        mode = self._config["oom-score-adj"]
        if mode == "no" and not self._adjusted:
            return
        try:
            if not self._adjusted:
                with open(OOM_SCORE_FILE, encoding="ascii") as file:
                    self._original = int(file.read())
            value = self._original
            if mode != "no":
                value = self._config["oom-score-adj-values"][process_class]
                value += self._original if mode == "yes" else 0
            with open(OOM_SCORE_FILE, "w", encoding="ascii") as file:
                file.write(str(min(max(value, OOM_SCORE_MIN), OOM_SCORE_MAX)))
            self._adjusted = mode != "no"
        except OSError as error:
            log.warning(f"Unable to write oom_score_adj: {error.strerror}")
            raise ConfigError("Failed to set current oom_score_adj. Check server logs.") from None
