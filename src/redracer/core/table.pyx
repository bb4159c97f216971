"""Linear hashing over cache-line buckets (Litwin, Linear hashing, VLDB 1980). docs/design/keyspace.md has the
figures.

There are N = 2**L + p buckets, 0 <= p < 2**L: those below p and from 2**L on are found by L + 1 bits of the
hash, the rest by L. An insert that takes the average load over MAXIMUM_LOAD splits bucket p into p and 2**L +
p, whatever bucket the item itself went to; a removal that takes it below MINIMUM_LOAD merges the last such
pair. So the table is never rehashed: the longest single step is one chain of a few buckets.

A slot's 15 hash bits are those from bit 8 * (level // 8) on, level being the number of bits that found its bucket.
So the slot itself says which half of a split it belongs to, and at least eight of its bits are left to tell
apart items of one bucket. Only when the level passes a multiple of eight does a split ask the items for their
hashes.

A full bucket (8 slots) gives its last slot to a link: the number of an overflow bucket, plus one. An overflow
bucket has 7 slots and a link word, whose upper half is the number of the primary bucket that owns it. Items
fill a chain without gaps, and overflow buckets are dense in their array (the last one moves into a freed one's
place), so that memory is given back and a random draw over all buckets is unbiased.
"""

from libc.string cimport memcpy, memset

from redracer.core.memory cimport allocate, allocate_lines, release, release_lines
from redracer.core.random cimport next_random

cdef enum:
    MAXIMUM_LOAD = 5                # items per primary bucket
    MINIMUM_LOAD = 2
    FIRST_BUCKETS = 4               # an empty table: 256 bytes
    BUCKET_SLOTS = 8
    LINK = 7                        # the slot that holds the link
    OVERFLOW_SLOTS = 7
    TAG_SHIFT = 48
    WINDOW = 8                      # levels between two looks at the items' hashes
    STACK_WORDS = 64                # a longer chain is split or merged by way of the heap
    OWNER_BITS = 31                 # of the number of an overflow bucket's owner


# --- arrays of buckets

cdef bint array_reserve(BucketArray* array, size_t needed) noexcept:
    """Makes room for `needed` buckets. Returns whether there is. May move the first segment while it is the
    only one."""
    while array.capacity < needed:
        if not (grow_first_segment(array) if array.capacity < SEGMENT_BUCKETS else add_segment(array)):
            return False
    return True


cdef bint grow_first_segment(BucketArray* array) noexcept:
    cdef size_t capacity = array.capacity * 4 if array.capacity else FIRST_BUCKETS
    if array.capacity == 0 and not grow_directory(array):
        return False
    cdef Bucket* segment = <Bucket*>allocate_lines(capacity * sizeof(Bucket))
    if segment == NULL:
        return False
    if array.capacity:
        memcpy(segment, array.segments[0], array.capacity * sizeof(Bucket))
        release_lines(array.segments[0], array.capacity * sizeof(Bucket))
    array.segments[0] = segment
    array.segment_count = 1
    array.capacity = capacity
    return True


cdef bint add_segment(BucketArray* array) noexcept:
    if array.segment_count == array.directory_capacity and not grow_directory(array):
        return False
    cdef Bucket* segment = <Bucket*>allocate_lines(SEGMENT_BUCKETS * sizeof(Bucket))
    if segment == NULL:
        return False
    array.segments[array.segment_count] = segment
    array.segment_count += 1
    array.capacity += SEGMENT_BUCKETS
    return True


cdef bint grow_directory(BucketArray* array) noexcept:
    cdef size_t capacity = array.directory_capacity * 2 if array.directory_capacity else 2
    cdef Bucket** directory
    try:
        directory = <Bucket**>allocate(capacity * sizeof(Bucket*))
    except MemoryError:
        return False
    if array.directory_capacity:
        memcpy(directory, array.segments, array.segment_count * sizeof(Bucket*))
        release(array.segments, array.directory_capacity * sizeof(Bucket*))
    array.segments = directory
    array.directory_capacity = capacity
    return True


