/* One cache line of eight slots, and the search for a tag in it.

   A slot is one 64-bit word: bit 63 says that it is occupied, bits 48 to 62 are hash bits of the item, bits 0 to 47
   its address. User space ends below 2**48 on x86-64 and on 64-bit ARM unless a program asks the kernel for more. */

#ifndef REDRACER_BUCKET_H
#define REDRACER_BUCKET_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SLOT_OCCUPIED 0x8000000000000000ULL
#define SLOT_POINTER 0x0000ffffffffffffULL

typedef struct {
    _Alignas(64) uint64_t slots[8];
} Bucket;

/* A bit for each slot whose upper 16 bits are `tag` (which has its bit 15 set, so that no empty slot matches). */
static inline unsigned int bucket_match(const Bucket *bucket, unsigned int tag)
{
#ifdef __SSE2__
    const float *half = (const float *)(const void *)bucket->slots;
    __m128 upper0 = _mm_shuffle_ps(_mm_load_ps(half), _mm_load_ps(half + 4), _MM_SHUFFLE(3, 1, 3, 1));
    __m128 upper1 = _mm_shuffle_ps(_mm_load_ps(half + 8), _mm_load_ps(half + 12), _MM_SHUFFLE(3, 1, 3, 1));
    __m128i tags = _mm_packs_epi32(_mm_srai_epi32(_mm_castps_si128(upper0), 16),
                                   _mm_srai_epi32(_mm_castps_si128(upper1), 16));
    __m128i equal = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));
    return (unsigned int)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
#else
    unsigned int mask = 0;
    for (int slot = 0; slot < 8; slot++)
        mask |= (unsigned int)(bucket->slots[slot] >> 48 == tag) << slot;
    return mask;
#endif
}

static inline int lowest_bit(unsigned int mask)
{
    return __builtin_ctz(mask);
}

static inline uint64_t reversed_bits(uint64_t word)
{
    word = (word >> 1 & 0x5555555555555555ULL) | (word & 0x5555555555555555ULL) << 1;
    word = (word >> 2 & 0x3333333333333333ULL) | (word & 0x3333333333333333ULL) << 2;
    word = (word >> 4 & 0x0f0f0f0f0f0f0f0fULL) | (word & 0x0f0f0f0f0f0f0f0fULL) << 4;
    return __builtin_bswap64(word);
}

static inline void prefetch(const void *address)
{
    __builtin_prefetch(address);
}

#endif
