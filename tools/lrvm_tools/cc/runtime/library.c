/* Parts of the C library that musl of ziglang has no longer, or that are smaller here. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void __lrvm_exit(long);
_Noreturn void __lrvm_abort(void);
void __lrvm_finish(void);

_Noreturn void abort(void) { __lrvm_abort(); }
_Noreturn void _Exit(int status) { __lrvm_exit(status); }
_Noreturn void _exit(int status) { __lrvm_exit(status); }
int raise(int signal) { (void)signal; __lrvm_abort(); }

static void nothing(void) {}
void __funcs_on_exit(void) __attribute__((weak, alias("nothing")));
int __stdio_exit(void) __attribute__((weak));

_Noreturn void exit(int status)
{
	__funcs_on_exit();
	__lrvm_finish();
	if (__stdio_exit) __stdio_exit();
	__lrvm_exit(status);
}

/* Locks of the library: there is one thread. */
void __lock(volatile int *lock) { (void)lock; }
void __unlock(volatile int *lock) { (void)lock; }
int __lockfile(void *file) { (void)file; return 0; }
void __unlockfile(void *file) { (void)file; }
long __syscall_ret(unsigned long result)
{
	if (result <= -4096UL) return result;
	errno = -result;
	return -1;
}

/* Memory. Words where both addresses allow it. */

typedef uint32_t __attribute__((may_alias)) word;

static __attribute__((noinline)) void copy_bytes(unsigned char *d, const unsigned char *s, size_t size)
{
	while (size--) *d++ = *s++;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	unsigned char *d = to;
	const unsigned char *s = from;
	if (size > 8) {
		size_t head = -(uintptr_t)d & 3;
		copy_bytes(d, s, head);
		d += head, s += head, size -= head;
		word *dw = (word *)d, *end = (word *)(d + (size & ~(size_t)3));
		unsigned shift = ((uintptr_t)s & 3) * 8;
		const word *sw = (const word *)((uintptr_t)s & ~(uintptr_t)3);
		s += size & ~(size_t)3;
		if (shift) {
			/* Words put together from two of the source. */
			word w = *sw;
			do {
				word next = *++sw;
				*dw++ = w << shift | next >> (32 - shift);
				w = next;
			} while (dw != end);
		} else {
			for (; end - dw >= 4; dw += 4, sw += 4) {
				word a = sw[0], b = sw[1], c = sw[2], e = sw[3];
				dw[0] = a; dw[1] = b; dw[2] = c; dw[3] = e;
			}
			while (dw != end) *dw++ = *sw++;
		}
		d = (unsigned char *)end;
		size &= 3;
	}
	copy_bytes(d, s, size);
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *d = to;
	const unsigned char *s = from;
	if ((uintptr_t)d - (uintptr_t)s >= size) {
		/* memcpy reads up to four words before it writes them, and no less than one ahead. */
		if (d < s && s - d < 4) copy_bytes(d, s, size);
		else memcpy(to, from, size);
		return to;
	}
	if (!(((uintptr_t)d ^ (uintptr_t)s) & 3)) {
		for (; size && (uintptr_t)(s + size) & 3;) { size--; d[size] = s[size]; }
		while (size >= 4) { size -= 4; *(word *)(d + size) = *(const word *)(s + size); }
	}
	while (size) { size--; d[size] = s[size]; }
	return to;
}

void *memset(void *to, int value, size_t size)
{
	unsigned char *d = to;
	for (; size && (uintptr_t)d & 3; size--) *d++ = value;
	word w = (value & 255) * 0x01010101u, *dw = (word *)d;
	for (; size >= 16; size -= 16, dw += 4) dw[0] = dw[1] = dw[2] = dw[3] = w;
	for (; size >= 4; size -= 4) *dw++ = w;
	for (d = (unsigned char *)dw; size; size--) *d++ = value;
	return to;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *l = left, *r = right;
	if (!(((uintptr_t)l | (uintptr_t)r) & 3))
		for (; size >= 4 && *(const word *)l == *(const word *)r; size -= 4) l += 4, r += 4;
	for (; size && *l == *r; size--) l++, r++;
	return size ? *l - *r : 0;
}

/* A word has a zero byte if one of them borrows. */
#define HAS_ZERO(w) (((w) - 0x01010101u) & ~(w) & 0x80808080u)