cdef void array_trim(BucketArray* array, size_t used) noexcept:
    """Gives back the last segment if it and half of the one before are unused (half: so as not to do it to and
    fro)."""
    if array.segment_count > 1 and used + SEGMENT_BUCKETS + SEGMENT_BUCKETS // 2 <= array.capacity:
        array.segment_count -= 1
        array.capacity -= SEGMENT_BUCKETS
        release_lines(array.segments[array.segment_count], SEGMENT_BUCKETS * sizeof(Bucket))


cdef bint array_free_some(BucketArray* array, size_t segments) noexcept:
    """Frees that many segments, and the directory after the last. Returns whether nothing is left."""
    cdef size_t segment_bytes = min(array.capacity, <size_t>SEGMENT_BUCKETS) * sizeof(Bucket)
    while array.segment_count and segments:
        array.segment_count -= 1
        segments -= 1
        release_lines(array.segments[array.segment_count], segment_bytes)
    if array.segment_count:
        return False
    if array.directory_capacity:
        release(array.segments, array.directory_capacity * sizeof(Bucket*))
    memset(array, 0, sizeof(BucketArray))
    return True


# --- chains

cdef inline bint is_link(uint64_t word) noexcept nogil:
    return <uint32_t>word != 0 and not word & SLOT_OCCUPIED


cdef inline uint64_t slot_word(uint64_t hash, unsigned int shift, void* item) noexcept nogil:
    return SLOT_OCCUPIED | (hash >> shift & 0x7fff) << TAG_SHIFT | <uint64_t>item


cdef inline size_t chain_of(Table* table, uint64_t hash, unsigned int* shift) noexcept nogil:
    """The index of the primary bucket for that hash, and where its slots' hash bits start."""
    cdef size_t index = hash & table.low_mask
    shift[0] = table.low_shift
    if index < table.split:
        shift[0] = table.high_shift
        index = hash & (table.low_mask << 1 | 1)
    return index


cdef uint64_t* chain_slot(Table* table, size_t index, size_t position) noexcept nogil:
    """The slot at a position of the chain of primary bucket `index`, or NULL past the last item."""
    cdef Bucket* bucket = bucket_at(&table.primary, index)
    cdef size_t width = LINK if is_link(bucket.slots[LINK]) else BUCKET_SLOTS
    while position >= width:
        position -= width
        bucket = next_bucket(table, bucket)
        if bucket == NULL:
            return NULL
        width = OVERFLOW_SLOTS
    return &bucket.slots[position] if bucket.slots[position] else NULL


cdef size_t chain_length(Table* table, size_t index) noexcept nogil:
    cdef Bucket* bucket = bucket_at(&table.primary, index)
    cdef size_t length = 0
    cdef int slot
    while bucket != NULL:
        for slot in range(BUCKET_SLOTS):
            length += bucket.slots[slot] >> 63
        bucket = next_bucket(table, bucket)
    return length


cdef bint chain_append(Table* table, size_t index, uint64_t word) noexcept:
    """Adds a slot's word at the end of a chain. Returns False, and does nothing, where there is no memory."""
    cdef Bucket* bucket = bucket_at(&table.primary, index)
    cdef size_t width = BUCKET_SLOTS
    cdef size_t number = 0          # of the chain's last bucket in the overflow array, plus one
    cdef size_t slot
    while True:
        for slot in range(width):
            if not bucket.slots[slot]:
                bucket.slots[slot] = word
                return True
        if not is_link(bucket.slots[LINK]):
            break
        number = <uint32_t>bucket.slots[LINK]
        bucket = bucket_at(&table.overflow, number - 1)
        width = OVERFLOW_SLOTS
    if not array_reserve(&table.overflow, table.overflow_count + 1):
        return False
    cdef Bucket* added = bucket_at(&table.overflow, table.overflow_count)
    table.overflow_count += 1
    added.slots[LINK] = <uint64_t>index << 32
    if number:                      # (the reservation may have moved it)
        bucket = bucket_at(&table.overflow, number - 1)
        bucket.slots[LINK] |= table.overflow_count
        added.slots[0] = word
    else:
        added.slots[0] = bucket.slots[LINK]
        added.slots[1] = word
        bucket.slots[LINK] = table.overflow_count
    return True


