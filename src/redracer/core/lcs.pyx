# The longest common subsequence of two strings, for LCS: the textbook table of lengths, walked back from its end.
#
# The table is needed whole, because the ranges of IDX follow one path through it. Which path, where there are several,
# decides the reply: on a tie this one drops the last byte of `b`, as Redis does.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint32_t
from libc.string cimport memset


class TooLarge(Exception):
    """The table would exceed the limit."""


cdef void fill(uint32_t* table, const char* a, Py_ssize_t a_length, const char* b, Py_ssize_t b_length) noexcept nogil:
    """Row i, column j (b_length + 1 columns): the length of the longest common subsequence of a[:i] and b[:j]."""
    cdef Py_ssize_t i
    cdef Py_ssize_t j
    cdef uint32_t* above = table
    cdef uint32_t* row
    memset(table, 0, (b_length + 1) * sizeof(uint32_t))
    for i in range(a_length):
        row = above + b_length + 1
        row[0] = 0
        for j in range(b_length):
            if a[i] == b[j]:
                row[j + 1] = above[j] + 1
            else:
                row[j + 1] = max(above[j + 1], row[j])
        above = row


cdef tuple walk_back(const uint32_t* table, const char* a, Py_ssize_t i, const char* b, Py_ssize_t j):
    """The subsequence and the ranges of its unbroken pieces, last first, from the end (i, j) of both strings."""
    cdef Py_ssize_t columns = j + 1
    cdef Py_ssize_t at = table[i * columns + j]
    cdef bytes subsequence = PyBytes_FromStringAndSize(NULL, at)
    cdef char* text = PyBytes_AS_STRING(subsequence)
    cdef list ranges = []
    cdef Py_ssize_t length = 0  # of the piece that begins at (i, j)
    while i and j:
        if a[i - 1] == b[j - 1]:
            i -= 1
            j -= 1
            at -= 1
            length += 1
            text[at] = a[i]
            continue
        if length:
            ranges.append((i, i + length - 1, j, j + length - 1))
            length = 0
        if table[(i - 1) * columns + j] > table[i * columns + j - 1]:
            i -= 1
        else:
            j -= 1
    if length:
        ranges.append((i, i + length - 1, j, j + length - 1))
    return subsequence, ranges


def lcs(bytes a not None, bytes b not None, long long memory_limit):
    """Returns the length of the longest common subsequence, the subsequence, and its unbroken pieces as (first in a,
    last in a, first in b, last in b), last piece first. TooLarge when the table of (len(a) + 1) * (len(b) + 1) numbers
    of four bytes would exceed `memory_limit` bytes; MemoryError. O(len(a) * len(b)) time and memory."""
    cdef const char* a_text = PyBytes_AS_STRING(a)
    cdef const char* b_text = PyBytes_AS_STRING(b)
    cdef Py_ssize_t a_length = PyBytes_GET_SIZE(a)
    cdef Py_ssize_t b_length = PyBytes_GET_SIZE(b)
    cdef uint32_t* table
    size = (<object>a_length + 1) * (<object>b_length + 1) * sizeof(uint32_t)
    if size > memory_limit:
        raise TooLarge
    table = <uint32_t*>PyMem_Malloc(<size_t>size)
    if table == NULL:
        raise MemoryError
    try:
        fill(table, a_text, a_length, b_text, b_length)
        subsequence, ranges = walk_back(table, a_text, a_length, b_text, b_length)
    finally:
        PyMem_Free(table)
    return len(subsequence), subsequence, ranges
