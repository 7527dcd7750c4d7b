/* Solves sudokus from the standard input, one in a line: 81 digits, 0 or . for what is open.

       lrvm cc -O2 sudoku.c && lrvm run sudoku.elf < sudokus.txt

   It always goes on where the fewest digits are possible, so that even hard ones need only some
   hundred guesses. */

#include <stdio.h>
#include <string.h>

enum { CELLS = 81 };

struct puzzle {
    unsigned char digits[CELLS];
    unsigned short rows[9], columns[9], boxes[9]; /* bit d: the digit d is there */
    int guesses;
};

static int box_of(int cell)
{
    return cell / 27 * 3 + cell % 9 / 3;
}

static unsigned possible(const struct puzzle *p, int cell)
{
    return 0x3FE & ~(p->rows[cell / 9] | p->columns[cell % 9] | p->boxes[box_of(cell)]);
}

static void flip(struct puzzle *p, int cell, int digit)
{
    p->rows[cell / 9] ^= 1 << digit;
    p->columns[cell % 9] ^= 1 << digit;
    p->boxes[box_of(cell)] ^= 1 << digit;
}

static int solve(struct puzzle *p)
{
    int best = -1, fewest = 10;
    for (int cell = 0; cell < CELLS; cell++) {
        if (p->digits[cell])
            continue;
        int count = __builtin_popcount(possible(p, cell));
        if (count < fewest) {
            fewest = count;
            best = cell;
        }
    }
    if (best < 0)
        return 1;
    for (int digit = 1; digit <= 9; digit++) {
        if (!(possible(p, best) >> digit & 1))
            continue;
        p->guesses++;
        p->digits[best] = digit;
        flip(p, best, digit);
        if (solve(p))
            return 1;
        flip(p, best, digit);
    }
    p->digits[best] = 0;
    return 0;
}

/* 0 if the line is no sudoku, or one that breaks the rules already. */
static int parse(const char *line, struct puzzle *p)
{
    memset(p, 0, sizeof *p);
    for (int cell = 0; cell < CELLS; cell++) {
        int digit = line[cell] == '.' ? 0 : line[cell] - '0';
        if (digit < 0 || digit > 9)
            return 0;
        if (!digit)
            continue;
        if (!(possible(p, cell) >> digit & 1))
            return 0;
        p->digits[cell] = digit;
        flip(p, cell, digit);
    }
    return 1;
}

static void show(const struct puzzle *p)
{
    for (int cell = 0; cell < CELLS; cell++) {
        printf("%d", p->digits[cell]);
        if (cell % 9 == 8)
            printf(cell % 27 == 26 && cell != 80 ? "\n\n" : "\n");
        else if (cell % 3 == 2)
            putchar(' ');
    }
}

int main(void)
{
    char line[256];
    int failed = 0;
    while (fgets(line, sizeof line, stdin)) {
        struct puzzle p;
        if (strlen(line) < CELLS || !parse(line, &p)) {
            fprintf(stderr, "no sudoku: %s", line);
            failed = 1;
        } else if (solve(&p)) {
            show(&p);
            printf("%d guesses\n\n", p.guesses);
        } else {
            puts("has no solution\n");
        }
    }
    return failed;
}
