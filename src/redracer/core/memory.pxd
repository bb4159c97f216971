"""Allocation of the data path, with an exact count of the bytes held.

The allocator is CPython's small-object one: blocks of up to 512 bytes carry no header and come in
steps of 16 bytes, larger ones go to malloc. A caller knows the size of what it frees (it is in the
object's own header), so nothing is stored beside a block to count it.
The interpreter's lock must be held, as for all of the data path.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc

cdef size_t held_bytes


cdef inline size_t allocation_size(size_t size) noexcept nogil:
    """The bytes that a block of `size` bytes really takes: two sizes that give the same number fit one block."""
    if size <= 512:
        return (size + 15) & ~<size_t>15
    return (size + 23) & ~<size_t>15


cdef inline size_t usable_size(size_t size) noexcept nogil:
    """The size to ask for, so that the whole of `allocation_size` but malloc's header is the caller's to use."""
    if size <= 512:
        return allocation_size(size)
    return allocation_size(size) - 8


cdef inline void count_bytes(Py_ssize_t change) noexcept:
    """Adds `change` (bytes, may be negative) to the count, for memory that Python objects hold."""
    global held_bytes
    held_bytes += <size_t>change


cdef inline void* allocate(size_t size) except NULL:
    """A new block of `size` bytes, aligned to 16, not cleared. Raises MemoryError.

    Any size of the same `allocation_size` fits the block too.
    """
    global held_bytes
    cdef void* block = PyMem_Malloc(usable_size(size))
    if block == NULL:
        raise MemoryError
    held_bytes += allocation_size(size)
    return block


cdef inline void release(void* block, size_t size) noexcept:
    """Frees a block of `allocate`; `size` is the one it was asked for (or one of the same `allocation_size`)."""
    global held_bytes
    held_bytes -= allocation_size(size)
    PyMem_Free(block)


cdef void* reallocate(void* block, size_t old_size, size_t new_size) except NULL
cdef void* allocate_lines(size_t size) noexcept
cdef void release_lines(void* block, size_t size) noexcept
cpdef size_t used_memory() noexcept