cdef void chain_remove(Table* table, size_t index, uint64_t* slot) noexcept:
    """Empties the slot by moving the chain's last item into it, and frees the overflow bucket that this
    empties."""
    cdef Bucket* before = NULL
    cdef Bucket* last = bucket_at(&table.primary, index)
    cdef size_t before_number = 0   # as in chain_append; 0: the primary bucket
    cdef size_t number = 0
    cdef size_t used = BUCKET_SLOTS
    while is_link(last.slots[LINK]):
        before = last
        before_number = number
        number = <uint32_t>last.slots[LINK]
        last = bucket_at(&table.overflow, number - 1)
        used = OVERFLOW_SLOTS
    while not last.slots[used - 1]:
        used -= 1
    used -= 1
    slot[0] = last.slots[used]
    last.slots[used] = 0
    if before_number and used == 0:
        before.slots[LINK] = before.slots[LINK] >> 32 << 32
        free_overflow(table, number - 1)
    elif number and not before_number and used == 1:
        before.slots[LINK] = last.slots[0]      # the one item left fits in the place of the link to it
        free_overflow(table, number - 1)


cdef void free_overflow(Table* table, size_t freed) noexcept nogil:
    """Gives up an overflow bucket that no chain links to any more; the array's last one moves into its place."""
    cdef size_t last = table.overflow_count - 1
    cdef Bucket* moved = bucket_at(&table.overflow, last)
    cdef uint64_t* link
    if freed != last:
        bucket_at(&table.overflow, freed)[0] = moved[0]
        link = &bucket_at(&table.primary, moved.slots[LINK] >> 32).slots[LINK]
        while <uint32_t>link[0] != last + 1:
            link = &bucket_at(&table.overflow, <uint32_t>link[0] - 1).slots[LINK]
        link[0] = link[0] >> 32 << 32 | (freed + 1)
    memset(moved, 0, sizeof(Bucket))
    table.overflow_count = last


cdef size_t chain_take(Table* table, size_t index, uint64_t* words) noexcept:
    """Empties the chain, and writes the words of its slots to `words`. Returns how many."""
    cdef Bucket* bucket = bucket_at(&table.primary, index)
    cdef uint64_t* link = &bucket.slots[LINK]
    cdef size_t count = 0
    cdef size_t slot, last
    while bucket != NULL:
        for slot in range(BUCKET_SLOTS):
            if bucket.slots[slot] & SLOT_OCCUPIED:
                words[count] = bucket.slots[slot]
                count += 1
                bucket.slots[slot] = 0
        bucket = next_bucket(table, bucket)
    while <uint32_t>link[0]:        # the overflow buckets, the last first, so that the rest stays a chain
        last = <uint32_t>link[0] - 1
        while <uint32_t>bucket_at(&table.overflow, last).slots[LINK]:
            link = &bucket_at(&table.overflow, last).slots[LINK]
            last = <uint32_t>link[0] - 1
        link[0] = link[0] >> 32 << 32
        free_overflow(table, last)
        link = &bucket_at(&table.primary, index).slots[LINK]
    return count


# --- growing and shrinking by one bucket

cdef void set_level(Table* table, size_t low_mask, size_t split) noexcept:
    """`split` may be one past the last bucket to split: then the next level begins."""
    if split > low_mask:
        low_mask = low_mask << 1 | 1
        split = 0
    cdef unsigned int level = 0
    while low_mask >> level:
        level += 1
    table.low_mask = low_mask
    table.split = split
    table.bucket_count = low_mask + 1 + split
    table.low_shift = level // WINDOW * WINDOW
    table.high_shift = (level + 1) // WINDOW * WINDOW


