# cython: allow_none_for_extension_args=False
"""Hash tables of elements: large sets, and large hashes with their fields' expiries.

The table is core/table's, the one of the keyspace: it grows and shrinks a bucket at a time, so no size makes
a pause, and SCAN's guarantee is the keyspace's. An item is an element (core/element): member, value, expiry
in one allocation, so that a lookup costs the bucket's miss and the element's. A value that fits the element's
allocation is changed in place.

Fields with an expiry are also in a heap (core/expiry_heap), the earliest on top. The tables have no clock:
whoever reads a hash says what time it is, and removes expired fields when it chooses to.

Freeing in slices: the first `free_some` moves the table aside, and an empty one serves from then on.
"""

import os

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyTypeObject
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from redracer.core.element cimport (
    HAS_EXPIRY, HAS_VALUE, LONG_VALUE, Element, copied_element, element_expiry, element_hash, element_member,
    element_score, element_size, element_value, free_element, member_data, member_length, new_element,
    set_element_expiry, set_heap_place, heap_place, value_data, value_length, write_header,
)
from redracer.core.expiry_heap cimport (
    heap_free, heap_free_some, heap_memory, heap_moved, heap_push, heap_remove, heap_reserve, heap_update,
)
from redracer.core.glob cimport glob_match
from redracer.core.memory cimport allocation_size, count_bytes
from redracer.core.random cimport next_random
from redracer.core.table cimport (
    Bucket, BucketArray, bucket_match, chain_slot, item_of, locate, longest_chain, lowest_bit, next_bucket,
    next_scan_cursor, prefetch, replace_item, table_find_item, table_free_some, table_init, table_insert, table_next,
    table_random, table_remove,
)

cdef extern from "Python.h":
    PyTypeObject* object_type "Py_TYPE"(object value)

cdef extern from "python_hash.h":
    uint64_t hash_bytes(bytes key)
    uint64_t hash_buffer(const char* data, Py_ssize_t length)

cdef enum:
    SCAN_EFFORT = 10                # a step of SCAN visits at most 10 buckets for each element that COUNT asks for
    ELEMENTS_PER_SEGMENT = 100      # the kernel needs as long for a segment of the table as we for 100 elements
    SPARSE_DRAW = 3                 # fewer than 1/3 of the elements are drawn by chance, more by a walk over all
    LIVING_TRIES = 64               # draws of an expired field before a walk over all finds a living one

cdef uint64_t random_state = int.from_bytes(os.urandom(8), "little")


cdef inline Element* element_in(uint64_t* slot) noexcept nogil:
    return <Element*>item_of(slot[0])


cdef inline bint is_expired(const Element* element, int64_t now) noexcept nogil:
    return element[0] & HAS_EXPIRY and element_expiry(element) <= now


cdef inline size_t element_memory(const Element* element) noexcept nogil:
    return allocation_size(element_size(element))


cdef inline Py_ssize_t object_size(ElementTable table) noexcept:
    return allocation_size(object_type(table).tp_basicsize)


cdef size_t array_memory(const BucketArray* array) noexcept nogil:
    cdef size_t size = array.capacity * sizeof(Bucket)
    return size + allocation_size(array.directory_capacity * sizeof(Bucket*)) if array.directory_capacity else size


cdef int append_parts(list found, const Element* element, int parts) except -1:
    if parts & MEMBER_PART:
        found.append(element_member(element))
    if parts & VALUE_PART:
        found.append(element_value(element))
    elif parts & SCORE_PART:
        found.append(element_score(element))
    return 0


