"""The time of a store without an event loop: one thread that does what is due, with the store's lock held.

It sleeps until the next tick (`hz`) or timer, and ends with the store.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from redracer.embedded.store import Store

WORK_PAUSE = 0.003  # s between two slices of background work


class Timer:
    """What `call_later` returns."""

    __slots__ = ("arguments", "callback", "cancelled")

    def __init__(self, callback: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.callback = callback
        self.arguments = arguments
        self.cancelled = False

    def cancel(self) -> None:
        """It will not be called."""
        self.cancelled = True


class Ticker:
    """The thread, and the timers that it calls."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.timers: list[tuple[float, int, Timer]] = []  # a heap, by time
        self.order = itertools.count()
        self.changed = threading.Condition(store.lock)
        self.stopping = False
        self.ahead = 0.0  # s by which timers are earlier than they would be
        self.thread = threading.Thread(target=self.run, name="redracer", daemon=True)
        self.thread.start()

    def call_later(self, seconds: float, callback: Callable[..., object], *arguments: Any) -> Timer:
        """Calls back in `seconds`, in the ticker's thread. The lock must be held."""
        timer = Timer(callback, arguments)
        heapq.heappush(self.timers, (self.time() + seconds, next(self.order), timer))
        self.changed.notify()
        return timer

    def time(self) -> float:
        """What timers go by, in seconds."""
        return time.monotonic() + self.ahead

    def advance(self, seconds: float) -> None:
        """Lets so much time pass at once: what becomes due is called before this returns. The lock must be held."""
        self.ahead += seconds
        self.call_due()
        self.changed.notify()

    def call_due(self) -> None:
        """Calls back whom it is time for."""
        now = self.time()
        while self.timers and self.timers[0][0] <= now:
            timer = heapq.heappop(self.timers)[2]
            if not timer.cancelled:
                timer.callback(*timer.arguments)

    def run(self) -> None:
        """The thread's life."""
        engine = self.store.engine
        next_tick = self.time()
        with self.changed:
            while not self.stopping:
                self.call_due()
                now = self.time()
                wait = WORK_PAUSE
                if now >= next_tick:
                    engine.tick()
                    next_tick = now + 1 / engine.config["hz"]
                if not engine.work():
                    wait = next_tick - self.time()
                engine.dispatcher.before_sending()
                if self.timers:
                    wait = min(wait, self.timers[0][0] - self.time())
                self.changed.wait(max(wait, 0))

    def stop(self) -> None:
        """Ends the thread, and waits for its end unless called by it."""
        with self.changed:
            self.stopping = True
            self.changed.notify()
        if threading.current_thread() is not self.thread:
            self.thread.join()
