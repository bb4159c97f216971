"""Listpacks: a sequence of strings and integers in one block, byte for byte Redis's (core/listpack_format.pxd).

A position is the offset of an entry from the start of the block; 0 is none. It stays valid until an entry
before it changes. Only compiled callers use positions, and only those that the listpack gave them: they are
not checked.

A small collection's value object is its Listpack itself, or a subclass without fields: 32 bytes and the
block. An object around it would cost another 48.
"""

from libc.stdint cimport int64_t, uint64_t

cdef struct ListpackValue:          # an entry's value, borrowed from the listpack
    const char* data                # NULL: an integer
    size_t length
    int64_t integer


cdef class Listpack:
    cdef unsigned char* data

    # Positions.
    cdef size_t first(self) noexcept                        # 0 if empty, as all of these where there is no such entry
    cdef size_t last(self) noexcept
    cdef size_t next(self, size_t position) noexcept
    cdef size_t previous(self, size_t position) noexcept
    cdef size_t seek(self, Py_ssize_t index) noexcept       # -1: the last. Walks from the nearer end
    cdef size_t search(self, const char* data, size_t length, size_t start, size_t skip) noexcept

    # Reading at a position.
    cdef void read(self, size_t position, ListpackValue* value) noexcept
    cdef bytes value_at(self, size_t position)
    cdef bint integer_at(self, size_t position, int64_t* value) noexcept
    cdef bint equals(self, size_t position, const char* data, size_t length) noexcept

    # Writing. What comes back is the position of the entry written, or after a removal of the next one (0: none).
    cdef size_t insert_before(self, size_t position, const char* data, size_t length) except 0      # 0: at the end
    cdef size_t insert_after(self, size_t position, const char* data, size_t length) except 0
    cdef size_t insert_integer(self, size_t position, int64_t value) except 0       # before; 0: at the end
    cdef size_t replace_at(self, size_t position, const char* data, size_t length) except 0
    cdef size_t replace_integer(self, size_t position, int64_t value) except 0
    cdef size_t remove_at(self, size_t position, size_t count) noexcept
    cdef bint has_room(self, size_t added) noexcept         # for that many bytes more under the limit of 1 GiB
    cdef void settle(self) noexcept                         # call when it has grown to its full size
    cdef size_t size_in_bytes(self) noexcept                # of the block: what Redis's thresholds in bytes are about
    cdef size_t random_position(self, size_t width, uint64_t* random_state) noexcept    # first entry of a random group

    # The same by index and bytes object, for Python; each is checked.
    cpdef Py_ssize_t count(self) noexcept
    cpdef int append(self, bytes value) except -1
    cpdef int prepend(self, bytes value) except -1
    cpdef int insert(self, Py_ssize_t index, bytes value) except -1
    cpdef bint replace(self, Py_ssize_t index, bytes value) except -1
    cpdef Py_ssize_t delete(self, Py_ssize_t index, Py_ssize_t count=*) except -1
    cpdef bytes get(self, Py_ssize_t index)
    cpdef Py_ssize_t find(self, bytes value, Py_ssize_t start=*, Py_ssize_t skip=*) except -2
    cpdef list values(self, Py_ssize_t start, Py_ssize_t count)
    cpdef list values_at(self, list indices)
    cpdef list draw(self, Py_ssize_t count, Py_ssize_t width=*)
    cpdef list draw_distinct(self, Py_ssize_t count, Py_ssize_t width=*)
    cpdef list to_list(self)
    cpdef int merge(self, Listpack other) except -1
    cpdef Listpack copy(self)
    cpdef bytes to_bytes(self)
    cpdef Py_ssize_t memory_usage(self) noexcept

    # Several at once, at the end.
    cdef int append_values(self, const ListpackValue* values, size_t count) except -1


cdef bint listpack_integer(const char* data, size_t length, int64_t* value) noexcept
cdef bint fill_listpack(Listpack listpack, const unsigned char* block, size_t size) except -1
