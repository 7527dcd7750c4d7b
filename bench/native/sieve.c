/* sieve.lasm in C: primes below 16384, one word a flag, the whole sieve in every round. */
#include "measure.h"

#define COUNT 16384
#define ROOT 128

static uint32_t flags[COUNT];

static MEASURED uint32_t sieve(void) {
    for (uint32_t number = 0; number < COUNT; number++)
        flags[number] = 1;

    for (uint32_t candidate = 2; candidate < ROOT; candidate++) {
        if (flags[candidate] == 0)
            continue;
        for (uint32_t multiple = candidate * candidate; multiple < COUNT; multiple += candidate)
            flags[multiple] = 0;
    }

    uint32_t primes = 0;
    for (uint32_t number = 2; number < COUNT; number++)
        primes += flags[number];
    return primes;
}

static MEASURED uint32_t run(uint32_t rounds) {
    uint32_t primes;
    do {
        primes = sieve();
        OPAQUE(primes); /* every round's result counts, not the last one's only */
    } while (--rounds != 0);
    return primes;
}

int main(int count, char **arguments) {
    return measure(count, arguments, run);
}
