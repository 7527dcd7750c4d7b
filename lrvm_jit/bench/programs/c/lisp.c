/* A small Lisp: reads functions from text, evaluates them with lists as environments, and collects
   what is no longer reached. Pointers with tags, recursion, calls through a table. */

#include <string.h>

#include "bench.h"

/* A value is a number (odd, shifted by one), or points to a cell; a symbol is a cell whose head is
   a number. */
typedef struct cell *value;

struct cell {
    value head, tail;
    uint32_t mark;
};

#define CELLS 6000
#define SYMBOLS 64
#define ROOTS 512

static struct cell cells[CELLS];
static value free_cells, roots[ROOTS];
static int root_count, free_count;
static char names[SYMBOLS][8];
static struct cell symbols[SYMBOLS];
static int symbol_count;
static struct cell nil_cell;
static value globals;

#define NIL (&nil_cell)
#define IS_NUMBER(v) ((uintptr_t)(v) & 1)
#define NUMBER(n) ((value)(uintptr_t)((uint32_t)(n) << 1 | 1))
#define VALUE(v) ((int32_t)(uint32_t)(uintptr_t)(v) >> 1)
#define IS_SYMBOL(v) ((v) >= symbols && (v) < symbols + SYMBOLS)

/* A function, so that a value is computed, with roots of its own, before it gets its place. */
static value protect(value v)
{
    return roots[root_count++] = v;
}

static void mark(value v)
{
    for (; !IS_NUMBER(v) && v >= cells && v < cells + CELLS && !v->mark; v = v->tail) {
        v->mark = 1;
        mark(v->head);
    }
}

static void collect(void)
{
    for (int k = 0; k < root_count; k++)
        mark(roots[k]);
    mark(globals);
    free_cells = 0;
    free_count = 0;
    for (value v = cells; v < cells + CELLS; v++) {
        if (!v->mark) {
            v->tail = free_cells;
            free_cells = v;
            free_count++;
        }
        v->mark = 0;
    }
}

static value cons(value head, value tail)
{
    if (!free_cells) {
        protect(head);
        protect(tail);
        collect();
        root_count -= 2;
        if (!free_cells)
            abort();
    }
    value v = free_cells;
    free_cells = v->tail;
    v->head = head;
    v->tail = tail;
    return v;
}

static value symbol(const char *name, int length)
{
    for (int k = 0; k < symbol_count; k++)
        if (!memcmp(names[k], name, (size_t)length) && !names[k][length])
            return &symbols[k];
    memcpy(names[symbol_count], name, (size_t)length);
    symbols[symbol_count].head = NUMBER(symbol_count);
    return &symbols[symbol_count++];
}

/* --- reading --------------------------------------------------------------------------------- */

static const char *at;

static value read_value(void);

static value read_list(void)
{
    while (*at == ' ' || *at == '\n')
        at++;
    if (*at == ')') {
        at++;
        return NIL;
    }
    value head = protect(read_value());
    value tail = read_list();
    root_count--;
    return cons(head, tail);
}

static value read_value(void)
{
    while (*at == ' ' || *at == '\n')
        at++;
    if (*at == '(') {
        at++;
        return read_list();
    }
    const char *first = at;
    while (*at > ' ' && *at != '(' && *at != ')')
        at++;
    if (*first >= '0' && *first <= '9') {
        int32_t number = 0;
        for (; first < at; first++)
            number = 10 * number + (*first - '0');
        return NUMBER(number);
    }
    return symbol(first, (int)(at - first));
}

/* --- evaluating ------------------------------------------------------------------------------ */

typedef value primitive(value, value);

static value truth(int holds)
{
    return holds ? NUMBER(1) : NIL;
}

static value p_add(value a, value b) { return NUMBER(VALUE(a) + VALUE(b)); }
static value p_sub(value a, value b) { return NUMBER(VALUE(a) - VALUE(b)); }
static value p_mul(value a, value b) { return NUMBER(VALUE(a) * VALUE(b)); }
static value p_rem(value a, value b) { return NUMBER(VALUE(a) % VALUE(b)); }
static value p_less(value a, value b) { return truth(VALUE(a) < VALUE(b)); }
static value p_same(value a, value b) { return truth(a == b); }
static value p_cons(value a, value b) { return cons(a, b); }
static value p_head(value a, value b) { (void)b; return a->head; }
static value p_tail(value a, value b) { (void)b; return a->tail; }
static value p_not(value a, value b) { (void)b; return truth(a == NIL); }

