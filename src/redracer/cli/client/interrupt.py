"""Ctrl-C in a mode that goes through all keys: it ends after the step at hand, and shows what it has so far."""

from __future__ import annotations

import signal
import time

TICK = 0.1  # s; a pause goes on for so long at most after Ctrl-C


class Interruptible:
    """Whether Ctrl-C was pressed since it was made."""

    def __init__(self) -> None:
        self.stopped = False
        signal.signal(signal.SIGINT, self._stop)

    def _stop(self, _signal_number: int, _frame: object) -> None:
        self.stopped = True

    def sleep(self, seconds: float) -> None:
        """Sleeps, until Ctrl-C at the longest."""
        end = time.monotonic() + seconds
        while not self.stopped and (rest := end - time.monotonic()) > 0:
            time.sleep(min(rest, TICK))
