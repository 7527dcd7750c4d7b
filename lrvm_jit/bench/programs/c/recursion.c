/* Calls that call themselves: the functions of Ackermann and Takeuchi, queens on a board, and
   permutations. Short functions, deep stacks. */

#include "bench.h"

static uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (!m)
        return n + 1;
    return ackermann(m - 1, n ? ackermann(m, n - 1) : 1);
}

static int tak(int x, int y, int z)
{
    if (y >= x)
        return z;
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

/* How many ways there are to place the queens from `row` on; bits are columns and diagonals. */
static uint32_t queens(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    uint32_t ways = 0;
    if (columns == all)
        return 1;
    for (uint32_t free = all & ~(columns | left | right); free; free &= free - 1) {
        uint32_t bit = free & -free;
        ways += queens(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return ways;
}

static uint32_t permute(uint8_t *items, int count, uint32_t hash)
{
    if (count == 1)
        return hash * 31 + items[0] + 2u * items[1] + 3u * items[2];
    for (int k = 0; k < count; k++) {
        hash = permute(items, count - 1, hash);
        int other = count & 1 ? 0 : k;
        uint8_t kept = items[other];
        items[other] = items[count - 1];
        items[count - 1] = kept;
    }
    return hash;
}

uint32_t run(uint32_t rounds)
{
    uint32_t sum = 0;
    for (uint32_t k = 0; k < rounds; k++) {
        uint8_t items[6] = {1, 2, 3, 4, 5, (uint8_t)k};
        sum = sum * 31 + ackermann(2, 20 + k % 8);
        sum = sum * 31 + (uint32_t)tak(11, 7, (int)(k % 5));
        sum = sum * 31 + queens((1u << (6 + k % 2)) - 1, 0, 0, 0);
        sum = permute(items, 6, sum);
    }
    return sum;
}
