"""The forked child that writes a snapshot while the server goes on: one at a time, whatever it writes.

The child shares the server's memory as of the moment of the fork; the kernel copies a page when either side writes to
it. So the child touches no reference count of the data (see rdb_file_writer.pyx), and while it runs the server leaves
the stamps of the keys it reads alone. The child tells over a pipe how far it is and how much was copied; the server
reads that, and notices the child's end, at each tick (`poll`).

The child is killed with SIGUSR1, which is no error: it is how the server itself says that a snapshot is no longer
wanted, and how an administrator may say so.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from redracer.engine import log, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redracer.engine.engine import Engine

REPORT = struct.Struct("<qqq")  # keys written, bytes copied, whether it is the last one
REPORT_EVERY = 1.0  # s between two reports
FIRST_DESCRIPTOR = 3  # after the standard streams
FAILED = 1  # exit code
MEGABYTE = 1 << 20


class ChildError(Exception):
    """The child could not be started; the text says why."""


class Outcome(NamedTuple):
    """How a child ended."""

    exit_code: int  # 0: it did what it should
    signal: int  # that ended it, or 0
    seconds: int  # that it took
    copied: int  # bytes that had to be copied because of it

    @property
    def succeeded(self) -> bool:
        """Whether it did all that it should."""
        return self.exit_code == 0 and self.signal == 0

    @property
    def unwanted(self) -> bool:
        """Whether it was told to stop, which is no failure."""
        return self.signal == signal.SIGUSR1


class Progress:
    """The child's side of the pipe. Call it with the keys written so far, as often as you like."""

    def __init__(self, descriptor: int, name: str) -> None:
        self.descriptor = descriptor
        self.name = name
        self.next_report = time.monotonic() + REPORT_EVERY
        self.keys = 0
        self.peak = 0
        self.copies: list[int] = []

    def __call__(self, keys: int) -> None:
        self.keys = keys
        if time.monotonic() >= self.next_report:
            self.report()
            self.next_report = time.monotonic() + REPORT_EVERY

    def report(self, last: bool = False) -> None:
        """Tells the server. Raises BrokenPipeError if that is gone: then nobody wants what this child writes."""
        copied = copied_bytes()
        self.copies.append(copied)
        self.peak = max(self.peak, copied)
        with suppress(BlockingIOError):  # a server that is too busy to listen misses a report
            os.write(self.descriptor, REPORT.pack(self.keys, copied, last))
        if last or log.is_enabled(log.VERBOSE):
            average = sum(self.copies) // len(self.copies)
            log.notice(
                f"Fork CoW for {self.name}: current {copied // MEGABYTE} MB, peak {self.peak // MEGABYTE} MB, "
                f"average {average // MEGABYTE} MB"
            )


