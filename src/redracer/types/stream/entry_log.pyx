"""The entries of a stream: nodes of up to stream-node-max-entries entries (node.pyx has their format) in an ordered map.

A node's key in the map is the ID of its first entry, from which the others count. A deleted entry is flagged and stays until its node
has no live one. Entries are read through a cursor (entry_cursor.pyx).

Safety: as in listpacks, the walks trust what is there. Nodes from outside come in through `load_node` alone, which
proves every entry of them.
"""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.object cimport PyObject
from libc.stdint cimport SIZE_MAX, UINT64_MAX, int64_t, uint64_t

from redracer.core.listpack cimport Listpack
from redracer.types.stream.entry_cursor cimport EntryCursor, cursor_over
from redracer.types.stream.id_map cimport (
    Id, IdMap, IdPosition, compare_ids, first_item, insert_item, item_at, last_item, map_memory, next_item, remove_item,
    seek_from, take_last,
)
from redracer.types.stream.node cimport (
    DELETED, append_entry, change_counts, has_fields, is_proven_node, live_entries, made_node, number_at,
)
from redracer.types.stream.stream_id cimport StreamId, id_text, increment_id, stream_id

from redracer.core.errors import STREAM_ENTRY_TOO_LARGE, STREAM_ID_TOO_SMALL, STREAM_IDS_EXHAUSTED, CommandError

cdef enum:
    NODE_LIMIT = 1 << 30            # bytes of the fields and values of an entry, and of a node
    ELEMENT_OVERHEAD = 10           # bytes that an element takes beyond its text, at most
    SAMPLED_NODES = 64              # nodes that memory_usage looks at, at most

cdef Id LOWEST
cdef Id HIGHEST
LOWEST.ms = LOWEST.seq = 0
HIGHEST.ms = HIGHEST.seq = UINT64_MAX


cdef inline Listpack listpack_at(const IdMap* nodes, IdPosition position):
    return <Listpack>item_at(nodes, position).value


@cython.final
@cython.no_gc
cdef class NodeLimits:
    """How much a node takes: stream-node-max-bytes and stream-node-max-entries."""

    def __init__(self, size_t max_bytes, int64_t max_entries):
        self.max_bytes = max_bytes
        self.max_entries = max_entries


