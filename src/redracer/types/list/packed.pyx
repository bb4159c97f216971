"""What lists do with one listpack: the whole value of a small list, or a node of a quicklist.

Positions are the listpack's own (core/listpack.pxd); every one used here was given by the listpack itself
since it last changed.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.list cimport PyList_SET_ITEM
from cpython.ref cimport Py_INCREF

from redracer.core.bulk_array cimport BulkArray
from redracer.core.listpack cimport Listpack, ListpackValue


cdef void start_search(
    Search* search, bytes value, Py_ssize_t rank, Py_ssize_t wanted, Py_ssize_t comparisons
) noexcept:
    """Prepares a search for `wanted` entries that equal `value`, beginning with the match number `rank` (1: the
    first), which compares at most `comparisons` entries. The search borrows the value's bytes."""
    search.data = PyBytes_AS_STRING(value)
    search.length = PyBytes_GET_SIZE(value)
    search.passed_over = rank - 1
    search.wanted = wanted
    search.comparisons = comparisons
    search.index = 0


cdef bint compared(Search* search, bint equal, list found) except -1:
    """Takes note of the next entry; a match's index is added to `found`. Returns whether the search goes on."""
    if equal:
        if search.passed_over > 0:
            search.passed_over -= 1
        else:
            found.append(search.index)
            search.wanted -= 1
    search.index += 1
    search.comparisons -= 1
    return search.wanted > 0 and search.comparisons > 0


cdef bint search_packed(Listpack packed, bint backwards, Search* search, list found) except -1:
    """Goes on with a search in this listpack. Returns whether the search goes on after it. O(n)."""
    cdef size_t position = packed.last() if backwards else packed.first()
    while position:
        if not compared(search, packed.equals(position, search.data, search.length), found):
            return False
        position = packed.previous(position) if backwards else packed.next(position)
    return True


cdef Py_ssize_t copy_entries(
    Listpack packed, size_t position, list target, Py_ssize_t start, Py_ssize_t end
) except -1:
    """Fills the empty places `start` to `end` (not included) of a list that PyList_New made with the entries from
    `position` on. Returns the first place that is still empty. O(places)."""
    cdef bytes value
    while position and start < end:
        value = packed.value_at(position)
        Py_INCREF(value)
        PyList_SET_ITEM(target, start, value)
        start += 1
        if start < end:
            position = packed.next(position)
    return start


cdef Py_ssize_t encode_entries(Listpack packed, size_t position, BulkArray target, Py_ssize_t most) except -1:
    """Adds up to `most` entries from `position` on to a reply. Returns how many. O(entries)."""
    cdef ListpackValue value
    cdef Py_ssize_t added = 0
    while position and added < most:
        packed.read(position, &value)
        if value.data == NULL:
            target.add_integer(value.integer)
        else:
            target.add(value.data, value.length)
        added += 1
        position = packed.next(position)
    return added


cdef Py_ssize_t remove_equal(
    Listpack packed, const char* data, size_t length, Py_ssize_t limit, bint from_tail
) noexcept:
    """Removes up to `limit` entries that equal these bytes, from the first or from the last on. Returns how many.
    O(n) and a move of the rest per removal."""
    cdef Py_ssize_t removed = 0
    cdef size_t position, before
    if not from_tail:
        position = packed.search(data, length, 0, 0)
        while position and removed < limit:
            position = packed.remove_at(position, 1)
            removed += 1
            if position:
                position = packed.search(data, length, position, 0)
        return removed
    position = packed.last()
    while position and removed < limit:
        before = packed.previous(position)      # stays valid: it lies before what is removed
        if packed.equals(position, data, length):
            packed.remove_at(position, 1)
            removed += 1
        position = before
    return removed


cdef Listpack split_packed(Listpack packed, size_t position):
    """Takes the entries from `position` on out of the listpack, into one of their own. O(n)."""
    cdef Py_ssize_t before = 0
    cdef size_t at = packed.first()
    while at != position:
        before += 1
        at = packed.next(at)
    cdef Listpack rest = packed.copy()
    rest.remove_at(rest.first(), before)
    packed.remove_at(position, packed.count())
    return rest
