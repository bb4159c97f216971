"""One database: keys, values, expiries. docs/design/keyspace.md has the layout, its reasons and figures.

Ownership: the table of keys (key_table.pyx) owns its entries, an entry owns one reference to its value. No
method hands out an object that later changes: a string that is changed in place is a bytearray, and is copied
when it is read. `peek`, `discard` and `next_entry` alone see entries that have expired and are not deleted yet.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_FromStringAndSize, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.string cimport memcpy, memset

from redracer.core.entry cimport (
    EMBSTR_LIMIT, HAS_EXPIRY, INLINE_LIMIT, KEEP_EXPIRY, KIND_BYTES, KIND_INLINE, KIND_INTEGER, KIND_MASK, KIND_OBJECT,
    NO_EXPIRY, RAW, STREAM, STRING, TYPE_MASK, Text, bytearray_data, bytearray_length, bytes_size, entry_expiry,
    entry_expiry_field, entry_free, entry_free_shell, entry_inline_value, entry_key, entry_key_bytes, entry_key_length,
    entry_kind, entry_memory, entry_moved, entry_new, entry_object, entry_stamp, entry_text, entry_type, entry_value,
    entry_word, set_entry_object, set_stamp,
)
from redracer.core.glob cimport glob_match
from redracer.core.key_table cimport entry_in, has_expired, hash_bytes
from redracer.core.memory cimport count_bytes
from redracer.core.numbers cimport INT64_TEXT, parse_int64
from redracer.core.table cimport (
    chain_slot, item_of, next_scan_cursor, prefetch, replace_item, table_find_item, table_insert, table_random,
    table_remove,
)

from redracer.core.errors import WRONG_TYPE, CommandError

cdef enum:
    SCAN_EFFORT = 10                # SCAN visits at most 10 buckets for each key that COUNT asks for
    EXPIRY_EFFORT = 20              # and active expiry at most 20
    RANDOM_TRIES = 100              # expired keys that RANDOMKEY may draw where they are not deleted (a replica)


cdef object wrong_type():
    return CommandError(WRONG_TYPE)


@cython.final
@cython.no_gc
cdef class Keyspace(KeyTable):
    """One database. `index` is its number; `clock` is shared by all of them."""

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
        """The bytes of the key's string, to be changed in place: at least `length` of them, zeros where it was
        shorter (or where there was no key). Valid until the keyspace is used again. The string's encoding is
        raw from then on.

        A string that is longer than INLINE_LIMIT becomes a bytearray: appending is amortised O(1) per byte,
        every later change is in place, and a bytes object that a reply still holds is not touched.
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
                self.touch_found(entry)
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
        """b"int", b"embstr" or b"raw"; None without the key. A read that does not touch. Raises
        CommandError(WRONG_TYPE)."""
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
        """Deletes the key and returns its value (a string as bytes), or None. For GETDEL, and for UNLINK: the
        caller may free a big value in slices."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.live_slot(key)
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
        cdef uint64_t* slot = self.live_slot(key)
        if slot == NULL:
            return False
        cdef Entry* entry = entry_in(slot)
        self.unlink(hash, slot)
        entry_free(entry)
        return True

    cpdef bint discard(self, bytes key) noexcept:
        """Deletes the key even if it has expired, without a callback. Returns whether it was there."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.any_slot(key)
        if slot == NULL:
            return False
        cdef Entry* entry = entry_in(slot)
        self.unlink(hash, slot)
        entry_free(entry)
        return True

    def discard_value(self, bytes key not None):
        """`discard`, but the value of another type than STRING is handed over: a big one may be freed in slices.
        None without one."""
        cdef Entry* entry = self.peek(key)
        value = entry_value(entry) if entry != NULL and entry_type(entry) != STRING else None
        self.discard(key)
        return value

    cpdef bint move(self, bytes key, Keyspace target, bytes new_key) except -1:
        """Moves value, expiry and stamp to another key, of this or of another database, in place of what it holds.

        Returns False if the key does not exist. O(1): the value object itself moves.
        """
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.live_slot(key)
        if slot == NULL:
            return False
        if target is self and key == new_key:
            return True
        cdef uint64_t* replaced = target.any_slot(new_key)
        if replaced != NULL:
            target.give_up(entry_in(replaced))
        cdef Entry* entry = entry_in(slot)
        cdef Entry* moved = entry_moved(entry, new_key, entry_expiry(entry))
        self.unlink(hash, slot)
        entry_free_shell(entry)
        hash = hash_bytes(new_key)
        target.store(hash, target.any_slot(new_key), moved)
        return True

    cpdef bint copy(self, bytes key, Keyspace target, bytes new_key) except -1:
        """Copies value and expiry to another key, in place of what it holds. Returns False if the key does not
        exist.

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
        target.store(hash, target.any_slot(new_key), copied)
        return True

    cpdef long long expiry_of(self, bytes key, bint read=False) except? -3:
        """When the key expires (Unix time, ms); -1: never; -2: there is no key. `read`: count a hit or a miss."""
        cdef Entry* entry = self.look(key) if read else self.live(key)
        return entry_expiry(entry) if entry != NULL else -2

    cpdef bint set_expiry(self, bytes key, long long expire_at) except -1:
        """Sets when the key expires (Unix time in ms). Returns whether the key exists. O(1)."""
        cdef uint64_t hash = hash_bytes(key)
        cdef uint64_t* slot = self.live_slot(key)
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
        cdef uint64_t* slot = self.live_slot(key)
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

        Every key that is there from the first step to the last is returned at least once, however the database
        grows and shrinks meanwhile. A step looks at about `count` keys and returns those of that type (-1:
        any) and glob pattern (None: any), and at most at 10 * count buckets.
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
        """Adds the wanted keys of one chain to `found`, the expired ones to `expired`. Returns how many it
        looked at."""
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
            if not has_expired(self, entry):
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
            if not has_expired(self, entry):
                return key
            count = self.entries.count
            self.expire(key)
            if self.entries.count == count:
                tries += 1
        return None

    cpdef tuple sample_expired(self, Py_ssize_t count):
        """Looks at about `count` of the keys that have an expiry, going on where the last call ended: (the
        expired ones, how many were looked at, the sum of the others' times to live in ms). Deletes nothing.
        O(count)."""
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
                if has_expired(self, entry):
                    expired.append(entry_key_bytes(entry))
                else:
                    time_to_live += entry_expiry(entry) - self.clock.now
                position += 1
            looked += position
            self.expiry_bucket += 1
            effort -= 1
        return expired, looked, time_to_live


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
