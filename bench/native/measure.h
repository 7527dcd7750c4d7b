/* What the native programs share: `NAME ROUNDS REPEATS` runs the algorithm once uncounted and
 * then REPEATS times, prints the seconds of each counted run on a line of its own, and at last
 * `result N`, which whoever measures compares with the guest's.
 *
 * ROUNDS is the guest's register rr0. */
#ifndef MEASURE_H
#define MEASURE_H

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* For the functions that are measured. They are called as often as it is written. They begin at
 * a cache line: on an AMD EPYC a loop of three instructions takes three times as long where it
 * lies across two lines, and that must not depend on what the linker puts before it. */
#define MEASURED __attribute__((noinline, aligned(64)))

/* The compiler takes `value` for changed here. Costs no instruction. */
#define OPAQUE(value) __asm__ volatile("" : "+r"(value) : : "memory")

static int measure_number(const char *text, unsigned long least, uint32_t *number) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < least ||
        value > UINT32_MAX)
        return 0;
    *number = (uint32_t)value;
    return 1;
}

static double measure_now(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        perror("clock_gettime");
        exit(1);
    }
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int measure(int count, char **arguments, uint32_t (*run)(uint32_t rounds)) {
    uint32_t rounds, repeats, result = 0;
    if (count != 3 || !measure_number(arguments[1], 0, &rounds) ||
        !measure_number(arguments[2], 1, &repeats)) {
        fputs("arguments: ROUNDS REPEATS (1 or more)\n", stderr);
        return 2;
    }
    for (uint64_t number = 0; number <= repeats; number++) {
        double start = measure_now();
        OPAQUE(rounds); /* or one run's result could serve for all */
        result = run(rounds);
        OPAQUE(result); /* or it could be computed after the clock is read */
        double seconds = measure_now() - start;
        if (number != 0)
            printf("%.9f\n", seconds);
    }
    printf("result %" PRIu32 "\n", result);
    return 0;
}

#endif
