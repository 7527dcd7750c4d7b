/* lanes_hash.lasm in C, for one lane: a0 = 7, a1 = 3, a4 = 77. */
#include "measure.h"

static MEASURED uint32_t run(uint32_t rounds) {
    uint32_t a0 = 7, a1 = 3, a2 = 0;
    for (; rounds != 0; rounds--) {
        a0 = (a0 * 31) ^ a1;
        a1 += 7;
        a2 = (a2 << 1) ^ a0;
        a0 += a2;
        a2 = (a2 & 77) | 5;
        OPAQUE(a2);
    }
    return a0;
}

int main(int count, char **arguments) {
    return measure(count, arguments, run);
}
