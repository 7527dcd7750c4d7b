/* The system calls of the C library, on the component Host. */
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <sys/uio.h>
#include "host.h"

void *memcpy(void *, const void *, unsigned long);
unsigned long strlen(const char *);

/* Errors are negative, as the library expects; Host's numbers are those of other Linux systems. */
static __attribute__((noinline)) long answer(void)
{
	long error = HOST->error;
	if (!error) return HOST->result;
	if (error == 36) error = ENAMETOOLONG;
	if (error == 38) error = ENOSYS;
	if (error == 39) error = ENOTEMPTY;
	if (error == 40) error = ELOOP;
	return -error;
}

long __lrvm_write(long fd, long buffer, long size)
{
	long done = 0, result = 0;
	do {
		long count = size - done;
		if (count > (long)sizeof HOST->buffer) count = sizeof HOST->buffer;
		memcpy(HOST->buffer, (const char *)buffer + done, count);
		HOST->handle = fd;
		HOST->count = count;
		host_do(HOST_WRITE);
		result = answer();
		if (result <= 0) break;
		done += result;
	} while (done < size);
	return done ? done : result;
}

long __lrvm_writev(long fd, long vectors, long count)
{
	const struct iovec *vector = (const struct iovec *)vectors;
	long done = 0;
	for (; count--; vector++) {
		if (!vector->iov_len) continue;
		long result = __lrvm_write(fd, (long)vector->iov_base, vector->iov_len);
		if (result < 0) return done ? done : result;
		done += result;
		if (result < (long)vector->iov_len) break;
	}
	return done;
}

long __lrvm_read(long fd, long buffer, long size)
{
	HOST->handle = fd;
	HOST->count = size < (long)sizeof HOST->buffer ? size : (long)sizeof HOST->buffer;
	host_do(HOST_READ);
	long result = answer();
	if (result > 0) memcpy((char *)buffer, HOST->buffer, result);
	return result;
}

long __lrvm_readv(long fd, long vectors, long count)
{
	const struct iovec *vector = (const struct iovec *)vectors;
	long done = 0;
	for (; count--; vector++) {
		if (!vector->iov_len) continue;
		long result = __lrvm_read(fd, (long)vector->iov_base, vector->iov_len);
		if (result < 0) return done ? done : result;
		done += result;
		if (result < (long)vector->iov_len) break;
	}
	return done;
}

static long path_in_buffer(long path, long at)
{
	long length = strlen((const char *)path);
	if (at + length > (long)sizeof HOST->buffer) return -ENAMETOOLONG;
	memcpy((char *)HOST->buffer + at, (const char *)path, length);
	return HOST->count = at + length;
}

long __lrvm_open(long path, long flags)
{
	unsigned mode = (flags & O_ACCMODE) == O_RDONLY ? 1 : (flags & O_ACCMODE) == O_WRONLY ? 2 : 3;
	if (flags & O_CREAT) mode |= 4;
	if (flags & O_TRUNC) mode |= 8;
	if (flags & O_APPEND) mode |= 16;
	if (flags & O_EXCL) mode |= 32;
	long length = path_in_buffer(path, 0);
	if (length < 0) return length;
	HOST->mode = mode;
	host_do(HOST_OPEN);
	return answer();
}

long __lrvm_close(long fd)
{
	HOST->handle = fd;
	host_do(HOST_CLOSE);
	return answer();
}

long __lrvm_seek(long fd, long high, long low, long result, long whence)
{
	HOST->handle = fd;
	HOST->high = high;
	HOST->low = low;
	HOST->mode = whence;
	host_do(HOST_SEEK);
	long done = answer();
	if (done < 0) return done;
	*(long long *)result = (long long)HOST->high << 32 | HOST->low;
	return 0;
}

long __lrvm_remove(long path)
{
	long length = path_in_buffer(path, 0);
	if (length < 0) return length;
	host_do(HOST_REMOVE);
	return answer();
}

long __lrvm_rename(long from, long to)
{
	long length = path_in_buffer(from, 0);
	if (length < 0) return length;
	if (length + 1 > (long)sizeof HOST->buffer) return -ENAMETOOLONG;
	((char *)HOST->buffer)[length] = 0;
	length = path_in_buffer(to, length + 1);
	if (length < 0) return length;
	host_do(HOST_RENAME);
	return answer();
}

long __lrvm_look(long path)
{
	long length = path_in_buffer(path, 0);
	if (length < 0) return length;
	host_do(HOST_LOOK);
	long result = answer();
	return result < 0 ? result : 0;
}

/* Which streams are terminals the machine cannot know. Errors are seen at once, so stderr needs no
   answer; lines of stdout are kept back until the buffer is full, or stdin is read. */
long __lrvm_terminal(long fd)
{
	return -ENOTTY;
}

long __lrvm_time(long clock, long result, long is_64_bits)
{
	host_do(clock == CLOCK_REALTIME ? HOST_TIME : HOST_ELAPSED);
	unsigned long long nanoseconds = (unsigned long long)HOST->high << 32 | HOST->low;
	unsigned long long seconds = nanoseconds / 1000000000;
	if (is_64_bits) {
		((long long *)result)[0] = seconds;
		((long long *)result)[1] = nanoseconds - seconds * 1000000000;
	} else {
		((long *)result)[0] = seconds;
		((long *)result)[1] = nanoseconds - seconds * 1000000000;
	}
	return 0;
}

/* The machine has nothing else to do. */
long __lrvm_sleep(const long long *request, int is_absolute, int clock)
{
	long long now[2], end = 0;
	__lrvm_time(clock, (long)now, 1);
	if (!is_absolute) end = now[0] * 1000000000 + now[1];
	end += request[0] * 1000000000 + ((const long *)request)[3];
	do __lrvm_time(clock, (long)now, 1);
	while (now[0] * 1000000000 + now[1] < end);
	return 0;
}

_Noreturn void __lrvm_exit(long status)
{
	HOST->status = status;
	for (;;) __asm__ volatile ("halt" ::: "memory");
}

_Noreturn void __lrvm_abort(void)
{
	for (;;) __asm__ volatile ("itr 6" ::: "memory");
}

static int error_number;
static int result_of(long result)
{
	if (result >= 0) return result;
	error_number = -result;
	return -1;
}
int unlink(const char *path) { return result_of(__lrvm_remove((long)path)); }
int rmdir(const char *path) { return result_of(__lrvm_remove((long)path)); }
int access(const char *path, int mode) { return result_of(__lrvm_look((long)path)); }
int close(int fd) { return result_of(__lrvm_close(fd)); }
int getpid(void) { return 1; }
static int refuse(int error) { error_number = error; return -1; }
int __dup3(int from, int to, int flags) { return refuse(ENOSYS); }
int dup3(int, int, int) __attribute__((alias("__dup3")));
int dup2(int from, int to) { return refuse(ENOSYS); }
int dup(int from) { return refuse(ENOSYS); }
void *__mmap(void *at, unsigned long size, int protection, int flags, int fd, long long offset)
{
	refuse(ENOMEM);
	return (void *)-1;
}
int __munmap(void *at, unsigned long size) { return refuse(EINVAL); }
int system(const char *command) { return command ? refuse(ENOSYS) : 0; }

int *__errno_location(void) { return &error_number; }
int *___errno_location(void) { return &error_number; }
