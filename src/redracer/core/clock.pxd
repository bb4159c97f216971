"""The time that the engine has decided on: core never asks the system for it."""

from libc.stdint cimport uint64_t


cdef class Clock:
    cdef readonly long long now             # Unix time, ms
    cdef readonly unsigned int lru_clock    # seconds, 24 bits
    cdef readonly unsigned int minutes      # 16 bits, for LFU
    cdef public bint lfu                    # an LFU eviction policy is on: the entry's 24 bits are LFU's
    cdef public bint no_touch               # CLIENT NO-TOUCH: lookups leave the entry's clock alone
    cdef public bint nothing_expires        # lookups see keys whose time has passed (loading, a primary's commands)
    cdef public int lfu_log_factor
    cdef public int lfu_decay_time          # minutes
    cdef uint64_t random_state

    cpdef void set_time(self, long long now) noexcept
    cdef unsigned int initial(self) noexcept
    cdef unsigned int touched(self, unsigned int stamp) noexcept
    cdef unsigned int incremented(self, unsigned int counter) noexcept
    cdef unsigned int frequency(self, unsigned int stamp) noexcept
    cdef unsigned int idle_seconds(self, unsigned int stamp) noexcept
