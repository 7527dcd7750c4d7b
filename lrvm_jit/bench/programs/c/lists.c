/* Linked lists: made, reversed, sorted by merging, split and joined, searched. Pointers all the
   way, no arithmetic to speak of. */

#include "bench.h"

#define NODES 400

struct node {
    struct node *next;
    uint32_t key;
    uint16_t visits;
};

static struct node nodes[NODES];

static struct node *make(uint32_t *seed)
{
    struct node *list = 0;
    for (int k = 0; k < NODES; k++) {
        nodes[k].key = next_random(seed) % 1000;
        nodes[k].visits = 0;
        nodes[k].next = list;
        list = &nodes[k];
    }
    return list;
}

static struct node *reverse(struct node *list)
{
    struct node *done = 0;
    while (list) {
        struct node *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static struct node *merge(struct node *a, struct node *b)
{
    struct node head, *last = &head;
    while (a && b) {
        struct node **least = a->key <= b->key ? &a : &b;
        last->next = *least;
        last = *least;
        *least = (*least)->next;
    }
    last->next = a ? a : b;
    return head.next;
}

static struct node *sort(struct node *list)
{
    if (!list || !list->next)
        return list;
    struct node *slow = list, *fast = list->next;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
    }
    struct node *second = slow->next;
    slow->next = 0;
    return merge(sort(list), sort(second));
}

static struct node *find(struct node *list, uint32_t key)
{
    for (; list; list = list->next) {
        list->visits++;
        if (list->key >= key)
            return list;
    }
    return 0;
}

/* The nodes with even keys in front, each part in its order. */
static struct node *partition(struct node *list)
{
    struct node *parts[2] = {0, 0}, **ends[2] = {&parts[0], &parts[1]};
    for (; list; list = list->next) {
        int odd = list->key & 1;
        *ends[odd] = list;
        ends[odd] = &list->next;
    }
    *ends[1] = 0;
    *ends[0] = parts[1];
    return parts[0];
}

uint32_t run(uint32_t rounds)
{
    uint32_t seed = 12345, sum = 0;
    for (uint32_t k = 0; k < rounds; k++) {
        struct node *list = sort(reverse(make(&seed)));
        for (int n = 0; n < 50; n++) {
            struct node *found = find(list, next_random(&seed) % 1000);
            sum = 31 * sum + (found ? found->key : 7777);
        }
        list = partition(list);
        for (struct node *node = list; node; node = node->next)
            sum = sum * 33 ^ (node->key + ((uint32_t)node->visits << 16));
    }
    return sum;
}