cdef uint64_t* borrow_words(uint64_t* stack, size_t length) noexcept:
    """Room for the words of a chain: the caller's array of STACK_WORDS, or for a longer chain the heap. NULL:
    none."""
    if length <= STACK_WORDS:
        return stack
    try:
        return <uint64_t*>allocate(length * sizeof(uint64_t))
    except MemoryError:
        return NULL


cdef void return_words(uint64_t* stack, uint64_t* words, size_t length) noexcept:
    if words != stack:
        release(words, length * sizeof(uint64_t))


cdef void retag(Table* table, uint64_t* words, size_t length, unsigned int shift) noexcept:
    """Takes the slots' hash bits from another place in the hash."""
    cdef size_t position
    for position in range(length):
        prefetch(item_of(words[position]))
    for position in range(length):
        words[position] = slot_word(table.hash_of(item_of(words[position])), shift, item_of(words[position]))


cdef size_t partition(uint64_t* words, size_t length, uint64_t bit) noexcept nogil:
    """Moves the words without that bit before those with it. Returns how many they are."""
    cdef size_t half = 0
    cdef size_t position
    cdef uint64_t word
    for position in range(length):
        word = words[position]
        if not word & bit:
            words[position] = words[half]
            words[half] = word
            half += 1
    return half


cdef bint split_bucket(Table* table) noexcept:
    """Splits the next bucket. Returns False, and does nothing, where there is no memory."""
    cdef uint64_t stack[STACK_WORDS]
    cdef size_t lower = table.split
    cdef size_t upper = table.bucket_count
    cdef size_t length = chain_length(table, lower)
    # The bit that decides is in the words: level 8k to 8k + 7 is in the window that starts at 8k.
    cdef uint64_t bit = (<uint64_t>table.low_mask + 1) << (TAG_SHIFT - table.low_shift)
    cdef unsigned int shift = table.high_shift
    cdef bint next_window = table.high_shift != table.low_shift
    cdef size_t position, half
    if upper >> OWNER_BITS or not array_reserve(&table.primary, upper + 1):
        return False
    cdef uint64_t* words = borrow_words(stack, length)
    if words == NULL:
        return False
    chain_take(table, lower, words)
    set_level(table, table.low_mask, lower + 1)
    # Two chains never need more overflow buckets than one with the items of both: these appends find room.
    half = partition(words, length, bit)
    if next_window:
        retag(table, words, length, shift)
    for position in range(length):
        chain_append(table, lower if position < half else upper, words[position])
    return_words(stack, words, length)
    return True


