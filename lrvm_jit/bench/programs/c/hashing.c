/* A hash table of words with chains, that grows: counting, looking up, removing. Strings, pointers,
   memory of its own. */

#include <string.h>

#include "bench.h"

#define LARGEST 12

struct entry {
    struct entry *next;
    uint32_t hash, count;
    char word[LARGEST];
};

struct table {
    struct entry **buckets;
    uint32_t size, used;
};

static uint32_t hash_of(const char *word)
{
    uint32_t hash = 2166136261u;
    for (; *word; word++)
        hash = (hash ^ (uint8_t)*word) * 16777619u;
    return hash;
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        abort();
    return memory;
}

static void grow(struct table *table)
{
    uint32_t size = table->size ? 2 * table->size : 8;
    struct entry **buckets = zeroed(size, sizeof *buckets);
    for (uint32_t k = 0; k < table->size; k++)
        for (struct entry *entry = table->buckets[k], *next; entry; entry = next) {
            next = entry->next;
            struct entry **bucket = &buckets[entry->hash & (size - 1)];
            entry->next = *bucket;
            *bucket = entry;
        }
    free(table->buckets);
    table->buckets = buckets;
    table->size = size;
}

/* Where the pointer to the word's entry stands, or would. */
static struct entry **place_of(struct table *table, const char *word, uint32_t hash)
{
    struct entry **place = &table->buckets[hash & (table->size - 1)];
    while (*place && ((*place)->hash != hash || strcmp((*place)->word, word)))
        place = &(*place)->next;
    return place;
}

static struct entry *add(struct table *table, const char *word)
{
    if (table->used >= table->size)
        grow(table);
    uint32_t hash = hash_of(word);
    struct entry **place = place_of(table, word, hash);
    if (!*place) {
        struct entry *entry = zeroed(1, sizeof *entry);
        entry->hash = hash;
        strcpy(entry->word, word);
        *place = entry;
        table->used++;
    }
    (*place)->count++;
    return *place;
}

static int take(struct table *table, const char *word)
{
    struct entry **place = place_of(table, word, hash_of(word)), *entry = *place;
    if (!entry)
        return 0;
    if (--entry->count == 0) {
        *place = entry->next;
        free(entry);
        table->used--;
    }
    return 1;
}

static void make_word(char *word, uint32_t *seed)
{
    static const char vowels[] = "aeiou", others[] = "bdklmnrst";
    uint32_t bits = next_random(seed);
    int length = 2 + (int)(bits % 3);
    for (int k = 0; k < length; k++) {
        bits = next_random(seed);
        *word++ = others[bits % 9];
        *word++ = vowels[(bits >> 8) % 5 & (bits >> 16 | 1)];
    }
    *word = 0;
}

uint32_t run(uint32_t rounds)
{
    uint32_t seed = 2024, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        struct table table = {0, 0, 0};
        char word[LARGEST];
        for (int k = 0; k < 500; k++) {
            make_word(word, &seed);
            sum = sum * 31 + add(&table, word)->count;
        }
        for (int k = 0; k < 500; k++) {
            make_word(word, &seed);
            sum = sum * 3 + (uint32_t)take(&table, word);
        }
        sum ^= table.used << 16 | table.size;
        for (uint32_t k = 0; k < table.size; k++)
            for (struct entry *entry = table.buckets[k], *next; entry; entry = next) {
                next = entry->next;
                sum += entry->hash * entry->count;
                free(entry);
            }
        free(table.buckets);
    }
    return sum;
}
