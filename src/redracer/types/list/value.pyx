"""List values: a ListpackList while the list is small, a Quicklist beyond; what commands do with either.

Both forms are objects of their own in the keyspace, without one around them: a small list costs 32 bytes and its
listpack. So a list that changes its form changes its object, which `grown` and `shrink` do. When:

- before items are added that would take the listpack over `list-max-listpack-size`, it becomes a quicklist;
- after items were removed, a quicklist of a single listpack that is at most half of the limit becomes that listpack.

Functions take a value as `Keyspace.get_object` gives it, and raise TypeError for anything else.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE, PyList_New

from redracer.core.bulk_array cimport BulkArray
from redracer.core.entry cimport LIST
from redracer.core.keyspace cimport Keyspace
from redracer.core.listpack cimport Listpack
from redracer.types.list.node cimport byte_limit, count_limit, exceeds_limit
from redracer.types.list.packed cimport (
    Search, copy_entries, encode_entries, remove_equal, search_packed, start_search,
)
from redracer.types.list.quicklist cimport Quicklist

cdef enum:
    MOST_EXACT = 1 << 30            # limits of numbers of items beyond any are cut to this


@cython.final
cdef class Limits:
    """The configuration that lists depend on: list-max-listpack-size and list-compress-depth."""

    def __init__(self, long long size_limit, long long compress_depth):
        self.size_limit = size_limit
        self.compress_depth = compress_depth


@cython.final
@cython.no_gc
cdef class ListpackList(Listpack):
    """A small list: its listpack itself."""

    encoding = b"listpack"


cdef inline int clamped(long long size_limit) noexcept:
    return <int>min(max(size_limit, -MOST_EXACT), <long long>MOST_EXACT)


cpdef Py_ssize_t length(object value) except -1:
    """The number of items. O(1)."""
    if type(value) is ListpackList:
        return (<ListpackList>value).count()
    return (<Quicklist?>value).count


# --- changes of form

cpdef object grown(Keyspace keyspace, bytes key, object value, list items, Py_ssize_t start, Limits limits):
    """The list at a key, in a form that has room for the items from `start` on. O(1), and once O(n)."""
    cdef ListpackList small
    cdef Quicklist large
    cdef size_t added = 0
    cdef Py_ssize_t at
    if type(value) is not ListpackList:
        return value
    small = <ListpackList>value
    for at in range(start, PyList_GET_SIZE(items)):
        added += PyBytes_GET_SIZE(<bytes?>PyList_GET_ITEM(items, at))
    if not exceeds_limit(
        clamped(limits.size_limit), small.size_in_bytes() + added, small.count() + PyList_GET_SIZE(items) - start
    ):
        return value
    large = quicklist_of(small, limits)
    keyspace.set_object(key, LIST, large)
    return large


cdef Quicklist quicklist_of(Listpack small, Limits limits):
    """A quicklist of a listpack's entries."""
    cdef Quicklist large = Quicklist.__new__(Quicklist, limits.size_limit, limits.compress_depth)
    cdef Listpack node
    if small.count():
        node = Listpack.__new__(Listpack)
        node.merge(small)
        large.append_listpack(node)
    return large


cpdef int shrink(Keyspace keyspace, bytes key, object value, Limits limits) except -1:
    """Turns the quicklist at a key back into a listpack if little is left of it. O(1), and once O(n)."""
    cdef Quicklist large
    cdef Listpack packed
    cdef ListpackList small
    if type(value) is ListpackList:
        return 0
    large = <Quicklist?>value
    if large.head != large.tail:
        return 0
    packed = large.only_listpack()
    if packed is None or packed.size_in_bytes() > byte_limit(clamped(limits.size_limit)) // 2 or (
        <size_t>large.count > count_limit(clamped(limits.size_limit)) // 2
    ):
        return 0
    small = ListpackList.__new__(ListpackList)
    small.merge(packed)
    keyspace.set_object(key, LIST, small)
    return 0


