"""The software watchdog: with `watchdog-period`, a stack in the log whenever the server does not get back to its timer
in time, since a command, a slice of loading or whatever else takes longer.

A timer of the kernel is set back by every tick. When it runs down, SIGALRM interrupts whatever is executed, and two
handlers in C have their turns: faulthandler's writes the stack in Python, and then that of crash.pyx the stack in C,
where compiled commands are. Execution then goes on. It is for looking into a slow server: switched off, it costs
nothing.
"""

from __future__ import annotations

import faulthandler
import signal
from typing import TYPE_CHECKING

from redracer.engine import crash

if TYPE_CHECKING:
    from redracer.engine.engine import Engine

PERIODS_PER_TICK = 2  # a shorter period than so many ticks would be over while all is well


class Watchdog:
    """Watches over one engine's ticks; reports go to `descriptor`."""

    def __init__(self, engine: Engine, descriptor: int) -> None:
        self.engine = engine
        self.descriptor = descriptor
        self.period = 0  # ms; 0: off
        self.set_period(engine.config["watchdog-period"])
        engine.config.on_change("watchdog-period", self.set_period)

    def set_period(self, period: int) -> None:
        """From now on a stack is written when there is no tick for so many ms; 0: never."""
        if period and not self.period:
            crash.install_watchdog(self.descriptor)
            # Installed later, it comes first; chained, it calls the other.
            faulthandler.register(signal.SIGALRM, self.descriptor, all_threads=False, chain=True)
            self.engine.at_tick.append(self.set_timer)
        elif self.period and not period:
            self.engine.at_tick.remove(self.set_timer)
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.unregister(signal.SIGALRM)
        self.period = period
        if period:
            self.set_timer()

    def set_timer(self) -> None:
        """The server is back: the time begins anew."""
        shortest = PERIODS_PER_TICK / self.engine.config["hz"]
        signal.setitimer(signal.ITIMER_REAL, max(self.period / 1000, shortest))
