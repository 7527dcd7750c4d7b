/* The Mandelbrot set in characters, with doubles on a machine that has none: the compiler calls
   soft routines, and the picture is the same to the last character.

       lrvm cc -O2 mandelbrot.c && lrvm run mandelbrot.elf */

#include <stdio.h>

enum { WIDTH = 72, HEIGHT = 28, MOST = 60 };

static int steps(double x, double y)
{
    double re = 0, im = 0;
    int n = 0;
    while (n < MOST && re * re + im * im <= 4) {
        double next = re * re - im * im + x;
        im = 2 * re * im + y;
        re = next;
        n++;
    }
    return n;
}

int main(void)
{
    static const char shades[] = " .,:;=+*%#@";
    long total = 0;
    for (int row = 0; row < HEIGHT; row++) {
        char line[WIDTH + 1];
        for (int column = 0; column < WIDTH; column++) {
            int n = steps(-2.2 + 3.2 * column / WIDTH, -1.2 + 2.4 * row / (HEIGHT - 1));
            total += n;
            line[column] = shades[n * 10 / MOST];
        }
        line[WIDTH] = 0;
        puts(line);
    }
    printf("%ld steps, %.3f for each character\n", total, (double)total / (WIDTH * HEIGHT));
    return 0;
}
