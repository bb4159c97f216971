"""Streams: a log of entries (entry_log.pyx) and the consumer groups that read it (group.pyx).

How far a group lags behind is a difference of two counts, of entries ever added and of entries ever read. The second is
known as long as no deletion in between has made holes; after that it is known again wherever the group's last ID is the first or the last
of the stream. The rules are Redis 8.2's.
"""

cimport cython
from libc.stdint cimport int64_t

from redracer.core.memory cimport count_bytes
from redracer.core.replies cimport NULL_ARRAY
from redracer.types.stream.entry_cursor cimport EntryCursor, cursor_over
from redracer.types.stream.entry_log cimport ACKNOWLEDGED, DELETE_REFERENCES, EntryLog
from redracer.types.stream.group cimport Consumer, Group, Pending
from redracer.types.stream.id_map cimport Id, IdPosition, compare_ids, item_at, next_item, seek_from
from redracer.types.stream.stream_id cimport StreamId, id_text, increment_id

cdef enum:
    UNKNOWN = -1                    # in place of a count
    STREAM_SIZE = 176               # bytes of the object


cdef inline bint is_zero(Id id) noexcept:
    return id.ms == 0 and id.seq == 0


@cython.final
@cython.no_gc
cdef class Stream(EntryLog):
    """A stream. value.pyi has the methods' contracts. Ownership: as in entry_log.pyx and group.pyx."""

    encoding = b"stream"

    def __cinit__(self):
        count_bytes(STREAM_SIZE)

    def __dealloc__(self):
        count_bytes(-STREAM_SIZE)

    # --- groups

    cpdef Group group(self, bytes name):
        return self.groups.get(name) if self.groups is not None else None

    def sorted_groups(self):
        return [self.groups[name] for name in sorted(self.groups)] if self.groups is not None else []

    cpdef Group add_group(self, bytes name, StreamId last_id, int64_t entries_read):
        cdef Group group
        if self.groups is None:
            self.groups = {}
        if name in self.groups:
            return None
        group = Group(name, last_id, entries_read)
        self.groups[name] = group
        return group

    cpdef Group remove_group(self, bytes name):
        return self.groups.pop(name, None) if self.groups is not None else None

    # --- reading through a group

    cpdef list deliver(self, Group group, Consumer consumer, int64_t count, bint acknowledged, int64_t now):
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        cdef list found = []
        cdef Pending* pending
        cdef bint is_new
        cdef bint there = compare_ids(self.last, group.last) > 0 and cursor.seek_behind(group.last)
        while there:
            self.advance(group, cursor.id)
            found.append(cursor.reply())
            if not acknowledged:
                pending = group.assign(cursor.id, consumer, now, &is_new)
                pending.delivered_at = now
                pending.deliveries = 1
                consumer.active_at = now
            count -= 1
            if count == 0:
                break
            there = cursor.step()
        return found

    cdef int advance(self, Group group, Id id) except -1:
        """The group is given the entry `id`, which is after all that it has been given."""
        if (
            group.entries_read != UNKNOWN
            and compare_ids(group.last, self.first) >= 0
            and not self.has_deleted_from(group.last)
        ):
            group.entries_read += 1
        elif self.entries_added:
            group.entries_read = self.entries_up_to(id)
        group.last = id
        return 0

    cpdef list history(self, Consumer consumer, StreamId after, int64_t count, int64_t now):
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        cdef list found = []
        cdef IdPosition position
        cdef Pending* pending
        cdef Id id = after.value
        cdef bint there = increment_id(&id) and seek_from(&consumer.pending, id, &position)
        while there:
            id = item_at(&consumer.pending, position).id
            if cursor.seek(id) and compare_ids(cursor.id, id) == 0:
                found.append(cursor.reply())
                pending = <Pending*>item_at(&consumer.pending, position).value
                pending.delivered_at = now
                pending.deliveries += 1
            else:
                found.append([id_text(id), NULL_ARRAY])
            count -= 1
            if count == 0:
                break
            there = next_item(&consumer.pending, &position)
        return found

    # --- how far a group has come

    cpdef object lag(self, Group group):
        cdef int64_t read
        if self.length == 0:
            return 0
        if compare_ids(group.last, self.first) < 0 and compare_ids(self.highest_deleted, self.first) < 0:
            return self.length
        read = group.entries_read
        if read == UNKNOWN or self.has_deleted_from(group.last):
            read = self.entries_up_to(group.last)
        return <int64_t>self.entries_added - read if read != UNKNOWN else None

    cdef int64_t entries_up_to(self, Id id) noexcept:
        """How many of the entries ever added are not after `id`; UNKNOWN where holes may lie in between."""
        cdef int order
        if self.entries_added == 0:
            return 0
        if self.length == 0 and compare_ids(id, self.last) <= 0:
            return self.entries_added
        if not is_zero(id) and compare_ids(id, self.highest_deleted) < 0:
            return UNKNOWN
        order = compare_ids(id, self.last)
        if order >= 0:
            return <int64_t>self.entries_added if order == 0 else UNKNOWN
        if not is_zero(self.highest_deleted) and compare_ids(self.highest_deleted, self.first) >= 0:
            return UNKNOWN
        order = compare_ids(id, self.first)
        if order > 0:
            return UNKNOWN
        return <int64_t>(self.entries_added - self.length) + (1 if order == 0 else 0)

    cdef bint has_deleted_from(self, Id id) noexcept:
        """Whether an entry at `id` or after it was deleted, as far as the highest one tells."""
        return self.length and not is_zero(self.highest_deleted) and compare_ids(id, self.highest_deleted) <= 0

    # --- references of groups to entries

    cpdef bint release(self, StreamId id, int policy) except -1:
        return self.release_entry(id.value, policy)

    cdef bint release_entry(self, Id id, int policy) except -1:
        if policy == ACKNOWLEDGED:
            return not self.is_referenced(id)
        if policy == DELETE_REFERENCES:
            self.drop_references(id)
        return True

    cdef bint is_referenced(self, Id id) except -1:
        """Whether a group has still to read the entry, or it is pending."""
        cdef Group group
        if self.groups is not None:
            for group in self.groups.values():
                if compare_ids(group.last, id) < 0 or group.find(id) != NULL:
                    return True
        return False

    cdef int drop_references(self, Id id) except -1:
        cdef Group group
        if self.groups is not None:
            for group in self.groups.values():
                group.forget(id)
        return 0

    # --- the whole

    cpdef Stream copy(self):
        cdef Stream copied = Stream()
        cdef Group group
        self.copy_entries(copied)
        if self.groups is not None:
            copied.groups = {}
            for group in self.groups.values():
                copied.groups[group.name] = group.copy()
        return copied

    cpdef Py_ssize_t memory_usage(self) except -1:
        cdef Py_ssize_t size = STREAM_SIZE + self.entries_memory()
        cdef Group group
        if self.groups is not None:
            for group in self.groups.values():
                size += group.memory_usage()
        return size

    cpdef bint free_some(self, Py_ssize_t budget) except -1:
        cdef Group group
        if not self.free_nodes(budget):
            return False
        while self.groups:
            name, group = self.groups.popitem()
            if not group.free_some(budget):
                self.groups[name] = group
                return False
        return True
