"""Quicklists: the encoding of long lists, a doubly linked chain of listpacks.

A node holds as many items as `list-max-listpack-size` allows: up to 4, 8, 16, 32 or 64 KB for -1 to -5, else that
many items and no more than 8 KB. An item too large for that is a node of its own, a plain one: the bytes object
that the client sent, which LRANGE hands out without a copy. With `list-compress-depth` N, all nodes but the N at
either end are compressed by LZF where that gains something. A node is decompressed into a temporary listpack to be
read, and in place to be changed, after which `settle` compresses it again.

Both limits are kept from when the quicklist was made, as in Redis: CONFIG SET concerns later ones.

Ownership: the quicklist owns its nodes, a node one reference to its data. A node's count is never 0, and `count` is
the sum of them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF

from redracer.core.bulk_array cimport BulkArray
from redracer.core.entry cimport bytes_size
from redracer.core.listpack cimport Listpack
from redracer.core.memory cimport allocation_size, count_bytes
from redracer.types.list.node cimport (
    LARGEST_SIZE_CLASS, Node, address_of, compress, content, exceeds_limit, expand, free_node, item_in, most_bytes,
    new_node, packed_in, set_data, size_of, writable,
)
from redracer.types.list.packed cimport (
    Search, compared, copy_entries, encode_entries, remove_equal, search_packed, split_packed, start_search,
)

cdef enum:
    MOST_ITEMS = 32767              # that a limit of items can be
    ENTRY_OVERHEAD = 8              # bytes, more or less, that an item takes in a listpack besides its own
    EMPTY_LISTPACK = 7              # bytes of header and end
    FREED_AT_ONCE = 8192            # bytes: a larger node counts as several in `free_some`

cdef size_t packed_threshold = 0    # bytes from which an item is large, whatever the limits say; 0: they say it


cpdef bint set_packed_threshold(size_t size) noexcept:
    """Makes items of `size` bytes and more nodes of their own (0: the usual rule), for tests. Returns False, and
    changes nothing, where that is so large that a listpack could not hold smaller ones."""
    global packed_threshold
    if size > (<size_t>1 << 32) - (1 << 20):
        return False
    packed_threshold = size
    return True


@cython.final
@cython.no_gc
cdef class Quicklist:
    """A long list. `size_limit` and `compress_depth` are list-max-listpack-size and list-compress-depth.

    Indices are from 0 to `len() - 1`; every method that takes one raises IndexError for another.
    """

    encoding = b"quicklist"

    def __cinit__(self, long long size_limit, long long compress_depth):
        count_bytes(OBJECT_SIZE)
        self.size_limit = <int>min(max(size_limit, -LARGEST_SIZE_CLASS), <long long>MOST_ITEMS)
        self.compress_depth = <int>min(max(compress_depth, 0), <long long>MOST_ITEMS)

    def __dealloc__(self):
        count_bytes(-OBJECT_SIZE)
        cdef Node* node = self.head
        cdef Node* following
        while node != NULL:
            following = node.next
            free_node(node)
            node = following

    def __len__(self):
        return self.count

    @property
    def nodes(self):
        """The number of nodes."""
        return self.node_count

    @property
    def listpacks(self):
        """The nodes as [(whether it is plain, its listpack's block or its item)]. O(n)."""
        cdef list found = []
        cdef Node* node = self.head
        while node != NULL:
            data = content(node)
            found.append((bool(node.plain), data if node.plain else (<Listpack?>data).to_bytes()))
            node = node.next
        return found

    @property
    def compressed_nodes(self):
        """The number of nodes that are compressed. O(nodes)."""
        cdef Py_ssize_t found = 0
        cdef Node* node = self.head
        while node != NULL:
            found += node.compressed
            node = node.next
        return found

    cpdef Py_ssize_t memory_usage(self):
        """The bytes that the quicklist takes. O(nodes)."""
        cdef Py_ssize_t total = OBJECT_SIZE
        cdef Node* node = self.head
        while node != NULL:
            total += allocation_size(sizeof(Node))
            if type(<object>node.data) is bytes:
                total += bytes_size(node.data)
            else:
                total += packed_in(node).memory_usage()
            node = node.next
        return total

    cpdef bint free_some(self, Py_ssize_t budget):
        """Frees about `budget` nodes. Returns whether all are gone. O(budget).

        It begins at the end that lies higher in memory: the allocator gives back to the kernel what is free at its
        top, in slices then, and not all of it at once when the last node is freed.
        """
        cdef Node* node
        while budget > 0 and self.head != NULL:
            node = self.tail if address_of(self.tail) > address_of(self.head) else self.head
            budget -= 1 + size_of(node) // FREED_AT_ONCE
            self.count -= node.count
            self.unlink(node)
        return self.head == NULL

    cpdef Quicklist copy(self):
        """An independent one. O(n)."""
        cdef Quicklist copied = Quicklist.__new__(Quicklist, self.size_limit, self.compress_depth)
        cdef Node* node = self.head
        cdef Node* other
        while node != NULL:
            data = <object>node.data        # bytes never change: both share them
            other = new_node(
                data if type(data) is bytes else packed_in(node).copy(), node.count, node.plain
            )
            other.compressed = node.compressed
            other.size = node.size
            copied.link(other, copied.tail, NULL)
            copied.count += other.count
            node = node.next
        return copied

    cpdef int append_listpack(self, Listpack packed) except -1:
        """Makes a listpack, which must not be empty, the last node. The quicklist takes it over."""
        cdef Py_ssize_t count = packed.count()
        if count == 0:
            raise ValueError("a node of a list is never empty")
        self.link(new_node(packed, count, False), self.tail, NULL)
        self.count += count
        self.settle(NULL)
        return 0

    cdef Listpack only_listpack(self):
        """The listpack, if that is the only node, else None."""
        if self.head == NULL or self.head != self.tail or self.head.plain:
            return None
        return writable(self.head)

    # --- one end

    cpdef int push(self, bytes value, bint at_head) except -1:
        """Adds an item. O(1), and at the head a move of at most a node."""
        cdef Node* node = self.head if at_head else self.tail
        cdef Node* fresh
        if node != NULL and self.has_room(node, PyBytes_GET_SIZE(value)):
            packed = writable(node)
            if at_head:
                packed.prepend(value)
            else:
                packed.append(value)
            node.count += 1
        else:
            fresh = self.new_item(value)
            if at_head:
                self.link(fresh, NULL, node)
            else:
                self.link(fresh, node, NULL)
            self.settle(NULL)
        self.count += 1
        return 0

    cpdef bytes pop(self, bint at_head):
        """Removes an item and returns it; None if there is none. O(1), and at the head a move of at most a node."""
        cdef Node* node = self.head if at_head else self.tail
        cdef Listpack packed
        cdef size_t position
        cdef bytes value
        if node == NULL:
            return None
        expand(node)
        if node.plain:
            value = item_in(node)
        else:
            packed = packed_in(node)
            position = packed.first() if at_head else packed.last()
            value = packed.value_at(position)
            packed.remove_at(position, 1)
        self.count -= 1
        node.count -= 1
        if node.count == 0:
            self.unlink(node)
            self.settle(NULL)
        return value

    # --- by index

    cpdef bytes get(self, Py_ssize_t index):
        """The item at `index`. O(nodes)."""
        cdef Node* node = self.locate(&index)
        data = content(node)
        if node.plain:
            return <bytes?>data
        cdef Listpack packed = <Listpack?>data
        return packed.value_at(packed.seek(index))

    cpdef list slice(self, Py_ssize_t start, Py_ssize_t count):
        """`count` items, one at least, from `start` on. O(nodes before + count)."""
        cdef list found = PyList_New(count)
        cdef Py_ssize_t at = 0
        cdef Node* node = self.locate(&start)
        cdef Listpack packed
        while node != NULL and at < count:
            data = content(node)
            if node.plain:
                Py_INCREF(data)
                PyList_SET_ITEM(found, at, data)
                at += 1
            else:
                packed = <Listpack?>data
                at = copy_entries(packed, packed.seek(start), found, at, count)
            start = 0
            node = node.next
        if at != count:
            raise RuntimeError("a list is shorter than it says")
        return found

    cdef object encoded_slice(self, Py_ssize_t start, Py_ssize_t count):
        """`slice` as a reply: encoded, but where there are plain nodes, whose items are sent without a copy."""
        cdef BulkArray found = BulkArray.__new__(BulkArray)
        cdef Py_ssize_t index = start
        cdef Node* node = self.locate(&index)
        cdef Listpack packed
        while node != NULL and found.count < count:
            if node.plain:
                return self.slice(start, count)
            packed = <Listpack?>content(node)
            encode_entries(packed, packed.seek(index), found, count - found.count)
            index = 0
            node = node.next
        if found.count != count:
            raise RuntimeError("a list is shorter than it says")
        return found

    cpdef bint replace(self, Py_ssize_t index, bytes value) except -1:
        """Puts `value` in place of the item at `index`. O(nodes)."""
        cdef Node* node = self.locate(&index)
        cdef size_t position
        cdef size_t length = PyBytes_GET_SIZE(value)
        expand(node)
        if node.plain and self.is_large(length):
            set_data(node, value)
        elif not node.plain and not self.is_large(length) and size_of(node) + length <= 2 * most_bytes(self.size_limit):
            # Longer items may make the node that much larger, lest a full one were split for a few bytes.
            packed = packed_in(node)
            packed.replace_at(packed.seek(index), PyBytes_AS_STRING(value), length)
        else:
            position = 0 if node.plain else packed_in(node).seek(index)
            self.replace_by_node(node, position, value)
            return True
        self.settle(node)
        return True

    cdef int replace_by_node(self, Node* node, size_t position, bytes value) except -1:
        """`replace` where the new item does not fit in, or the old one was plain: a new node between the items before
        and after."""
        cdef Node* fresh = self.new_item(value)
        cdef Node* left
        cdef Node* right
        try:
            left = self.open_gap(node, position)
        except BaseException:
            free_node(fresh)
            raise
        right = left.next if left != NULL else self.head     # begins with the old item
        self.link(fresh, left, right)
        right.count -= 1
        if right.count == 0:
            self.unlink(right)
        else:
            packed = packed_in(right)
            packed.remove_at(packed.first(), 1)
        self.merge_around(fresh)
        return 0

    cpdef int delete_range(self, Py_ssize_t start, Py_ssize_t count) except -1:
        """Deletes `count` items from `start` on. O(nodes)."""
        cdef Node* node = self.locate(&start)
        cdef Node* following
        cdef Node* first = NULL
        cdef Node* last = NULL
        cdef Py_ssize_t removed
        while node != NULL and count > 0:
            following = node.next
            removed = min(count, <Py_ssize_t>node.count - start)
            if removed == <Py_ssize_t>node.count:
                self.unlink(node)
            else:
                packed = writable(node)
                packed.remove_at(packed.seek(start), removed)
                node.count -= removed
                first, last = node if first == NULL else first, node
            self.count -= removed
            count -= removed
            start = 0
            node = following
        self.settle(first)
        if last != first:
            self.settle(last)
        return 0

    # --- by value

    cpdef bint insert(self, bytes pivot, bytes value, bint after) except -1:
        """Inserts before or after the first item that equals `pivot`. Returns whether there is one. O(n)."""
        cdef Node* node = self.head
        cdef size_t position = 0
        cdef bint found = False
        while node != NULL:
            data = content(node)
            if node.plain:
                found = <bytes?>data == pivot
            else:
                position = (<Listpack?>data).search(PyBytes_AS_STRING(pivot), PyBytes_GET_SIZE(pivot), 0, 0)
                found = position != 0
            if found:
                expand(node)                # to the same bytes: the position holds
                self.insert_at(node, position, value, after)
                return True
            node = node.next
        return False

    cpdef Py_ssize_t remove(self, bytes value, Py_ssize_t limit, bint from_tail) except -1:
        """Removes up to `limit` items that equal `value`, from one end on. Returns how many. O(n)."""
        cdef Py_ssize_t removed = 0
        cdef Py_ssize_t here
        cdef Node* node = self.tail if from_tail else self.head
        cdef Node* following
        while node != NULL and removed < limit:
            following = node.previous if from_tail else node.next
            here = remove_in(node, value, limit - removed, from_tail)
            if here:
                removed += here
                self.count -= here
                node.count -= here
                if node.count:
                    self.settle(node)
                else:
                    self.unlink(node)
                    self.settle(NULL)
            node = following
        return removed

    cpdef list positions(
        self, bytes value, Py_ssize_t rank, Py_ssize_t wanted, Py_ssize_t comparisons, bint from_tail
    ):
        """The indices of up to `wanted` items that equal `value`, from the match number `rank` (1: the first) on,
        searched from one end in at most `comparisons` items; all three at least 1. O(comparisons)."""
        cdef Search search
        cdef list found = []
        cdef bint more = True
        cdef Node* node = self.tail if from_tail else self.head
        start_search(&search, value, rank, wanted, comparisons)
        while more and node != NULL:
            data = content(node)
            if node.plain:
                more = compared(&search, <bytes?>data == value, found)
            else:
                more = search_packed(<Listpack?>data, from_tail, &search, found)
            node = node.previous if from_tail else node.next
        return [self.count - 1 - index for index in found] if from_tail else found

    # --- nodes in the chain

    cdef Node* locate(self, Py_ssize_t* index) except NULL:
        """The node of the item at `index`, which it turns into the index within the node. Raises IndexError.
        O(nodes)."""
        cdef Node* node
        cdef Py_ssize_t before
        if not 0 <= index[0] < self.count:
            raise IndexError("no such item")
        if index[0] <= self.count // 2:
            node = self.head
            while node != NULL and index[0] >= <Py_ssize_t>node.count:
                index[0] -= node.count
                node = node.next
            return node
        node = self.tail
        before = self.count
        while node != NULL:
            before -= node.count
            if index[0] >= before:
                index[0] -= before
                break
            node = node.previous
        return node

    cdef bint is_large(self, size_t length) noexcept:
        """Whether an item is too large for a listpack."""
        if packed_threshold:
            return length >= packed_threshold
        return length > most_bytes(self.size_limit)

    cdef bint has_room(self, Node* node, size_t length) noexcept:
        """Whether an item of that length may be added to the node's listpack."""
        return not node.plain and not self.is_large(length) and not exceeds_limit(
            self.size_limit, size_of(node) + length + ENTRY_OVERHEAD, node.count + 1
        )

    cdef Node* new_item(self, bytes value) except NULL:
        """A node with one item, which is in no chain yet."""
        cdef Listpack packed
        if self.is_large(PyBytes_GET_SIZE(value)):
            return new_node(value, 1, True)
        packed = Listpack.__new__(Listpack)
        packed.append(value)
        return new_node(packed, 1, False)

    cdef void link(self, Node* node, Node* before, Node* after) noexcept:
        """Puts a node between two neighbours, either of which may be NULL: the end of the chain. Counts no items."""
        node.previous = before
        node.next = after
        if before != NULL:
            before.next = node
        else:
            self.head = node
        if after != NULL:
            after.previous = node
        else:
            self.tail = node
        self.node_count += 1

    cdef void unlink(self, Node* node) noexcept:
        """Takes a node out and frees it. Counts no items."""
        if node.previous != NULL:
            node.previous.next = node.next
        else:
            self.head = node.next
        if node.next != NULL:
            node.next.previous = node.previous
        else:
            self.tail = node.previous
        self.node_count -= 1
        free_node(node)

    cdef Node* split(self, Node* node, size_t position) except NULL:
        """Moves the items from `position` on, which is not the first, to a new node behind. Returns `node`."""
        cdef Listpack packed = writable(node)
        cdef Listpack rest = split_packed(packed, position)
        cdef Py_ssize_t count = rest.count()
        cdef Node* behind
        try:
            behind = new_node(rest, count, False)
        except MemoryError:
            packed.merge(rest)
            raise
        node.count -= count
        self.link(behind, node, node.next)
        return node

    cdef Node* open_gap(self, Node* node, size_t position) except? NULL:
        """Has a node begin with the item at `position` of `node`. Returns the node before it, NULL for none."""
        if node.plain or position == writable(node).first():
            return node.previous
        return self.split(node, position)

    cdef int insert_at(self, Node* node, size_t position, bytes value, bint after) except -1:
        """Inserts next to the item at `position` of a node that is not compressed."""
        cdef Node* fresh
        cdef Node* left
        cdef size_t length = PyBytes_GET_SIZE(value)
        if self.has_room(node, length):
            packed = packed_in(node)
            if after:
                packed.insert_after(position, PyBytes_AS_STRING(value), length)
            else:
                packed.insert_before(position, PyBytes_AS_STRING(value), length)
            node.count += 1
            self.count += 1
            self.settle(node)
            return 0
        fresh = self.new_item(value)
        try:
            if after and not node.plain:
                position = packed_in(node).next(position)
            if after and (node.plain or position == 0):
                left = node
            else:
                left = self.open_gap(node, position)
        except BaseException:
            free_node(fresh)
            raise
        self.link(fresh, left, left.next if left != NULL else self.head)
        self.count += 1
        self.merge_around(fresh)
        return 0

    cdef void merge_around(self, Node* node) noexcept:
        """Merges a node with its neighbours where the limits allow that, and settles what is left."""
        cdef Node* left = node.previous
        cdef Node* right = node.next
        if left != NULL and self.merge(left, node):
            node = left
        if right != NULL and self.merge(node, right):
            right = node.next
        self.settle(node)
        if node.previous != NULL:
            self.settle(node.previous)
        if right != NULL:
            self.settle(right)

    cdef bint merge(self, Node* left, Node* right) noexcept:
        """Moves the items of `right`, the node after `left`, to `left`, if the limits allow it. Returns whether."""
        if left.plain or right.plain or exceeds_limit(
            self.size_limit, size_of(left) + size_of(right) - EMPTY_LISTPACK, left.count + right.count
        ):
            return False
        try:
            writable(left).merge(writable(right))
        except MemoryError:
            return False
        left.count += right.count
        self.unlink(right)
        return True

    # --- compression

    cdef void settle(self, Node* touched) noexcept:
        """Restores the order of compression after the chain or a node (or NULL) has changed: nothing within the depth
        of either end is compressed, the nodes next to that are, and so is `touched` if it lies beyond. O(depth)."""
        cdef Node* from_head = self.head
        cdef Node* from_tail = self.tail
        cdef int depth
        cdef bint within = touched == NULL
        if self.compress_depth == 0:
            return
        try:
            for depth in range(self.compress_depth):
                if from_head == NULL:
                    return
                expand(from_head)
                expand(from_tail)
                within = within or touched == from_head or touched == from_tail
                if from_head == from_tail or from_head.next == from_tail:
                    return
                from_head = from_head.next
                from_tail = from_tail.previous
            if not within:
                compress(touched)
            compress(from_head)
            compress(from_tail)
        except MemoryError:
            pass                            # a node stays as it is: every reader takes either form


cdef Py_ssize_t remove_in(Node* node, bytes value, Py_ssize_t limit, bint from_tail) except -1:
    """Removes up to `limit` items that equal `value` from the data of a node, which may be empty then. Returns how
    many."""
    cdef const char* data = PyBytes_AS_STRING(value)
    cdef size_t length = PyBytes_GET_SIZE(value)
    found = content(node)
    if node.plain:
        return <bytes?>found == value
    if (<Listpack?>found).search(data, length, 0, 0) == 0:
        return 0
    return remove_equal(writable(node), data, length, limit, from_tail)


cdef int append_plain(Quicklist list, bytes item) except -1:
    """Makes an item the last node, a plain one, whatever its length."""
    list.link(new_node(item, 1, True), list.tail, NULL)
    list.count += 1
    list.settle(NULL)
    return 0


cdef Py_ssize_t OBJECT_SIZE = allocation_size(Quicklist.__basicsize__)
