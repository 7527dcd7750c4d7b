/* A Lisp to talk to.

       lrvm cc -O2 lisp.c && lrvm run lisp.elf

       > (define (square x) (* x x))
       square
       > (map square (list 1 2 3))
       (1 4 9)

   Integers, symbols, lists, functions with their environments (closures), `if`, `define`,
   `lambda`, `let`, `quote` and '. Errors go back to the prompt by longjmp. Memory is not collected:
   a machine has plenty. */

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type { NUMBER, SYMBOL, PAIR, PRIMITIVE, FUNCTION };

struct value {
    enum type type;
    union {
        long number;
        const char *name;
        struct {
            struct value *head, *tail;
        };
        struct value *(*primitive)(struct value *arguments);
        struct {
            struct value *parameters, *body, *scope;
        };
    };
};

typedef struct value value;

static jmp_buf prompt;
static value *global; /* a list of pairs of symbol and value */

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("error: ");
    vprintf(format, arguments);
    putchar('\n');
    va_end(arguments);
    longjmp(prompt, 1);
}

static value *make(enum type type)
{
    value *v = calloc(1, sizeof *v);
    if (!v)
        fail("the memory is full");
    v->type = type;
    return v;
}

static value *number(long n)
{
    value *v = make(NUMBER);
    v->number = n;
    return v;
}

static value *cons(value *head, value *tail)
{
    value *v = make(PAIR);
    v->head = head;
    v->tail = tail;
    return v;
}