@cython.no_gc
cdef class ElementTable:
    """The elements of a large value, found by member; it owns them. member_table.pyi has the contracts."""

    def __cinit__(self):
        count_bytes(object_size(self))
        table_init(&self.table, element_hash)

    def __dealloc__(self):
        count_bytes(-object_size(self))
        while not free_slice(self, &self.freed, 1 << 30):
            pass
        memset(&self.free_position, 0, sizeof(self.free_position))
        while not free_slice(self, &self.table, 1 << 30):
            pass

    def __len__(self):
        return self.table.count

    cpdef Py_ssize_t memory_usage(self) noexcept:
        return object_size(self) + <Py_ssize_t>(
            self.element_bytes + array_memory(&self.table.primary) + array_memory(&self.table.overflow)
            + array_memory(&self.freed.primary) + array_memory(&self.freed.overflow)
        )

    cpdef bint free_some(self, Py_ssize_t budget) except -1:
        if self.table.count:
            while not free_slice(self, &self.freed, 1 << 30):       # only if it was filled again
                pass
            self.freed, self.table = self.table, self.freed
            try:
                table_init(&self.table, element_hash)
            except MemoryError:
                self.freed, self.table = self.table, self.freed
                raise
            memset(&self.free_position, 0, sizeof(self.free_position))
        return free_slice(self, &self.freed, budget)

    def table_stats(self):
        return {
            "elements": self.table.count,
            "buckets": self.table.bucket_count,
            "overflow_buckets": self.table.overflow_count,
            "longest_chain": longest_chain(&self.table),
            "load": self.table.count / <double>self.table.bucket_count,
        }

    # --- finding

    cdef uint64_t* slot_of(self, const char* data, size_t length, uint64_t hash) noexcept:
        """The slot of the element of that member, or NULL. Valid until the next change."""
        cdef unsigned int tag, mask
        cdef Bucket* bucket = locate(&self.table, hash, &tag)
        cdef uint64_t* slot
        cdef Element* element
        while bucket != NULL:
            mask = bucket_match(bucket, tag)
            while mask:
                slot = &bucket.slots[lowest_bit(mask)]
                element = element_in(slot)
                if member_length(element) == length and memcmp(member_data(element), data, length) == 0:
                    return slot
                mask &= mask - 1
            bucket = next_bucket(&self.table, bucket)
        return NULL

    cdef Element* find(self, bytes member) noexcept:
        cdef uint64_t* slot = self.slot_of(PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), hash_bytes(member))
        return element_in(slot) if slot != NULL else NULL

    cdef Element* find_buffer(self, const char* data, size_t length) noexcept:
        cdef uint64_t* slot = self.slot_of(data, length, hash_buffer(data, length))
        return element_in(slot) if slot != NULL else NULL

    cpdef bint contains(self, bytes member) noexcept:
        return self.find(member) != NULL

    cdef Element* next_element(self, TableIterator* iterator) noexcept nogil:
        return <Element*>table_next(&self.table, iterator)

    cdef Element* random_element(self) noexcept:
        return <Element*>table_random(&self.table, &random_state)

    # --- changing

    cdef int insert_element(self, uint64_t hash, Element* element) except -1:
        """Takes over an element whose member is not in the table; frees it where there is no memory (MemoryError)."""
        try:
            table_insert(&self.table, hash, element)
        except MemoryError:
            free_element(element)
            raise
        self.element_bytes += element_memory(element)
        return 0

    cdef void take_out(self, uint64_t hash, uint64_t* slot) noexcept:
        """Takes the element in the slot out of the table. The caller frees it."""
        self.element_bytes -= element_memory(element_in(slot))
        table_remove(&self.table, hash, slot)

    cdef uint64_t* slot_of_element(self, uint64_t hash, Element* element) noexcept:
        return table_find_item(&self.table, hash, element)

    cdef int copy_elements(self, ElementTable source) except -1:
        """Adds copies of the elements of `source` to this table, which is empty."""
        cdef TableIterator walk
        memset(&walk, 0, sizeof(walk))
        cdef Element* element = source.next_element(&walk)
        while element != NULL:
            self.insert_element(element_hash(element), copied_element(element))
            element = source.next_element(&walk)
        return 0

    # --- many at once

    cdef Py_ssize_t collect(self, size_t bucket, list found, int parts, bytes pattern, int64_t now) except -1:
        """Adds the parts of the wanted elements of one chain to `found`. Returns how many elements it looked at."""
        cdef const char* wanted = PyBytes_AS_STRING(pattern) if pattern is not None else NULL
        cdef Py_ssize_t wanted_length = PyBytes_GET_SIZE(pattern) if pattern is not None else 0
        cdef Py_ssize_t position = 0
        cdef Py_ssize_t length
        cdef uint64_t* slot = chain_slot(&self.table, bucket, 0)
        cdef Element* element
        while slot != NULL:         # the elements are far apart in memory: ask for all before reading one
            prefetch(element_in(slot))
            position += 1
            slot = chain_slot(&self.table, bucket, position)
        length = position
        for position in range(length):
            element = element_in(chain_slot(&self.table, bucket, position))
            if not is_expired(element, now) and (wanted == NULL or glob_match(
                wanted, wanted_length, member_data(element), member_length(element), False
            )):
                append_parts(found, element, parts)
        return length

    cdef list all_parts(self, int parts, int64_t now):
        cdef list found = []
        cdef size_t bucket
        for bucket in range(self.table.bucket_count):
            self.collect(bucket, found, parts, None, now)
        return found

    cdef tuple scan_parts(self, uint64_t cursor, Py_ssize_t count, bytes pattern, int parts, int64_t now):
        """One step of SCAN: (next cursor, flat list). See Keyspace.scan."""
        cdef list found = []
        cdef Py_ssize_t seen = 0
        cdef Py_ssize_t effort = min(max(count, 1), 1 << 40) * SCAN_EFFORT
        cdef size_t bucket
        while True:
            bucket = cursor & self.table.low_mask
            seen += self.collect(bucket, found, parts, pattern, now)
            if bucket < self.table.split:
                seen += self.collect(bucket + self.table.low_mask + 1, found, parts, pattern, now)
            cursor = next_scan_cursor(&self.table, cursor)
            effort -= 1
            if cursor == 0 or seen >= count or effort <= 0:
                return cursor, found

    cdef list draw_parts(self, Py_ssize_t count, int parts):
        """The parts of `count` random elements, which may come more than once."""
        cdef list found = []
        cdef Element* element
        while count > 0:
            element = self.random_element()
            if element == NULL:
                break
            append_parts(found, element, parts)
            count -= 1
        return found

    cdef list draw_distinct_parts(self, Py_ssize_t count, int parts):
        """The parts of up to `count` different elements, each subset with equal chances. O(count)."""
        cdef list found = []
        cdef set drawn = set()
        cdef Element* element
        if count >= <Py_ssize_t>self.table.count // SPARSE_DRAW:
            return self.sample_parts(count, self.table.count, parts, -1)
        while <Py_ssize_t>len(drawn) < count:
            element = self.random_element()
            if <size_t>element not in drawn:
                drawn.add(<size_t>element)
                append_parts(found, element, parts)
        return found

    cdef list sample_parts(self, Py_ssize_t count, size_t living, int parts, int64_t now):
        """The same by selection sampling (Knuth, The Art of Computer Programming, volume 2, algorithm S), over the
        `living` elements that have not expired. O(n)."""
        cdef list found = []
        cdef TableIterator walk
        memset(&walk, 0, sizeof(walk))
        cdef Element* element = self.next_element(&walk)
        while element != NULL and count > 0 and living > 0:
            if not is_expired(element, now):
                if next_random(&random_state) % living < <size_t>count:
                    append_parts(found, element, parts)
                    count -= 1
                living -= 1
            element = self.next_element(&walk)
        return found


