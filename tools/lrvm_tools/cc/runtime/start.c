/* What runs before and after main. */
#include <stdlib.h>
#include "host.h"

int main(int argc, char **argv, char **environment);
typedef void function(void);
extern function *const __lrvm_constructors[], *const __lrvm_destructors[];
static char *no_environment[1];
extern char **__environ __attribute__((weak));

/* The stack may not go below this address; malloc moves it up. */
extern char __lrvm_heap[];
char *__lrvm_stack_limit = __lrvm_heap + 256;

static char *argument(unsigned index, char *to, unsigned room)
{
	for (unsigned done = 0;;) {
		HOST->handle = index;
		HOST->high = 0;
		HOST->low = done;
		HOST->count = room - done < sizeof HOST->buffer ? room - done : sizeof HOST->buffer;
		host_do(HOST_ARGUMENT);
		unsigned got = HOST->result;
		for (unsigned i = 0; i < got; i++) to[done + i] = host_byte(i);
		done += got;
		if (!got || done >= room) return to + done;
	}
}

void __lrvm_start(void)
{
	unsigned size = 0;
	host_do(HOST_ARGUMENTS);
	unsigned count = HOST->result;
	char *argv[count + 1];
	for (unsigned i = 0; i < count; i++) {
		HOST->handle = i;
		HOST->high = HOST->low = HOST->count = 0;
		host_do(HOST_ARGUMENT);
		size += HOST->low + 1;
	}
	char text[size + 1], *to = text;
	for (unsigned i = 0; i < count; i++) {
		argv[i] = to;
		to = argument(i, to, text + size - to);
		*to++ = 0;
	}
	argv[count] = 0;
	if (&__environ) __environ = no_environment;
	for (function *const *one = __lrvm_constructors; *one; one++) (*one)();
	exit(main(count, argv, no_environment));
}

/* Called by exit. */
void __lrvm_finish(void)
{
	for (function *const *one = __lrvm_destructors; *one; one++) (*one)();
}
