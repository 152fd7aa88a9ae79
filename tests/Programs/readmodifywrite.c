// Each case writes or reads-and-writes fresh pages in one way; prints the case's own minor faults by getrusage.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
enum { PAGES = 2000, PAGE = 4096 };
static long faults(void) { struct rusage u; getrusage(RUSAGE_SELF, &u); return u.ru_minflt; }
#define EACH(body) for (int i = 0; i < PAGES; i++) { volatile char *p = base + (size_t)i * PAGE; body; }
int main(int n, char **a) {
    const char *name = n > 1 ? a[1] : "inc";
    char *base = mmap(NULL, (size_t)(PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    madvise(base, (size_t)(PAGES + 1) * PAGE, MADV_NOHUGEPAGE);
    long before = faults();
    if (!strcmp(name, "none")) { }
    else if (!strcmp(name, "inc")) EACH(__asm__ volatile("incb %0" : "+m"(*p)))
    else if (!strcmp(name, "lock")) EACH(__asm__ volatile("lock incl %0" : "+m"(*(int *)p)))
    else if (!strcmp(name, "xchg")) EACH(int v = i; __asm__ volatile("xchgl %0, %1" : "+r"(v), "+m"(*(int *)p)))
    else if (!strcmp(name, "cmpxchg")) EACH(int v = 1; __asm__ volatile("lock cmpxchgl %1, %0" : "+m"(*(int *)p) : "r"(v) : "eax"))
    else if (!strcmp(name, "cmpxchg16")) EACH(__asm__ volatile("lock cmpxchg16b %0" : "+m"(*(__int128 *)p) : : "rax", "rdx", "rbx", "rcx"))
    else if (!strcmp(name, "bts")) EACH(__asm__ volatile("btsl $3, %0" : "+m"(*(int *)p)))
    else if (!strcmp(name, "addreg")) EACH(__asm__ volatile("addq %1, %0" : "+m"(*(long *)p) : "r"(5L)))
    else if (!strcmp(name, "xadd")) EACH(int v = 1; __asm__ volatile("lock xaddl %1, %0" : "+m"(*(int *)p), "+r"(v)))
    else if (!strcmp(name, "stos")) EACH(void *d = (void *)p; long c = 512; __asm__ volatile("rep stosq" : "+D"(d), "+c"(c) : "a"(7) : "memory"))
    else if (!strcmp(name, "movs")) { char *s = base + (size_t)PAGES * PAGE; EACH(void *d = (void *)p; void *f = s; long c = 64; __asm__ volatile("rep movsq" : "+D"(d), "+S"(f), "+c"(c) : : "memory")) }
    else if (!strcmp(name, "vector")) EACH(__asm__ volatile("movups %%xmm0, %0" : "=m"(*(char (*)[16])p)))
    else if (!strcmp(name, "load")) EACH(__asm__ volatile("movl %0, %%eax" : : "m"(*(int *)p) : "eax"))
    else if (!strcmp(name, "loadstore")) EACH(__asm__ volatile("movl %0, %%eax; movl %%eax, %0" : "+m"(*(int *)p) : : "eax"))
    else if (!strcmp(name, "split")) EACH(if (i & 1) __asm__ volatile("movq %%rax, %0" : "=m"(*(long *)(p + PAGE - 4))))
    else if (!strcmp(name, "splitinc")) EACH(if (i & 1) __asm__ volatile("incq %0" : "+m"(*(long *)(p + PAGE - 4))))
    else if (!strcmp(name, "splitlock")) EACH(if (i & 1) __asm__ volatile("lock incq %0" : "+m"(*(long *)(p + PAGE - 4))))
    else if (!strcmp(name, "splitload")) EACH(if (i & 1) __asm__ volatile("movq %0, %%rax" : : "m"(*(long *)(p + PAGE - 4)) : "rax"))
    else if (!strcmp(name, "push")) EACH(void *top = (void *)(p + 64); __asm__ volatile("xchgq %0, %%rsp; pushq $1; xchgq %0, %%rsp" : "+r"(top) : : "memory"))
    else if (!strcmp(name, "pushmem")) { EACH(if (i & 1) { void *top = (void *)(p + 64); char *q = (char *)p - PAGE; __asm__ volatile("xchgq %0, %%rsp; pushq (%1); xchgq %0, %%rsp" : "+r"(top) : "r"(q) : "memory"); }) }
    else return 2;
    printf("%s %ld\n", name, faults() - before);
    struct rusage u; getrusage(RUSAGE_SELF, &u);
    fprintf(stderr, "total %ld\n", u.ru_minflt);
    return 0;
}
