/* Large numbers: powers and factorials in digits of 32 bits, made decimal, and square roots.
   Products of 64 bits, carries, divisions. */

#include "bench.h"

#define DIGITS 48

struct number {
    int length;
    uint32_t digits[DIGITS]; /* the lowest first */
};

static void set(struct number *n, uint32_t value)
{
    n->length = value != 0;
    n->digits[0] = value;
}

static void multiply_small(struct number *n, uint32_t factor, uint32_t carry)
{
    for (int k = 0; k < n->length; k++) {
        uint64_t product = (uint64_t)n->digits[k] * factor + carry;
        n->digits[k] = (uint32_t)product;
        carry = (uint32_t)(product >> 32);
    }
    if (carry && n->length < DIGITS)
        n->digits[n->length++] = carry;
}

static uint32_t divide_small(struct number *n, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int k = n->length; k-- > 0;) {
        rest = rest << 32 | n->digits[k];
        n->digits[k] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    while (n->length && !n->digits[n->length - 1])
        n->length--;
    return (uint32_t)rest;
}

static void multiply(struct number *to, const struct number *a, const struct number *b)
{
    int length = a->length + b->length;
    if (length > DIGITS)
        length = DIGITS;
    for (int k = 0; k < length; k++)
        to->digits[k] = 0;
    for (int i = 0; i < a->length; i++) {
        uint32_t carry = 0;
        for (int k = 0; k < b->length && i + k < length; k++) {
            uint64_t sum = (uint64_t)a->digits[i] * b->digits[k] + to->digits[i + k] + carry;
            to->digits[i + k] = (uint32_t)sum;
            carry = (uint32_t)(sum >> 32);
        }
        if (i + b->length < length)
            to->digits[i + b->length] = carry;
    }
    to->length = length;
    while (to->length && !to->digits[to->length - 1])
        to->length--;
}

static void add(struct number *to, const struct number *n)
{
    uint64_t carry = 0;
    int length = to->length > n->length ? to->length : n->length;
    for (int k = 0; k < length || carry; k++) {
        if (k == DIGITS)
            return;
        if (k >= to->length) {
            to->digits[k] = 0;
            to->length = k + 1;
        }
        carry += (uint64_t)to->digits[k] + (k < n->length ? n->digits[k] : 0);
        to->digits[k] = (uint32_t)carry;
        carry >>= 32;
    }
}

static uint32_t decimal_hash(const struct number *n)
{
    struct number rest = *n;
    uint32_t hash = 0;
    while (rest.length) {
        uint32_t digits = divide_small(&rest, 1000000000u);
        for (int k = 0; k < 9; k++, digits /= 10)
            hash = hash * 31 + digits % 10;
    }
    return hash;
}

static uint32_t square_root(uint64_t n)
{
    uint64_t root = 0, bit = 1ull << 62;
    while (bit > n)
        bit >>= 2;
    for (; bit; bit >>= 2)
        if (n >= root + bit) {
            n -= root + bit;
            root = (root >> 1) + bit;
        } else
            root >>= 1;
    return (uint32_t)root;
}

uint32_t run(uint32_t rounds)
{
    uint32_t seed = 77, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        struct number factorial, power, product, fibonacci[2];
        set(&factorial, 1);
        for (uint32_t k = 2; k <= 40 + round % 20; k++)
            multiply_small(&factorial, k, 0);
        set(&power, next_random(&seed));
        for (int k = 0; k < 4; k++) {
            multiply(&product, &power, &power);
            power = product;
        }
        multiply(&product, &power, &factorial);
        set(&fibonacci[0], 0);
        set(&fibonacci[1], 1);
        for (int k = 0; k < 200; k++)
            add(&fibonacci[k & 1], &fibonacci[~k & 1]);
        add(&product, &fibonacci[0]);
        sum = sum * 31 + decimal_hash(&product);
        uint64_t wide = (uint64_t)next_random(&seed) << 32 | next_random(&seed);
        sum = sum * 31 + square_root(wide);
    }
    return sum;
}
