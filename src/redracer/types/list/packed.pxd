"""What lists do with one listpack: the whole value of a small list, or a node of a quicklist. See packed.pyx."""

from redracer.core.bulk_array cimport BulkArray
from redracer.core.listpack cimport Listpack


cdef struct Search:                 # for the entries that equal `data`, from one end of a list to the other
    const char* data
    size_t length
    Py_ssize_t passed_over          # matches still to be passed over
    Py_ssize_t wanted               # matches still to be found
    Py_ssize_t comparisons          # entries that may still be compared
    Py_ssize_t index                # of the next entry, counted from the end where the search began


cdef void start_search(Search* search, bytes value, Py_ssize_t rank, Py_ssize_t wanted, Py_ssize_t comparisons) noexcept
cdef bint compared(Search* search, bint equal, list found) except -1
cdef bint search_packed(Listpack packed, bint backwards, Search* search, list found) except -1
cdef Py_ssize_t copy_entries(Listpack packed, size_t position, list target, Py_ssize_t start, Py_ssize_t end) except -1
cdef Py_ssize_t encode_entries(Listpack packed, size_t position, BulkArray target, Py_ssize_t most) except -1
cdef Py_ssize_t remove_equal(
    Listpack packed, const char* data, size_t length, Py_ssize_t limit, bint from_tail
) noexcept
cdef Listpack split_packed(Listpack packed, size_t position)
