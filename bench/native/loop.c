/* loop.lasm in C: counts to 2^24. */
#include "measure.h"

static MEASURED uint32_t run(uint32_t rounds) {
    (void)rounds; /* as in the guest, the length is fixed */
    uint32_t counter = 0;
    while (counter != UINT32_C(1) << 24) {
        counter++;
        OPAQUE(counter); /* without this the compiler knows the end and removes the loop */
    }
    return counter;
}

int main(int count, char **arguments) {
    return measure(count, arguments, run);
}
