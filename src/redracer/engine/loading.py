"""While the data set is read from a file or a primary: who is answered meanwhile, and how far it is.

Commands that make no sense without the data are refused with LOADING; those flagged so are served. Whoever loads calls
`begin`, `advance` and `end`, and hands control back to the event loop in between.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from redracer.core import errors
from redracer.engine import flags, log
from redracer.engine.gates import GATE_LOADING
from redracer.engine.timing import unix_microseconds
from redracer.engine.transactions import every_command_has

if TYPE_CHECKING:
    from redracer.engine.client import Client
    from redracer.engine.engine import Engine
    from redracer.engine.registry import Command

SECOND = 1_000_000  # microseconds
TOLD_EVERY = 5 * SECOND  # in the log
DRAWN_EVERY = SECOND // 10
BAR_WIDTH = 40  # characters
STANDARD_ERROR = 2


class Loading:
    """The load that is going on, if any. Sizes are bytes of its source; `total` is 0 where that is not known."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.active = False
        self.asynchronous = False  # the old data is served until the new has come
        self.started = 0  # Unix time, microseconds
        self.total = 0
        self.loaded = 0
        self.used_memory = 0  # bytes: of the server that wrote what is loaded
        self.told = 0
        self.bar: ProgressBar | None = None
        engine.dispatcher.guard(GATE_LOADING, self.refuse)

    def begin(self, total: int, asynchronous: bool = False) -> None:
        """From now on commands are refused (`asynchronous`: only those that would disturb)."""
        self.active, self.asynchronous = True, asynchronous
        self.total, self.loaded, self.used_memory = total, 0, 0
        self.started = self.told = unix_microseconds()
        self.engine.dispatcher.gates |= GATE_LOADING
        if log.is_on_terminal() and os.isatty(STANDARD_ERROR):
            self.bar = ProgressBar()

    def advance(self, loaded: int) -> None:
        """So much has been loaded by now."""
        self.loaded = loaded
        now = unix_microseconds()
        if self.bar is not None:
            self.bar.draw(now, self.fraction, self.remaining_seconds)
        elif now - self.told >= TOLD_EVERY:
            self.told = now
            log.notice(
                f"Loading the data set: {self.fraction:.1%} of {self.total} bytes, "
                f"about {self.remaining_seconds} seconds to go"
            )

    def end(self) -> None:
        """The data is there, or will not come."""
        self.active = self.asynchronous = False
        self.engine.dispatcher.gates &= ~GATE_LOADING
        if self.bar is not None:
            self.bar.erase()
            self.bar = None

    @property
    def fraction(self) -> float:
        """How much of it is loaded."""
        return min(self.loaded / self.total, 1.0) if self.total else 0.0

    @property
    def seconds(self) -> float:
        """Since it began."""
        return (unix_microseconds() - self.started) / SECOND

    @property
    def remaining_seconds(self) -> int:
        """How long it will take, if it goes on as until now."""
        if not self.loaded:
            return 1
        return int(max(self.total - self.loaded, 0) * self.seconds / self.loaded)

    def refuse(self, client: Client, command: Command, argv: list[bytes]) -> bytes | None:
        """The guard: the error for a command that needs the data."""
        if self.asynchronous:
            return errors.LOADING if command.flags & flags.NO_ASYNC_LOADING else None
        return None if every_command_has(client, command, argv, flags.LOADING) else errors.LOADING

    def fields(self) -> list[tuple[str, object]]:
        """What INFO persistence tells of it."""
        if not self.active:
            return []
        return [
            ("loading_start_time", self.started // SECOND),
            ("loading_total_bytes", self.total),
            ("loading_rdb_used_mem", self.used_memory),
            ("loading_loaded_bytes", self.loaded),
            ("loading_loaded_perc", f"{self.fraction * 100:.2f}"),
            ("loading_eta_seconds", self.remaining_seconds),
        ]


class ProgressBar:
    """A line on the standard error, for somebody who watches."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, now: int, fraction: float, remaining: int) -> None:
        """Draws it, but not too often. `now`: Unix time, microseconds."""
        if now - self.drawn < DRAWN_EVERY:
            return
        self.drawn = now
        filled = int(fraction * BAR_WIDTH)
        bar = "#" * filled + "-" * (BAR_WIDTH - filled)
        self._write(f"\rLoading [{bar}] {fraction:6.1%}  {remaining} s to go ")

    def erase(self) -> None:
        """Leaves the line empty for the log."""
        if self.drawn:
            self._write("\r\x1b[K")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
