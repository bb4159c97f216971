"""The tables under a database: lookups, and putting entries in and taking them out. keyspace.pyx builds on it.

Two tables hold pointers to the same entries: every key, and the keys that have an expiry (so that counting them,
sampling for active expiry, and eviction of volatile keys are O(1)). An entry whose expiry has passed does not
exist for a lookup: it is handed to `on_expired`, which deletes it (`discard`) or leaves that to the primary.
"""

import os

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcmp, memset

from redracer.core.entry cimport (
    HAS_EXPIRY, KEEP_EXPIRY, KIND_BYTES, KIND_MASK, NO_EXPIRY, RAW, STRING, TYPE_MASK, drop_entry_object,
    entry_expiry, entry_expiry_field, entry_free, entry_hash, entry_key, entry_key_bytes, entry_key_length, entry_kind,
    entry_new, entry_object, entry_size, entry_stamp, entry_type, set_stamp,
)
from redracer.core.memory cimport allocation_size
from redracer.core.table cimport (
    Bucket, bucket_match, item_of, locate, longest_chain, lowest_bit, next_bucket, prefetch, replace_item,
    table_find_item, table_free, table_free_some, table_init, table_insert, table_next, table_remove,
)

from redracer.core.errors import WRONG_TYPE, CommandError

cdef enum:
    EXTERNAL_LENGTH = 65535         # what Entry.key_length says of a longer key
    CACHE_LINE = 64
    KEYS_PER_SEGMENT = 100          # freeing a segment of the table costs the kernel what freeing 100 keys costs us


cdef inline uint64_t* find_slot(Table* table, uint64_t hash, bytes key) noexcept:
    """The slot of the key's entry, or NULL."""
    cdef const char* data = PyBytes_AS_STRING(key)
    cdef size_t length = PyBytes_GET_SIZE(key)
    cdef size_t short_length = length if length < EXTERNAL_LENGTH else EXTERNAL_LENGTH
    cdef unsigned int tag, mask
    cdef Bucket* bucket = locate(table, hash, &tag)
    cdef Entry* entry
    cdef int slot
    while bucket != NULL:
        mask = bucket_match(bucket, tag)
        while mask:
            slot = lowest_bit(mask)
            entry = <Entry*>item_of(bucket.slots[slot])
            if entry.key_length == short_length and (
                short_length < EXTERNAL_LENGTH or <size_t>entry_key_length(entry) == length
            ) and memcmp(entry_key(entry), data, length) == 0:
                return &bucket.slots[slot]
            mask &= mask - 1
        bucket = next_bucket(table, bucket)
    return NULL


cdef inline bint has_room(const Entry* entry, unsigned int tag, int64_t expire_at, size_t length) noexcept:
    """Whether the entry's allocation, its key where it is, can take a value of that tag and length."""
    if (entry.meta & HAS_EXPIRY != 0) != (expire_at != NO_EXPIRY):
        return False
    if tag & KIND_MASK or entry.meta & KIND_MASK:
        return tag & KIND_MASK and entry.meta & KIND_MASK       # a word for a word
    cdef size_t size = entry_size(entry)
    return allocation_size(size - entry.value_length + length) == allocation_size(size)


cdef void free_entries(Table* table) noexcept:
    cdef TableIterator position
    memset(&position, 0, sizeof(position))
    cdef Entry* entry = <Entry*>table_next(table, &position)
    while entry != NULL:
        entry_free(entry)
        entry = <Entry*>table_next(table, &position)
    table_free(table)


cdef inline uint64_t* find_live(KeyTable keys, bytes key) except? NULL:
    cdef uint64_t* slot = find_slot(&keys.entries, hash_bytes(key), key)
    if slot == NULL or not has_expired(keys, entry_in(slot)):
        return slot
    keys.expire(key)
    return NULL


cdef inline void touch_entry(KeyTable keys, Entry* entry) noexcept:
    cdef Clock clock = keys.clock
    cdef unsigned int stamp
    if clock.no_touch:
        return
    stamp = clock.touched(entry_stamp(entry)) if clock.lfu else clock.lru_clock
    if stamp != entry_stamp(entry):         # (a write would make a shared page or cache line dirty)
        set_stamp(entry, stamp)


@cython.final
@cython.no_gc
cdef class DetachedKeys:
    """Keys that `Keyspace.detach` took out of a database. Freed in slices by `free_some`, at the latest with
    the object."""

    def __cinit__(self):
        table_init(&self.entries, entry_hash)
        table_init(&self.expiring, entry_hash)

    cpdef bint free_some(self, Py_ssize_t budget) noexcept:
        """Frees up to `budget` keys, or the tables' memory once there are none. Returns whether all is gone.
        O(budget)."""
        cdef size_t segments = budget // KEYS_PER_SEGMENT + 1
        cdef Entry* entry
        while budget > 0:
            entry = <Entry*>table_next(&self.entries, &self.position)
            if entry == NULL:
                return table_free_some(&self.entries, segments) and table_free_some(&self.expiring, segments)
            entry_free(entry)
            budget -= 1
        return False

    def __dealloc__(self):
        while not self.free_some(1 << 30):
            pass


