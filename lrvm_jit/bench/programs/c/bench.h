/* What the C benchmarks share: a program defines `run`, which gets the rounds and answers a number
   that depends on all of its work.

   As a guest it does so once, with the rounds from its first argument. Compiled with -DNATIVE it
   does so once uncounted and then as often as its second argument says, and prints the seconds of
   each. Both print the result last. */

#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

uint32_t run(uint32_t rounds);

/* Numbers that look random, the same everywhere. */
static inline uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

#ifdef NATIVE

#include <time.h>

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], 0, 10) : 1;
    int repeats = argc > 2 ? atoi(argv[2]) : 1;
    /* So that no compiler moves it out of what is timed. */
    uint32_t (*volatile entry)(uint32_t) = run;
    uint32_t result = entry(rounds);
    for (int k = 0; k < repeats; k++) {
        double start = seconds_now();
        result = entry(rounds);
        printf("%.9f\n", seconds_now() - start);
    }
    printf("result %lu\n", (unsigned long)result);
    return 0;
}

#else

/* Without printf, whose code would be most of a small program. */
int main(int argc, char **argv)
{
    uint32_t rounds = 0;
    for (const char *digit = argc > 1 ? argv[1] : "1"; *digit; digit++)
        rounds = 10 * rounds + (uint32_t)(*digit - '0');
    uint32_t result = run(rounds);
    char text[12], *at = text + sizeof text;
    *--at = 0;
    do
        *--at = (char)('0' + result % 10);
    while (result /= 10);
    fputs("result ", stdout);
    puts(at);
    return 0;
}

#endif
#endif
