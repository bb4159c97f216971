"""The latency monitor: for each kind of event, when it took long and how long.

An event is recorded when it takes at least `latency-monitor-threshold` ms (0: off). Each kind keeps its
last 160 samples, at most one a second (the worst of that second), and its worst ever.
https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency-monitor/
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from redracer.engine.flags import FAST
from redracer.engine.timing import monotonic_nanoseconds

if TYPE_CHECKING:
    from redracer.engine.config import Config
    from redracer.engine.registry import Command

SAMPLES_KEPT = 160
MILLISECOND = 1_000_000  # ns


class EventHistory:
    """The samples of one kind of event, oldest first: (Unix time in s, ms)."""

    def __init__(self) -> None:
        self.samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES_KEPT)
        self.worst = 0  # ms

    def add(self, now: int, milliseconds: int) -> None:
        """Adds a sample; a second one in the same second replaces the first if it is worse."""
        self.worst = max(self.worst, milliseconds)
        if self.samples and self.samples[-1][0] == now:
            milliseconds = max(milliseconds, self.samples.pop()[1])
        self.samples.append((now, milliseconds))


class LatencyMonitor:
    """All kinds of events by name."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.events: dict[str, EventHistory] = {}

    def consider(self, event: str, milliseconds: int, now: int) -> None:
        """Records an event of `now` (Unix time, s) if it took at least the threshold."""
        threshold: int = self.config["latency-monitor-threshold"]
        if threshold and milliseconds >= threshold:
            self.events.setdefault(event, EventHistory()).add(now, milliseconds)

    def consider_since(self, event: str, begun: int, now: int) -> None:
        """Records an event of `now` that began at `begun` (monotonic_nanoseconds) and is over, if it was long."""
        elapsed = monotonic_nanoseconds() - begun
        if elapsed >= MILLISECOND:
            self.consider(event, elapsed // MILLISECOND, now)

    def consider_command(self, command: Command, microseconds: int, now: int) -> None:
        """Records a command's call."""
        self.consider("fast-command" if command.flags & FAST else "command", microseconds // 1000, now)

    def reset(self, names: list[str] | None = None) -> int:
        """Forgets the events of these names (all without names); returns how many there were."""
        doomed = [name for name in (self.events if names is None else names) if name in self.events]
        for name in doomed:
            del self.events[name]
        return len(doomed)
