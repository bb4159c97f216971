"""A progress bar on the standard error, where that is a terminal and rich is installed; otherwise nothing.

Lines that a mode prints meanwhile go through `print`, which keeps the bar below them.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class Progress:
    """How far something is, of `total` units ("keys", "bytes"); a `total` of 0 is not known."""

    def __init__(self, unit: str, total: int) -> None:
        self._unit = unit
        self._total = total
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty() and sys.stdout.isatty():
            self._open()
        return self

    def _open(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                MofNCompleteColumn,
                Progress,
                TimeRemainingColumn,
            )
        except ImportError:
            return
        amount = DownloadColumn() if self._unit == "bytes" else MofNCompleteColumn()
        console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(), amount, TimeRemainingColumn(), console=console, transient=True, redirect_stdout=False
        )
        self._task = self._bar.add_task(self._unit, total=self._total or None)
        self._bar.start()

    def update(self, done: int) -> None:
        """So many units are done."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=min(done, self._total) if self._total else done)

    def print(self, line: bytes) -> None:
        """Prints a line on the standard output."""
        if self._bar is not None:
            # Both are terminals: rich writes it above the bar.
            self._bar.console.print(
                line.decode("utf-8", "replace"), markup=False, highlight=False, soft_wrap=True
            )
            return
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
