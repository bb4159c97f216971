"""A place among the entries of a stream, and the walks from entry to entry, in both directions.

A cursor reads the nodes (node.pyx has their format) of one ordered map, and nothing else of a log. Deleted entries are passed over.

Safety: a cursor borrows the map, and its positions are valid until the map or a node changes, but for the flag of its own entry. So it
lives no longer than the call of the log's method that made it.
"""

cimport cython
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from libc.stdint cimport UINT64_MAX, int64_t, uint64_t

from redracer.core.listpack cimport Listpack
from redracer.types.stream.id_map cimport (
    Id, IdMap, IdPosition, compare_ids, first_item, item_at, next_item, previous_item, seek_upto,
)
from redracer.types.stream.node cimport DELETED, SAME_FIELDS, number_at
from redracer.types.stream.stream_id cimport id_text, increment_id

cdef Id LOWEST
cdef Id HIGHEST
LOWEST.ms = LOWEST.seq = 0
HIGHEST.ms = HIGHEST.seq = UINT64_MAX


cdef inline Listpack listpack_at(const IdMap* nodes, IdPosition position):
    return <Listpack>item_at(nodes, position).value


cdef inline bint is_nearer_to(Id last, Id master, Id id) noexcept:
    """Whether `id`, which is not after `last`, is nearer to it than to `master`, as far as the times tell."""
    if compare_ids(id, master) <= 0:
        return False
    if last.ms == master.ms:
        return id.seq - master.seq > last.seq - id.seq
    return id.ms - master.ms > last.ms - id.ms


cdef EntryCursor cursor_over(const IdMap* nodes):
    cdef EntryCursor cursor = EntryCursor.__new__(EntryCursor)
    cursor.nodes = nodes
    return cursor


@cython.final
@cython.no_gc
@cython.freelist(8)
cdef class EntryCursor:
    """A place among the entries: one that is not deleted. entry_cursor.pxd has the methods' contracts."""

    cdef size_t enter(self) noexcept:
        """Reads the header of the node. Returns the position of its first entry, 0 if it has none."""
        cdef size_t position
        self.listpack = listpack_at(self.nodes, self.node)
        self.master = item_at(self.nodes, self.node).id
        self.master_names = None
        position = self.listpack.next(self.listpack.next(self.listpack.first()))
        self.master_count = number_at(self.listpack, position)
        self.master_fields = self.listpack.next(position)
        position = self.master_fields
        for _ in range(self.master_count + 1):
            position = self.listpack.next(position)
        return position

    cdef int load(self, size_t position) noexcept:
        """Reads the fixed part of the entry whose flags are at `position`."""
        self.position = position
        self.after = 0
        self.flags = number_at(self.listpack, position)
        position = self.listpack.next(position)
        self.id.ms = self.master.ms + <uint64_t>number_at(self.listpack, position)
        position = self.listpack.next(position)
        self.id.seq = self.master.seq + <uint64_t>number_at(self.listpack, position)
        self.content = self.listpack.next(position)
        self.field_count = self.master_count
        if not self.flags & SAME_FIELDS:
            self.field_count = number_at(self.listpack, self.content)
            self.content = self.listpack.next(self.content)
        return 0

    cdef bint go_back(self, size_t position) noexcept:
        """Loads the entry whose last element is at `position`; False at the master entry."""
        cdef int64_t elements = number_at(self.listpack, position)
        if elements == 0:
            return False
        while elements > 0:
            position = self.listpack.previous(position)
            elements -= 1
        self.load(position)
        return True

    cdef size_t skip(self) noexcept:
        """The position of the next entry of the node, 0 after the last."""
        cdef int64_t elements = self.field_count if self.flags & SAME_FIELDS else 2 * self.field_count
        cdef size_t position = self.content
        if self.after:
            position = self.after
            elements = 0
        while elements > 0:
            position = self.listpack.next(position)
            elements -= 1
        self.after = position
        return self.listpack.next(position)

    cdef bint seek(self, Id id) noexcept:
        cdef size_t position
        if not seek_upto(self.nodes, id, &self.node) and not first_item(self.nodes, &self.node):
            return False
        position = self.enter()
        self.go_back(self.listpack.last())
        if compare_ids(self.id, id) < 0:
            position = 0            # all of the node is before it
        elif is_nearer_to(self.id, self.master, id):
            position = self.find_from_end(id)
        return self.find_forward(position, id)

    cdef bint seek_behind(self, Id id) noexcept:
        return increment_id(&id) and self.seek(id)

    cdef bint step(self) noexcept:
        return self.find_forward(self.skip(), LOWEST)

    cdef bint find_forward(self, size_t position, Id id) noexcept:
        """Loads the first entry that is not deleted and not before `id`, from that position on."""
        while True:
            while position:
                self.load(position)
                if not self.flags & DELETED and compare_ids(self.id, id) >= 0:
                    return True
                position = self.skip()
            if not next_item(self.nodes, &self.node):
                return False
            position = self.enter()

    cdef size_t find_from_end(self, Id id) noexcept:
        """The position of the node's first entry that is not before `id`. The last of them is loaded: readers are mostly near it."""
        cdef size_t found = self.position
        while self.go_back(self.listpack.previous(self.position)) and compare_ids(self.id, id) >= 0:
            found = self.position
        return found

    cdef bint seek_back(self, Id id) noexcept:
        if not seek_upto(self.nodes, id, &self.node):
            return False
        self.enter()
        return self.find_back(self.listpack.last(), id)

    cdef bint step_back(self) noexcept:
        return self.find_back(self.listpack.previous(self.position), HIGHEST)

    cdef bint find_back(self, size_t position, Id id) noexcept:
        """Loads the last entry that is not deleted and not after `id`, from the one that ends at that position backwards."""
        while True:
            while self.go_back(position):
                if not self.flags & DELETED and compare_ids(self.id, id) <= 0:
                    return True
                position = self.listpack.previous(self.position)
            if not previous_item(self.nodes, &self.node):
                return False
            self.enter()
            position = self.listpack.last()

    cdef void flag(self, bint deleted) noexcept:
        """Flags the entry as deleted, or not. Both are numbers of the same size: no position changes, and no memory is needed."""
        self.flags = self.flags | DELETED if deleted else self.flags & ~DELETED
        try:
            self.listpack.replace_integer(self.position, self.flags)
        except MemoryError:
            pass

    cdef list names(self):
        """The fields of the master entry, the same objects for every entry of the node."""
        cdef size_t position = self.master_fields
        if self.master_names is None:
            self.master_names = []
            for _ in range(self.master_count):
                self.master_names.append(self.listpack.value_at(position))
                position = self.listpack.next(position)
        return self.master_names

    cdef list reply(self):
        """[id, [field, value, ...]]"""
        cdef list names = self.names() if self.flags & SAME_FIELDS else None
        cdef list parts = PyList_New(2 * self.field_count)
        cdef size_t position = self.content
        cdef Py_ssize_t at
        cdef object part
        for at in range(2 * self.field_count):
            if names is not None and at % 2 == 0:
                part = names[at // 2]
            else:
                part = self.listpack.value_at(position)
                position = self.listpack.next(position)
            Py_INCREF(part)
            PyList_SET_ITEM(parts, at, part)
        self.after = position
        return [id_text(self.id), parts]
