"""An ordered map from stream IDs to pointers: the nodes of a stream, and the pending entries of groups and consumers.

A directory holds chunks of up to CHUNK_CAPACITY sorted items, with the first id of each. A lookup is two binary searches.
IDs mostly grow, so an insertion is mostly an append: it costs no search, and leaves full chunks behind, where a B+ tree
would split. Any other insertion or removal moves half a chunk on average, and where a chunk comes or goes, the directory behind it:
32 bytes per chunk, 2.5 MB at 10 million items, which takes a fraction of a millisecond, and only once in many changes.

Ownership: the map owns its chunks; what the values point to is the caller's.
"""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memmove, memset

from redracer.core.memory cimport allocate, allocation_size, reallocate, release

cdef enum:
    CHUNK_CAPACITY = 128            # items: 3 KB
    FIRST_CAPACITY = 2              # of a chunk; small maps stay small
    MERGED_CAPACITY = 64            # two neighbours that hold so many or fewer together become one


# --- searching

cdef inline size_t chunk_of(const IdMap* map, Id id) noexcept nogil:
    """The last chunk that begins at `id` or before it, or the first. The map is not empty."""
    cdef size_t low = 0
    cdef size_t high = map.chunk_count
    cdef size_t middle
    if compare_ids(map.chunks[high - 1].first, id) <= 0:
        return high - 1
    while high - low > 1:
        middle = (low + high) // 2
        if compare_ids(map.chunks[middle].first, id) <= 0:
            low = middle
        else:
            high = middle
    return low


cdef inline size_t index_from(const IdChunk* chunk, Id id) noexcept nogil:
    """The index of the chunk's first item that is not before `id`; its count if there is none."""
    cdef size_t low = 0
    cdef size_t high = chunk.count
    cdef size_t middle
    if compare_ids(chunk.items[high - 1].id, id) < 0:
        return high
    while low < high:
        middle = (low + high) // 2
        if compare_ids(chunk.items[middle].id, id) < 0:
            low = middle + 1
        else:
            high = middle
    return low


cdef bint seek_from(const IdMap* map, Id id, IdPosition* position) noexcept nogil:
    position.chunk = position.index = 0
    if map.count == 0:
        return False
    position.chunk = chunk_of(map, id)
    position.index = index_from(&map.chunks[position.chunk], id)
    if position.index < map.chunks[position.chunk].count:
        return True
    position.index = 0
    position.chunk += 1
    return position.chunk < map.chunk_count


cdef bint seek_upto(const IdMap* map, Id id, IdPosition* position) noexcept nogil:
    if not seek_from(map, id, position):
        return last_item(map, position)
    if compare_ids(item_at(map, position[0]).id, id) == 0:
        return True
    return previous_item(map, position)


cdef void* find_value(const IdMap* map, Id id) noexcept nogil:
    cdef IdPosition position
    if not seek_from(map, id, &position) or compare_ids(item_at(map, position).id, id) != 0:
        return NULL
    return item_at(map, position).value


# --- changing

cdef int resize_chunk(IdChunk* chunk, size_t capacity) except -1:
    chunk.items = <IdItem*>reallocate(chunk.items, chunk.capacity * sizeof(IdItem), capacity * sizeof(IdItem))
    chunk.capacity = <uint32_t>capacity
    return 0


cdef int add_chunk(IdMap* map, size_t at, size_t capacity) except -1:
    """Puts an empty chunk before the chunk `at` (or at the end); the caller fills it."""
    cdef IdItem* items
    cdef size_t new_capacity
    if map.chunk_count == map.chunk_capacity:
        new_capacity = map.chunk_capacity * 2 if map.chunk_capacity else 1
        if map.chunks == NULL:
            map.chunks = <IdChunk*>allocate(new_capacity * sizeof(IdChunk))
        else:
            map.chunks = <IdChunk*>reallocate(
                map.chunks, map.chunk_capacity * sizeof(IdChunk), new_capacity * sizeof(IdChunk)
            )
        map.chunk_capacity = new_capacity
    items = <IdItem*>allocate(capacity * sizeof(IdItem))
    memmove(&map.chunks[at + 1], &map.chunks[at], (map.chunk_count - at) * sizeof(IdChunk))
    memset(&map.chunks[at], 0, sizeof(IdChunk))
    map.chunks[at].items = items
    map.chunks[at].capacity = <uint32_t>capacity
    map.chunk_count += 1
    return 0


cdef int split_chunk(IdMap* map, size_t at) except -1:
    """Moves the second half of a full chunk into a new one behind it."""
    cdef size_t kept = CHUNK_CAPACITY // 2
    cdef size_t moved = map.chunks[at].count - kept
    add_chunk(map, at + 1, CHUNK_CAPACITY)
    memcpy(map.chunks[at + 1].items, &map.chunks[at].items[kept], moved * sizeof(IdItem))
    map.chunks[at + 1].count = <uint32_t>moved
    map.chunks[at + 1].first = map.chunks[at + 1].items[0].id
    map.chunks[at].count = <uint32_t>kept
    return 0


