"""One database: the table of keys. See docs/design/keyspace.md."""

from libc.stdint cimport int64_t, uint64_t

from redracer.core.clock cimport Clock
from redracer.core.entry cimport Entry
from redracer.core.table cimport Table, TableIterator


cdef class DetachedKeys:
    cdef Table entries
    cdef Table expiring
    cdef TableIterator position

    cpdef bint free_some(self, Py_ssize_t budget) noexcept


cdef class Keyspace:
    cdef readonly int index
    cdef readonly Clock clock
    cdef public object on_expired       # callable(keyspace, key) or None
    cdef public object notify_miss      # callable(key) or None
    cdef public long long hits
    cdef public long long misses
    cdef Table entries                  # entries.count: the number of keys
    cdef Table expiring                 # the entries that have an expiry
    cdef size_t expiry_bucket           # where sample_expired goes on
    cdef uint64_t random_state

    # A pipeline's keys: first every bucket, then every entry, then execute.
    cdef void prefetch_bucket(self, bytes key) noexcept
    cdef void prefetch_entry(self, bytes key) noexcept

    # Lookups. An Entry* is valid until the next call that changes the keyspace.
    cdef Entry* find_read(self, bytes key) except? NULL     # touches, counts hits and misses
    cdef Entry* find(self, bytes key) except? NULL          # touches
    cdef Entry* peek(self, bytes key) noexcept              # neither, and finds what has expired too
    cdef Entry* find_string(self, bytes key, bint read) except? NULL

    # Strings.
    cpdef bytes get_string(self, bytes key)
    cpdef bytes peek_string(self, bytes key)
    cpdef bint set_string(self, bytes key, bytes value, long long expire_at=*) except -1
    cpdef bint set_raw_string(self, bytes key, bytes value, long long expire_at=*) except -1
    cpdef bint set_integer(self, bytes key, long long value, long long expire_at=*) except -1
    cdef char* writable(self, bytes key, Py_ssize_t length) except NULL
    cpdef bytes encoding_of_string(self, bytes key)

    # Values of other types.
    cpdef object get_object(self, bytes key, int type, bint read=*)
    cpdef bint set_object(self, bytes key, int type, object value, long long expire_at=*) except -1
    cpdef object take(self, bytes key)

    # Keys.
    cpdef int type_of(self, bytes key) except? -2
    cpdef bint exists(self, bytes key) except -1
    cpdef bint touch(self, bytes key) except -1
    cpdef bint delete(self, bytes key) except -1
    cpdef bint discard(self, bytes key) noexcept
    cpdef bint move(self, bytes key, Keyspace target, bytes new_key) except -1
    cpdef bint copy(self, bytes key, Keyspace target, bytes new_key) except -1
    cpdef long long expiry_of(self, bytes key, bint read=*) except? -3
    cpdef bint set_expiry(self, bytes key, long long expire_at) except -1
    cpdef bint persist(self, bytes key) except -1
    cpdef long long idle_seconds(self, bytes key) except? -2
    cpdef bint set_idle_seconds(self, bytes key, long long seconds) except -1
    cpdef int frequency(self, bytes key) except? -2
    cpdef bint set_frequency(self, bytes key, int value) except -1
    cpdef Py_ssize_t memory_of(self, bytes key) except? -2

    # The whole.
    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, int type=*, bytes pattern=*)
    cpdef list keys(self, bytes pattern)
    cpdef bytes random_key(self)
    cpdef list sample(self, Py_ssize_t count, bint volatile)
    cpdef tuple sample_expired(self, Py_ssize_t count)
    cpdef Py_ssize_t clear(self)
    cpdef DetachedKeys detach(self)
    cpdef void swap_with(self, Keyspace other) noexcept
    cpdef dict table_stats(self)
    cdef Entry* next_entry(self, TableIterator* iterator) noexcept nogil

    # Within this module.
    cdef bint has_expired(self, const Entry* entry) noexcept
    cdef uint64_t* live_slot(self, bytes key, uint64_t hash) except? NULL
    cdef Entry* live(self, bytes key) except? NULL
    cdef Entry* look(self, bytes key) except? NULL
    cdef int expire(self, bytes key) except -1
    cdef void touch_entry(self, Entry* entry) noexcept
    cdef Entry* claim(
        self, bytes key, unsigned int tag, long long expire_at, size_t length, bint* existed
    ) except NULL
    cdef int store(self, uint64_t hash, uint64_t* slot, Entry* entry) except -1
    cdef void unlink(self, uint64_t hash, uint64_t* slot) noexcept
    cdef bint store_text(self, bytes key, bytes value, unsigned int tag, long long expire_at) except -1
    cdef Py_ssize_t collect(
        self, size_t bucket, int type, bytes pattern, list found, list expired
    ) except -1
