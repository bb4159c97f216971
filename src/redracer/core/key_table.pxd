"""Entries by key: what every database has under it. keyspace.pxd has the operations."""

from libc.stdint cimport uint64_t

from redracer.core.clock cimport Clock
from redracer.core.entry cimport HAS_EXPIRY, Entry, entry_expiry_field
from redracer.core.table cimport Table, TableIterator, item_of

cdef extern from "python_hash.h":
    uint64_t hash_bytes(bytes key)


cdef class DetachedKeys:
    cdef Table entries
    cdef Table expiring
    cdef TableIterator position

    cpdef bint free_some(self, Py_ssize_t budget) noexcept


cdef class KeyTable:
    cdef readonly int index
    cdef readonly Clock clock
    cdef public object on_expired       # callable(keyspace, key) or None
    cdef public object notify_miss      # callable(key) or None
    cdef public object notify_new       # callable(key) or None
    cdef public object on_overwritten   # callable(value) or None: is given a value that a string or a move replaces
    cdef public long long hits
    cdef public long long misses
    cdef Table entries                  # entries.count: the number of keys
    cdef Table expiring                 # the entries that have an expiry
    cdef size_t expiry_bucket           # where sample_expired goes on
    cdef uint64_t random_state

    # A pipeline's keys: first every bucket, then every entry, then execute.
    cdef void prefetch_bucket(self, bytes key) noexcept
    cdef void prefetch_entry(self, bytes key) noexcept

    # Lookups. What they return is valid until the next call that changes the table.
    cdef Entry* find_read(self, bytes key) except? NULL     # touches, counts a hit or a miss
    cdef Entry* find(self, bytes key) except? NULL          # touches
    cdef Entry* look(self, bytes key) except? NULL          # counts a hit or a miss
    cdef Entry* live(self, bytes key) except? NULL          # neither
    cdef Entry* peek(self, bytes key) noexcept              # neither, and finds what has expired too
    cdef Entry* find_string(self, bytes key, bint read) except? NULL    # find_read or find; raises WRONG_TYPE
    cdef uint64_t* live_slot(self, bytes key) except? NULL
    cdef uint64_t* any_slot(self, bytes key) noexcept       # what has expired, too
    cdef void touch_found(self, Entry* entry) noexcept
    cdef int expire(self, bytes key) except -1
    cpdef bint holds(self, bytes key) noexcept              # what has expired, too
    cpdef bint holds_expired(self, bytes key) noexcept

    # Storing.
    cdef Entry* claim(
        self, bytes key, unsigned int tag, long long expire_at, size_t length, bint* existed
    ) except NULL
    cdef int store(self, uint64_t hash, uint64_t* slot, Entry* entry) except -1
    cdef int give_up(self, Entry* entry) except -1
    cdef void unlink(self, uint64_t hash, uint64_t* slot) noexcept

    # The whole table.
    cpdef Py_ssize_t clear(self)
    cpdef DetachedKeys detach(self)
    cpdef void swap_with(self, KeyTable other) noexcept
    cpdef dict table_stats(self)
    cdef Entry* next_entry(self, TableIterator* iterator) noexcept nogil


cdef inline Entry* entry_in(uint64_t* slot) noexcept:
    return <Entry*>item_of(slot[0])


cdef inline bint has_expired(KeyTable keys, const Entry* entry) noexcept:
    return (
        entry.meta & HAS_EXPIRY
        and entry_expiry_field(entry)[0] <= keys.clock.now
        and not keys.clock.nothing_expires
    )
