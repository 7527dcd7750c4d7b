/* A byte-code interpreter: a stack machine that runs three little programs, translated from text
   when it starts. One large switch, a stack and variables in memory. */

#include "bench.h"

enum code { PUSH, LOAD, STORE, ADD, SUB, MUL, MOD, HALF, LESS, EQUAL, JUMP, JUMP_ZERO, EMIT, END };

/* A number or a letter puts a value on the stack, `=x` takes one off into x; `@a` is the label a,
   `>a` goes there, `?a` does so if the value on top is 0; `!` puts out, `/` halves, `~` compares. */
static const char *const texts[] = {
    /* the lengths of Collatz sequences */
    "1=n @a n=x 0=s @b x 1~?c >d @c x 2%?e x 3* 1+=x >f @e x/=x @f s 1+=s >b"
    "@d s! n 1+=n n 40<?z >a @z.",
    /* primes by division */
    "2=n @a 2=d @b d d* n 1+<?p n d%?c d 1+=d >b @p n! @c n 1+=n n 200<?z >a @z.",
    /* greatest common divisors */
    "1=i @a 1=k @b i=x k=y @c y?d x y% =t y=x t=y >c @d x! k 1+=k k 12<?e >b @e"
    "i 1+=i i 12<?z >a @z.",
};

#define TEXTS (sizeof texts / sizeof texts[0])
#define LONGEST 256

static uint8_t programs[TEXTS][LONGEST];

static void translate(const char *text, uint8_t *code)
{
    uint8_t labels[128] = {0}, fixes[LONGEST];
    int at = 0, open = 0;
    for (; *text; text++) {
        char c = *text;
        if (c >= '0' && c <= '9') {
            uint8_t value = 0;
            for (; *text >= '0' && *text <= '9'; text++)
                value = (uint8_t)(10 * value + *text - '0');
            text--;
            code[at++] = PUSH;
            code[at++] = value;
        } else if (c >= 'a' && c <= 'z') {
            code[at++] = LOAD;
            code[at++] = (uint8_t)(c - 'a');
        } else if (c == '=') {
            code[at++] = STORE;
            code[at++] = (uint8_t)(*++text - 'a');
        } else if (c == '@')
            labels[(uint8_t)*++text] = (uint8_t)at;
        else if (c == '>' || c == '?') {
            code[at++] = c == '>' ? JUMP : JUMP_ZERO;
            fixes[open++] = (uint8_t)at;
            code[at++] = (uint8_t)*++text;
        } else
            switch (c) {
            case '+': code[at++] = ADD; break;
            case '-': code[at++] = SUB; break;
            case '*': code[at++] = MUL; break;
            case '%': code[at++] = MOD; break;
            case '/': code[at++] = HALF; break;
            case '<': code[at++] = LESS; break;
            case '~': code[at++] = EQUAL; break;
            case '!': code[at++] = EMIT; break;
            case '.': code[at++] = END; break;
            }
    }
    while (open--)
        code[fixes[open]] = labels[code[fixes[open]]];
}

static uint32_t execute(const uint8_t *code, uint32_t hash)
{
    uint32_t stack[16], variables[26] = {0}, *top = stack;
    for (const uint8_t *at = code;;) {
        switch ((enum code)*at++) {
        case PUSH: *top++ = *at++; break;
        case LOAD: *top++ = variables[*at++]; break;
        case STORE: variables[*at++] = *--top; break;
        case ADD: top--; top[-1] += top[0]; break;
        case SUB: top--; top[-1] -= top[0]; break;
        case MUL: top--; top[-1] *= top[0]; break;
        case MOD: top--; top[-1] %= top[0]; break;
        case HALF: top[-1] >>= 1; break;
        case LESS: top--; top[-1] = top[-1] < top[0]; break;
        case EQUAL: top--; top[-1] = top[-1] == top[0]; break;
        case JUMP: at = code + *at; break;
        case JUMP_ZERO: at = *--top ? at + 1 : code + *at; break;
        case EMIT: hash = hash * 31 + *--top; break;
        case END: return hash;
        }
    }
}

uint32_t run(uint32_t rounds)
{
    uint32_t hash = 17;
    for (unsigned k = 0; k < TEXTS; k++)
        translate(texts[k], programs[k]);
    for (uint32_t round = 0; round < rounds; round++)
        for (unsigned k = 0; k < TEXTS; k++)
            hash = execute(programs[k], hash);
    return hash;
}
