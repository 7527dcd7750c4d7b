/* The ends of musl's streams, on the component Host. */
#include "stdio_impl.h"
#include <string.h>

long __lrvm_write(long fd, long buffer, long size);

/* Write what the buffer holds, then more. */
size_t __stdio_write(FILE *f, const unsigned char *buffer, size_t size)
{
	size_t held = f->wpos - f->wbase;
	for (int i = 0; i < 2; i++) {
		const unsigned char *from = i ? buffer : f->wbase;
		size_t count = i ? size : held, done = 0;
		while (done < count) {
			long result = __lrvm_write(f->fd, (long)(from + done), count - done);
			if (result <= 0) {
				f->wpos = f->wbase = f->wend = 0;
				f->flags |= F_ERR;
				errno = -result;
				return i ? done : 0;
			}
			done += result;
		}
	}
	f->wend = f->buf + f->buf_size;
	f->wpos = f->wbase = f->buf;
	return size;
}

/* Which streams are terminals the machine cannot know: they are all buffered like files. */
size_t __stdout_write(FILE *f, const unsigned char *buffer, size_t size)
{
	f->write = __stdio_write;
	f->lbf = -1;
	return __stdio_write(f, buffer, size);
}

/* Reading from stdin lets what stdout holds out first, so that questions come before answers. */
extern FILE *volatile __stdout_used;
long __lrvm_read(long fd, long buffer, long size);

size_t __stdio_read(FILE *f, unsigned char *buffer, size_t size)
{
	FILE *out = __stdout_used;
	if (!f->fd && out && out->wpos != out->wbase) out->write(out, 0, 0);
	size_t done = 0;
	/* All but the last byte directly; the rest by the stream's buffer. */
	if (size > 1) {
		long result = __lrvm_read(f->fd, (long)buffer, size - !!f->buf_size);
		if (result <= 0) {
			f->flags |= result ? F_ERR : F_EOF;
			if (result) errno = -result;
			return 0;
		}
		done = result;
		if (done < size - !!f->buf_size) return done;
	}
	if (!f->buf_size) return done;
	long result = __lrvm_read(f->fd, (long)f->buf, f->buf_size);
	if (result <= 0) {
		f->flags |= result ? F_ERR : F_EOF;
		if (result) errno = -result;
		return done;
	}
	f->rpos = f->buf;
	f->rend = f->buf + result;
	buffer[done++] = *f->rpos++;
	return done;
}

/* One line. Programs that do nothing else stay small. */
int puts(const char *line)
{
	size_t length = strlen(line);
	FILE *f = stdout;
	return -(__fwritex((const unsigned char *)line, length, f) != length
		|| __fwritex((const unsigned char *)"\n", 1, f) != 1);
}