cdef bint free_slice(ElementTable owner, Table* table, Py_ssize_t budget) noexcept:
    """Frees up to `budget` elements of a table that nobody reads any more, or table memory once there are none."""
    cdef size_t segments = max(budget, 0) // ELEMENTS_PER_SEGMENT + 1
    cdef Element* element
    while budget > 0:
        element = <Element*>table_next(table, &owner.free_position)
        if element == NULL:
            return table_free_some(table, segments)
        owner.element_bytes -= element_memory(element)
        free_element(element)
        budget -= 1
    return False


@cython.no_gc
cdef class MemberTable(ElementTable):
    """The members of a large set."""

    cpdef bint add(self, bytes member) except -1:
        return self.add_buffer(PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), hash_bytes(member))

    cdef bint add_buffer(self, const char* data, size_t length, uint64_t hash) except -1:
        """`hash` is what `hash(member)` is."""
        if self.slot_of(data, length, hash) != NULL:
            return False
        self.insert_element(hash, new_element(0, data, length, NULL, 0))
        return True

    cpdef bint remove(self, bytes member) noexcept:
        cdef uint64_t hash = hash_bytes(member)
        return self.drop(hash, self.slot_of(PyBytes_AS_STRING(member), PyBytes_GET_SIZE(member), hash))

    cdef bint drop(self, uint64_t hash, uint64_t* slot) noexcept:
        if slot == NULL:
            return False
        cdef Element* element = element_in(slot)
        self.take_out(hash, slot)
        free_element(element)
        return True

    cpdef bytes random(self):
        cdef Element* element = self.random_element()
        return element_member(element) if element != NULL else None

    cpdef bytes pop(self):
        cdef Element* element = self.random_element()
        if element == NULL:
            return None
        member = element_member(element)
        cdef uint64_t hash = hash_bytes(member)
        self.drop(hash, self.slot_of_element(hash, element))
        return member

    cpdef list draw(self, Py_ssize_t count):
        return self.draw_parts(count, MEMBER_PART)

    cpdef list draw_distinct(self, Py_ssize_t count):
        return self.draw_distinct_parts(count, MEMBER_PART)

    cpdef list members(self):
        return self.all_parts(MEMBER_PART, -1)

    cpdef tuple scan(self, uint64_t cursor, Py_ssize_t count, bytes pattern=None):
        return self.scan_parts(cursor, count, pattern, MEMBER_PART, -1)

    cpdef MemberTable copy(self):
        cdef object kind = type(self)
        cdef MemberTable copied = kind.__new__(kind)
        copied.copy_elements(self)
        return copied


