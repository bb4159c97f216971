"""Allocation of the data path, with an exact count of the bytes held. The inline half is in memory.pxd."""

from cpython.mem cimport PyMem_Realloc
from libc.string cimport memset
from posix.mman cimport MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, mmap, munmap
from posix.stdlib cimport posix_memalign
from libc.stdlib cimport free

cdef enum:
    CACHE_LINE = 64
    MAP_FROM = 64 * 1024    # bytes: from this size on, memory comes from the kernel and goes back to it at once

held_bytes = 0


cdef void* reallocate(void* block, size_t old_size, size_t new_size) except NULL:
    """The block with another size, moved if need be; its bytes up to the smaller size stay. Raises MemoryError."""
    global held_bytes
    cdef void* moved = PyMem_Realloc(block, usable_size(new_size))
    if moved == NULL:
        raise MemoryError
    held_bytes += allocation_size(new_size) - allocation_size(old_size)
    return moved


cdef void* allocate_lines(size_t size) noexcept:
    """`size` bytes of zeros that start at a cache line, or NULL. Freed with `release_lines`."""
    global held_bytes
    cdef void* block = NULL
    if size >= MAP_FROM:
        block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        if block == MAP_FAILED:
            return NULL
    else:
        if posix_memalign(&block, CACHE_LINE, size):
            return NULL
        memset(block, 0, size)
    held_bytes += size
    return block


cdef void release_lines(void* block, size_t size) noexcept:
    """Frees a block of `allocate_lines` of that size."""
    global held_bytes
    if size >= MAP_FROM:
        munmap(block, size)
    else:
        free(block)
    held_bytes -= size


cpdef size_t used_memory() noexcept:
    """The bytes that the data of all databases takes, allocator's rounding included."""
    return held_bytes
