"""Histograms of the sizes of values: bytes of strings, elements of collections, in powers of two.

They are counted by walking over a database in slices with a SCAN cursor, not kept up to date with every write: the
walk costs those who ask, a counter would cost every command.
"""

from redracer.core.entry cimport STREAM, STRING, Entry, Text, entry_object, entry_text, entry_type
from redracer.core.key_table cimport entry_in
from redracer.core.table cimport chain_slot, item_of, next_scan_cursor, prefetch


cdef inline int bin_of(uint64_t size) noexcept:
    """0 for nothing, else 1 + the power of two that is no more than `size`."""
    cdef int bin = 0
    while size:
        size >>= 1
        bin += 1
    return min(bin, BINS - 1)


cdef class KeySizes:
    """The histograms of one database's values, by type from STRING to HASH. Streams are not counted.

    `items`: for each type a function that tells how many elements a value has (that of STRING is not called).
    """

    def __init__(self, list items not None):
        if len(items) != TYPES:
            raise ValueError("a function for each type")
        self.items = items

    cpdef uint64_t count_some(self, Keyspace database, uint64_t cursor, Py_ssize_t buckets) except? 0:
        """Counts the keys of that many buckets; returns the cursor to go on with, 0 at the end (0 is the start, too).
        O(buckets). While the table grows or shrinks, a key may be counted twice."""
        cdef size_t bucket
        while buckets > 0:
            bucket = cursor & database.entries.low_mask
            self.count_chain(database, bucket)
            if bucket < database.entries.split:
                self.count_chain(database, bucket + database.entries.low_mask + 1)
            cursor = next_scan_cursor(&database.entries, cursor)
            buckets -= 1
            if cursor == 0:
                break
        return cursor

    cdef int count_chain(self, Keyspace database, size_t bucket) except -1:
        cdef Py_ssize_t position = 0
        cdef uint64_t* slot = chain_slot(&database.entries, bucket, 0)
        cdef Entry* entry
        cdef Text text
        cdef int type
        while slot != NULL:         # the entries are far apart in memory: ask for all before reading one
            prefetch(item_of(slot[0]))
            position += 1
            slot = chain_slot(&database.entries, bucket, position)
        cdef Py_ssize_t length = position
        for position in range(length):
            entry = entry_in(chain_slot(&database.entries, bucket, position))
            type = entry_type(entry)
            if type == STRING:
                entry_text(entry, &text)
                self.counts[type][bin_of(text.length)] += 1
            elif type != STREAM:
                self.counts[type][bin_of(self.items[type](<object>entry_object(entry)))] += 1
        return 0

    cpdef list bins(self, int type):
        """[(least size, how many values), ...] of the bins that are not empty, from small to large."""
        if type < 0 or type >= TYPES:
            raise ValueError("no such type")
        return [
            ((<uint64_t>1 << (bin - 1)) if bin else 0, self.counts[type][bin])
            for bin in range(BINS)
            if self.counts[type][bin]
        ]