cdef bint merge_buckets(Table* table) noexcept:
    """Undoes the last split. Returns False, and does nothing, where there is no memory for an overflow bucket."""
    cdef uint64_t stack[STACK_WORDS]
    cdef size_t low_mask = table.low_mask if table.split else table.low_mask >> 1
    cdef size_t lower = table.split - 1 if table.split else low_mask
    cdef size_t upper = table.bucket_count - 1
    cdef size_t length = chain_length(table, lower) + chain_length(table, upper)
    cdef unsigned int shift = table.high_shift if table.split else table.low_shift
    cdef size_t position
    cdef uint64_t* words
    if not array_reserve(&table.overflow, table.overflow_count + length // OVERFLOW_SLOTS):
        return False
    words = borrow_words(stack, length)
    if words == NULL:
        return False
    position = chain_take(table, lower, words)
    chain_take(table, upper, words + position)
    set_level(table, low_mask, lower)
    if table.low_shift != shift:
        retag(table, words, length, table.low_shift)
    for position in range(length):
        chain_append(table, lower, words[position])
    return_words(stack, words, length)
    array_trim(&table.primary, table.bucket_count)
    return True


# --- the interface

cdef int table_init(Table* table, HashFunction hash_of) except -1:
    """Makes an empty table of a struct that is all zero. Raises MemoryError."""
    table.hash_of = hash_of
    set_level(table, 0, 0)
    if not array_reserve(&table.primary, 1):
        raise MemoryError
    return 0


cdef void table_free(Table* table) noexcept:
    """Frees the table, not the items. Only `table_init` may use the struct after that."""
    while not table_free_some(table, SEGMENT_BUCKETS):
        pass


cdef bint table_free_some(Table* table, size_t segments) noexcept:
    """`table_free` in slices (the kernel takes 10 microseconds or so for a segment). Returns whether it is
    done."""
    table.bucket_count = table.overflow_count = table.count = 0
    if not (array_free_some(&table.primary, segments) and array_free_some(&table.overflow, segments)):
        return False
    memset(table, 0, sizeof(Table))
    return True


cdef int table_insert(Table* table, uint64_t hash, void* item) except -1:
    """Adds an item, which must not be in the table. Slot addresses are no longer valid. O(1). Raises
    MemoryError."""
    cdef unsigned int shift
    cdef size_t index
    if table.count >= table.bucket_count * MAXIMUM_LOAD:
        split_bucket(table)         # without memory for it, chains grow longer
    index = chain_of(table, hash, &shift)
    if not chain_append(table, index, slot_word(hash, shift, item)):
        raise MemoryError
    table.count += 1
    return 0


cdef uint64_t* table_find_item(Table* table, uint64_t hash, void* item) noexcept:
    """The slot that holds that very item, or NULL."""
    cdef unsigned int shift
    cdef size_t index = chain_of(table, hash, &shift)
    cdef uint64_t word = slot_word(hash, shift, item)
    cdef Bucket* bucket = bucket_at(&table.primary, index)
    cdef int slot
    while bucket != NULL:
        for slot in range(BUCKET_SLOTS):
            if bucket.slots[slot] == word:
                return &bucket.slots[slot]
        bucket = next_bucket(table, bucket)
    return NULL


cdef void table_remove(Table* table, uint64_t hash, uint64_t* slot) noexcept:
    """Takes the item in `slot`, of that hash, out. Slot addresses are no longer valid. O(1)."""
    cdef unsigned int shift
    chain_remove(table, chain_of(table, hash, &shift), slot)
    table.count -= 1
    if table.count < table.bucket_count * MINIMUM_LOAD and table.bucket_count > 1:
        merge_buckets(table)
    array_trim(&table.overflow, table.overflow_count)


cdef void* table_next(Table* table, TableIterator* iterator) noexcept nogil:
    """The next item of a walk over a table that does not change meanwhile, or NULL at its end."""
    cdef uint64_t* slot
    while iterator.bucket < table.bucket_count:
        slot = chain_slot(table, iterator.bucket, iterator.position)
        if slot != NULL:
            iterator.position += 1
            return item_of(slot[0])
        iterator.bucket += 1
        iterator.position = 0
    return NULL


cdef void* table_random(Table* table, uint64_t* random_state) noexcept nogil:
    """An item drawn with equal chances, or NULL from an empty table. Expected O(1).

    Draws over all slots of all buckets, again while the slot is empty: the load's lower bound keeps that short.
    """
    cdef uint64_t drawn, index, word
    cdef Bucket* bucket
    while table.count:
        drawn = next_random(random_state)
        index = (drawn >> 3) % (table.bucket_count + table.overflow_count)
        if index < table.bucket_count:
            bucket = bucket_at(&table.primary, index)
        else:
            bucket = bucket_at(&table.overflow, index - table.bucket_count)
        word = bucket.slots[drawn & (BUCKET_SLOTS - 1)]
        if word & SLOT_OCCUPIED:
            return item_of(word)
    return NULL


cdef size_t longest_chain(Table* table) noexcept nogil:
    """The buckets of the longest chain. O(buckets)."""
    cdef size_t longest = 0
    cdef size_t index, length
    cdef Bucket* bucket
    for index in range(table.bucket_count):
        length = 0
        bucket = bucket_at(&table.primary, index)
        while bucket != NULL:
            length += 1
            bucket = next_bucket(table, bucket)
        longest = max(longest, length)
    return longest
