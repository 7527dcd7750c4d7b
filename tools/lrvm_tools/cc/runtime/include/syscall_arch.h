/* System calls of the C library as calls of functions in system.c. The numbers are constants, so
   that a program contains only those functions whose calls it makes. */
#define __SYSCALL_LL_E(x) ((union { long long ll; long l[2]; }){ .ll = x }).l[0], \
	((union { long long ll; long l[2]; }){ .ll = x }).l[1]
#define __SYSCALL_LL_O(x) 0, __SYSCALL_LL_E((x))

long __lrvm_read(long fd, long buffer, long size);
long __lrvm_readv(long fd, long vectors, long count);
long __lrvm_write(long fd, long buffer, long size);
long __lrvm_writev(long fd, long vectors, long count);
long __lrvm_open(long path, long flags);
long __lrvm_close(long fd);
long __lrvm_seek(long fd, long high, long low, long result, long whence);
long __lrvm_remove(long path);
long __lrvm_rename(long from, long to);
long __lrvm_time(long clock, long result, long is_64_bits);
long __lrvm_sleep(const long long *request, int is_absolute, int clock);
long __lrvm_terminal(long fd);
long __lrvm_look(long path);
_Noreturn void __lrvm_exit(long status);
_Noreturn void __lrvm_abort(void);

static inline __attribute__((always_inline)) long __lrvm_system(
	long n, long a, long b, long c, long d, long e)
{
	switch (n) {
	case SYS_read: return __lrvm_read(a, b, c);
	case SYS_readv: return __lrvm_readv(a, b, c);
	case SYS_write: return __lrvm_write(a, b, c);
	case SYS_writev: return __lrvm_writev(a, b, c);
	case SYS_open: return __lrvm_open(a, b);
	case SYS_openat: return __lrvm_open(b, c);
	case SYS_close: return __lrvm_close(a);
	case SYS__llseek: return __lrvm_seek(a, b, c, d, e);
	case SYS_unlink: case SYS_rmdir: return __lrvm_remove(a);
	case SYS_rename: return __lrvm_rename(a, b);
	case SYS_access: return __lrvm_look(a);
	case SYS_clock_gettime32: return __lrvm_time(a, b, 0);
	case SYS_clock_gettime64: return __lrvm_time(a, b, 1);
	case SYS_clock_nanosleep_time64: return __lrvm_sleep((const long long *)c, b, a);
	case SYS_ioctl: return __lrvm_terminal(a);
	case SYS_fcntl64: case SYS_rt_sigprocmask: case SYS_gettid: case SYS_getpid: return 0;
	case SYS_tkill: case SYS_kill: __lrvm_abort();
	case SYS_exit: case SYS_exit_group: __lrvm_exit(a);
	}
	return -89; /* ENOSYS */
}

#define __syscall0(n) __lrvm_system(n, 0, 0, 0, 0, 0)
static inline long (__syscall1)(long n, long a) { return __lrvm_system(n, a, 0, 0, 0, 0); }
static inline long (__syscall2)(long n, long a, long b) { return __lrvm_system(n, a, b, 0, 0, 0); }
static inline long (__syscall3)(long n, long a, long b, long c)
{ return __lrvm_system(n, a, b, c, 0, 0); }
static inline long (__syscall4)(long n, long a, long b, long c, long d)
{ return __lrvm_system(n, a, b, c, d, 0); }
static inline long (__syscall5)(long n, long a, long b, long c, long d, long e)
{ return __lrvm_system(n, a, b, c, d, e); }
static inline long (__syscall6)(long n, long a, long b, long c, long d, long e, long f)
{ return __lrvm_system(n, a, b, c, d, e); }
static inline long (__syscall7)(long n, long a, long b, long c, long d, long e, long f, long g)
{ return __lrvm_system(n, a, b, c, d, e); }

static inline __attribute__((always_inline)) long (__syscall_cp)(
	long n, long a, long b, long c, long d, long e, long f)
{ return __lrvm_system(n, a, b, c, d, e); }
