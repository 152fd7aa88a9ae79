// Four workers that take buffers from a pool and give them back, a thread that rotates a log and one that trims a cache: who interrupts whom?
//   gcc -g -O1 -pthread -o pools pools.c; ./pools [ROUNDS]
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { WORKERS = 4, BUFFER = 8 * 4096, LOG = 16 * 4096, CACHE = 64 * 4096 };

static int rounds = 40;
static char *log_pages, *cache_pages;
static pthread_barrier_t start;

__attribute__((noinline)) static char *pool_take(void) {
    return mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

__attribute__((noinline)) static void pool_release(char *buffer) {
    munmap(buffer, BUFFER); /* pool_release */
    __asm__ volatile("");
}

__attribute__((noinline)) static void log_rotate(int round) {
    mprotect(log_pages, LOG, round % 2 ? PROT_READ : PROT_READ | PROT_WRITE); /* log_rotate */
    __asm__ volatile("");
}

__attribute__((noinline)) static void cache_trim(void) {
    madvise(cache_pages, CACHE, MADV_DONTNEED); /* cache_trim */
    __asm__ volatile("");
}

static void *work(void *unused) {
    pthread_barrier_wait(&start);
    for (int i = 0; i < rounds; i++) {
        char *buffer = pool_take();
        memset(buffer, i, BUFFER);
        pool_release(buffer);
    }
    return unused;
}

static void *rotate(void *unused) {
    pthread_barrier_wait(&start);
    for (int i = 0; i < rounds / 8; i++) {
        if (i % 2 == 0) memset(log_pages, i, LOG);
        log_rotate(i + 1);
    }
    return unused;
}

// A stack that is left without returns, as exceptions leave theirs, has no part in what is called later.
static jmp_buf out;
__attribute__((noinline)) static void leave(int depth) {
    if (depth == 0) longjmp(out, 1);
    leave(depth - 1);
    __asm__ volatile("");
}

static void *trim(void *unused) {
    pthread_barrier_wait(&start);
    for (int i = 0; i < rounds / 10; i++) {
        memset(cache_pages, i, CACHE);
        if (!setjmp(out)) leave(20);
        cache_trim();
    }
    return unused;
}

int main(int count, char **words) {
    pthread_t threads[WORKERS + 2];
    if (count > 1) rounds = atoi(words[1]);
    pthread_barrier_init(&start, NULL, WORKERS + 2);
    log_pages = mmap(NULL, LOG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cache_pages = mmap(NULL, CACHE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < WORKERS; i++) pthread_create(&threads[i], NULL, work, NULL);
    pthread_create(&threads[WORKERS], NULL, rotate, NULL);
    pthread_create(&threads[WORKERS + 1], NULL, trim, NULL);
    for (int i = 0; i < WORKERS + 2; i++) pthread_join(threads[i], NULL);
    puts("done");
    return 0;
}
