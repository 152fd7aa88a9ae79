// Reads and writes PAGES fresh pages in a way that the processor or the kernel has a part in; prints the minor faults of all that it was, by getrusage.
//   faults CASE PAGES
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
enum { PAGE = 4096, MOST = 1024, ALTERNATE = 65536, GROUP = 8 };

static volatile char *base;
static int next_page;

#define INCREMENT(place) __asm__ volatile("incb %0" : "+m"(*(place)))

static void use_all(int pages) { for (int i = 0; i < pages; i++) INCREMENT(base + (size_t)i * PAGE); }

static void on_signal(int number) { (void)number; INCREMENT(base + (size_t)next_page++ * PAGE); }

// the stack grows a page a call
static __attribute__((noinline)) int deep(int pages) {
    volatile char frame[PAGE];
    INCREMENT(&frame[PAGE / 2]);
    int below = pages > 1 ? deep(pages - 1) : 0;
    INCREMENT(&frame[PAGE / 2]);
    return below + frame[PAGE / 2];
}

static void signals(int pages) {
    static char alternate[ALTERNATE];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < pages; i++) raise(SIGUSR1);
}

// the child writes what its parent has written, and then the parent does
static void forks(int pages) {
    use_all(pages);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) { use_all(pages); _exit(0); }
    waitpid(child, NULL, 0);
    use_all(pages);
}

// vectors are loaded by one instruction and stored by another, so that each page faults twice
static void vectors(int pages) {
    for (int i = 0; i < pages; i++) {
        volatile char(*place)[16] = (volatile char(*)[16])(base + (size_t)i * PAGE);
        __asm__ volatile("paddb %0, %%xmm0; movdqu %%xmm0, %0" : "+m"(*place) : : "xmm0");
    }
}

// one thread writes pages and tells the other, which has waited for that and reads them
static sem_t told;

static void *write_pages(void *pages) {
    for (int i = 0; i < *(int *)pages; i++) {
        base[(size_t)i * PAGE] = 1;
        if (i % GROUP == GROUP - 1) sem_post(&told);
    }
    return NULL;
}

static void hand_over(int pages) {
    pthread_t writer;
    sem_init(&told, 0, 0);
    pthread_create(&writer, NULL, write_pages, &pages);
    for (int i = 0; i < pages; i++) {
        if (i % GROUP == 0) sem_wait(&told);
        if (base[(size_t)i * PAGE] != 1) _exit(3);
    }
    pthread_join(writer, NULL);
}

int main(int count, char **arguments) {
    const char *name = count > 1 ? arguments[1] : "none";
    int pages = count > 2 ? atoi(arguments[2]) : 0;
    struct rusage own, children;
    if (pages < 0 || pages > MOST) return 2;
    base = mmap(NULL, MOST * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    madvise((void *)base, MOST * PAGE, MADV_NOHUGEPAGE);
    if (!strcmp(name, "stack")) { if (pages > 0) deep(pages); }
    else if (!strcmp(name, "signals")) signals(pages);
    else if (!strcmp(name, "fork")) forks(pages);
    else if (!strcmp(name, "vectors")) vectors(pages);
    else if (!strcmp(name, "threads")) hand_over(pages);
    else if (!strcmp(name, "exec")) {
        use_all(pages);
        execv(arguments[0], (char *[]){arguments[0], "plain", arguments[2], NULL});
    }
    else if (!strcmp(name, "plain")) use_all(pages);
    else return 2;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    printf("%s %ld\n", name, own.ru_minflt + children.ru_minflt);
    return 0;
}