/* Symbols of one name are one value. */
static value *symbol(const char *name)
{
    static value *all;
    for (value *v = all; v; v = v->tail)
        if (!strcmp(v->head->name, name))
            return v->head;
    value *v = make(SYMBOL);
    v->name = strdup(name);
    all = cons(v, all);
    return v;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int peek(void)
{
    int c;
    do
        c = getchar();
    while (c != EOF && isspace(c));
    if (c == ';') {
        while (c != '\n' && c != EOF)
            c = getchar();
        return peek();
    }
    ungetc(c, stdin);
    return c;
}

static value *read_value(void)
{
    int c = peek();
    if (c == EOF)
        exit(0);
    if (c == ')') {
        getchar();
        fail("a parenthesis too many");
    }
    if (c == '\'') {
        getchar();
        return cons(symbol("quote"), cons(read_value(), NULL));
    }
    if (c == '(') {
        value *list = NULL, **end = &list;
        getchar();
        while (peek() != ')') {
            *end = cons(read_value(), NULL);
            end = &(*end)->tail;
        }
        getchar();
        return list;
    }
    char word[64];
    size_t length = 0;
    while ((c = getchar()) != EOF && !isspace(c) && !strchr("()';", c))
        if (length + 1 < sizeof word)
            word[length++] = (char)c;
    ungetc(c, stdin);
    word[length] = 0;
    char *end;
    long n = strtol(word, &end, 10);
    return *end ? symbol(word) : number(n);
}

static void print(const value *v)
{
    if (!v) {
        printf("()");
        return;
    }
    switch (v->type) {
    case NUMBER:
        printf("%ld", v->number);
        break;
    case SYMBOL:
        printf("%s", v->name);
        break;
    case PAIR:
        putchar('(');
        for (; v; v = v->tail) {
            if (v->type != PAIR) {
                printf(". ");
                print(v);
                break;
            }
            print(v->head);
            if (v->tail)
                putchar(' ');
        }
        putchar(')');
        break;
    case PRIMITIVE:
    case FUNCTION:
        printf("<function>");
    }
}

/* --- evaluating ------------------------------------------------------------------------------- */

static value *evaluate(value *v, value *scope);

static value *nth(value *list, int n)
{
    while (list && list->type == PAIR && n--)
        list = list->tail;
    if (!list || list->type != PAIR)
        fail("an argument is missing");
    return list->head;
}

static long integer(value *arguments, int n)
{
    value *v = nth(arguments, n);
    if (!v || v->type != NUMBER)
        fail("argument %d is no number", n + 1);
    return v->number;
}

static value *pair(value *arguments, int n)
{
    value *v = nth(arguments, n);
    if (!v || v->type != PAIR)
        fail("argument %d is no list", n + 1);
    return v;
}

static value *apply(value *function, value *arguments)
{
    if (function && function->type == PRIMITIVE)
        return function->primitive(arguments);
    if (!function || function->type != FUNCTION)
        fail("this is no function");
    value *scope = function->scope, *result = NULL;
    for (value *p = function->parameters; p; p = p->tail, arguments = arguments->tail)
        scope = cons(cons(p->head, nth(arguments, 0)), scope);
    for (value *body = function->body; body; body = body->tail)
        result = evaluate(body->head, scope);
    return result;
}

static value *add(value *a)
{
    long sum = 0;
    for (; a; a = a->tail)
        sum += integer(a, 0);
    return number(sum);
}

static value *multiply(value *a)
{
    long product = 1;
    for (; a; a = a->tail)
        product *= integer(a, 0);
    return number(product);
}

static value *divide(value *a)
{
    if (!integer(a, 1))
        fail("division by zero");
    return number(integer(a, 0) / integer(a, 1));
}

static value *subtract(value *a) { return number(integer(a, 0) - integer(a, 1)); }
static value *truth(int holds) { return holds ? symbol("t") : NULL; }
static value *less(value *a) { return truth(integer(a, 0) < integer(a, 1)); }
static value *head(value *a) { return pair(a, 0)->head; }
static value *tail(value *a) { return pair(a, 0)->tail; }
static value *prepend(value *a) { return cons(nth(a, 0), nth(a, 1)); }
static value *list(value *a) { return a; }
static value *empty(value *a) { return truth(!nth(a, 0)); }

static value *equal(value *a)
{
    value *x = nth(a, 0), *y = nth(a, 1);
    return truth(x == y || (x && y && x->type == NUMBER && y->type == NUMBER
                            && x->number == y->number));
}

static value *map(value *a)
{
    value *result = NULL, **end = &result;
    for (value *item = nth(a, 1); item; item = item->tail) {
        *end = cons(apply(nth(a, 0), cons(item->head, NULL)), NULL);
        end = &(*end)->tail;
    }
    return result;
}

static value *find(value *name, value *scope)
{
    for (; scope; scope = scope->tail)
        if (scope->head->head == name)
            return scope->head;
    return NULL;
}

static value *function(value *parameters, value *body, value *scope)
{
    value *v = make(FUNCTION);
    v->parameters = parameters;
    v->body = body;
    v->scope = scope;
    return v;
}

static void bind(value *name, value *v)
{
    value *known = find(name, global);
    if (known)
        known->tail = v;
    else
        global = cons(cons(name, v), global);
}

static value *evaluate(value *v, value *scope)
{
    if (!v || v->type == NUMBER)
        return v;
    if (v->type == SYMBOL) {
        value *found = find(v, scope);
        if (!found && !(found = find(v, global)))
            fail("%s is not known", v->name);
        return found->tail;
    }
    value *rest = v->tail;
    const char *name = v->head && v->head->type == SYMBOL ? v->head->name : "";
    if (!strcmp(name, "quote"))
        return nth(rest, 0);
    if (!strcmp(name, "if"))
        return evaluate(nth(rest, 0), scope) ? evaluate(nth(rest, 1), scope)
               : rest->tail->tail            ? evaluate(nth(rest, 2), scope)
                                             : NULL;
    if (!strcmp(name, "lambda"))
        return function(nth(rest, 0), rest->tail, scope);
    if (!strcmp(name, "let")) {
        for (value *b = nth(rest, 0); b; b = b->tail)
            scope = cons(cons(nth(b->head, 0), evaluate(nth(b->head, 1), scope)), scope);
        return evaluate(nth(rest, 1), scope);
    }
    if (!strcmp(name, "define")) {
        value *what = nth(rest, 0);
        if (what && what->type == PAIR) {
            bind(what->head, function(what->tail, rest->tail, NULL));
            return what->head;
        }
        bind(what, evaluate(nth(rest, 1), scope));
        return what;
    }
    value *called = evaluate(v->head, scope), *arguments = NULL, **end = &arguments;
    for (; rest; rest = rest->tail) {
        *end = cons(evaluate(rest->head, scope), NULL);
        end = &(*end)->tail;
    }
    return apply(called, arguments);
}

int main(void)
{
    static const struct {
        const char *name;
        value *(*function)(value *);
    } primitives[] = {
        {"+", add},     {"-", subtract}, {"*", multiply},   {"/", divide}, {"<", less},
        {"=", equal},   {"first", head}, {"rest", tail},    {"cons", prepend},
        {"list", list}, {"map", map},    {"empty?", empty},
    };
    for (size_t k = 0; k < sizeof primitives / sizeof *primitives; k++) {
        value *v = make(PRIMITIVE);
        v->primitive = primitives[k].function;
        bind(symbol(primitives[k].name), v);
    }
    setjmp(prompt);
    for (;;) {
        printf("> ");
        fflush(stdout);
        value *v = evaluate(read_value(), NULL);
        print(v);
        putchar('\n');
    }
}