# --- the ends

cpdef Py_ssize_t push(
    Keyspace keyspace, bytes key, list items, Py_ssize_t start, bint at_head, bint create, Limits limits
) except -1:
    """Adds the items from `start` on, one by one, at one end of the list at a key, making the list if there is none and
    `create` is set. Returns the new length; 0: there is no list. O(items).

    Raises CommandError(WRONG_TYPE).
    """
    value = keyspace.get_object(key, LIST, False)
    if value is None:
        if not create:
            return 0
        value = made(items, start, at_head, limits)
        keyspace.set_object(key, LIST, value)
        return length(value)
    value = grown(keyspace, key, value, items, start, limits)
    push_all(value, items, start, at_head)
    return length(value)


cdef object made(list items, Py_ssize_t start, bint at_head, Limits limits):
    """A new list of the items from `start` on."""
    cdef ListpackList small = ListpackList.__new__(ListpackList)
    cdef size_t size = small.size_in_bytes()
    cdef Py_ssize_t at
    for at in range(start, PyList_GET_SIZE(items)):
        size += PyBytes_GET_SIZE(<bytes?>PyList_GET_ITEM(items, at))
    value = quicklist_of(small, limits) if exceeds_limit(
        clamped(limits.size_limit), size, PyList_GET_SIZE(items) - start
    ) else small
    push_all(value, items, start, at_head)
    return value


cdef int push_all(object value, list items, Py_ssize_t start, bint at_head) except -1:
    cdef Py_ssize_t at
    for at in range(start, PyList_GET_SIZE(items)):
        push_item(value, <bytes?>PyList_GET_ITEM(items, at), at_head)
    return 0


cpdef int push_item(object value, bytes item, bint at_head) except -1:
    """Adds an item at one end of a list that is in the right form for it. O(1)."""
    if type(value) is not ListpackList:
        (<Quicklist?>value).push(item, at_head)
    elif at_head:
        (<ListpackList>value).prepend(item)
    else:
        (<ListpackList>value).append(item)
    return 0


cpdef bytes pop(object value, bint at_head):
    """Removes the item at one end and returns it; None if the list is empty. O(1)."""
    cdef ListpackList small
    cdef size_t position
    cdef bytes item
    if type(value) is not ListpackList:
        return (<Quicklist?>value).pop(at_head)
    small = <ListpackList>value
    position = small.first() if at_head else small.last()
    if position == 0:
        return None
    item = small.value_at(position)
    small.remove_at(position, 1)
    return item


cpdef list pop_many(object value, Py_ssize_t count, bint at_head):
    """Removes up to `count` items from one end, and returns them in the order of removal. O(count)."""
    cdef Py_ssize_t total = length(value)
    cdef list items
    count = min(count, total)
    if at_head:
        items = slice_of(value, 0, count - 1)
        trim(value, count, 0)
    else:
        items = slice_of(value, total - count, total - 1)
        items.reverse()
        trim(value, 0, count)
    return items


# --- by index

cdef bint clamp(Py_ssize_t total, Py_ssize_t* start, Py_ssize_t* end) noexcept:
    """Turns a range as clients give it (both ends included, negative from the end) into indices; False if it is
    empty."""
    if start[0] < 0:
        start[0] = max(start[0] + total, 0)
    if end[0] < 0:
        end[0] += total
    end[0] = min(end[0], total - 1)
    return start[0] <= end[0]


cpdef list slice_of(object value, Py_ssize_t start, Py_ssize_t end):
    """The items from `start` to `end`, both included; negative ones count from the end. O(nodes before + items)."""
    cdef ListpackList small
    cdef list items
    if not clamp(length(value), &start, &end):
        return []
    if type(value) is not ListpackList:
        return (<Quicklist?>value).slice(start, end - start + 1)
    small = <ListpackList>value
    items = PyList_New(end - start + 1)
    if copy_entries(small, small.seek(start), items, 0, end - start + 1) != end - start + 1:
        raise RuntimeError("a listpack is shorter than it says")
    return items


