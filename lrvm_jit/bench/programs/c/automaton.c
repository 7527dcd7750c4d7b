/* A text automaton: goes through a text byte by byte and tells words, numbers, strings, comments
   and operators, as the front of a compiler does. Bytes, a switch, unpredictable branches. */

#include "bench.h"

enum state { BETWEEN, WORD, NUMBER, FRACTION, STRING, ESCAPE, SLASH, COMMENT, END_OF_COMMENT };

static const char text[] =
    "while (total <= 4096) { total = total + step * 3.25; /* grow */ }\n"
    "print(\"sum: \\\"\", total, \" of \", count_2, \"\\n\"); // the end\n"
    "if (a1 != b7 / 2 && name[10] == 'x') { return 0x1F + 007 - .5; }\n"
    "/* a comment ** with stars / and slashes **/ label: goto label;\n"
    "struct point { int x, y; } origin = { 0, 0 }, *where = &origin;\n"
    "y = 1.5 / 3 - 2.75/x /*no space*/*4; s = \"unfinished \\\\ business\";\n";

struct counts {
    uint32_t words, numbers, strings, comments, operators, hash;
};

static void note(struct counts *counts, uint32_t *field, const char *first, const char *end)
{
    (*field)++;
    uint32_t hash = counts->hash;
    for (; first < end; first++)
        hash = (hash ^ (uint8_t)*first) * 16777619u;
    counts->hash = hash;
}

static void scan(const char *at, const char *end, struct counts *counts)
{
    enum state state = BETWEEN;
    const char *first = at;
    while (at < end) {
        char c = *at;
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        int digit = c >= '0' && c <= '9';
        switch (state) {
        case BETWEEN:
            first = at;
            if (letter)
                state = WORD;
            else if (digit)
                state = NUMBER;
            else if (c == '.')
                state = FRACTION;
            else if (c == '"')
                state = STRING;
            else if (c == '/')
                state = SLASH;
            else if (c > ' ')
                counts->operators++;
            break;
        case WORD:
            if (letter || digit)
                break;
            note(counts, &counts->words, first, at);
            state = BETWEEN;
            continue;
        case NUMBER:
            if (digit || letter)
                break;
            if (c == '.') {
                state = FRACTION;
                break;
            }
            note(counts, &counts->numbers, first, at);
            state = BETWEEN;
            continue;
        case FRACTION:
            if (digit)
                break;
            note(counts, &counts->numbers, first, at);
            state = BETWEEN;
            continue;
        case STRING:
            if (c == '\\')
                state = ESCAPE;
            else if (c == '"') {
                note(counts, &counts->strings, first, at + 1);
                state = BETWEEN;
            }
            break;
        case ESCAPE:
            state = STRING;
            break;
        case SLASH:
            if (c == '*')
                state = COMMENT;
            else {
                counts->operators++;
                state = BETWEEN;
                continue;
            }
            break;
        case COMMENT:
            if (c == '*')
                state = END_OF_COMMENT;
            break;
        case END_OF_COMMENT:
            if (c == '/') {
                counts->comments++;
                state = BETWEEN;
            } else if (c != '*')
                state = COMMENT;
            break;
        }
        at++;
    }
}

uint32_t run(uint32_t rounds)
{
    struct counts counts = {0, 0, 0, 0, 0, 2166136261u};
    for (uint32_t k = 0; k < rounds; k++)
        scan(text, text + sizeof text - 1, &counts);
    return counts.hash ^ counts.words ^ counts.numbers << 4 ^ counts.strings << 8
        ^ counts.comments << 12 ^ counts.operators << 16;
}