@cython.no_gc
cdef class EntryLog:
    """The entries of a stream and their IDs. entry_log.pyi has the methods' contracts.

    Ownership: the log owns its nodes. No method hands one out; `nodes_as_bytes` copies.
    """

    def __dealloc__(self):
        while take_node(&self.nodes):
            pass

    # --- appending

    cpdef bytes append(
        self, list args, Py_ssize_t first_field, StreamId wanted, bint sequence_given, uint64_t now, NodeLimits limits
    ):
        cdef Id id, delta
        cdef Listpack listpack
        cdef size_t end
        cdef bint same_fields = True
        cdef size_t added
        self.next_id(wanted, sequence_given, now, &id)
        added = added_bytes(args, first_field)
        listpack = self.tail_with_room(added, limits)
        if listpack is None:
            listpack = made_node(args, first_field)
            if self.nodes.count:
                listpack_at(&self.nodes, tail_position(&self.nodes)).settle()
            put_node(&self.nodes, id, listpack)
        else:
            same_fields = has_fields(listpack, args, first_field)
            delta = item_at(&self.nodes, tail_position(&self.nodes)).id
            delta.ms = id.ms - delta.ms
            delta.seq = id.seq - delta.seq
            change_counts(listpack, 1, 0)
            end = listpack.size_in_bytes() - 1
            try:
                append_entry(listpack, delta, same_fields, args, first_field)
            except:
                listpack.remove_at(end, SIZE_MAX)
                change_counts(listpack, -1, 0)
                raise
        self.length += 1
        self.entries_added += 1
        self.last = id
        if self.length == 1:
            self.first = id
        return id_text(id)

    cdef int next_id(self, StreamId wanted, bint sequence_given, uint64_t now, Id* id) except -1:
        """The ID of the next entry: `wanted`, or made from its time, or (None) from now. Raises CommandError."""
        if compare_ids(self.last, HIGHEST) == 0:
            raise CommandError(STREAM_IDS_EXHAUSTED)
        if wanted is None:
            id.ms = now
            id.seq = 0
            if now <= self.last.ms:
                id[0] = self.last
                increment_id(id)
        else:
            id[0] = wanted.value
            if not sequence_given and id.ms == self.last.ms:
                id.seq = self.last.seq + (1 if self.last.seq != UINT64_MAX else 0)
        if compare_ids(id[0], self.last) <= 0:
            raise CommandError(STREAM_ID_TOO_SMALL)
        return 0

    cdef Listpack tail_with_room(self, size_t added, NodeLimits limits):
        """The last node, if it may take one more entry of `added` bytes; or None."""
        cdef IdPosition position
        cdef Listpack listpack
        cdef size_t at
        cdef size_t max_bytes = limits.max_bytes
        if not last_item(&self.nodes, &position):
            return None
        listpack = listpack_at(&self.nodes, position)
        if max_bytes == 0 or max_bytes > NODE_LIMIT:
            max_bytes = NODE_LIMIT
        if listpack.size_in_bytes() + added >= max_bytes:
            return None
        if limits.max_entries:
            at = listpack.first()
            if number_at(listpack, at) + number_at(listpack, listpack.next(at)) >= limits.max_entries:
                return None
        return listpack

    # --- reading

    cpdef bint contains(self, StreamId id) except -1:
        return self.contains_id(id.value)

    cdef bint contains_id(self, Id id) except -1:
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        return cursor.seek(id) and compare_ids(cursor.id, id) == 0

    cpdef StreamId last_entry_id(self):
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        return stream_id(cursor.id) if cursor.seek_back(HIGHEST) else None

    cpdef StreamId oldest_id(self):
        """The ID of the first entry, even if it is deleted; the highest of all IDs without any."""
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        if not first_item(&self.nodes, &cursor.node):
            return stream_id(HIGHEST)
        cursor.load(cursor.enter())
        return stream_id(cursor.id)

    cpdef list range(self, StreamId start, StreamId end, int64_t count=0, bint reverse=False):
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        cdef list found = []
        cdef bint there = cursor.seek_back(end.value) if reverse else cursor.seek(start.value)
        while there and compare_ids(start.value, cursor.id) <= 0 and compare_ids(cursor.id, end.value) <= 0:
            found.append(cursor.reply())
            count -= 1
            if count == 0:
                break
            there = cursor.step_back() if reverse else cursor.step()
        return found

    cpdef list entries_after(self, StreamId id, int64_t count):
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        cdef list found = []
        cdef bint there = compare_ids(self.last, id.value) > 0 and cursor.seek_behind(id.value)
        while there:
            found.append(cursor.reply())
            count -= 1
            if count == 0:
                break
            there = cursor.step()
        return found

    cpdef list entry(self, StreamId id):
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        if cursor.seek(id.value) and compare_ids(cursor.id, id.value) == 0:
            return cursor.reply()
        return None

    # --- deleting

    cpdef bint delete(self, StreamId id) except -1:
        return self.delete_id(id.value)

    cdef bint delete_id(self, Id id) except -1:
        """Whether the entry was there. `first` is not brought up to date: `refresh_first` does, after the last of several."""
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        if not cursor.seek(id) or compare_ids(cursor.id, id) != 0:
            return False
        if live_entries(cursor.listpack) == 1:
            self.remove_node(cursor.node)
        else:
            cursor.flag(True)
            try:
                change_counts(cursor.listpack, -1, 1)
            except:
                cursor.flag(False)
                raise
        self.length -= 1
        if compare_ids(id, self.highest_deleted) > 0:
            self.highest_deleted = id
        return True

    cpdef object refresh_first(self):
        """Looks up the ID of the first entry after deletions. O(log n)"""
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        self.first = cursor.id if cursor.seek(LOWEST) else LOWEST

    cdef int remove_node(self, IdPosition position) except -1:
        cdef PyObject* node = <PyObject*>item_at(&self.nodes, position).value
        remove_item(&self.nodes, item_at(&self.nodes, position).id)
        Py_XDECREF(node)
        return 0

    # --- trimming

    cpdef int64_t trim(
        self, int64_t max_length, StreamId minimum, bint approximate, int64_t limit, int policy=KEEP_REFERENCES
    ) except -1:
        cdef IdPosition position
        cdef Id master
        cdef int64_t removed = 0, live, removed_here
        cdef bint whole
        cdef bint there = first_item(&self.nodes, &position)
        while there and (max_length < 0 or <int64_t>self.length > max_length):
            master = item_at(&self.nodes, position).id
            live = live_entries(listpack_at(&self.nodes, position))
            if limit and removed + live > limit:
                break
            whole = self.may_trim_node(position, max_length, minimum)
            if whole and policy == KEEP_REFERENCES:
                removed_here = live
                self.length -= live
            elif approximate and not whole:
                break
            else:
                removed_here = self.trim_within(position, max_length, minimum, policy)
            removed += removed_here
            if not whole:
                break
            if removed_here == live:
                self.remove_node(position)
                there = seek_from(&self.nodes, master, &position)
            else:
                there = next_item(&self.nodes, &position)
        if removed:
            self.refresh_first()
        return removed

    cdef bint may_trim_node(self, IdPosition position, int64_t max_length, StreamId minimum) except -1:
        """Whether all entries of a node are to go, but for references to them."""
        cdef EntryCursor cursor
        if minimum is None:
            return <int64_t>self.length - live_entries(listpack_at(&self.nodes, position)) >= max_length
        cursor = cursor_over(&self.nodes)
        cursor.node = position
        cursor.enter()
        cursor.go_back(cursor.listpack.last())
        return compare_ids(cursor.id, minimum.value) < 0

    cdef int64_t trim_within(self, IdPosition position, int64_t max_length, StreamId minimum, int policy) except -1:
        """Flags the entries of a node that are to go. Returns how many."""
        cdef EntryCursor cursor = cursor_over(&self.nodes)
        cdef int64_t removed = 0, live
        cdef size_t at
        cursor.node = position
        live = live_entries(listpack_at(&self.nodes, position))
        change_counts(listpack_at(&self.nodes, position), 0, live)     # all that memory is needed for, in advance
        at = cursor.enter()
        while at and (max_length < 0 or <int64_t>self.length > max_length):
            cursor.load(at)
            if minimum is not None and compare_ids(cursor.id, minimum.value) >= 0:
                break
            at = cursor.skip()
            if not cursor.flags & DELETED and self.release_entry(cursor.id, policy):
                cursor.flag(True)
                self.length -= 1
                removed += 1
        change_counts(cursor.listpack, -removed, removed - live)
        return removed

    cdef bint release_entry(self, Id id, int policy) except -1:
        """Whether an entry may be deleted under that policy; does to references what the policy says. Here: there are none."""
        return True

    # --- nodes, for those who save, load and measure

    @property
    def first_id(self):
        return stream_id(self.first)

    @first_id.setter
    def first_id(self, StreamId id not None):
        self.first = id.value

    @property
    def last_id(self):
        return stream_id(self.last)

    @last_id.setter
    def last_id(self, StreamId id not None):
        self.last = id.value

    @property
    def highest_deleted_id(self):
        return stream_id(self.highest_deleted)

    @highest_deleted_id.setter
    def highest_deleted_id(self, StreamId id not None):
        self.highest_deleted = id.value

    @property
    def node_count(self):
        return self.nodes.count

    @property
    def chunk_count(self):
        return self.nodes.chunk_count

    def nodes_as_bytes(self):
        cdef list found = []
        cdef IdPosition position
        cdef bint there = first_item(&self.nodes, &position)
        while there:
            found.append((stream_id(item_at(&self.nodes, position).id), listpack_at(&self.nodes, position).to_bytes()))
            there = next_item(&self.nodes, &position)
        return found

    def load_node(self, StreamId master not None, bytes data not None):
        cdef Listpack listpack = Listpack.from_bytes(data)
        cdef IdPosition position
        cdef int64_t live = 0
        if not is_proven_node(listpack, &live):
            raise ValueError("not a node of a stream")
        if last_item(&self.nodes, &position) and compare_ids(item_at(&self.nodes, position).id, master.value) >= 0:
            raise ValueError("the nodes of a stream must ascend")
        put_node(&self.nodes, master.value, listpack)
        self.length += live

    cdef int copy_entries(self, EntryLog copied) except -1:
        """Fills `copied`, which is new."""
        cdef IdPosition position
        cdef bint there = first_item(&self.nodes, &position)
        while there:
            put_node(&copied.nodes, item_at(&self.nodes, position).id, listpack_at(&self.nodes, position).copy())
            there = next_item(&self.nodes, &position)
        copied.length = self.length
        copied.entries_added = self.entries_added
        copied.first = self.first
        copied.last = self.last
        copied.highest_deleted = self.highest_deleted
        return 0

    cdef Py_ssize_t entries_memory(self) except -1:
        """The bytes of the nodes, estimated from SAMPLED_NODES of them where there are more, and of the map."""
        cdef Py_ssize_t size = 0
        cdef size_t sampled = 0
        cdef IdPosition position
        cdef size_t step = self.nodes.chunk_count // SAMPLED_NODES + 1
        position.chunk = 0
        while position.chunk < self.nodes.chunk_count:
            position.index = 0
            while position.index < self.nodes.chunks[position.chunk].count and position.index < SAMPLED_NODES:
                size += listpack_at(&self.nodes, position).memory_usage()
                sampled += 1
                position.index += 1
            position.chunk += step
        if sampled:
            size = <Py_ssize_t>(<double>size / <double>sampled * <double>self.nodes.count)
        return size + <Py_ssize_t>map_memory(&self.nodes)

    cdef bint free_nodes(self, Py_ssize_t budget) noexcept:
        """Frees up to `budget` nodes; whether none is left."""
        while budget > 0 and take_node(&self.nodes):
            budget -= 1
        return self.nodes.count == 0


cdef inline IdPosition tail_position(const IdMap* nodes) noexcept:
    cdef IdPosition position
    last_item(nodes, &position)
    return position


cdef int put_node(IdMap* nodes, Id id, Listpack listpack) except -1:
    insert_item(nodes, id, <void*>listpack)
    Py_INCREF(listpack)             # the map's own reference
    return 0


cdef bint take_node(IdMap* nodes) noexcept:
    """Frees the last node; whether there was one."""
    cdef PyObject* node = <PyObject*>take_last(nodes)
    Py_XDECREF(node)
    return node != NULL


cdef size_t added_bytes(list args, Py_ssize_t first_field) except? 0:
    """The bytes of fields and values. Raises CommandError(STREAM_ENTRY_TOO_LARGE) where a node could not hold them."""
    cdef size_t size = 0
    cdef Py_ssize_t at
    for at in range(first_field, len(args)):
        size += PyBytes_GET_SIZE(<bytes>args[at])
    if size + 2 * ELEMENT_OVERHEAD * <size_t>(len(args) + ELEMENT_OVERHEAD) > NODE_LIMIT:
        raise CommandError(STREAM_ENTRY_TOO_LARGE)
    return size
