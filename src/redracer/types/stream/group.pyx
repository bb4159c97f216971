"""Consumer groups.

A pending entry is one block of 24 bytes. The group's map owns it; the map of the consumer it was delivered to refers to it as
well, so that a consumer's history is a range of its own map. Redis indexes pending entries a third time, by entry over
all groups; here the groups are asked one by one (types/stream/value.pyx), because a stream has few of them.

Ownership: a group owns its consumers and its pending entries. Consumers must not outlive it.
"""

cimport cython
from libc.stdint cimport int64_t, uint64_t

from redracer.core.memory cimport allocate, allocation_size, count_bytes, release
from redracer.types.stream.id_map cimport (
    Id, IdMap, IdPosition, find_value, first_item, free_map, insert_item, item_at, last_item, map_memory,
    next_item, remove_item, seek_from, take_last, compare_ids,
)
from redracer.types.stream.stream_id cimport StreamId, stream_id

cdef enum:
    CONSUMER_SIZE = 176             # bytes of a consumer's object, its name and its place in the group, about
    GROUP_SIZE = 480                # of a group's object, its name and its dict of consumers, about


@cython.final
@cython.no_gc
cdef class Consumer:
    """One consumer of a group."""

    def __cinit__(self):
        count_bytes(CONSUMER_SIZE)

    def __dealloc__(self):
        count_bytes(-CONSUMER_SIZE)
        free_map(&self.pending)

    @property
    def pending_count(self):
        return self.pending.count


