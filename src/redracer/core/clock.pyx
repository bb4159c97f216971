"""The time that the engine has decided on, and the stamps that entries carry for eviction.

An entry's stamp has 24 bits. Under LRU policies it is the second of the last use, modulo 2**24 (194 days).
Under LFU policies it is the minute of the last decay, modulo 2**16, above an 8-bit counter that grows with the
logarithm of the number of uses (Redis's documentation, "Key eviction"). `no_touch` makes lookups leave stamps
alone: for CLIENT NO-TOUCH, and while a forked child shares the memory. With `nothing_expires`, keys whose time
has passed are seen: a log that is replayed, and a primary, say themselves when a key ends.
"""

from redracer.core.random cimport next_random

cdef enum:
    STAMP_MASK = 0xffffff
    LFU_INITIAL = 5                 # a new key's counter: so that it is not evicted before it has had a chance
    MS_PER_SECOND = 1000
    MS_PER_MINUTE = 60000


cdef class Clock:
    """Current time, LRU and LFU rules. The engine sets the time once per batch of commands."""

    def __cinit__(self):
        self.lfu_log_factor = 10
        self.lfu_decay_time = 1

    cpdef void set_time(self, long long now) noexcept:
        """Sets the time: Unix time in ms."""
        self.now = now
        self.lru_clock = (now // MS_PER_SECOND) & STAMP_MASK
        self.minutes = (now // MS_PER_MINUTE) & 0xffff

    cdef unsigned int initial(self) noexcept:
        """The stamp of a new entry."""
        if self.lfu:
            return self.minutes << 8 | LFU_INITIAL
        return self.lru_clock

    cdef unsigned int touched(self, unsigned int stamp) noexcept:
        """The stamp of an entry that is used now."""
        if not self.lfu:
            return self.lru_clock
        return self.minutes << 8 | self.incremented(self.frequency(stamp))

    cdef unsigned int incremented(self, unsigned int counter) noexcept:
        """The counter, one higher with a chance of 1 in 1 + lfu_log_factor * (counter - 5)."""
        cdef double base
        if counter == 255:
            return 255
        base = counter - LFU_INITIAL if counter > LFU_INITIAL else 0
        if <double>(next_random(&self.random_state) >> 11) / (1 << 53) * (base * self.lfu_log_factor + 1) < 1:
            return counter + 1
        return counter

    cdef unsigned int frequency(self, unsigned int stamp) noexcept:
        """The LFU counter as of now: one less for each lfu_decay_time minutes since its last decay."""
        cdef unsigned int counter = stamp & 0xff
        cdef unsigned int elapsed = (self.minutes - (stamp >> 8)) & 0xffff
        cdef unsigned int periods = elapsed // <unsigned int>self.lfu_decay_time if self.lfu_decay_time > 0 else 0
        return counter - periods if counter > periods else 0

    cdef unsigned int idle_seconds(self, unsigned int stamp) noexcept:
        """The seconds since the last use, under an LRU policy."""
        return (self.lru_clock - stamp) & STAMP_MASK
