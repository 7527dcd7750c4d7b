/* The only thread. */
struct __pthread;
extern struct __pthread __lrvm_thread;
static inline uintptr_t __get_tp(void) { return (uintptr_t)&__lrvm_thread; }
#define MC_PC pc
