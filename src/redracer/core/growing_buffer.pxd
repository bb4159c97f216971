"""Room in a block of memory that doubles as it fills: what is appended costs amortised O(1) a byte."""

from cpython.mem cimport PyMem_RawRealloc


cdef inline char* room_behind(
    char** data, size_t length, size_t* capacity, size_t size, size_t first_capacity
) except NULL:
    """Room for `size` bytes behind the `length` bytes in `data`, which may move. Raises MemoryError, and nothing changes."""
    cdef size_t needed = length + size
    cdef size_t larger
    cdef char* grown
    if needed > capacity[0]:
        larger = max(capacity[0], first_capacity)
        while larger < needed:
            larger *= 2
        grown = <char*>PyMem_RawRealloc(data[0], larger)
        if grown == NULL:
            raise MemoryError
        data[0] = grown
        capacity[0] = larger
    return data[0] + length