static const struct {
    const char *name;
    primitive *function;
} primitives[] = {
    {"+", p_add}, {"-", p_sub}, {"*", p_mul}, {"%", p_rem}, {"<", p_less}, {"=", p_same},
    {"cons", p_cons}, {"head", p_head}, {"tail", p_tail}, {"not", p_not},
};

#define PRIMITIVES (int)(sizeof primitives / sizeof primitives[0])

static value s_if, s_def, s_nil;

static value find(value key, value pairs)
{
    for (; pairs != NIL; pairs = pairs->tail)
        if (pairs->head->head == key)
            return pairs->head;
    return 0;
}

static value evaluate(value expression, value environment)
{
    int first_root = root_count;
    if (root_count > ROOTS - 16)
        abort();
    protect(expression);
    protect(environment);
    value result = NIL;
    for (;;) {
        if (IS_NUMBER(expression) || expression == NIL) {
            result = expression;
            break;
        }
        if (IS_SYMBOL(expression)) {
            value pair = expression == s_nil ? 0 : find(expression, environment);
            if (!pair)
                pair = find(expression, globals);
            result = pair ? pair->tail : NIL;
            break;
        }
        value operator = expression->head, arguments = expression->tail;
        if (operator == s_if) {
            int holds = evaluate(arguments->head, environment) != NIL;
            arguments = arguments->tail;
            expression = holds ? arguments->head : arguments->tail->head;
            continue;
        }
        if (operator == s_def) { /* (def name (parameters) body) */
            value pair = protect(cons(arguments->head, arguments->tail));
            globals = cons(pair, globals);
            break;
        }
        int number = VALUE(operator->head);
        if (number < PRIMITIVES) {
            value a = protect(evaluate(arguments->head, environment));
            value b = NIL;
            if (arguments->tail != NIL)
                b = protect(evaluate(arguments->tail->head, environment));
            result = primitives[number].function(a, b);
            break;
        }
        value function = find(operator, globals);
        if (!function)
            abort();
        int slot = root_count;
        value inner = protect(NIL);
        for (value name = function->tail->head; name != NIL; name = name->tail) {
            value argument = protect(evaluate(arguments->head, environment));
            value pair = protect(cons(name->head, argument));
            inner = cons(pair, inner);
            roots[slot] = inner;
            root_count -= 2;
            arguments = arguments->tail;
        }
        /* A call in the last place takes no stack. */
        expression = function->tail->tail->head;
        environment = inner;
        root_count = first_root;
        protect(expression);
        protect(environment);
    }
    root_count = first_root;
    return result;
}

static const char library[] =
    "(def fib (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))"
    "(def range (a b) (if (< a b) (cons a (range (+ a 1) b)) nil))"
    "(def append (a b) (if (not a) b (cons (head a) (append (tail a) b))))"
    "(def below (l p) (if (not l) nil"
    " (if (< (head l) p) (cons (head l) (below (tail l) p)) (below (tail l) p))))"
    "(def above (l p) (if (not l) nil"
    " (if (< (head l) p) (above (tail l) p) (cons (head l) (above (tail l) p)))))"
    "(def sort (l) (if (not l) nil (append (sort (below (tail l) (head l)))"
    " (cons (head l) (sort (above (tail l) (head l)))))))"
    "(def mix (l k) (if (not l) nil (cons (% (* (head l) k) 101) (mix (tail l) k))))"
    "(def fold (l s) (if (not l) s (fold (tail l) (% (+ (* s 31) (head l)) 9973))))"
    "(def gcd (a b) (if (= b 0) a (gcd b (% a b))))";

uint32_t run(uint32_t rounds)
{
    globals = NIL;
    root_count = symbol_count = 0;
    memset(names, 0, sizeof names);
    NIL->head = NIL->tail = NIL;
    collect();
    for (int k = 0; k < PRIMITIVES; k++)
        symbol(primitives[k].name, (int)strlen(primitives[k].name));
    s_if = symbol("if", 2);
    s_def = symbol("def", 3);
    s_nil = symbol("nil", 3);
    for (at = library; *at;) {
        value form = read_value();
        evaluate(form, NIL);
    }
    uint32_t sum = 0;
    at = "(+ (fold (sort (mix (range 1 40) 37)) 7) (* (fib 11) (gcd 1071 462)))";
    value program = protect(read_value());
    for (uint32_t round = 0; round < rounds; round++)
        sum = sum * 31 + (uint32_t)VALUE(evaluate(program, NIL)) + (uint32_t)free_count % 2;
    root_count--;
    return sum;
}