class Child:
    """Starts and watches the one child.

    `purpose` says what it is there for: "rdb", "aof", "replication", or "" without one.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.purpose = ""
        self.pid = 0
        self.started = 0.0  # Unix time, s
        self.pipe = -1
        self.done: Callable[[Outcome], None] | None = None
        # What it has told, and what INFO tells of the last fork.
        self.keys_written = 0
        self.keys_total = 0
        self.copied = 0
        self.copied_peak = 0
        self.copied_at = 0.0
        self.fork_microseconds = 0
        self.forks = 0
        engine.at_tick.append(self.poll)
        for name, value in (
            ("latest_fork_usec", lambda: self.fork_microseconds),
            ("total_forks", lambda: self.forks),
            ("current_cow_peak", lambda: self.copied_peak),
            ("current_cow_size", lambda: self.copied),
            ("current_cow_size_age", self._age_of_report),
            ("current_fork_perc", self._percent),
            ("current_save_keys_processed", lambda: self.keys_written),
            ("current_save_keys_total", lambda: self.keys_total),
        ):
            engine.info.provide(name, value)

    @property
    def active(self) -> bool:
        """Whether there is a child."""
        return self.pid != 0

    def _age_of_report(self) -> int:
        return int(time.time() - self.copied_at) if self.active and self.copied_at else 0

    def _percent(self) -> str:
        return f"{self.keys_written * 100 / self.keys_total if self.keys_total else 0.0:.2f}"

    def start(
        self,
        purpose: str,
        name: str,
        work: Callable[[Progress], None],
        done: Callable[[Outcome], None],
        keep: Iterable[int] = (),
        processors: str | None = None,
    ) -> int:
        """Forks a child that calls `work(progress)` and ends; returns its process number.

        `name` is for the log ("RDB"). `work` runs in the child alone: with success unless it raises. `done` is called
        in the server once the child has ended. The child has the standard streams and the descriptors in `keep`, no
        other. `processors`: where it may run, as server-cpulist has it. Raises ChildError.
        """
        if self.active:
            raise ChildError("a child process is active already")
        read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        begun = time.perf_counter_ns()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(read_end)
            os.close(write_end)
            raise ChildError(f"fork: {error.strerror}") from None
        if pid == 0:
            self._run(name, work, {write_end, *keep}, write_end, processors)
        self.fork_microseconds = (time.perf_counter_ns() - begun) // 1000
        self.forks += 1
        self.engine.latency.consider("fork", self.fork_microseconds // 1000, int(time.time()))
        os.close(write_end)
        self.pid, self.pipe, self.purpose, self.done = pid, read_end, purpose, done
        self.started = time.time()
        self.keys_written = self.copied = self.copied_peak = 0
        self.copied_at = 0.0
        self.keys_total = sum(database.size for database in self.engine.databases)
        self.engine.clock.no_touch = True
        return pid

    def _run(
        self, name: str, work: Callable[[Progress], None], keep: set[int], pipe: int, processors: str | None
    ) -> None:
        """The child's whole life."""
        code = FAILED
        try:
            # Not the handlers of the server: their wake-up pipe is shared with it.
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGUSR1, signal.SIG_DFL)
            close_others(keep)
            score = self.engine.ports.get("oom_score")
            if score is not None:
                score.apply(process.BACKGROUND_CHILD)
            process.bind_to_processors(processors)
            progress = Progress(pipe, name)
            work(progress)
            progress.report(last=True)
            code = 0
        except BrokenPipeError:
            log.warning("Nobody reads any more what the child writes")
        except OSError as error:
            log.warning(f"Write error while saving to disk: {error.strerror or error}")
        except Exception as error:
            import traceback

            log.warning("".join(traceback.format_exception_only(error)).strip())
            if log.is_enabled(log.DEBUG):
                traceback.print_exc(file=sys.stderr)
        finally:
            os._exit(code)

    def poll(self) -> None:
        """Reads what the child has told, and notices its end. Called by the tick."""
        if not self.active:
            return
        self._read_reports()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self._ended(status)

    def wait(self) -> None:
        """Waits for the child's end."""
        if self.active:
            _, status = os.waitpid(self.pid, 0)
            self._read_reports()
            self._ended(status)

    def kill(self) -> None:
        """Tells the child to stop, and waits until it has."""
        if self.active:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGUSR1)
            self.wait()

    def _read_reports(self) -> None:
        while True:
            try:
                data = os.read(self.pipe, REPORT.size)
            except BlockingIOError:
                return
            if len(data) < REPORT.size:
                return
            self.keys_written, self.copied, _ = REPORT.unpack(data)
            self.copied_peak = max(self.copied_peak, self.copied)
            self.copied_at = time.time()

    def _ended(self, status: int) -> None:
        self._read_reports()
        outcome = Outcome(
            os.WEXITSTATUS(status) if os.WIFEXITED(status) else FAILED,
            os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            int(time.time() - self.started),
            self.copied_peak,
        )
        os.close(self.pipe)
        done, self.done = self.done, None
        self.pid, self.pipe, self.purpose = 0, -1, ""
        self.keys_written = self.keys_total = self.copied = self.copied_peak = 0
        self.engine.clock.no_touch = False
        if done is not None:
            done(outcome)


def close_others(keep: set[int]) -> None:
    """Closes every descriptor but the standard streams and those to keep.

    Else a connection that the server closes would stay open as long as the child lives.
    """
    start = FIRST_DESCRIPTOR
    for descriptor in sorted(keep):
        os.closerange(start, descriptor)
        start = max(start, descriptor + 1)
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def copied_bytes() -> int:
    """The bytes of memory that this process has for itself since it was forked; 0 where the system does not tell."""
    try:
        with open("/proc/self/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Private_Dirty:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
