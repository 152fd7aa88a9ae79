// Changes its areas in every common way, so that the kernel's word on them can judge a trace.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
enum { PAGE = 4096 };

int main(int count, char **arguments) {
    char *a = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(a + 4 * PAGE, 2 * PAGE, PROT_READ);
    munmap(a + 8 * PAGE, PAGE);
    char *b = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    mprotect(b, PAGE, PROT_NONE);
    char *c = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    c = mremap(c, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    c = mremap(c, 64 * PAGE, 32 * PAGE, 0);
    int file = open(arguments[0], O_RDONLY);
    char *d = mmap(NULL, 2 * PAGE + 100, PROT_READ, MAP_PRIVATE, file, PAGE);
    mmap(d + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    sbrk(10 * PAGE);
    sbrk(-3 * PAGE);
    madvise(a, 4 * PAGE, MADV_DONTNEED);
    return count == 0;
}
