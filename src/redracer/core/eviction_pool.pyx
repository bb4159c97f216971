"""Which key is evicted next: the best of a few that are drawn, and of the best that were drawn before.

The pool keeps the 16 best candidates of earlier draws, so that a handful of samples for each eviction comes close
to the true order of all keys (Redis's documentation, "Key eviction", has the graphs). A candidate is remembered by
its key: by the time it is taken, it may be gone or may have been used again; then it was the best of the draw
all the same.
"""

from redracer.core.entry cimport HAS_EXPIRY, entry_expiry, entry_key_bytes, entry_stamp
from redracer.core.table cimport Table, prefetch, table_random

cdef enum:
    DRAWN_TOGETHER = 16             # entries whose memory is asked for before the first is read


cdef inline uint64_t score_of(Keyspace database, const Entry* entry, int order) noexcept:
    """The higher, the sooner the key is evicted."""
    if order == LEAST_RECENT:
        return database.clock.idle_seconds(entry_stamp(entry))
    if order == LEAST_FREQUENT:
        return 255 - database.clock.frequency(entry_stamp(entry))
    return ~<uint64_t>entry_expiry(entry)


cdef class EvictionPool:
    """At most POOL_SIZE candidates of all databases. All scores must be of one order: `clear` it between two."""

    def __cinit__(self):
        self.keys = [None] * POOL_SIZE

    cpdef int offer(self, Keyspace database, bint volatile, Py_ssize_t samples, int order) except -1:
        """Draws `samples` keys of a database, of all or of those that have an expiry, and keeps the best. Returns
        whether there are any keys to draw. O(samples * POOL_SIZE)."""
        cdef Table* table = &database.expiring if volatile else &database.entries
        cdef Entry* drawn[DRAWN_TOGETHER]
        cdef Py_ssize_t count, i
        samples = min(samples, <Py_ssize_t>table.count)
        if samples <= 0:
            return False
        while samples > 0:
            count = min(samples, <Py_ssize_t>DRAWN_TOGETHER)
            for i in range(count):
                drawn[i] = <Entry*>table_random(table, &database.random_state)
                prefetch(drawn[i])
            for i in range(count):
                self.consider(database, drawn[i], score_of(database, drawn[i], order))
            samples -= count
        return True

    cdef int consider(self, Keyspace database, const Entry* entry, uint64_t score) except -1:
        """Puts the entry where its score belongs; of a full pool the worst drops out."""
        cdef Py_ssize_t at = 0
        cdef Py_ssize_t i
        while at < self.length and self.scores[at] < score:
            at += 1
        if self.length == POOL_SIZE:
            if at == 0:
                return 0
            at -= 1
            for i in range(at):
                self.move(i + 1, i)
        else:
            for i in range(self.length, at, -1):
                self.move(i - 1, i)
            self.length += 1
        self.keys[at] = entry_key_bytes(entry)
        self.scores[at] = score
        self.databases[at] = database.index
        return 0

    cdef void move(self, Py_ssize_t source, Py_ssize_t target):
        self.keys[target] = self.keys[source]
        self.scores[target] = self.scores[source]
        self.databases[target] = self.databases[source]

    cpdef tuple take(self, list databases, bint volatile):
        """The best candidate that still is a key (one with an expiry, if `volatile`), as (database, key), which is
        no candidate any more; None without one."""
        cdef Keyspace database
        cdef Entry* entry
        while self.length:
            self.length -= 1
            key = self.keys[self.length]
            self.keys[self.length] = None
            database = databases[self.databases[self.length]]
            entry = database.peek(key)
            if entry != NULL and (not volatile or entry.meta & HAS_EXPIRY):
                return database, key
        return None

    cpdef object clear(self):
        """Forgets all candidates."""
        self.length = 0
        self.keys = [None] * POOL_SIZE


cpdef bytes draw_key(Keyspace database, bint volatile):
    """Any key of a database, or one that has an expiry, drawn with equal chances; None without one."""
    cdef Entry* entry = <Entry*>table_random(
        &database.expiring if volatile else &database.entries, &database.random_state
    )
    return entry_key_bytes(entry) if entry != NULL else None


globals()["POOL_SIZE"] = POOL_SIZE
