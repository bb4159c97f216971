"""Pseudo-random numbers for sampling (not for secrets)."""

from libc.stdint cimport uint64_t


cdef inline uint64_t next_random(uint64_t* state) noexcept nogil:
    """The next number of the SplitMix64 sequence (Steele, Lea, Flood: Fast splittable pseudorandom generators, 2014)."""
    state[0] += 0x9e3779b97f4a7c15ULL
    cdef uint64_t mixed = state[0]
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL
    return mixed ^ mixed >> 31
