"""A place among the entries of a stream. types/stream/entry_cursor.pyx is the design note."""

from libc.stdint cimport int64_t

from redracer.core.listpack cimport Listpack
from redracer.types.stream.id_map cimport Id, IdMap, IdPosition


cdef class EntryCursor:
    cdef const IdMap* nodes         # the log's, borrowed
    cdef IdPosition node
    cdef Listpack listpack          # of the node
    cdef Id master                  # the ID that the entries of the node count from
    cdef int64_t master_count       # fields of the master entry
    cdef size_t master_fields       # position of the first
    cdef list master_names          # the fields themselves, once they have been asked for
    cdef size_t position            # of the entry's flags
    cdef Id id
    cdef int64_t flags
    cdef int64_t field_count
    cdef size_t content             # position of the first field, or of the first value where the fields are the master's
    cdef size_t after               # of the next entry in the node; 0 where the entry has not been walked through

    cdef bint seek(self, Id id) noexcept                # to the first entry not before id; False if there is none, as all of these
    cdef bint seek_behind(self, Id id) noexcept         # to the first entry after id
    cdef bint step(self) noexcept                       # to the next
    cdef bint seek_back(self, Id id) noexcept           # to the last entry not after id
    cdef bint step_back(self) noexcept                  # to the one before
    cdef list reply(self)                               # [id, [field, value, ...]]
    cdef size_t enter(self) noexcept
    cdef int load(self, size_t position) noexcept
    cdef bint go_back(self, size_t position) noexcept
    cdef size_t skip(self) noexcept
    cdef bint find_forward(self, size_t position, Id id) noexcept
    cdef size_t find_from_end(self, Id id) noexcept
    cdef bint find_back(self, size_t position, Id id) noexcept
    cdef void flag(self, bint deleted) noexcept
    cdef list names(self)



cdef EntryCursor cursor_over(const IdMap* nodes)        # at no entry yet: seek first
