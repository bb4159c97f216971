"""One database: keys, values, expiries. docs/design/keyspace.md has the layout, its reasons and figures.

Two tables hold pointers to the same entries: every key, and the keys that have an expiry (so that counting them, sampling
for active expiry, and eviction of volatile keys are O(1)). An entry whose expiry has passed does not exist for a
lookup: it is handed to `on_expired`, which deletes it (`discard`) or leaves it to the primary to do so.
`peek`, `discard` and `next_entry` alone see such entries.

Ownership: the entries table owns its entries, an entry owns one reference to its value. No method hands out an object
that the entry alone holds in a form that later changes: a string that is changed in place is a bytearray, and is
copied when it is read.
"""

import os

cimport cython
from cpython.bytearray cimport PyByteArray_FromStringAndSize, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from redracer.core.entry cimport (
    EMBSTR_LIMIT, HAS_EXPIRY, INLINE_LIMIT, KEEP_EXPIRY, KIND_BYTES, KIND_INLINE, KIND_INTEGER, KIND_MASK,
    KIND_OBJECT, NO_EXPIRY, RAW, STREAM, STRING, TYPE_MASK, Text, bytearray_data, bytearray_length, bytes_size,
    drop_entry_object, entry_expiry, entry_expiry_field, entry_free, entry_free_shell, entry_hash, entry_inline_value,
    entry_key, entry_key_bytes, entry_key_length, entry_kind, entry_memory, entry_moved, entry_new,
    entry_object, entry_size, entry_stamp, entry_text, entry_type, entry_value, entry_word, set_entry_object, set_stamp,
)
from redracer.core.glob cimport glob_match
from redracer.core.memory cimport allocation_size, count_bytes
from redracer.core.numbers cimport INT64_TEXT, parse_int64
from redracer.core.table cimport (
    Bucket, bucket_match, chain_slot, item_of, locate, longest_chain, lowest_bit, next_bucket, next_scan_cursor,
    prefetch, replace_item, table_find_item, table_free, table_free_some, table_init, table_insert, table_next, table_random, table_remove,
)

from redracer.core.errors import WRONG_TYPE, CommandError

cdef extern from "python_hash.h":
    uint64_t hash_bytes(bytes key)

cdef enum:
    EXTERNAL_LENGTH = 65535         # what Entry.key_length says of a longer key
    CACHE_LINE = 64
    SCAN_EFFORT = 10                # SCAN visits at most 10 buckets for each key that COUNT asks for
    EXPIRY_EFFORT = 20              # and active expiry at most 20
    KEYS_PER_SEGMENT = 100          # freeing a segment of the table costs the kernel what freeing 100 keys costs us
    RANDOM_TRIES = 100              # expired keys that RANDOMKEY may draw where they are not deleted (a replica)


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


cdef inline Entry* entry_in(uint64_t* slot) noexcept:
    return <Entry*>item_of(slot[0])


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


cdef object wrong_type():
    return CommandError(WRONG_TYPE)


@cython.final
@cython.no_gc
cdef class DetachedKeys:
    """Keys that `Keyspace.detach` took out of a database. Freed in slices by `free_some`, at the latest with the object."""

    def __cinit__(self):
        table_init(&self.entries, entry_hash)
        table_init(&self.expiring, entry_hash)

    cpdef bint free_some(self, Py_ssize_t budget) noexcept:
        """Frees up to `budget` keys, or the tables' memory once there are none. Returns whether all is gone. O(budget)."""
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