@cython.no_gc
cdef class KeyTable:
    """Entries by key. The interpreter's lock must be held, and a callback (`on_expired`, `notify_miss`, `notify_new`) may
    change the table only by `discard`."""

    def __cinit__(self, int index, Clock clock not None):
        self.index = index
        self.clock = clock
        self.random_state = int.from_bytes(os.urandom(8), "little")
        table_init(&self.entries, entry_hash)
        table_init(&self.expiring, entry_hash)

    def __dealloc__(self):
        free_entries(&self.entries)
        table_free(&self.expiring)

    def __len__(self):
        return self.entries.count

    @property
    def size(self):
        """The number of keys, those that have expired and are not deleted yet included."""
        return self.entries.count

    @property
    def expires(self):
        """The number of keys that have an expiry."""
        return self.expiring.count

    # --- lookups

    cdef void prefetch_bucket(self, bytes key) noexcept:
        cdef unsigned int tag
        prefetch(locate(&self.entries, hash_bytes(key), &tag))

    cdef void prefetch_entry(self, bytes key) noexcept:
        cdef unsigned int tag
        cdef Bucket* bucket = locate(&self.entries, hash_bytes(key), &tag)
        cdef unsigned int mask = bucket_match(bucket, tag)
        cdef char* entry
        while mask:
            entry = <char*>item_of(bucket.slots[lowest_bit(mask)])
            prefetch(entry)
            prefetch(entry + CACHE_LINE)
            mask &= mask - 1

    cdef uint64_t* any_slot(self, bytes key) noexcept:
        return find_slot(&self.entries, hash_bytes(key), key)

    cdef uint64_t* live_slot(self, bytes key) except? NULL:
        return find_live(self, key)

    cdef Entry* peek(self, bytes key) noexcept:
        cdef uint64_t* slot = find_slot(&self.entries, hash_bytes(key), key)
        return entry_in(slot) if slot != NULL else NULL

    cdef Entry* live(self, bytes key) except? NULL:
        cdef uint64_t* slot = find_live(self, key)
        return entry_in(slot) if slot != NULL else NULL

    cdef Entry* look(self, bytes key) except? NULL:
        cdef uint64_t* slot = find_live(self, key)
        if slot == NULL:
            return missed(self, key)
        self.hits += 1
        return entry_in(slot)

    cdef Entry* find_read(self, bytes key) except? NULL:
        cdef uint64_t* slot = find_live(self, key)
        if slot == NULL:
            return missed(self, key)
        self.hits += 1
        touch_entry(self, entry_in(slot))
        return entry_in(slot)

    cdef Entry* find(self, bytes key) except? NULL:
        cdef uint64_t* slot = find_live(self, key)
        if slot == NULL:
            return NULL
        touch_entry(self, entry_in(slot))
        return entry_in(slot)

    cdef Entry* find_string(self, bytes key, bint read) except? NULL:
        cdef Entry* entry = self.find_read(key) if read else self.find(key)
        if entry != NULL and entry_type(entry) != STRING:
            raise CommandError(WRONG_TYPE)
        return entry

    cdef void touch_found(self, Entry* entry) noexcept:
        touch_entry(self, entry)

    cdef int expire(self, bytes key) except -1:
        if self.on_expired is not None:
            self.on_expired(self, key)
        return 0

    cpdef bint holds(self, bytes key) noexcept:
        """Whether the key is in the table, even if it has expired. Neither a read nor a touch."""
        return self.peek(key) != NULL

    cpdef bint holds_expired(self, bytes key) noexcept:
        """Whether the key is in the table though its time has passed. Neither a read nor a touch."""
        cdef Entry* entry = self.peek(key)
        return entry != NULL and has_expired(self, entry)

    # --- storing

    cdef Entry* claim(
        self, bytes key, unsigned int tag, long long expire_at, size_t length, bint* existed
    ) except NULL:
        """The key's entry, made ready for another value of that tag (type, kind, RAW): the caller must set it
        at once, `length` bytes inline or the word. The old value is gone; `existed` tells whether there was
        one."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = find_slot(&self.entries, hash, key)
        existed[0] = slot != NULL
        if slot != NULL and has_expired(self, entry_in(slot)):
            existed[0] = False
            self.expire(key)
            slot = find_slot(&self.entries, hash, key)      # it may still be there: on a replica
        cdef Entry* entry = entry_in(slot) if slot != NULL else NULL
        if expire_at == KEEP_EXPIRY:
            expire_at = entry_expiry(entry) if existed[0] else NO_EXPIRY
        if entry == NULL:
            entry = entry_new(key, tag, self.clock.initial(), expire_at, length)
            self.store(hash, NULL, entry)
            return entry
        touch_entry(self, entry)
        if tag & TYPE_MASK == STRING:
            self.give_up(entry)
        if has_room(entry, tag, expire_at, length):
            if entry_kind(entry) >= KIND_BYTES:
                drop_entry_object(entry)
            entry.meta = entry.meta & ~<uint32_t>(TYPE_MASK | KIND_MASK | RAW) | tag
            entry.value_length = length
            if expire_at != NO_EXPIRY:
                entry_expiry_field(entry)[0] = expire_at
            return entry
        entry = entry_new(key, tag, entry_stamp(entry), expire_at, length)
        self.store(hash, slot, entry)
        return entry

    cdef int store(self, uint64_t hash, uint64_t* slot, Entry* entry) except -1:
        """Puts a new entry into the tables, in place of the one in `slot` (which it frees) unless that is NULL.

        Takes the entry over: it is freed where there is no memory for it, and MemoryError raised.
        """
        cdef Entry* old = entry_in(slot) if slot != NULL else NULL
        cdef uint64_t* expiring_slot = NULL
        if old != NULL and old.meta & HAS_EXPIRY:
            expiring_slot = table_find_item(&self.expiring, hash, old)
        try:
            if expiring_slot != NULL and entry.meta & HAS_EXPIRY:
                replace_item(expiring_slot, entry)
            elif entry.meta & HAS_EXPIRY:
                table_insert(&self.expiring, hash, entry)
            elif expiring_slot != NULL:
                table_remove(&self.expiring, hash, expiring_slot)
            if slot == NULL:
                table_insert(&self.entries, hash, entry)
        except MemoryError:
            expiring_slot = table_find_item(&self.expiring, hash, entry)
            if expiring_slot != NULL:
                table_remove(&self.expiring, hash, expiring_slot)
            entry_free(entry)
            raise
        if old != NULL:
            replace_item(slot, entry)
            entry_free(old)
        elif self.notify_new is not None:
            self.notify_new(entry_key_bytes(entry))
        return 0

    cdef int give_up(self, Entry* entry) except -1:
        """Lets `on_overwritten` have the value that the entry is about to lose, to be freed in slices; strings are
        freed at once."""
        if self.on_overwritten is not None and entry_type(entry) != STRING:
            self.on_overwritten(<object>entry_object(entry))
        return 0

    cdef void unlink(self, uint64_t hash, uint64_t* slot) noexcept:
        """Takes the entry in `slot` out of the tables. The caller frees it."""
        cdef Entry* entry = entry_in(slot)
        cdef uint64_t* expiring_slot
        if entry.meta & HAS_EXPIRY:
            expiring_slot = table_find_item(&self.expiring, hash, entry)
            if expiring_slot != NULL:
                table_remove(&self.expiring, hash, expiring_slot)
        table_remove(&self.entries, hash, slot)

    # --- the whole table

    cpdef Py_ssize_t clear(self):
        """Deletes all keys. Returns how many there were. O(n)."""
        cdef Py_ssize_t count = self.entries.count
        self.detach()               # freed as the object that comes back is
        return count

    cpdef DetachedKeys detach(self):
        """Takes all keys out, to be freed in slices by `free_some` of what is returned. O(1)."""
        cdef DetachedKeys detached = DetachedKeys.__new__(DetachedKeys)
        self.entries, detached.entries = detached.entries, self.entries
        self.expiring, detached.expiring = detached.expiring, self.expiring
        self.expiry_bucket = 0
        return detached

    cpdef void swap_with(self, KeyTable other) noexcept:
        """Exchanges the keys with those of another database. O(1)."""
        self.entries, other.entries = other.entries, self.entries
        self.expiring, other.expiring = other.expiring, self.expiring
        self.expiry_bucket = other.expiry_bucket = 0

    @property
    def table_bytes(self):
        """(bytes of the table of keys, bytes of the table of expiries), without the entries. O(1)."""
        return (
            (self.entries.primary.capacity + self.entries.overflow.capacity) * sizeof(Bucket),
            (self.expiring.primary.capacity + self.expiring.overflow.capacity) * sizeof(Bucket),
        )

    def address_of(self, bytes key not None):
        """Where the key's entry is in memory, expired or not; 0 without the key. Neither a read nor a touch."""
        return <size_t>self.peek(key)

    cpdef dict table_stats(self):
        """The state of the table of keys, for DEBUG HTSTATS. O(n)."""
        return {
            "keys": self.entries.count,
            "buckets": self.entries.bucket_count,
            "overflow_buckets": self.entries.overflow_count,
            "longest_chain": longest_chain(&self.entries),
            "load": self.entries.count / <double>self.entries.bucket_count,
        }

    cdef Entry* next_entry(self, TableIterator* iterator) noexcept nogil:
        """The next entry of a walk over a database that does not change meanwhile (a forked child's, above
        all), or NULL at
        its end. Touches no reference count. O(1)."""
        return <Entry*>table_next(&self.entries, iterator)


cdef Entry* missed(KeyTable keys, bytes key) except? NULL:
    """Counts a miss. Returns NULL."""
    keys.misses += 1
    if keys.notify_miss is not None:
        keys.notify_miss(key)
    return NULL
