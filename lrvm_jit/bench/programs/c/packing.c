/* A compressor: looks for repetitions with a hash of three bytes, writes lengths and distances,
   unpacks again and compares. Bytes in, bytes out. */

#include <string.h>

#include "bench.h"

#define SIZE 2048
#define HASHES 256
#define LEAST 3
#define MOST (LEAST + 31)

static uint8_t plain[SIZE], packed[SIZE + SIZE / 8 + 16], unpacked[SIZE];

static const char *const words[] = {
    "the ", "machine ", "of ", "a ", "register ", "and ", "memory ", "is ",
    "word ", "load ", "store ", "in ", "jump ", "to ", "every ", "cycle.\n",
};

static void make_text(uint32_t *seed)
{
    int at = 0;
    while (at < SIZE) {
        const char *word = words[next_random(seed) & next_random(seed) & 15];
        for (; *word && at < SIZE; word++)
            plain[at++] = (uint8_t)*word;
        if ((next_random(seed) & 31) == 0 && at < SIZE)
            plain[at++] = (uint8_t)next_random(seed);
    }
}

static unsigned hash_of(const uint8_t *at)
{
    return (unsigned)(at[0] * 33u + at[1] * 7u + at[2]) % HASHES;
}

/* Before each eight items stands a byte whose bits tell repetitions (two bytes: five bits of length,
   eleven of distance) from bytes as they are. */
static int pack(const uint8_t *from, int size, uint8_t *to)
{
    int16_t last[HASHES];
    uint8_t *out = to, *flags = out;
    unsigned bit = 256;
    for (int k = 0; k < HASHES; k++)
        last[k] = -1;
    for (int at = 0; at < size; bit <<= 1) {
        if (bit == 256) {
            bit = 1;
            flags = out++;
            *flags = 0;
        }
        int length = 0, distance = 0;
        if (at + LEAST <= size) {
            int16_t *place = &last[hash_of(from + at)];
            if (*place >= 0 && at - *place < 2048) {
                int most = size - at < MOST ? size - at : MOST;
                const uint8_t *earlier = from + *place;
                while (length < most && earlier[length] == from[at + length])
                    length++;
                distance = at - *place;
            }
            *place = (int16_t)at;
        }
        if (length >= LEAST) {
            unsigned item = (unsigned)(length - LEAST) << 11 | (unsigned)distance;
            *flags |= (uint8_t)bit;
            *out++ = (uint8_t)(item >> 8);
            *out++ = (uint8_t)item;
            at += length;
        } else
            *out++ = from[at++];
    }
    return (int)(out - to);
}

static int unpack(const uint8_t *from, int size, uint8_t *to)
{
    const uint8_t *end = from + size;
    uint8_t *out = to;
    while (from < end) {
        unsigned flags = *from++;
        for (int k = 0; k < 8 && from < end; k++, flags >>= 1)
            if (flags & 1) {
                unsigned item = (unsigned)from[0] << 8 | from[1];
                const uint8_t *earlier = out - (item & 2047);
                from += 2;
                for (unsigned length = (item >> 11) + LEAST; length; length--)
                    *out++ = *earlier++;
            } else
                *out++ = *from++;
    }
    return (int)(out - to);
}

uint32_t run(uint32_t rounds)
{
    uint32_t seed = 31337, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        make_text(&seed);
        int size = pack(plain, SIZE, packed);
        for (int k = 0; k < size; k++)
            sum = sum * 31 + packed[k];
        if (unpack(packed, size, unpacked) != SIZE || memcmp(plain, unpacked, SIZE))
            return 0;
        sum += (uint32_t)size;
    }
    return sum;
}
