"""An ordered map from stream IDs to pointers: a directory of chunks of sorted items. docs/design/streams.md has its reasons and figures.

A position is valid until the next change of the map. The functions that find one return whether there is one.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef struct Id:                     # of an entry: compared by time (Unix time in ms), then by sequence number
    uint64_t ms
    uint64_t seq

cdef struct IdItem:
    Id id
    void* value

cdef struct IdChunk:
    Id first                        # the id of items[0]: the directory is searched without a look into the chunks
    IdItem* items                   # sorted; never empty
    uint32_t count
    uint32_t capacity

cdef struct IdMap:                  # all zero: empty
    IdChunk* chunks
    size_t chunk_count
    size_t chunk_capacity
    size_t count                    # items

cdef struct IdPosition:
    size_t chunk
    size_t index


cdef inline int compare_ids(Id a, Id b) noexcept nogil:
    """Negative, 0 or positive, as a is less than, equal to, or greater than b."""
    if a.ms != b.ms:
        return 1 if a.ms > b.ms else -1
    if a.seq != b.seq:
        return 1 if a.seq > b.seq else -1
    return 0


cdef inline IdItem* item_at(const IdMap* map, IdPosition position) noexcept nogil:
    return &map.chunks[position.chunk].items[position.index]


cdef inline bint next_item(const IdMap* map, IdPosition* position) noexcept nogil:
    """Goes on to the next item; False at the end."""
    position.index += 1
    if position.index < map.chunks[position.chunk].count:
        return True
    position.index = 0
    position.chunk += 1
    return position.chunk < map.chunk_count


cdef inline bint previous_item(const IdMap* map, IdPosition* position) noexcept nogil:
    """Goes back to the item before; False at the beginning."""
    if position.index > 0:
        position.index -= 1
        return True
    if position.chunk == 0:
        return False
    position.chunk -= 1
    position.index = map.chunks[position.chunk].count - 1
    return True


cdef inline bint first_item(const IdMap* map, IdPosition* position) noexcept nogil:
    position.chunk = position.index = 0
    return map.count > 0


cdef inline bint last_item(const IdMap* map, IdPosition* position) noexcept nogil:
    position.chunk = position.index = 0
    if map.count == 0:
        return False
    position.chunk = map.chunk_count - 1
    position.index = map.chunks[position.chunk].count - 1
    return True


cdef bint seek_from(const IdMap* map, Id id, IdPosition* position) noexcept nogil     # the first item not before id
cdef bint seek_upto(const IdMap* map, Id id, IdPosition* position) noexcept nogil     # the last item not after id
cdef void* find_value(const IdMap* map, Id id) noexcept nogil                         # NULL: there is none
cdef int insert_item(IdMap* map, Id id, void* value) except -1                        # the id must be new
cdef bint remove_item(IdMap* map, Id id) noexcept
cdef void* take_last(IdMap* map) noexcept                                             # NULL: the map is empty
cdef void free_map(IdMap* map) noexcept
cdef size_t map_memory(const IdMap* map) noexcept
