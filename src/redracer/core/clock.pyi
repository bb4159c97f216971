"""The interface of core/clock.pyx."""

class Clock:
    now: int
    lru_clock: int
    minutes: int
    lfu: bool
    no_touch: bool
    nothing_expires: bool
    lfu_log_factor: int
    lfu_decay_time: int

    def set_time(self, now: int) -> None: ...
