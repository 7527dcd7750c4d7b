/* What runs before and after main. */
#include <stdlib.h>
#include <string.h>
#include "host.h"

int main(int argc, char **argv, char **environment);
typedef void function(void);
extern function *const __lrvm_constructors[], *const __lrvm_destructors[];
static char *no_environment[1];
extern char **__environ __attribute__((weak));

/* The stack may not go below this address; malloc moves it up. */
extern char __lrvm_heap[];
char *__lrvm_stack_limit = __lrvm_heap + 256;

void __lrvm_start(void)
{
	host_do(HOST_ARGUMENTS);
	unsigned count = HOST->result;
	char *argv[count + 1];
	for (unsigned i = 0; i < count; i++) {
		char *text = 0;
		unsigned done = 0, size;
		do {
			HOST->handle = i;
			HOST->high = 0;
			HOST->low = done;
			HOST->count = sizeof HOST->buffer;
			host_do(HOST_ARGUMENT);
			size = HOST->low;
			if (!text) argv[i] = text = __builtin_alloca(size + 1);
			memcpy(text + done, HOST->buffer, HOST->result);
			done += HOST->result;
		} while (done < size && HOST->result);
		text[done] = 0;
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
