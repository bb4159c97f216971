"""Ctrl-C in a mode that goes through all keys: it ends after the step at hand, and shows what it has so far."""

from __future__ import annotations

import signal
import time

from redracer.cli.client.options import Options

STEPS_PER_PAUSE = 100  # SCANs between two of the pauses that -i asks for


class Interruptible:
    """Whether Ctrl-C was pressed since it was made."""

    def __init__(self) -> None:
        self.stopped = False
        signal.signal(signal.SIGINT, self._stop)

    def _stop(self, _signal_number: int, _frame: object) -> None:
        self.stopped = True


def pause(options: Options, steps: int) -> None:
    """Sleeps as -i asks for, once in a hundred steps."""
    if options.interval and steps % STEPS_PER_PAUSE == 0:
        time.sleep(options.interval)
