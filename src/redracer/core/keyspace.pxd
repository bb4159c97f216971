"""One database: the table of keys. See docs/design/keyspace.md."""

from redracer.core.clock cimport Clock
from redracer.core.entry cimport Entry
from redracer.core.table cimport Table, TableIterator


cdef class DetachedKeys:
    cdef Table entries
    cdef Table expiring

    cpdef bint free_some(self, Py_ssize_t budget)


cdef class Keyspace:
    cdef readonly int index
    cdef readonly Clock clock
    cdef public object on_expired       # callable(keyspace, key) or None
    cdef public object notify_miss      # callable(key) or None
    cdef public long long hits
    cdef public long long misses
    cdef Table entries                  # entries.count: the number of keys
    cdef Table expiring                 # the entries that have an expiry
    cdef TableIterator expiry_position  # where sample_expired goes on

    # A pipeline's keys: first every bucket, then every entry, then execute.
    cdef void prefetch_bucket(self, bytes key) noexcept
    cdef void prefetch_entry(self, bytes key) noexcept

    # Lookups. An Entry* is valid until the next call that changes the keyspace.
    cdef Entry* find_read(self, bytes key) except? NULL     # touch, hits and misses
    cdef Entry* find(self, bytes key) except? NULL          # touch
    cdef Entry* peek(self, bytes key) noexcept              # neither, and expired keys too

    # Strings.
    cpdef bytes get_string(self, bytes key)
    cpdef bytes peek_string(self, bytes key)
    cpdef bint set_string(self, bytes key, bytes value, long long expire_at=*) except -1
    cpdef bint set_raw_string(self, bytes key, bytes value, long long expire_at=*) except -1
    cpdef bint set_integer(self, bytes key, long long value, long long expire_at=*) except -1
    cdef Entry* find_string(self, bytes key, bint read) except? NULL
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
    cpdef bint move(self, bytes key, Keyspace target, bytes new_key) except -1
    cpdef bint copy(self, bytes key, Keyspace target, bytes new_key) except -1
    cpdef long long expiry_of(self, bytes key) except? -3
    cpdef bint set_expiry(self, bytes key, long long expire_at) except -1
    cpdef bint persist(self, bytes key) except -1
    cpdef long long idle_seconds(self, bytes key) except? -2
    cpdef bint set_idle_seconds(self, bytes key, long long seconds) except -1
    cpdef int frequency(self, bytes key) except? -2
    cpdef bint set_frequency(self, bytes key, int value) except -1
    cpdef Py_ssize_t memory_of(self, bytes key) except? -2

    # The whole.
    cpdef tuple scan(self, unsigned long long cursor, Py_ssize_t count, int type=*, bytes pattern=*)
    cpdef list keys(self, bytes pattern)
    cpdef bytes random_key(self)
    cpdef list sample(self, Py_ssize_t count, bint volatile)
    cpdef tuple sample_expired(self, Py_ssize_t count)
    cpdef Py_ssize_t clear(self)
    cpdef DetachedKeys detach(self)
    cpdef void swap_with(self, Keyspace other)
    cpdef dict table_stats(self)
    cdef Entry* next_entry(self, TableIterator* iterator) noexcept nogil
