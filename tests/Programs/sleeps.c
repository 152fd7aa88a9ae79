// Threads that sleep in one way each, for captures that must say so:
//   sleeps WAY PAGES
// Each thread naps 20 times for 2 ms where the way has naps, so that a capture has at least these sleeps, however fast the machine is.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TURNS = 20, NAP = 2000000 };

static char *pages;
static long count;
static uint32_t turn;
static int pipes[2];

static void use(long first, long step) { for (long i = first; i < count; i += step) ++pages[i * 4096]; }

static void nap(void) {
    struct timespec time = {0, NAP};
    nanosleep(&time, NULL);
}

// waits until a process has been asleep at 10 looks one after the other: not in a lock for a moment, but in a wait
static void await_sleep_of(pid_t process) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    for (int asleep = 0; asleep < 10;) {
        nap();
        FILE *file = fopen(path, "r");
        char *state = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
        if (file) fclose(file);
        if (!state) return;
        asleep = state[2] == 'S' ? asleep + 1 : 0;
    }
}

// waits until the turn is one's own
static void await_turn(uint32_t own) {
    for (uint32_t now; (now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) % 2 != own % 2; ) syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
}

static void end_turn(void) {
    __atomic_fetch_add(&turn, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

// two threads use pages in turns
static void *hand_over(void *own) {
    for (long i = 0; i < TURNS; i++) {
        await_turn((uintptr_t)own);
        use(2 * i + (long)(uintptr_t)own, 2 * TURNS);
        nap();
        end_turn();
    }
    return NULL;
}

static void *write_pipe(void *unused) {
    for (long i = 0; i < TURNS; i++) {
        nap();
        use(i, TURNS);
        if (write(pipes[1], "x", 1) != 1) abort();
    }
    return unused;
}

static void *sleep_once(void *unused) {
    nap();
    return unused;
}

static void *compute(void *unused) {
    for (long i = 0; i < 2000; i++) use(0, 1);
    return unused;
}

static void run(void *(*other)(void *), void *(*own)(void *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, other, (void *)1)) abort();
    if (own) own(NULL);
    pthread_join(thread, NULL);
}

static void *read_pipe(void *unused) {
    char byte;
    for (long i = 0; i < TURNS; i++) if (read(pipes[0], &byte, 1) != 1) abort();
    return unused;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    const char *way = argv[1];
    count = atol(argv[2]);
    pages = mmap(NULL, (size_t)(count ? count : 1) * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || pipe(pipes)) return 1;
    if (!strcmp(way, "futex")) run(hand_over, hand_over);
    else if (!strcmp(way, "pipe")) run(write_pipe, read_pipe);
    else if (!strcmp(way, "join")) run(sleep_once, NULL);
    else if (!strcmp(way, "busy")) run(compute, compute);
    else if (!strcmp(way, "sleep")) for (int i = 0; i < TURNS; i++) nap();
    else if (!strcmp(way, "poll")) for (int i = 0; i < TURNS; i++) poll(NULL, 0, NAP / 1000000);
    else if (!strcmp(way, "wait")) {
        pid_t child = fork();
        if (!child) { await_sleep_of(getppid()); _exit(0); }
        waitpid(child, NULL, 0);
    } else return 2;
    printf("%s\n", way);
    return 0;
}
