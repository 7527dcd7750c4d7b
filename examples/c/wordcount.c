/* Counts lines, words and bytes of files, or of the standard input, and shows the commonest words.

       lrvm cc -O2 wordcount.c
       lrvm run --files . wordcount.elf -- wordcount.c
       lrvm run wordcount.elf < wordcount.c

   The program sees no files but those below the folder that --files names. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 5, LONGEST = 32 };

struct word {
    char text[LONGEST];
    int count;
};

static struct word *words;
static size_t used, room;

static void count_word(const char *text)
{
    for (size_t k = 0; k < used; k++)
        if (!strcmp(words[k].text, text)) {
            words[k].count++;
            return;
        }
    if (used == room) {
        room = room ? 2 * room : 64;
        words = realloc(words, room * sizeof *words);
        if (!words) {
            perror("wordcount");
            exit(2);
        }
    }
    strcpy(words[used].text, text);
    words[used++].count = 1;
}

static int by_count(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    return x->count != y->count ? y->count - x->count : strcmp(x->text, y->text);
}

static void count(FILE *file, const char *name)
{
    long lines = 0, all = 0, bytes = 0;
    char text[LONGEST];
    size_t length = 0;
    int c;
    do {
        c = getc(file);
        bytes += c != EOF;
        lines += c == '\n';
        if (c != EOF && isalpha(c)) {
            if (length + 1 < sizeof text)
                text[length++] = (char)tolower(c);
        } else if (length) {
            text[length] = 0;
            length = 0;
            all++;
            count_word(text);
        }
    } while (c != EOF);
    printf("%7ld %7ld %7ld %s\n", lines, all, bytes, name);
}

int main(int argc, char **argv)
{
    int status = 0;
    if (argc < 2)
        count(stdin, "(standard input)");
    for (int k = 1; k < argc; k++) {
        FILE *file = fopen(argv[k], "r");
        if (!file) {
            fprintf(stderr, "%s: %s\n", argv[k], strerror(errno));
            status = 1;
            continue;
        }
        count(file, argv[k]);
        fclose(file);
    }
    qsort(words, used, sizeof *words, by_count);
    for (size_t k = 0; k < used && k < SHOWN; k++)
        printf("%7d %s\n", words[k].count, words[k].text);
    return status;
}
