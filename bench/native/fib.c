/* fib.lasm in C: Fibonacci numbers by naive recursion. The compiler may inline some levels of
 * it, as it would for anybody. */
#include "measure.h"

static uint32_t fib(uint32_t n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static MEASURED uint32_t run(uint32_t rounds) {
    return fib(rounds);
}

int main(int count, char **arguments) {
    return measure(count, arguments, run);
}
