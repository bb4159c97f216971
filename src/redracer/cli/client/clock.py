"""The clock that durations are measured with."""

import time


def milliseconds() -> int:
    """A clock that does not jump."""
    return time.monotonic_ns() // 1_000_000