@cython.no_gc
cdef class FieldTable(ElementTable):
    """The fields and values of a large hash. Every element with an expiry, and no other, is in the heap."""

    def __dealloc__(self):
        heap_free(&self.heap)
        heap_free(&self.freed_heap)

    cpdef Py_ssize_t memory_usage(self) noexcept:
        return ElementTable.memory_usage(self) + <Py_ssize_t>(heap_memory(&self.heap) + heap_memory(&self.freed_heap))

    cpdef bint free_some(self, Py_ssize_t budget) except -1:
        cdef bint emptied = self.table.count > 0
        cdef bint done = ElementTable.free_some(self, budget)
        if emptied:
            heap_free(&self.freed_heap)
            self.heap, self.freed_heap = self.freed_heap, self.heap
        return done and heap_free_some(&self.freed_heap)

    # --- fields and values

    cdef uint64_t* slot_of_field(self, bytes field) noexcept:
        return self.slot_of(PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field), hash_bytes(field))

    cdef Element* living(self, bytes field, int64_t now) noexcept:
        cdef uint64_t* slot = self.slot_of_field(field)
        return element_in(slot) if slot != NULL and not is_expired(element_in(slot), now) else NULL

    cpdef bytes get(self, bytes field, int64_t now=-1):
        cdef Element* element = self.living(field, now)
        return element_value(element) if element != NULL else None

    cpdef bint has(self, bytes field, int64_t now=-1) noexcept:
        return self.living(field, now) != NULL

    cpdef Py_ssize_t value_length(self, bytes field, int64_t now=-1) noexcept:
        cdef Element* element = self.living(field, now)
        return value_length(element) if element != NULL else 0

    cpdef bint set(self, bytes field, bytes value, bint keep_expiry=False) except -1:
        cdef uint64_t* slot = self.slot_of_field(field)
        cdef const char* data = PyBytes_AS_STRING(value)
        cdef size_t length = PyBytes_GET_SIZE(value)
        cdef Element* element
        cdef unsigned int flags = HAS_VALUE
        if slot == NULL:
            element = new_element(flags, PyBytes_AS_STRING(field), PyBytes_GET_SIZE(field), data, length)
            self.insert_element(hash_bytes(field), element)
            return True
        element = element_in(slot)
        if keep_expiry:
            flags |= element[0] & HAS_EXPIRY
        if has_room(element, flags, length):
            write_header(element, flags, member_length(element), length)
            memcpy(<char*>value_data(element), data, length)
        else:
            self.rebuild(slot, flags, data, length)
        return False

    cdef Element* rebuild(self, uint64_t* slot, unsigned int flags, const char* value, size_t length) except NULL:
        """Replaces the slot's element by one with that value, and with an expiry or without. An expiry that is new is
        to be set, and pushed, by the caller, who has reserved its place. Raises MemoryError."""
        cdef Element* old = element_in(slot)
        cdef Element* built = new_element(flags, member_data(old), member_length(old), value, length)
        if old[0] & HAS_EXPIRY and flags & HAS_EXPIRY:
            set_element_expiry(built, element_expiry(old))
            set_heap_place(built, heap_place(old))
            heap_moved(&self.heap, built)
        elif old[0] & HAS_EXPIRY:
            heap_remove(&self.heap, old)
        replace_item(slot, built)
        self.element_bytes += element_memory(built) - element_memory(old)
        free_element(old)
        return built

    cpdef bint remove(self, bytes field) noexcept:
        cdef uint64_t hash = hash_bytes(field)
        cdef uint64_t* slot = self.slot_of_field(field)
        if slot == NULL:
            return False
        self.drop(hash, slot)
        return True

    cdef void drop(self, uint64_t hash, uint64_t* slot) noexcept:
        cdef Element* element = element_in(slot)
        if element[0] & HAS_EXPIRY:
            heap_remove(&self.heap, element)
        self.take_out(hash, slot)
        free_element(element)

    # --- expiries

    cpdef int64_t expiry_of(self, bytes field) noexcept:
        cdef Element* element = self.find(field)
        return element_expiry(element) if element != NULL else -2

    cpdef bint set_expiry(self, bytes field, int64_t expire_at) except -1:
        cdef uint64_t* slot = self.slot_of_field(field)
        cdef Element* element
        if expire_at < 0:
            raise ValueError("an expiry is 0 or more")
        if slot == NULL:
            return False
        element = element_in(slot)
        if element[0] & HAS_EXPIRY:
            set_element_expiry(element, expire_at)
            heap_update(&self.heap, element)
            return True
        heap_reserve(&self.heap)
        element = self.rebuild(slot, HAS_VALUE | HAS_EXPIRY, value_data(element), value_length(element))
        set_element_expiry(element, expire_at)
        heap_push(&self.heap, element)
        return True

    cpdef bint persist(self, bytes field) except -1:
        cdef uint64_t* slot = self.slot_of_field(field)
        cdef Element* element
        if slot == NULL or not element_in(slot)[0] & HAS_EXPIRY:
            return False
        element = element_in(slot)
        self.rebuild(slot, HAS_VALUE, value_data(element), value_length(element))
        return True

    cpdef int64_t next_expiry(self) noexcept:
        return element_expiry(self.heap.elements[0]) if self.heap.count else -1

    cpdef Py_ssize_t expiring(self) noexcept:
        return self.heap.count

    cdef bint any_expired(self, int64_t now) noexcept:
        return self.heap.count and element_expiry(self.heap.elements[0]) <= now

    cpdef list take_expired(self, int64_t now, Py_ssize_t limit):
        cdef list taken = []
        cdef Element* element
        cdef uint64_t hash
        while limit > 0 and self.any_expired(now):
            element = self.heap.elements[0]
            taken.append(element_member(element))
            hash = element_hash(element)
            self.drop(hash, self.slot_of_element(hash, element))
            limit -= 1
        return taken

    # --- many at once

    cpdef list fields(self, int64_t now=-1):
        return self.all_parts(MEMBER_PART, now)

    cpdef list values(self, int64_t now=-1):
        return self.all_parts(VALUE_PART, now)

    cpdef list items(self, int64_t now=-1):
        return self.all_parts(MEMBER_PART | VALUE_PART, now)

    cpdef tuple scan(
        self, uint64_t cursor, Py_ssize_t count, bytes pattern=None, bint with_values=True, int64_t now=-1
    ):
        return self.scan_parts(cursor, count, pattern, parts_of(with_values), now)

    cpdef list draw(self, Py_ssize_t count, bint with_values=False, int64_t now=-1):
        cdef list found = []
        cdef Element* element
        if not self.any_expired(now):
            return self.draw_parts(count, parts_of(with_values))
        while count > 0:
            element = self.random_living(now)
            if element == NULL:
                break
            append_parts(found, element, parts_of(with_values))
            count -= 1
        return found

    cdef Element* random_living(self, int64_t now) noexcept:
        """A field that has not expired, drawn with equal chances, or NULL. O(1) unless few are left; then O(n)."""
        cdef int tries
        cdef size_t living = 0
        cdef Element* element
        cdef Element* chosen = NULL
        cdef TableIterator walk
        for tries in range(LIVING_TRIES):
            element = self.random_element()
            if element == NULL or not is_expired(element, now):
                return element
        memset(&walk, 0, sizeof(walk))
        element = self.next_element(&walk)
        while element != NULL:      # each is kept with chance 1 / (those so far): all are equal in the end
            if not is_expired(element, now):
                living += 1
                if next_random(&random_state) % living == 0:
                    chosen = element
            element = self.next_element(&walk)
        return chosen

    cpdef list draw_distinct(self, Py_ssize_t count, bint with_values=False, int64_t now=-1):
        if not self.any_expired(now):
            return self.draw_distinct_parts(count, parts_of(with_values))
        return self.sample_parts(count, self.count_living(now), parts_of(with_values), now)

    cdef size_t count_living(self, int64_t now) noexcept:
        cdef size_t living = self.table.count
        cdef size_t place
        for place in range(self.heap.count):
            living -= is_expired(self.heap.elements[place], now)
        return living

    cpdef FieldTable copy(self):
        cdef object kind = type(self)
        cdef FieldTable copied = kind.__new__(kind)
        cdef TableIterator walk
        cdef Element* element
        copied.copy_elements(self)
        memset(&walk, 0, sizeof(walk))
        element = copied.next_element(&walk)
        while element != NULL:
            if element[0] & HAS_EXPIRY:
                heap_reserve(&copied.heap)
                heap_push(&copied.heap, element)
            element = copied.next_element(&walk)
        return copied


cdef inline int parts_of(bint with_values) noexcept:
    return MEMBER_PART | VALUE_PART if with_values else MEMBER_PART


cdef bint has_room(const Element* element, unsigned int flags, size_t length) noexcept nogil:
    """Whether the element, its member where it is, can take a value of that length in place."""
    cdef size_t size
    if (element[0] & HAS_EXPIRY) != (flags & HAS_EXPIRY) or (length > 255) != (element[0] & LONG_VALUE != 0):
        return False
    size = element_size(element)
    return allocation_size(size - value_length(element) + length) == allocation_size(size)