size_t strlen(const char *text)
{
	const word *w = (const word *)((uintptr_t)text & ~(uintptr_t)3);
	/* Bytes of the first word that lie in front of the text are made not zero. */
	word first = *w | ~(~(word)0 >> ((uintptr_t)text & 3) * 8), found = HAS_ZERO(first);
	word last = first;
	while (!found) {
		last = *++w;
		found = HAS_ZERO(last);
	}
	size_t length = (const char *)w - text;
	for (; last >> 24; last <<= 8) length++;
	return length;
}

char *__stpcpy(char *restrict to, const char *restrict from)
{
	if (((uintptr_t)to & 3) == ((uintptr_t)from & 3)) {
		for (; (uintptr_t)from & 3; to++, from++) if (!(*to = *from)) return to;
		word *d = (word *)to;
		const word *s = (const word *)from;
		while (!HAS_ZERO(*s)) *d++ = *s++;
		to = (char *)d;
		from = (const char *)s;
	}
	for (; (*to = *from); to++, from++);
	return to;
}
char *stpcpy(char *restrict, const char *restrict) __attribute__((alias("__stpcpy")));

char *strcpy(char *restrict to, const char *restrict from)
{
	__stpcpy(to, from);
	return to;
}

int strcmp(const char *left, const char *right)
{
	if (((uintptr_t)left & 3) == ((uintptr_t)right & 3)) {
		for (; (uintptr_t)left & 3 && *left && *left == *right; left++, right++);
		if (!((uintptr_t)left & 3)) {
			const word *l = (const word *)left, *r = (const word *)right;
			while (*l == *r && !HAS_ZERO(*l)) l++, r++;
			left = (const char *)l;
			right = (const char *)r;
		}
	}
	for (; *left == *right && *left; left++, right++);
	return *(const unsigned char *)left - *(const unsigned char *)right;
}

/* Memory of the program. Blocks have their size in front, and that of the block before if it is
   free; free ones stand in lists by size. */

struct block { size_t before, size; struct block *next, *previous; };
#define USED 1u         /* in size: this block is used */
#define BEFORE_USED 2u  /* the one before is */
#define HEAD 8
#define SMALLEST 16
#define BINS 64

extern char __lrvm_heap[];
extern char *__lrvm_stack_limit;
static char *heap_end;
static struct block *bins[BINS];

#define SIZE(b) ((b)->size & ~7u)
#define AFTER(b) ((struct block *)((char *)(b) + SIZE(b)))

static unsigned bin_of(size_t size)
{
	if (size < 128) return size / 8 - 2;
	unsigned bits = 31 - __builtin_clz(size);
	return bits * 2 + (size >> (bits - 1) & 1);
}

static void unlink_block(struct block *b)
{
	if (b->previous) b->previous->next = b->next;
	else bins[bin_of(SIZE(b))] = b->next;
	if (b->next) b->next->previous = b->previous;
}

static void give_back(struct block *b)
{
	struct block **bin = &bins[bin_of(SIZE(b))];
	b->previous = 0;
	b->next = *bin;
	if (*bin) (*bin)->previous = b;
	*bin = b;
	b->size &= ~USED;
	AFTER(b)->before = SIZE(b);
	AFTER(b)->size &= ~BEFORE_USED;
}

static struct block *more(size_t size)
{
	if (!heap_end) {
		heap_end = (char *)(((uintptr_t)__lrvm_heap + 7) & ~(uintptr_t)7);
		((struct block *)heap_end)->size = USED | BEFORE_USED;
		heap_end += HEAD;
	}
	size_t step = size < 4096 ? 4096 : size;
	char *stack = __builtin_frame_address(0);
	if (step > (size_t)(stack - heap_end)) step = size;
	/* Some of the stack stays free for the functions that the caller calls. */
	if (heap_end + step + 1024 > stack || heap_end + step < heap_end) { errno = ENOMEM; return 0; }
	struct block *b = (struct block *)(heap_end - HEAD);
	heap_end += step;
	__lrvm_stack_limit = heap_end + 256;
	b->size = step | (b->size & BEFORE_USED);
	AFTER(b)->size = USED;
	if (!(b->size & BEFORE_USED)) {
		struct block *before = (struct block *)((char *)b - b->before);
		unlink_block(before);
		before->size = (SIZE(before) + SIZE(b)) | (before->size & BEFORE_USED);
		b = before;
	}
	return b;
}

/* Cut what is not needed off a block that is in no list, and mark it used. */
static void *take(struct block *b, size_t size)
{
	size_t rest = SIZE(b) - size;
	if (rest >= SMALLEST) {
		b->size = size | (b->size & BEFORE_USED);
		struct block *second = AFTER(b);
		second->size = rest | BEFORE_USED;
		give_back(second);
	} else AFTER(b)->size |= BEFORE_USED;
	b->size |= USED;
	return (char *)b + HEAD;
}