cpdef object range_of(object value, Py_ssize_t start, Py_ssize_t end):
    """`slice_of` as a reply, without an object for every item: a BulkArray, or a list."""
    cdef ListpackList small
    cdef BulkArray items
    if not clamp(length(value), &start, &end):
        return []
    if type(value) is not ListpackList:
        return (<Quicklist?>value).encoded_slice(start, end - start + 1)
    small = <ListpackList>value
    items = BulkArray.__new__(BulkArray)
    encode_entries(small, small.seek(start), items, end - start + 1)
    return items


cpdef bytes item_at(object value, Py_ssize_t index):
    """The item at an index, a negative one from the end; None for none. O(nodes)."""
    cdef Quicklist large
    if type(value) is ListpackList:
        return (<ListpackList>value).get(index)
    large = <Quicklist?>value
    if index < 0:
        index += large.count
    return large.get(index) if 0 <= index < large.count else None


cpdef bint replace(object value, Py_ssize_t index, bytes item) except -1:
    """Puts another item at an index, a negative one from the end. Returns whether there is one. O(nodes)."""
    cdef Quicklist large
    if type(value) is ListpackList:
        return (<ListpackList>value).replace(index, item)
    large = <Quicklist?>value
    if index < 0:
        index += large.count
    return 0 <= index < large.count and large.replace(index, item)


cpdef int trim(object value, Py_ssize_t from_head, Py_ssize_t from_tail) except -1:
    """Removes that many items from either end; together no more than there are. O(nodes removed)."""
    cdef Quicklist large
    cdef ListpackList small
    if type(value) is ListpackList:
        small = <ListpackList>value
        small.delete(0, from_head)
        if from_tail > 0:
            small.delete(-from_tail, from_tail)
        return 0
    large = <Quicklist?>value
    if from_head > 0:
        large.delete_range(0, from_head)
    if from_tail > 0:
        large.delete_range(large.count - from_tail, from_tail)
    return 0


# --- by value

cpdef bint insert(object value, bytes pivot, bytes item, bint after) except -1:
    """Inserts an item before or after the first that equals `pivot`. Returns whether there is one. O(n)."""
    cdef ListpackList small
    cdef size_t position
    if type(value) is not ListpackList:
        return (<Quicklist?>value).insert(pivot, item, after)
    small = <ListpackList>value
    position = small.search(PyBytes_AS_STRING(pivot), PyBytes_GET_SIZE(pivot), 0, 0)
    if position == 0:
        return False
    if after:
        small.insert_after(position, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
    else:
        small.insert_before(position, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item))
    return True


cpdef Py_ssize_t remove(object value, bytes item, Py_ssize_t limit, bint from_tail) except -1:
    """Removes up to `limit` items that equal `item`, from one end on. Returns how many. O(n)."""
    if type(value) is not ListpackList:
        return (<Quicklist?>value).remove(item, limit, from_tail)
    return remove_equal(<ListpackList>value, PyBytes_AS_STRING(item), PyBytes_GET_SIZE(item), limit, from_tail)


cpdef list positions(
    object value, bytes item, Py_ssize_t rank, Py_ssize_t wanted, Py_ssize_t comparisons, bint from_tail
):
    """The indices of up to `wanted` items that equal `item`, from the match number `rank` (1: the first) on, searched
    from one end in at most `comparisons` items; all three at least 1. O(comparisons)."""
    cdef Search search
    cdef list found = []
    cdef Py_ssize_t last
    if type(value) is not ListpackList:
        return (<Quicklist?>value).positions(item, rank, wanted, comparisons, from_tail)
    start_search(&search, item, rank, wanted, comparisons)
    search_packed(<ListpackList>value, from_tail, &search, found)
    last = (<ListpackList>value).count() - 1
    return [last - index for index in found] if from_tail else found
