# ruff: noqa: E501 - C programs, a statement a line
"""What C can say: each program checks itself with `CHECK`, on both levels and two engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cc.support import ENGINES, build, output

PROLOGUE = """
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#define CHECK(what) do { if (!(what)) { printf("line %d: %s\\n", __LINE__, #what); failed = 1; } } while (0)
static int failed;
static volatile int zero, one = 1, seven = 7;
"""

PROGRAMS = {
    "bytes and half-words at every address": """
        static unsigned char b[16]; static short h[8]; static signed char *p = (signed char *)b;
        int main(void) {
            for (int i = 0; i < 16; i++) b[i + zero] = 240 + i;
            for (int i = 0; i < 16; i++) { CHECK(b[i] == 240 + i); CHECK(p[i] == i - 16); }
            for (int i = 0; i < 8; i++) h[i] = -300 * i;
            for (int i = 0; i < 8; i++) CHECK(h[i] == -300 * i);
            b[3] += 20; CHECK(b[3] == 7 && b[2] == 242 && b[4] == 244);
            memcpy(b + one, "abcdefg", 7); CHECK(!memcmp(b, "\\360abcdefg", 8));
            return failed; }""",
    "bit-fields": """
        struct f { unsigned a : 3; int b : 7; unsigned long long c : 40; unsigned d : 1; } f;
        int main(void) {
            f.a = seven + 1; f.b = -60; f.c = 0xFFFFFFFFFFull + one; f.d = 3;
            CHECK(f.a == 0 && f.b == -60 && f.c == 0 && f.d == 1);
            f.c = 0x123456789Aull; f.b -= 4; CHECK(f.c == 0x123456789Aull && f.b == -64);
            return failed; }""",
    "structs and unions by value, also large ones": """
        struct s { char c; double d; short h[3]; }; struct big { int v[40]; };
        union u { float f; unsigned u; unsigned char b[4]; };
        static struct s twice(struct s x) { x.d *= 2; x.h[2] += x.c; return x; }
        static struct big next(struct big x, int k) { for (int i = 0; i < 40; i++) x.v[i] += k; return x; }
        int main(void) {
            struct s x = {5, 1.25, {1, 2, 3}}; x = twice(twice(x));
            CHECK(x.d == 5.0 && x.h[2] == 13 && x.c == 5);
            struct big y; for (int i = 0; i < 40; i++) y.v[i] = i;
            y = next(next(y, one), seven); CHECK(y.v[0] == 8 && y.v[39] == 47);
            union u z = {1.0f}; CHECK(z.u == 0x3F800000 && z.b[0] == 0x3F);
            return failed; }""",
    "variable arguments of every kind": """
        struct pair { int a; long long b; }; struct odd { char c[3]; };
        static double sum(const char *kinds, ...) {
            va_list list, copy; va_start(list, kinds); va_copy(copy, list); double total = 0;
            for (int twice = 0; twice < 2; twice++, memcpy(&list, &copy, sizeof list))
                for (const char *k = kinds; *k; k++) switch (*k) {
                    case 'i': total += va_arg(list, int); break;
                    case 'l': total += va_arg(list, long long); break;
                    case 'd': total += va_arg(list, double); break;
                    case 'p': { struct pair p = va_arg(list, struct pair); total += p.a + p.b; break; }
                    case 'o': { struct odd o = va_arg(list, struct odd); total += o.c[0] + o.c[2]; break; } }
            va_end(copy); va_end(list); return total; }
        int main(void) {
            struct pair p = {1, 1000000000000}; struct odd o = {{1, 2, 3}};
            CHECK(sum("ilidpi", 1, 2LL, 3, 0.5, p, 4) == 2 * 1000000000011.5);
            CHECK(sum("op", o, p) == 2 * 1000000000005.0 && sum("ddddddddd", 1., 2., 3., 4., 5., 6., 7., 8., 9.) == 90);
            CHECK(sum("idididid", 1, 1., 1, 1., 1, 1., 1, 1.) == 16); return failed; }""",
    "more arguments than registers": """
        static long long f(int a, long long b, int c, double d, int e, long long g, short h, long long i, int j, char k) {
            return a + b * 2 + c * 3 + (long long)d * 4 + e * 5 + g * 6 + h * 7 + i * 8 + j * 9 + k * 10; }
        long long (*volatile pointer)(int, long long, int, double, int, long long, short, long long, int, char) = f;
        int main(void) {
            CHECK(pointer(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 385);
            CHECK(pointer(-1, -2, -3, -4, -5, -6, -7, -8, -9, -10) == -385); return failed; }""",
    "switch, dense and sparse, of 8 to 64 bits": """
        static int dense(int x) { switch (x) { case -2: return 1; case -1: return 2; case 0: return 3; case 1: return 4;
            case 2: case 3: return 5; case 7: return 6; default: return 0; } }
        static int sparse(unsigned x) { switch (x) { case 1: return 1; case 100: return 2; case 10000: return 3;
            case 1000000: return 4; case 4000000000u: return 5; default: return 0; } }
        static int wide(long long x) { switch (x) { case -1: return 1; case 5000000000: return 2; case 5000000001: return 3;
            case 5000000002: return 4; case 5000000003: return 5; case 5000000004: return 6; default: return 0; } }
        static int narrow(unsigned char c) { switch (c) { case 200: return 1; case 201: return 2; case 202: return 3;
            case 203: return 4; case 255: return 5; default: return 0; } }
        int main(void) {
            static const int d[] = {0, 1, 2, 3, 4, 5, 5, 0, 0, 0, 6, 0};
            for (int i = 0; i < 12; i++) CHECK(dense(i - 3 + zero) == d[i]);
            CHECK(sparse(1) == 1 && sparse(100) == 2 && sparse(10000) == 3 && sparse(1000000) == 4 && sparse(4000000000u) == 5 && !sparse(2));
            CHECK(wide(-one) == 1 && wide(5000000000 + zero) == 2 && wide(5000000004) == 6 && !wide(705032704 + zero));
            CHECK(narrow(200 + zero) == 1 && narrow(255) == 5 && !narrow(199)); return failed; }""",
    "computed goto": """
        static int run(const char *p) { static void *const table[] = {&&end, &&add, &&twice}; int x = 1; goto *table[(int)*p];
            add: x += 3; goto *table[(int)*++p]; twice: x *= 2; goto *table[(int)*++p]; end: return x; }
        int main(void) { CHECK(run("\\1\\2\\2\\1") == 19 && run("") == 1); return failed; }""",
    "alloca and arrays of variable length": """
        static int f(int n) { int v[n], *w = __builtin_alloca(4 * n + 1), s = 0; for (int i = 0; i < n; i++) v[i] = i, w[i] = -2 * i;
            for (int i = 0; i < n; i++) { char t[i + 1]; t[i] = i; s += v[i] + w[i] + t[i]; } return n ? s + f(n - 1) : s; }
        int main(void) { CHECK(f(20) == 0); return failed; }""",
    "setjmp": """
        #include <setjmp.h>
        static jmp_buf b; static int depth; static void down(int n) { if (!n) longjmp(b, depth + 1); down(n - 1); depth++; }
        int main(void) { volatile int kept = 5; int r = setjmp(b); kept += r; if (r < 3) { depth = r; down(r * 5); }
            CHECK(r == 3 && kept == 11); return failed; }""",
    "floats": """
        static volatile double x = 0.1, huge = 1e300; static volatile float f = 16777216.0f;
        int main(void) {
            CHECK(x * 3 != 0.3 && x * 3 - 0.3 < 1e-15); CHECK(f + 1 == f && (double)f + 1 != f);
            CHECK(huge * huge > huge && -(huge * huge) < 0 && huge * huge - huge * huge != huge * huge - huge * huge);
            CHECK((int)-2.9 == -2 && (unsigned)3e9 == 3000000000u && (long long)(huge / 1e285) == 1000000000000000);
            CHECK((float)0.1 != 0.1 && (double)(long long)(1ll << 62) == 4611686018427387904.0);
            CHECK((unsigned char)(x * 2001) == 200 && !(x < zero) && -x < zero); return failed; }""",
    "weak, constructors, function pointers, recursion": """
        int missing(void) __attribute__((weak)); __attribute__((weak)) int mine(void) { return 4; }
        static int order; __attribute__((constructor(200))) static void second(void) { order = order * 10 + 2; }
        __attribute__((constructor(150))) static void first(void) { order = order * 10 + 1; }
        static int odd(unsigned n); static int even(unsigned n) { return n ? odd(n - 1) : 1; }
        static int odd(unsigned n) { return n ? even(n - 1) : 0; }
        int (*table[])(unsigned) = {odd, even};
        int main(void) { CHECK(!missing && mine() == 4 && order == 12); CHECK(table[one](10) && !table[zero](10)); return failed; }""",
    "sections at fixed addresses": """
        __attribute__((section("@0x40000"))) int here = 42; __attribute__((section("@0x40100"))) int there[4];
        int main(void) { CHECK((unsigned)&here == 0x40000 && here == 42); CHECK((unsigned)there == 0x40100 && there[2] == 0);
            there[2] = here; CHECK(*(volatile int *)0x40108 == 42); return failed; }""",
    "inline assembly": """
        __attribute__((used)) int target(int x) { return x + 100; }
        int main(void) {
            int a, b = 5; asm("cpy %0, %1\\nadd %0, %2" : "=&r"(a) : "r"(b), "i"(37)); CHECK(a == 42);
            asm("mul %0, %1" : "+r"(b) : "r"(seven)); CHECK(b == 35);
            asm("cpy %0, 0\\n.again:\\ninc %0\\ncmp %0, %1\\nifls\\njp .again" : "=&r"(a) : "r"(b)); CHECK(a == 35);
            register int in asm("a0") = 7; asm volatile("call target" : "+r"(in) : : "memory"); CHECK(in == 107);
            unsigned low, high; asm("cpy %0, %2\\nmul %0, %2\\nifls\\ncpy %1, 1" : "=&r"(low), "=r"(high) : "r"(one << 16), "1"(0));
            CHECK(low == 0 && high == 1); return failed; }""",
    "memory functions at all alignments": """
        static char a[64], b[64], c[64];
        int main(void) {
            for (int to = 0; to < 5; to++) for (int from = 0; from < 5; from++) for (int n = 0; n < 30; n++) {
                for (int i = 0; i < 64; i++) a[i] = i, c[i] = b[i] = -i;
                memcpy(b + to, a + from, n); for (int i = 0; i < n; i++) c[to + i] = a[from + i];
                CHECK(!memcmp(b, c, 64));
                for (int i = 0; i < 64; i++) b[i] = c[i] = i;
                memmove(b + to, b + from, n); for (int i = 0; i < n; i++) c[to + i] = from + i;
                CHECK(!memcmp(b, c, 64)); memset(b + to, n, n); for (int i = 0; i < n; i++) CHECK(b[to + i] == n);
                a[from + n] = 0; if (from + n) { char *s = a + from; s[0] = n ? 1 : 0; CHECK(strlen(s) == n); } }
            return failed; }""",
    "vectors, complex numbers, atomics, threads' variables": """
        #include <complex.h>
        #include <stdatomic.h>
        typedef int v4 __attribute__((vector_size(16))); typedef float f4 __attribute__((vector_size(16)));
        static _Thread_local int mine = 3; static _Atomic long long wide = 1; static _Atomic int word = 5;
        int main(void) {
            v4 a = {1, 2, 3, 4}, b = {10, 20, 30, 40}; a = a * b + one; CHECK(a[0] == 11 && a[3] == 161);
            v4 more = a > b + 2; CHECK(more[0] == 0 && more[3] == -1); a[one + 1] = 77; CHECK(a[seven - 5] == 77);
            v4 mixed = __builtin_shufflevector(a, b, 0, 5, 2, 7); CHECK(mixed[1] == 20 && mixed[2] == 77);
            f4 f = {1.5f, 2.5f, -3, 4}; f = f * f - 1.0f; CHECK(f[1] == 5.25f && f[2] == 8);
            double _Complex z = 1.0 + 2.0 * I; z = z * z / (3.0 - I); CHECK(cabs(z - (-1.3 + 0.9 * I)) < 1e-15);
            int expected = 8; atomic_fetch_add(&word, 3); CHECK(atomic_compare_exchange_strong(&word, &expected, 99));
            CHECK(word == 99 && !atomic_compare_exchange_strong(&word, &expected, 1) && expected == 99);
            wide += 5000000000; CHECK(wide == 5000000001); mine += one; CHECK(mine == 4); return failed; }""",
    "malloc": """
        #include <stdlib.h>
        static unsigned char *p[50]; static unsigned size[50], seed = 1;
        int main(void) {
            for (int k = 0; k < 3000; k++) { seed = seed * 1103515245 + 12345; int i = seed >> 16 & 31; unsigned n = seed >> 21 & 511;
                if (p[i]) for (unsigned j = 0; j < size[i]; j++) if (p[i][j] != (unsigned char)(i + j)) { CHECK(0); return 1; }
                if (k % 3 == 0) { free(p[i]); p[i] = malloc(n); } else if (k % 3 == 1) p[i] = realloc(p[i], n); else { free(p[i]); p[i] = aligned_alloc(64, n); CHECK(!((unsigned)p[i] & 63)); }
                CHECK(p[i] && !((unsigned)p[i] & 7)); size[i] = n; for (unsigned j = 0; j < n; j++) p[i][j] = i + j; }
            void *volatile q = malloc(100u << 20); CHECK(!q); q = calloc(1 << 20, 1 << 20); CHECK(!q); return failed; }""",
}  # fmt: skip


@pytest.mark.parametrize("level", ["0", "2"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(tmp_path: Path, name: str, level: str) -> None:
    executable = build(tmp_path, PROLOGUE + PROGRAMS[name], level=level)
    assert output(executable, ENGINES[int(level) // 2]) == b""


def test_library_formats_and_reads_exactly(tmp_path: Path) -> None:
    source = r"""
        #include <errno.h>
        #include <math.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <time.h>
        int main(void) {
            printf("%.17g %a %.3e %g|%5.2f|%-8s|%08.3f\n", 0.1, 1.0 / 3, 12345.678, 1e-5, 2.005, "ab", -3.14159);
            printf("%d %u %lld %llx %#o %c %s %p %+d %hhd\n", -5, 4000000000u, -1ll << 63, 255ull, 8, 'x', "s", (void *)16, 3, 300);
            int a, b; float f; char w[20];
            printf("%d", sscanf("12 0x1f 2.5 word", "%d %i %f %19s", &a, &b, &f, w));
            printf(" %d %d %g %s\n", a, b, f, w);
            printf("%.15g %.15g %.15g %.15g\n", sin(1), pow(2, 0.5), exp(1), atan2(1, 2));
            printf("%s|%s|%ld|%g\n", strerror(ENOENT), strtok((char[]){"a,b"}, ","), strtol("-0x10", 0, 16), strtod("0x1p-3", 0));
            time_t t = 86400 * 366; char text[40]; strftime(text, 40, "%Y-%m-%d %a", gmtime(&t)); puts(text);
            for (int c; (c = getchar()) != EOF;) putchar(c == 'a' ? 'A' : c);
            fprintf(stderr, "to stderr\n");
            return 0; }"""
    executable = build(tmp_path, source)
    assert output(executable, stdin=b"banana\n").decode() == (
        "0.10000000000000001 0x1.5555555555555p-2 1.235e+04 1e-05| 2.00|ab      |-003.142\n"
        "-5 4000000000 -9223372036854775808 ff 010 x s 0x10 +3 44\n"
        "4 12 31 2.5 word\n"
        "0.841470984807897 1.4142135623731 2.71828182845905 0.463647609000806\n"
        "No such file or directory|a|-16|0.125\n"
        "1971-01-02 Sat\n"
        "bAnAnA\n"
    )


def test_a_small_program_is_small(tmp_path: Path) -> None:
    executable = build(tmp_path, '#include <stdio.h>\nint main(void) { puts("hi"); }')
    assert len(executable.words) < 1000