cdef int room_for(IdMap* map, Id id, IdPosition* position) except -1:
    """Where a new id belongs: a position in a chunk with room for it. Raises MemoryError, the map unchanged in content."""
    cdef IdChunk* chunk
    if map.chunk_count == 0:
        add_chunk(map, 0, FIRST_CAPACITY)
        position.chunk = position.index = 0
        return 0
    position.chunk = chunk_of(map, id)
    chunk = &map.chunks[position.chunk]
    position.index = index_from(chunk, id)
    if chunk.count < chunk.capacity:
        return 0
    if chunk.capacity < CHUNK_CAPACITY:
        return resize_chunk(chunk, chunk.capacity * 2)
    if position.chunk == map.chunk_count - 1 and position.index == chunk.count:
        add_chunk(map, map.chunk_count, FIRST_CAPACITY)
        position.chunk += 1
        position.index = 0
        return 0
    split_chunk(map, position.chunk)
    if position.index > map.chunks[position.chunk].count:
        position.index -= map.chunks[position.chunk].count
        position.chunk += 1
    return 0


cdef int insert_item(IdMap* map, Id id, void* value) except -1:
    """O(log n), amortized; see the header for what moves. Raises MemoryError, and nothing has changed."""
    cdef IdPosition position
    cdef IdChunk* chunk
    room_for(map, id, &position)
    chunk = &map.chunks[position.chunk]
    memmove(
        &chunk.items[position.index + 1], &chunk.items[position.index], (chunk.count - position.index) * sizeof(IdItem)
    )
    chunk.items[position.index].id = id
    chunk.items[position.index].value = value
    chunk.count += 1
    chunk.first = chunk.items[0].id
    map.count += 1
    return 0


cdef void drop_chunk(IdMap* map, size_t at) noexcept:
    release(map.chunks[at].items, map.chunks[at].capacity * sizeof(IdItem))
    map.chunk_count -= 1
    memmove(&map.chunks[at], &map.chunks[at + 1], (map.chunk_count - at) * sizeof(IdChunk))
    if map.chunk_count == 0:
        free_map(map)


cdef bint merge_next(IdMap* map, size_t at) noexcept:
    """Moves the items of the chunk behind `at` into it, if they are few together and there is room."""
    cdef IdChunk* chunk = &map.chunks[at]
    cdef IdChunk* other = &map.chunks[at + 1]
    if at + 1 >= map.chunk_count or chunk.count + other.count > MERGED_CAPACITY:
        return False
    if chunk.capacity < chunk.count + other.count:
        return False
    memcpy(&chunk.items[chunk.count], other.items, other.count * sizeof(IdItem))
    chunk.count += other.count
    drop_chunk(map, at + 1)
    return True


cdef void shrink_chunk(IdChunk* chunk) noexcept:
    """Gives memory back where three quarters of the chunk are unused."""
    if chunk.capacity > FIRST_CAPACITY and chunk.count * 4 <= chunk.capacity:
        try:
            resize_chunk(chunk, chunk.capacity // 2)
        except MemoryError:         # the longer block serves as well
            pass


cdef void remove_at(IdMap* map, IdPosition position) noexcept:
    cdef IdChunk* chunk = &map.chunks[position.chunk]
    chunk.count -= 1
    map.count -= 1
    if chunk.count == 0:
        drop_chunk(map, position.chunk)
        return
    memmove(
        &chunk.items[position.index], &chunk.items[position.index + 1], (chunk.count - position.index) * sizeof(IdItem)
    )
    chunk.first = chunk.items[0].id
    if chunk.count * 4 > chunk.capacity:
        return
    if not merge_next(map, position.chunk) and not (position.chunk and merge_next(map, position.chunk - 1)):
        shrink_chunk(chunk)


cdef bint remove_item(IdMap* map, Id id) noexcept:
    """Whether the id was there. O(log n), amortized."""
    cdef IdPosition position
    if not seek_from(map, id, &position) or compare_ids(item_at(map, position).id, id) != 0:
        return False
    remove_at(map, position)
    return True


cdef void* take_last(IdMap* map) noexcept:
    """Removes the last item and returns its value. O(1)."""
    cdef IdPosition position
    cdef void* value
    if not last_item(map, &position):
        return NULL
    value = item_at(map, position).value
    remove_at(map, position)
    return value


# --- the whole

cdef void free_map(IdMap* map) noexcept:
    """Frees the chunks, not what the values point to; the map is empty then. O(chunks)."""
    cdef size_t at
    for at in range(map.chunk_count):
        release(map.chunks[at].items, map.chunks[at].capacity * sizeof(IdItem))
    if map.chunks != NULL:
        release(map.chunks, map.chunk_capacity * sizeof(IdChunk))
    memset(map, 0, sizeof(IdMap))


cdef size_t map_memory(const IdMap* map) noexcept:
    """The bytes that the map holds. O(chunks)."""
    cdef size_t size = allocation_size(map.chunk_capacity * sizeof(IdChunk)) if map.chunks != NULL else 0
    cdef size_t at
    for at in range(map.chunk_count):
        size += allocation_size(map.chunks[at].capacity * sizeof(IdItem))
    return size
