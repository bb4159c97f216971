"""Linear hashing over cache-line buckets: a table of pointers that grows and shrinks one bucket at a time.

docs/design/keyspace.md explains the layout. A slot is one word: the top bit says that it is occupied, 15 bits are
hash bits of the item, 48 bits its address. What an item is, the table does not know: the caller compares
items, and `hash_of` gives an item's hash where a bucket's split needs more of it than the slot holds.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef extern from "bucket.h" nogil:
    ctypedef struct Bucket:
        uint64_t slots[8]
    unsigned int bucket_match(const Bucket* bucket, unsigned int tag)
    int lowest_bit(unsigned int mask)
    uint64_t reversed_bits(uint64_t word)
    void prefetch(const void* address)
    const uint64_t SLOT_OCCUPIED
    const uint64_t SLOT_POINTER

ctypedef uint64_t (*HashFunction)(void* item) noexcept

cdef enum:
    SEGMENT_SHIFT = 10              # 1024 buckets of 64 bytes: 64 KiB
    SEGMENT_BUCKETS = 1 << SEGMENT_SHIFT

cdef struct BucketArray:            # a growable array of buckets that never moves one (but in its first segment)
    Bucket** segments
    size_t segment_count
    size_t directory_capacity
    size_t capacity                 # buckets allocated

cdef struct Table:
    BucketArray primary
    BucketArray overflow            # dense: overflow_count buckets are in use, each linked from one chain
    HashFunction hash_of
    size_t count                    # items
    size_t bucket_count             # primary buckets: low_mask + 1 + split
    size_t overflow_count
    size_t low_mask                 # 2**level - 1
    size_t split                    # the next bucket to split
    unsigned int low_shift          # where the slot's hash bits start: in buckets of this level
    unsigned int high_shift         # and in those already split

cdef struct TableIterator:          # all zero: at the start
    size_t bucket
    size_t position                 # in the bucket's chain


cdef inline Bucket* bucket_at(BucketArray* array, size_t index) noexcept nogil:
    return &array.segments[index >> SEGMENT_SHIFT][index & (SEGMENT_BUCKETS - 1)]


cdef inline Bucket* locate(Table* table, uint64_t hash, unsigned int* tag) noexcept nogil:
    """The first bucket of the chain where an item of that hash is, if it is anywhere; and its tag there."""
    cdef size_t index = hash & table.low_mask
    cdef unsigned int shift = table.low_shift
    if index < table.split:
        index = hash & (table.low_mask << 1 | 1)
        shift = table.high_shift
    tag[0] = <unsigned int>(hash >> shift) & 0x7fff | 0x8000
    return bucket_at(&table.primary, index)


cdef inline Bucket* next_bucket(Table* table, Bucket* bucket) noexcept nogil:
    """The bucket after this one in its chain, or NULL."""
    cdef uint64_t link = bucket.slots[7]
    if link & SLOT_OCCUPIED or not <uint32_t>link:
        return NULL
    return bucket_at(&table.overflow, <uint32_t>link - 1)


cdef inline void* item_of(uint64_t slot) noexcept nogil:
    return <void*>(slot & SLOT_POINTER)


cdef inline void replace_item(uint64_t* slot, void* item) noexcept nogil:
    """Puts another item of the same hash into the slot."""
    slot[0] = slot[0] & ~SLOT_POINTER | <uint64_t>item


cdef inline uint64_t next_scan_cursor(Table* table, uint64_t cursor) noexcept nogil:
    """The cursor after `cursor`: its bits under the mask are counted up from the highest to the lowest (see
    docs/design/keyspace.md for why no item that stays is missed while the table grows and shrinks). 0: the end."""
    return reversed_bits(reversed_bits(cursor | ~<uint64_t>table.low_mask) + 1)


cdef int table_init(Table* table, HashFunction hash_of) except -1
cdef void table_free(Table* table) noexcept
cdef bint table_free_some(Table* table, size_t segments) noexcept
cdef int table_insert(Table* table, uint64_t hash, void* item) except -1
cdef uint64_t* table_find_item(Table* table, uint64_t hash, void* item) noexcept
cdef void table_remove(Table* table, uint64_t hash, uint64_t* slot) noexcept
cdef uint64_t* chain_slot(Table* table, size_t index, size_t position) noexcept nogil
cdef void* table_next(Table* table, TableIterator* iterator) noexcept nogil
cdef void* table_random(Table* table, uint64_t* random_state) noexcept nogil
cdef size_t longest_chain(Table* table) noexcept nogil