static size_t needed(size_t size)
{
	return size <= SMALLEST - HEAD ? SMALLEST : (size + HEAD + 7) & ~(size_t)7;
}

void *malloc(size_t size)
{
	if (size > PTRDIFF_MAX - 64) { errno = ENOMEM; return 0; }
	size = needed(size);
	for (unsigned bin = bin_of(size); bin < BINS; bin++)
		for (struct block *b = bins[bin]; b; b = b->next)
			if (SIZE(b) >= size) {
				unlink_block(b);
				return take(b, size);
			}
	struct block *b = more(size);
	return b ? take(b, size) : 0;
}

void free(void *memory)
{
	if (!memory) return;
	struct block *b = (struct block *)((char *)memory - HEAD);
	if (!(b->size & USED)) __lrvm_abort();
	if (!(b->size & BEFORE_USED)) {
		struct block *before = (struct block *)((char *)b - b->before);
		unlink_block(before);
		before->size = (SIZE(before) + SIZE(b)) | (before->size & BEFORE_USED);
		b = before;
	}
	struct block *after = AFTER(b);
	if (!(after->size & USED)) {
		unlink_block(after);
		b->size = (SIZE(b) + SIZE(after)) | (b->size & BEFORE_USED);
	}
	give_back(b);
}

void *calloc(size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size) { errno = ENOMEM; return 0; }
	void *memory = malloc(count * size);
	return memory ? memset(memory, 0, count * size) : 0;
}

void *realloc(void *memory, size_t size)
{
	if (!memory) return malloc(size);
	if (size > PTRDIFF_MAX - 64) { errno = ENOMEM; return 0; }
	struct block *b = (struct block *)((char *)memory - HEAD);
	size_t old = SIZE(b), wanted = needed(size);
	struct block *after = AFTER(b);
	if (old < wanted && !(after->size & USED) && old + SIZE(after) >= wanted) {
		unlink_block(after);
		b->size = (old + SIZE(after)) | (b->size & BEFORE_USED);
		return take(b, wanted);
	}
	if (old >= wanted) return memory;
	void *other = malloc(size);
	if (!other) return 0;
	memcpy(other, memory, old - HEAD);
	free(memory);
	return other;
}

void *aligned_alloc(size_t align, size_t size)
{
	if (align <= 8) return malloc(size);
	char *memory = malloc(size + align + SMALLEST);
	if (!memory) return 0;
	size_t off = -(uintptr_t)memory & (align - 1);
	if (!off) return memory;
	if (off < SMALLEST) off += align;
	/* Give what lies in front back as a block of its own. */
	struct block *b = (struct block *)(memory - HEAD), *second = (struct block *)((char *)b + off);
	second->size = (SIZE(b) - off) | USED | BEFORE_USED;
	b->size = off | (b->size & (USED | BEFORE_USED));
	free(memory);
	return (char *)second + HEAD;
}
int posix_memalign(void **result, size_t align, size_t size)
{
	void *memory = aligned_alloc(align, size);
	if (!memory) return ENOMEM;
	*result = memory;
	return 0;
}
void *memalign(size_t align, size_t size) { return aligned_alloc(align, size); }
void *__libc_malloc(size_t) __attribute__((alias("malloc")));
void *__libc_calloc(size_t, size_t) __attribute__((alias("calloc")));
void *__libc_realloc(void *, size_t) __attribute__((alias("realloc")));
void __libc_free(void *) __attribute__((alias("free")));

/* What allocates: Zig's own would bring an allocator of its own, for pages of an operating system. */

void *reallocarray(void *memory, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return 0;
	}
	return realloc(memory, count * size);
}

char *strndup(const char *text, size_t most)
{
	size_t length = 0;
	while (length < most && text[length]) length++;
	char *copy = malloc(length + 1);
	if (!copy) return 0;
	memcpy(copy, text, length);
	copy[length] = 0;
	return copy;
}

char *strdup(const char *text) { return strndup(text, SIZE_MAX); }

wchar_t *wcsdup(const wchar_t *text)
{
	size_t length = 0;
	while (text[length]) length++;
	wchar_t *copy = reallocarray(0, length + 1, sizeof *copy);
	if (copy) memcpy(copy, text, (length + 1) * sizeof *copy);
	return copy;
}