@cython.final
@cython.no_gc
cdef class Group:
    """A consumer group. group.pyi has the methods' contracts."""

    def __cinit__(self):
        count_bytes(GROUP_SIZE)
        self.consumers = {}
        self.entries_read = -1

    def __init__(self, bytes name not None, StreamId last_id not None, int64_t entries_read=-1):
        self.name = name
        self.last = last_id.value
        self.entries_read = entries_read

    def __dealloc__(self):
        count_bytes(-GROUP_SIZE)
        while free_pending(self):
            pass

    @property
    def last_id(self):
        return stream_id(self.last)

    @last_id.setter
    def last_id(self, StreamId id not None):
        self.last = id.value

    @property
    def pending_count(self):
        return self.pending.count

    # --- consumers

    def sorted_consumers(self):
        return [self.consumers[name] for name in sorted(self.consumers)]

    cpdef Consumer add_consumer(self, bytes name, int64_t now):
        cdef Consumer consumer
        if name in self.consumers:
            return None
        consumer = Consumer.__new__(Consumer)
        consumer.name = name
        consumer.seen_at = now
        consumer.active_at = -1
        self.consumers[name] = consumer
        return consumer

    cpdef Py_ssize_t remove_consumer(self, bytes name) except? -1:
        cdef Consumer consumer = self.consumers.get(name)
        cdef IdPosition position
        cdef Py_ssize_t count
        if consumer is None:
            return -1
        count = consumer.pending.count
        while last_item(&consumer.pending, &position):
            self.forget(item_at(&consumer.pending, position).id)
        del self.consumers[name]
        return count

    # --- pending entries

    cdef Pending* find(self, Id id) noexcept:
        return <Pending*>find_value(&self.pending, id)

    cdef Pending* assign(self, Id id, Consumer consumer, int64_t now, bint* is_new) except NULL:
        """The pending entry, which is now that consumer's; a new one where there was none. Raises MemoryError."""
        cdef Pending* pending = self.find(id)
        is_new[0] = pending == NULL
        if pending == NULL:
            return self.add(id, consumer, now, 1)
        if pending.consumer != <void*>consumer:
            insert_item(&consumer.pending, id, pending)
            remove_item(&(<Consumer>pending.consumer).pending, id)
            pending.consumer = <void*>consumer
        return pending

    cdef Pending* add(self, Id id, Consumer consumer, int64_t delivered_at, uint64_t deliveries) except NULL:
        """A new pending entry of an ID that has none. Raises MemoryError, and nothing has changed."""
        cdef Pending* pending = <Pending*>allocate(sizeof(Pending))
        pending.delivered_at = delivered_at
        pending.deliveries = deliveries
        pending.consumer = <void*>consumer
        try:
            insert_item(&consumer.pending, id, pending)
            insert_item(&self.pending, id, pending)
        except:
            remove_item(&consumer.pending, id)
            release(pending, sizeof(Pending))
            raise
        return pending

    cdef bint forget(self, Id id) except -1:
        """Removes a pending entry; whether there was one."""
        cdef Pending* pending = self.find(id)
        if pending == NULL:
            return False
        remove_item(&self.pending, id)
        remove_item(&(<Consumer>pending.consumer).pending, id)
        release(pending, sizeof(Pending))
        return True

    cpdef bint acknowledge(self, StreamId id) except -1:
        return self.forget(id.value)

    def add_pending(self, StreamId id not None, Consumer consumer not None, int64_t delivered_at, uint64_t deliveries):
        if self.consumers.get(consumer.name) is not consumer:
            raise ValueError("a consumer of another group")
        if self.find(id.value) != NULL:
            return False
        self.add(id.value, consumer, delivered_at, deliveries)
        return True

    def claim(
        self, StreamId id not None, Consumer consumer not None, int64_t delivered_at, int64_t deliveries, int64_t increment
    ):
        cdef bint is_new
        cdef Pending* pending
        if self.consumers.get(consumer.name) is not consumer:
            raise ValueError("a consumer of another group")
        pending = self.assign(id.value, consumer, delivered_at, &is_new)
        pending.delivered_at = delivered_at
        if deliveries >= 0:
            pending.deliveries = deliveries
        else:
            pending.deliveries += increment
        return pending.deliveries

    def delivered_at(self, StreamId id not None):
        cdef Pending* pending = self.find(id.value)
        return pending.delivered_at if pending != NULL else None

    def describe(self, StreamId id not None):
        cdef Pending* pending = self.find(id.value)
        if pending == NULL:
            raise KeyError(id)
        return (<Consumer>pending.consumer).name, pending.delivered_at, pending.deliveries

    def pending_edges(self):
        cdef IdPosition first, last
        if not first_item(&self.pending, &first) or not last_item(&self.pending, &last):
            return None
        return stream_id(item_at(&self.pending, first).id), stream_id(item_at(&self.pending, last).id)

    def pending_range(
        self, StreamId start not None, StreamId end not None, int64_t count, Consumer consumer, int64_t delivered_until
    ):
        cdef list found = []
        cdef IdMap* map = &self.pending if consumer is None else &consumer.pending
        cdef IdPosition position
        cdef Pending* pending
        cdef bint there = seek_from(map, start.value, &position)
        if consumer is not None and self.consumers.get(consumer.name) is not consumer:
            raise ValueError("a consumer of another group")
        while there and count > 0 and compare_ids(item_at(map, position).id, end.value) <= 0:
            pending = <Pending*>item_at(map, position).value
            if pending.delivered_at <= delivered_until:
                name = (<Consumer>pending.consumer).name
                found.append((stream_id(item_at(map, position).id), name, pending.delivered_at, pending.deliveries))
                count -= 1
            there = next_item(map, &position)
        return found

    def next_pending(self, StreamId start not None):
        cdef IdPosition position
        if not seek_from(&self.pending, start.value, &position):
            return None
        return stream_id(item_at(&self.pending, position).id)

    # --- the whole

    cdef Group copy(self):
        cdef Group copied = Group(self.name, stream_id(self.last), self.entries_read)
        cdef Consumer consumer, twin
        cdef IdPosition position
        cdef Pending* pending
        cdef bint there
        for consumer in self.consumers.values():
            twin = copied.add_consumer(consumer.name, consumer.seen_at)
            twin.active_at = consumer.active_at
        there = first_item(&self.pending, &position)
        while there:
            pending = <Pending*>item_at(&self.pending, position).value
            twin = copied.consumers[(<Consumer>pending.consumer).name]
            copied.add(item_at(&self.pending, position).id, twin, pending.delivered_at, pending.deliveries)
            there = next_item(&self.pending, &position)
        return copied

    cdef Py_ssize_t memory_usage(self) except -1:
        """The bytes that the group takes. O(pending entries / 128 + consumers)"""
        cdef Py_ssize_t size = GROUP_SIZE + map_memory(&self.pending)
        size += self.pending.count * allocation_size(sizeof(Pending))
        cdef Consumer consumer
        for consumer in self.consumers.values():
            size += CONSUMER_SIZE + map_memory(&consumer.pending)
        return size

    cpdef bint free_some(self, Py_ssize_t budget) except -1:
        while budget > 0 and free_pending(self):
            budget -= 1
        return self.pending.count == 0


cdef bint free_pending(Group group) noexcept:
    """Frees the last pending entry; whether there was one. The consumers still refer to it: the group is at its end."""
    cdef void* pending = take_last(&group.pending)
    if pending == NULL:
        return False
    release(pending, sizeof(Pending))
    return True
