/* The component Host: docs/host.md. */
struct host {
	volatile unsigned command, out, err, in, status, handle, count, mode, high, low, result, error;
	volatile unsigned reserved[52];
	unsigned buffer[1024];
};
extern struct host __lrvm_host;
#define HOST (&__lrvm_host)

enum {
	HOST_READ = 1, HOST_WRITE, HOST_OPEN, HOST_CLOSE, HOST_SEEK, HOST_REMOVE, HOST_RENAME,
	HOST_ARGUMENTS, HOST_ARGUMENT, HOST_TIME, HOST_ELAPSED, HOST_LOOK
};

/* Do a command. The buffer's content matters to it. */
static inline void host_do(unsigned command)
{
	__asm__ volatile ("" ::: "memory");
	HOST->command = command;
	__asm__ volatile ("" ::: "memory");
}

static inline unsigned char host_byte(unsigned index)
{
	return HOST->buffer[index / 4] >> (24 - index % 4 * 8);
}
