/* Sorting records with three methods and four comparators, all called through pointers. */

#include "bench.h"

#define RECORDS 220

struct record {
    uint32_t key;
    int16_t weight;
    uint8_t name[6];
};

typedef int comparator(const struct record *, const struct record *);
typedef void sorter(struct record *, int, comparator *);

static int by_key(const struct record *a, const struct record *b)
{
    return a->key < b->key ? -1 : a->key > b->key;
}

static int by_weight(const struct record *a, const struct record *b)
{
    return a->weight != b->weight ? a->weight - b->weight : by_key(a, b);
}

static int by_name(const struct record *a, const struct record *b)
{
    for (int k = 0; k < 6; k++)
        if (a->name[k] != b->name[k])
            return a->name[k] < b->name[k] ? -1 : 1;
    return by_key(a, b);
}

static int backward(const struct record *a, const struct record *b)
{
    return -by_name(a, b);
}

static void swap(struct record *a, struct record *b)
{
    struct record kept = *a;
    *a = *b;
    *b = kept;
}

static void insertion_sort(struct record *records, int count, comparator *compare)
{
    for (int k = 1; k < count; k++) {
        struct record moving = records[k];
        int at = k;
        while (at > 0 && compare(&records[at - 1], &moving) > 0) {
            records[at] = records[at - 1];
            at--;
        }
        records[at] = moving;
    }
}

static void quick_sort(struct record *records, int count, comparator *compare)
{
    while (count > 12) {
        swap(&records[0], &records[count / 2]);
        int low = 1, high = count - 1;
        for (;;) {
            while (low <= high && compare(&records[low], &records[0]) < 0)
                low++;
            while (compare(&records[high], &records[0]) > 0)
                high--;
            if (low >= high)
                break;
            swap(&records[low++], &records[high--]);
        }
        swap(&records[0], &records[high]);
        quick_sort(records, high, compare);
        records += high + 1;
        count -= high + 1;
    }
    insertion_sort(records, count, compare);
}

static void sift(struct record *records, int at, int count, comparator *compare)
{
    for (int child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && compare(&records[child], &records[child + 1]) < 0)
            child++;
        if (compare(&records[at], &records[child]) >= 0)
            return;
        swap(&records[at], &records[child]);
    }
}

static void heap_sort(struct record *records, int count, comparator *compare)
{
    for (int at = count / 2; at-- > 0;)
        sift(records, at, count, compare);
    while (count-- > 1) {
        swap(&records[0], &records[count]);
        sift(records, 0, count, compare);
    }
}

uint32_t run(uint32_t rounds)
{
    static sorter *const sorters[] = {quick_sort, heap_sort, insertion_sort};
    static comparator *const comparators[] = {by_key, by_weight, by_name, backward};
    static struct record records[RECORDS];
    uint32_t seed = 99, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        for (int k = 0; k < RECORDS; k++) {
            records[k].key = next_random(&seed);
            records[k].weight = (int16_t)(next_random(&seed) % 41) - 20;
            for (int n = 0; n < 6; n++)
                records[k].name[n] = (uint8_t)('a' + next_random(&seed) % 4);
        }
        /* Insertion is for the short ones. */
        int method = (int)(round % 3), count = method == 2 ? RECORDS / 4 : RECORDS;
        sorters[method](records, count, comparators[round % 4]);
        for (int k = 0; k < count; k++)
            sum = sum * 31 + records[k].key + (uint32_t)records[k].weight;
    }
    return sum;
}