@cython.final
@cython.no_gc
cdef class Keyspace:
    """One database. `index` is its number; `clock` is shared by all of them. Not thread-safe: the interpreter's lock
    must be held, and a callback (`on_expired`, `notify_miss`) may change the keyspace only by `discard`."""

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

    cdef Entry* peek(self, bytes key) noexcept:
        cdef uint64_t* slot = find_slot(&self.entries, hash_bytes(key), key)
        return entry_in(slot) if slot != NULL else NULL

    cdef inline bint has_expired(self, const Entry* entry) noexcept:
        return entry.meta & HAS_EXPIRY and entry_expiry_field(entry)[0] <= self.clock.now

    cdef uint64_t* live_slot(self, bytes key, uint64_t hash) except? NULL:
        """The slot of the key's entry, or NULL if there is none or it has expired."""
        cdef uint64_t* slot = find_slot(&self.entries, hash, key)
        if slot == NULL:
            return NULL
        if self.has_expired(entry_in(slot)):
            self.expire(key)
            return NULL
        return slot

    cdef Entry* live(self, bytes key) except? NULL:
        cdef uint64_t* slot = self.live_slot(key, hash_bytes(key))
        return entry_in(slot) if slot != NULL else NULL

    cdef Entry* look(self, bytes key) except? NULL:
        """A read that does not touch: it counts a hit or a miss."""
        cdef Entry* entry = self.live(key)
        if entry != NULL:
            self.hits += 1
            return entry
        self.misses += 1
        if self.notify_miss is not None:
            self.notify_miss(key)
        return NULL

    cdef Entry* find_read(self, bytes key) except? NULL:
        cdef Entry* entry = self.look(key)
        if entry != NULL:
            self.touch_entry(entry)
        return entry

    cdef Entry* find(self, bytes key) except? NULL:
        cdef Entry* entry = self.live(key)
        if entry != NULL:
            self.touch_entry(entry)
        return entry

    cdef Entry* find_string(self, bytes key, bint read) except? NULL:
        """`find_read` or `find`, for a string. Raises CommandError(WRONG_TYPE) for another type."""
        cdef Entry* entry = self.find_read(key) if read else self.find(key)
        if entry != NULL and entry_type(entry) != STRING:
            raise wrong_type()
        return entry

    cdef int expire(self, bytes key) except -1:
        if self.on_expired is not None:
            self.on_expired(self, key)
        return 0

    cdef void touch_entry(self, Entry* entry) noexcept:
        cdef Clock clock = self.clock
        cdef unsigned int stamp
        if clock.no_touch:
            return
        stamp = clock.touched(entry_stamp(entry)) if clock.lfu else clock.lru_clock
        if stamp != entry_stamp(entry):     # (a write would make a shared page or cache line dirty)
            set_stamp(entry, stamp)

    # --- storing

    cdef Entry* claim(
        self, bytes key, unsigned int tag, long long expire_at, size_t length, bint* existed
    ) except NULL:
        """The key's entry, made ready for another value of that tag (type, kind, RAW): the caller must set it at once,
        `length` bytes inline or the word. The old value is gone; `existed` tells whether there was one."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = find_slot(&self.entries, hash, key)
        existed[0] = slot != NULL
        if slot != NULL and self.has_expired(entry_in(slot)):
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
        self.touch_entry(entry)
        if has_room(entry, tag, expire_at, length):
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

    # --- strings

    cpdef bytes get_string(self, bytes key):
        """The string value, or None. A read. O(1), but for the copy. Raises CommandError(WRONG_TYPE)."""
        cdef Entry* entry = self.find_string(key, True)
        return entry_value(entry) if entry != NULL else None

    cpdef bytes peek_string(self, bytes key):
        """`get_string` for a command that writes: no hit or miss is counted."""
        cdef Entry* entry = self.find_string(key, False)
        return entry_value(entry) if entry != NULL else None

    cpdef bint set_string(self, bytes key, bytes value, long long expire_at=NO_EXPIRY) except -1:
        """Sets the key to a string, whatever it held. `expire_at` is Unix time in ms, NO_EXPIRY or KEEP_EXPIRY.

        Returns whether the key existed. O(1), but for the copy of a value of up to INLINE_LIMIT bytes.
        """
        cdef long long number
        if PyBytes_GET_SIZE(value) <= INT64_TEXT and parse_int64(
            PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), &number
        ):
            return self.set_integer(key, number, expire_at)
        return self.store_text(key, value, STRING, expire_at)

    cpdef bint set_raw_string(self, bytes key, bytes value, long long expire_at=NO_EXPIRY) except -1:
        """`set_string` of what OBJECT ENCODING is to call raw, even if it is short or an integer."""
        return self.store_text(key, value, STRING | RAW, expire_at)

    cpdef bint set_integer(self, bytes key, long long value, long long expire_at=KEEP_EXPIRY) except -1:
        """`set_string` of an integer's decimal text."""
        cdef bint existed = False
        cdef Entry* entry = self.claim(key, STRING | KIND_INTEGER, expire_at, 0, &existed)
        entry_word(entry)[0] = value
        return existed

    cdef bint store_text(self, bytes key, bytes value, unsigned int tag, long long expire_at) except -1:
        cdef bint existed = False
        cdef size_t length = PyBytes_GET_SIZE(value)
        if length > INLINE_LIMIT:
            set_entry_object(self.claim(key, tag & ~RAW | KIND_BYTES, expire_at, 0, &existed), value)
            return existed
        memcpy(
            entry_inline_value(self.claim(key, tag, expire_at, length, &existed)), PyBytes_AS_STRING(value), length
        )
        return existed

    cdef char* writable(self, bytes key, Py_ssize_t length) except NULL:
        """The bytes of the key's string, to be changed in place: at least `length` of them, zeros where it was shorter
        (or where there was no key). Valid until the keyspace is used again. The string's encoding is raw from then on.

        A string that is longer than INLINE_LIMIT becomes a bytearray: appending is amortised O(1) per byte, every later
        change is in place, and a bytes object that a reply still holds is not touched.
        Raises CommandError(WRONG_TYPE).
        """
        cdef Text text
        cdef char copy[INLINE_LIMIT]
        cdef bint existed = False
        cdef Entry* entry = self.live(key)
        text.data = b""
        text.length = 0
        if entry != NULL:
            if entry_type(entry) != STRING:
                raise wrong_type()
            if entry_kind(entry) == KIND_OBJECT:
                self.touch_entry(entry)
                return extended(<bytearray>entry_object(entry), length)
            entry_text(entry, &text)
        length = max(length, text.length)
        if length > INLINE_LIMIT:
            value = zero_extended(&text, length)
            set_entry_object(self.claim(key, STRING | KIND_OBJECT, KEEP_EXPIRY, 0, &existed), value)
            return bytearray_data(<PyObject*>value)
        memcpy(copy, text.data, text.length)
        cdef char* data = entry_inline_value(self.claim(key, STRING | RAW, KEEP_EXPIRY, length, &existed))
        memcpy(data, copy, text.length)
        memset(data + text.length, 0, length - text.length)
        return data

    cpdef bytes encoding_of_string(self, bytes key):
        """b"int", b"embstr" or b"raw"; None without the key. A read that does not touch. Raises CommandError(WRONG_TYPE)."""
        cdef Entry* entry = self.look(key)
        if entry == NULL:
            return None
        if entry_type(entry) != STRING:
            raise wrong_type()
        if entry_kind(entry) == KIND_INTEGER:
            return b"int"
        if entry_kind(entry) == KIND_INLINE and not entry.meta & RAW and entry.value_length <= EMBSTR_LIMIT:
            return b"embstr"
        return b"raw"

    # --- values of other types

    cpdef object get_object(self, bytes key, int type, bint read=True):
        """The value of that type, or None. `read`: count a hit or a miss. Raises CommandError(WRONG_TYPE)."""
        cdef Entry* entry = self.find_read(key) if read else self.find(key)
        if entry == NULL:
            return None
        if entry_type(entry) != type:
            raise wrong_type()
        return entry_value(entry)

    cpdef bint set_object(self, bytes key, int type, object value, long long expire_at=KEEP_EXPIRY) except -1:
        """Sets the key to a value of another type than STRING, whatever it held. Returns whether the key existed.

        Where the value has them: `memory_usage()` tells its bytes, and `copy()` makes an independent one.
        """
        if type <= STRING or type > STREAM:
            raise ValueError("no such type of object")
        cdef bint existed = False
        set_entry_object(self.claim(key, type | KIND_OBJECT, expire_at, 0, &existed), value)
        return existed

    cpdef object take(self, bytes key):
        """Deletes the key and returns its value (a string as bytes), or None. For GETDEL, and for UNLINK: the caller may
        free a big value in slices."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.live_slot(key, hash)
        if slot == NULL:
            return None
        cdef Entry* entry = entry_in(slot)
        value = entry_value(entry)
        self.unlink(hash, slot)
        entry_free(entry)
        return value

    # --- keys

    cpdef int type_of(self, bytes key) except? -2:
        """The type of the key's value, or -1. A read that does not touch."""
        cdef Entry* entry = self.look(key)
        return entry_type(entry) if entry != NULL else -1

    cpdef bint exists(self, bytes key) except -1:
        """Whether the key exists. A read that does not touch."""
        return self.look(key) != NULL

    cpdef bint touch(self, bytes key) except -1:
        """Whether the key exists. A read."""
        return self.find_read(key) != NULL

    cpdef bint delete(self, bytes key) except -1:
        """Deletes the key. Returns whether it existed."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.live_slot(key, hash)
        if slot == NULL:
            return False
        cdef Entry* entry = entry_in(slot)
        self.unlink(hash, slot)
        entry_free(entry)
        return True

    cpdef bint discard(self, bytes key) noexcept:
        """Deletes the key even if it has expired, without a callback. Returns whether it was there."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = find_slot(&self.entries, hash, key)
        if slot == NULL:
            return False
        cdef Entry* entry = entry_in(slot)
        self.unlink(hash, slot)
        entry_free(entry)
        return True

    cpdef bint move(self, bytes key, Keyspace target, bytes new_key) except -1:
        """Moves value, expiry and stamp to another key, of this or of another database, in place of what it holds.

        Returns False if the key does not exist. O(1): the value object itself moves.
        """
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.live_slot(key, hash)
        if slot == NULL:
            return False
        if target is self and key == new_key:
            return True
        cdef Entry* entry = entry_in(slot)
        cdef Entry* moved = entry_moved(entry, new_key, entry_expiry(entry))
        self.unlink(hash, slot)
        entry_free_shell(entry)
        hash = hash_bytes(new_key)
        target.store(hash, find_slot(&target.entries, hash, new_key), moved)
        return True

    cpdef bint copy(self, bytes key, Keyspace target, bytes new_key) except -1:
        """Copies value and expiry to another key, in place of what it holds. Returns False if the key does not exist.

        A value of another type is copied by its `copy()`.
        """
        cdef Entry* entry = self.find(key)
        if entry == NULL:
            return False
        if target is self and key == new_key:
            return True
        cdef unsigned int tag = entry.meta & (TYPE_MASK | KIND_MASK | RAW)
        cdef object value = None
        if entry_kind(entry) == KIND_OBJECT and entry_type(entry) == STRING:
            value = bytearray(<bytearray>entry_object(entry))
        elif entry_kind(entry) >= KIND_BYTES:
            value = entry_value(entry)
            if entry_type(entry) != STRING:
                value = value.copy()
        cdef Entry* copied = entry_new(new_key, tag, self.clock.initial(), entry_expiry(entry), entry.value_length)
        if value is not None:
            set_entry_object(copied, value)
        elif entry_kind(entry) == KIND_INTEGER:
            entry_word(copied)[0] = entry_word(entry)[0]
        else:
            memcpy(entry_inline_value(copied), entry_inline_value(entry), entry.value_length)
        cdef uint64_t hash = hash_bytes(new_key)
        target.store(hash, find_slot(&target.entries, hash, new_key), copied)
        return True

    cpdef long long expiry_of(self, bytes key, bint read=False) except? -3:
        """When the key expires (Unix time, ms); -1: never; -2: there is no key. `read`: count a hit or a miss."""
        cdef Entry* entry = self.look(key) if read else self.live(key)
        return entry_expiry(entry) if entry != NULL else -2

    cpdef bint set_expiry(self, bytes key, long long expire_at) except -1:
        """Sets when the key expires (Unix time in ms). Returns whether the key exists. O(1)."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.live_slot(key, hash)
        if slot == NULL:
            return False
        cdef Entry* entry = entry_in(slot)
        if entry.meta & HAS_EXPIRY:
            entry_expiry_field(entry)[0] = expire_at
            return True
        cdef Entry* moved = entry_moved(entry, key, expire_at)
        try:
            table_insert(&self.expiring, hash, moved)
        except MemoryError:
            entry_free_shell(moved)
            raise
        replace_item(slot, moved)
        entry_free_shell(entry)
        return True

    cpdef bint persist(self, bytes key) except -1:
        """Takes the key's expiry away. Returns whether it had one. O(1)."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.live_slot(key, hash)
        if slot == NULL or not entry_in(slot).meta & HAS_EXPIRY:
            return False
        cdef Entry* entry = entry_in(slot)
        cdef Entry* moved = entry_moved(entry, key, NO_EXPIRY)
        cdef uint64_t* expiring_slot = table_find_item(&self.expiring, hash, entry)
        if expiring_slot != NULL:
            table_remove(&self.expiring, hash, expiring_slot)
        replace_item(slot, moved)
        entry_free_shell(entry)
        return True

    cpdef long long idle_seconds(self, bytes key) except? -2:
        """The seconds since the key's last use (under LRU policies), or -1 without the key."""
        cdef Entry* entry = self.live(key)
        return self.clock.idle_seconds(entry_stamp(entry)) if entry != NULL else -1

    cpdef bint set_idle_seconds(self, bytes key, long long seconds) except -1:
        """Makes the key look unused for that long (at most 2**24 - 1 s). Returns whether the key exists."""
        cdef Entry* entry = self.live(key)
        if entry != NULL:
            set_stamp(entry, (self.clock.lru_clock - <unsigned int>min(max(seconds, 0), 0xffffff)) & 0xffffff)
        return entry != NULL

    cpdef int frequency(self, bytes key) except? -2:
        """The key's access counter (under LFU policies), 0 to 255, or -1 without the key."""
        cdef Entry* entry = self.live(key)
        return <int>self.clock.frequency(entry_stamp(entry)) if entry != NULL else -1

    cpdef bint set_frequency(self, bytes key, int value) except -1:
        """Sets the key's access counter, 0 to 255. Returns whether the key exists."""
        cdef Entry* entry = self.live(key)
        if entry != NULL:
            set_stamp(entry, self.clock.minutes << 8 | <unsigned int>min(max(value, 0), 255))
        return entry != NULL

    cpdef Py_ssize_t memory_of(self, bytes key) except? -2:
        """The bytes that key and value take, slots included, or -1 without the key."""
        cdef Entry* entry = self.live(key)
        if entry == NULL:
            return -1
        cdef Py_ssize_t size = entry_memory(entry) + (2 if entry.meta & HAS_EXPIRY else 1) * sizeof(uint64_t)
        if entry_type(entry) != STRING:
            value = entry_value(entry)
            if hasattr(value, "memory_usage"):
                size += value.memory_usage()
        return size

    # --- the whole database

    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, int type=-1, bytes pattern=None):
        """One step of SCAN: (next cursor, keys). The first cursor is 0, and a next cursor of 0 is the end.

        Every key that is there from the first step to the last is returned at least once, however the database grows
        and shrinks meanwhile. A step looks at about `count` keys and returns those of that type (-1: any) and glob
        pattern (None: any), and at most at 10 * count buckets.
        """
        cdef list found = [], expired = []
        cdef Py_ssize_t seen = 0, effort = count * SCAN_EFFORT
        cdef size_t bucket
        while True:
            bucket = cursor & self.entries.low_mask
            seen += self.collect(bucket, type, pattern, found, expired)
            if bucket < self.entries.split:
                seen += self.collect(bucket + self.entries.low_mask + 1, type, pattern, found, expired)
            cursor = next_scan_cursor(&self.entries, cursor)
            effort -= 1
            if cursor == 0 or seen >= count or effort <= 0:
                break
        for key in expired:
            self.expire(key)
        return cursor, found

    cpdef list keys(self, bytes pattern):
        """All keys that match the glob pattern. O(n)."""
        cdef list found = []
        cdef size_t bucket
        if pattern == b"*":
            pattern = None
        for bucket in range(self.entries.bucket_count):
            self.collect(bucket, -1, pattern, found, None)
        return found

    cdef Py_ssize_t collect(self, size_t bucket, int type, bytes pattern, list found, list expired) except -1:
        """Adds the wanted keys of one chain to `found`, the expired ones to `expired`. Returns how many it looked at."""
        cdef Py_ssize_t position = 0
        cdef uint64_t* slot = chain_slot(&self.entries, bucket, 0)
        cdef Entry* entry
        while slot != NULL:         # the entries are far apart in memory: ask for all before reading one
            prefetch(item_of(slot[0]))
            position += 1
            slot = chain_slot(&self.entries, bucket, position)
        cdef Py_ssize_t length = position
        for position in range(length):
            entry = entry_in(chain_slot(&self.entries, bucket, position))
            if type >= 0 and entry_type(entry) != type:
                continue
            if pattern is not None and not glob_match(
                PyBytes_AS_STRING(pattern), PyBytes_GET_SIZE(pattern), entry_key(entry), entry_key_length(entry), False
            ):
                continue
            if not self.has_expired(entry):
                found.append(entry_key_bytes(entry))
            elif expired is not None:
                expired.append(entry_key_bytes(entry))
        return length

    cpdef bytes random_key(self):
        """A key drawn with equal chances, or None. Expected O(1)."""
        cdef int tries = 0
        cdef Entry* entry
        cdef size_t count
        while self.entries.count and tries < RANDOM_TRIES:
            entry = <Entry*>table_random(&self.entries, &self.random_state)
            key = entry_key_bytes(entry)
            if not self.has_expired(entry):
                return key
            count = self.entries.count
            self.expire(key)
            if self.entries.count == count:
                tries += 1
        return None

    cpdef list sample(self, Py_ssize_t count, bint volatile):
        """Draws `count` keys, of all or of those that have an expiry, for eviction: [(key, score, expiry), ...].

        The score is the seconds since the last use, or under an LFU policy the access counter; the expiry is Unix time
        in ms, or -1. A key may be drawn twice. Empty only if there is no such key.
        """
        cdef list drawn = []
        cdef Entry* entry
        cdef unsigned int score
        while count > 0:
            entry = <Entry*>table_random(&self.expiring if volatile else &self.entries, &self.random_state)
            if entry == NULL:
                break
            if self.clock.lfu:
                score = self.clock.frequency(entry_stamp(entry))
            else:
                score = self.clock.idle_seconds(entry_stamp(entry))
            drawn.append((entry_key_bytes(entry), score, entry_expiry(entry)))
            count -= 1
        return drawn

    cpdef tuple sample_expired(self, Py_ssize_t count):
        """Looks at about `count` of the keys that have an expiry, going on where the last call ended: (the expired ones, how
        many were looked at, the sum of the others' times to live in ms). Deletes nothing. O(count)."""
        cdef list expired = []
        cdef Py_ssize_t looked = 0, effort = min(count * EXPIRY_EFFORT, <Py_ssize_t>self.expiring.bucket_count)
        cdef long long time_to_live = 0
        cdef size_t position
        cdef uint64_t* slot
        cdef Entry* entry
        while looked < count and effort > 0:
            if self.expiry_bucket >= self.expiring.bucket_count:
                self.expiry_bucket = 0
            position = 0
            while True:
                slot = chain_slot(&self.expiring, self.expiry_bucket, position)
                if slot == NULL:
                    break
                entry = entry_in(slot)
                if self.has_expired(entry):
                    expired.append(entry_key_bytes(entry))
                else:
                    time_to_live += entry_expiry(entry) - self.clock.now
                position += 1
            looked += position
            self.expiry_bucket += 1
            effort -= 1
        return expired, looked, time_to_live

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

    cpdef void swap_with(self, Keyspace other) noexcept:
        """Exchanges the keys with those of another database. O(1)."""
        self.entries, other.entries = other.entries, self.entries
        self.expiring, other.expiring = other.expiring, self.expiring
        self.expiry_bucket = other.expiry_bucket = 0

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
        """The next entry of a walk over a database that does not change meanwhile (a forked child's, above all), or NULL at
        its end. Touches no reference count. O(1)."""
        return <Entry*>table_next(&self.entries, iterator)


cdef bytearray zero_extended(const Text* text, Py_ssize_t length):
    """A bytearray of that length which begins with the text."""
    cdef bytearray value = PyByteArray_FromStringAndSize(NULL, length)
    cdef char* data = bytearray_data(<PyObject*>value)
    memcpy(data, text.data, text.length)
    memset(data + text.length, 0, length - text.length)
    return value


cdef char* extended(bytearray value, Py_ssize_t length) except NULL:
    """The bytes of a string value that is a bytearray, made `length` long with zeros if it is shorter."""
    cdef Py_ssize_t old_length = bytearray_length(<PyObject*>value)
    cdef Py_ssize_t old_size = bytes_size(<PyObject*>value)
    if length > old_length:
        PyByteArray_Resize(value, length)
        count_bytes(<Py_ssize_t>bytes_size(<PyObject*>value) - old_size)
        memset(bytearray_data(<PyObject*>value) + old_length, 0, length - old_length)
    return bytearray_data(<PyObject*>value)
