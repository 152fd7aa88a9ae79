// Threads that map, protect, discard and unmap buffers of their own and allocate beside: calls of one address space from all sides.
//   gcc -O1 -pthread -o arenas arenas.c; ./arenas [ROUNDS]
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { THREADS = 3, PAGE = 4096, MOST = 16, LARGEST = 60000 };

static int rounds = 40;

static void *work(void *number) {
    unsigned seed = (unsigned)(size_t)number + 1;
    for (int i = 0; i < rounds; i++) {
        size_t bytes = (1 + (size_t)(rand_r(&seed) % MOST)) * PAGE;
        char *buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(buffer, i, bytes);
        size_t small = 1000 + (size_t)(rand_r(&seed) % LARGEST);
        char *block = malloc(small);
        memset(block, 1, small);
        if (i % 4 == 0) mprotect(buffer, PAGE, PROT_READ);
        if (i % 5 == 0) madvise(buffer, bytes, MADV_DONTNEED);
        free(block);
        munmap(buffer, bytes);
    }
    return NULL;
}

int main(int count, char **arguments) {
    if (count > 1) rounds = atoi(arguments[1]);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
