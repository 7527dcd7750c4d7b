/* Conway's Game of Life.

       lrvm cc life.c && lrvm run life.elf -- 8

   The argument is how many generations to show (4 without). The board is a torus: what leaves it on
   the right comes back on the left. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 12, COLUMNS = 36 };

typedef unsigned char board[ROWS][COLUMNS];

/* Where to put what. */
static const struct {
    int row, column;
    const char *rows[4];
} seeds[] = {
    {1, 1, {".#.", "..#", "###"}},  /* glider */
    {4, 14, {".##", "##.", ".#."}}, /* R-pentomino */
    {2, 28, {"###"}},               /* blinker */
};

static void plant(board now)
{
    for (size_t k = 0; k < sizeof seeds / sizeof *seeds; k++)
        for (int row = 0; row < 4 && seeds[k].rows[row]; row++)
            for (int column = 0; seeds[k].rows[row][column]; column++)
                now[seeds[k].row + row][seeds[k].column + column] =
                    seeds[k].rows[row][column] == '#';
}

static int neighbours(board now, int row, int column)
{
    int sum = -now[row][column];
    for (int up = -1; up <= 1; up++)
        for (int left = -1; left <= 1; left++)
            sum += now[(row + up + ROWS) % ROWS][(column + left + COLUMNS) % COLUMNS];
    return sum;
}

static void step(board now)
{
    board next;
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            int n = neighbours(now, row, column);
            next[row][column] = n == 3 || (n == 2 && now[row][column]);
        }
    memcpy(now, next, sizeof next);
}

static void show(board now, int generation)
{
    int alive = 0;
    for (int row = 0; row < ROWS; row++) {
        for (int column = 0; column < COLUMNS; column++) {
            alive += now[row][column];
            putchar(now[row][column] ? '#' : '.');
        }
        putchar('\n');
    }
    printf("generation %d: %d cells\n\n", generation, alive);
}

int main(int argc, char **argv)
{
    static board now;
    int generations = argc > 1 ? atoi(argv[1]) : 4;
    plant(now);
    for (int k = 0; k < generations; k++) {
        show(now, k);
        step(now);
    }
    return 0;
}
