/* Matrices of doubles: products, and a system of equations by elimination. The machine has no
   floating point, so this measures the soft routines; natively the same ones are called by name
   (-DSOFT), so that both sides do the same work. */

#include <string.h>

#include "bench.h"

#ifdef SOFT
double __adddf3(double, double);
double __subdf3(double, double);
double __muldf3(double, double);
double __divdf3(double, double);
double __floatsidf(int);
int __ltdf2(double, double);
#define ADD(a, b) __adddf3(a, b)
#define SUB(a, b) __subdf3(a, b)
#define MUL(a, b) __muldf3(a, b)
#define DIV(a, b) __divdf3(a, b)
#define LESS(a, b) (__ltdf2(a, b) < 0)
#define OF_INT(n) __floatsidf(n)
#else
#define ADD(a, b) ((a) + (b))
#define SUB(a, b) ((a) - (b))
#define MUL(a, b) ((a) * (b))
#define DIV(a, b) ((a) / (b))
#define LESS(a, b) ((a) < (b))
#define OF_INT(n) ((double)(n))
#endif

#define N 10

typedef double matrix[N][N];

static void fill(matrix m, uint32_t *seed)
{
    for (int row = 0; row < N; row++)
        for (int column = 0; column < N; column++)
            m[row][column] = DIV(OF_INT((int)(next_random(seed) % 2001) - 1000), OF_INT(64));
}

static void multiply(matrix to, matrix a, matrix b)
{
    for (int row = 0; row < N; row++)
        for (int column = 0; column < N; column++) {
            double sum = OF_INT(0);
            for (int k = 0; k < N; k++)
                sum = ADD(sum, MUL(a[row][k], b[k][column]));
            to[row][column] = sum;
        }
}

static double absolute(double x)
{
    return LESS(x, OF_INT(0)) ? SUB(OF_INT(0), x) : x;
}

/* The determinant, by elimination with the largest pivots; the matrix is used up. */
static double eliminate(matrix m)
{
    double product = OF_INT(1);
    for (int k = 0; k < N; k++) {
        int best = k;
        for (int row = k + 1; row < N; row++)
            if (LESS(absolute(m[best][k]), absolute(m[row][k])))
                best = row;
        if (best != k) {
            for (int column = 0; column < N; column++) {
                double kept = m[k][column];
                m[k][column] = m[best][column];
                m[best][column] = kept;
            }
            product = SUB(OF_INT(0), product);
        }
        product = MUL(product, m[k][k]);
        for (int row = k + 1; row < N; row++) {
            double factor = DIV(m[row][k], m[k][k]);
            for (int column = k; column < N; column++)
                m[row][column] = SUB(m[row][column], MUL(factor, m[k][column]));
        }
    }
    return product;
}

static uint32_t bits(double x)
{
    uint64_t all;
    memcpy(&all, &x, sizeof all);
    return (uint32_t)(all >> 32) * 31 ^ (uint32_t)all;
}

uint32_t run(uint32_t rounds)
{
    static matrix a, b, c;
    uint32_t seed = 4711, sum = 0;
    for (uint32_t k = 0; k < rounds; k++) {
        fill(a, &seed);
        fill(b, &seed);
        multiply(c, a, b);
        sum = sum * 31 ^ bits(c[k % N][k / N % N]);
        sum = sum * 31 ^ bits(eliminate(c));
    }
    return sum;
}
