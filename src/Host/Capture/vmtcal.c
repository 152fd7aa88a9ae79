// Measures this machine's TLBs and what its kernel's memory management costs, for `vmsim calibrate`:
//   gcc -O2 -pthread -o vmtcal vmtcal.c
//   vmtcal FILE FIRST SECOND FAR [tlb|kernel]
// FILE is a scratch file that may be written over; FIRST and SECOND are the processors to measure on, or SECOND is -1 for one alone.
// FAR is a processor of another socket than FIRST's, or -1 for none.
// Each line of standard output is one result, with the minimum and the median of several repetitions:
//   figure PROGRAM,BESIDE,PAGES,FIGURE,UNIT MINIMUM MEDIAN     a program of src/Core/Validation, for one operation
//   value NAME MINIMUM MEDIAN                                  a time in nanoseconds, or what the name says
//   point CURVE X MINIMUM MEDIAN                               nanoseconds of one access of a pointer chase, or of one call
//   missing WHAT: WHY                                          what could not be measured
// Memory lies where the simulated programs have it (src/Core/Validation/ProgramMemory.cs).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#define HAS_COUNTER 1
#else
#define HAS_COUNTER 0
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

enum { PAGE = 4096, REPEATS = 15, MOST_REPEATS = 32, PHASES = 3 };
#define HUGE ((size_t)2 << 20)
#define ARENA_PAGES ((size_t)16384)
#define NEIGHBOUR_PAGES ((size_t)8)
#define CLOCK_NS 28.0 // what a simulated program has for reading the clock after a phase
#define REPEAT_NS 4e6 // a repetition is about as long

static int first_cpu, second_cpu;
static double clock_read_ns;
static const char *scratch;
static int scratch_fd = -1;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "vmtcal: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fail("sched_setaffinity");
}

// Keeps others off the processor for the length of a repetition, if this user may.
static void hurry(bool on) {
    struct sched_param priority = {.sched_priority = on ? 10 : 0};
    (void)sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &priority);
}

// ---- statistics

struct sample { double values[MOST_REPEATS]; int count; };

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static void add(struct sample *sample, double value) {
    if (sample->count < MOST_REPEATS)
        sample->values[sample->count++] = value;
}

static void summary(struct sample *sample, double *minimum, double *median) {
    qsort(sample->values, (size_t)sample->count, sizeof(double), ascending);
    *minimum = sample->values[0];
    *median = sample->values[sample->count / 2];
}

static void tell(const char *what, struct sample *sample) {
    double minimum, median;
    if (sample->count == 0)
        return;
    summary(sample, &minimum, &median);
    printf("%s %.4f %.4f\n", what, minimum, median);
    fflush(stdout);
}

// ---- what runs beside the measured thread

enum mode { NONE, SPIN, SLEEP, SYS };
static const char *const mode_names[] = {"none", "spin", "sleep", "sys"};

struct beside {
    enum mode mode;
    pthread_t thread;
    atomic_bool ready, stop;
    int pipe[2];
    atomic_llong lost; // nanoseconds that the spinning thread did not spin, in pieces of a microsecond or more
};

static void *run_beside(void *argument) {
    struct beside *beside = argument;
    char byte;
    pin(second_cpu);
    if (beside->mode != SLEEP)
        hurry(true);
    beside->ready = true;
    if (beside->mode == SLEEP) {
        while (read(beside->pipe[0], &byte, 1) < 0) {}
    } else if (beside->mode == SYS) {
        while (!beside->stop)
            syscall(SYS_getppid);
    } else {
        double last = now();
        while (!beside->stop) {
            double time = now();
            if (time - last > 1000)
                beside->lost += (long long)(time - last);
            last = time;
        }
    }
    return NULL;
}

static void begin_beside(struct beside *beside, enum mode mode) {
    memset(beside, 0, sizeof *beside);
    beside->mode = mode;
    if (mode == NONE)
        return;
    if (pipe(beside->pipe) != 0 || pthread_create(&beside->thread, NULL, run_beside, beside) != 0)
        fail("pthread_create");
    while (!beside->ready)
        usleep(100);
    usleep(5000);
}

static void end_beside(struct beside *beside) {
    if (beside->mode == NONE)
        return;
    beside->stop = true;
    if (write(beside->pipe[1], "", 1) != 1)
        fail("write");
    pthread_join(beside->thread, NULL);
    close(beside->pipe[0]);
    close(beside->pipe[1]);
}

// Invalidation interrupts that a processor has taken, by /proc/interrupts; -1 where the kernel does not tell.
static double interrupts_of(int cpu) {
    static char line[1 << 16];
    FILE *file = fopen("/proc/interrupts", "r");
    int column = -1;
    double found = -1;
    if (file == NULL)
        return -1;
    if (fgets(line, sizeof line, file) != NULL) {
        int at = 0;
        for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n"), at++)
            if (strncmp(word, "CPU", 3) == 0 && atoi(word + 3) == cpu)
                column = at;
    }
    while (column >= 0 && found < 0 && fgets(line, sizeof line, file) != NULL) {
        char *word = strtok(line, " \n");
        if (word == NULL || strcmp(word, "TLB:") != 0)
            continue;
        for (int at = 0; at <= column && word != NULL; at++)
            word = strtok(NULL, " \n");
        found = word == NULL ? -1 : atof(word);
    }
    fclose(file);
    return found;
}

static double minor_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)usage.ru_minflt;
}

// ---- the memory of the programs

static char *arena, *neighbour, *base, *buffer, *other, *place_below, *large;
static size_t neighbour_below;

static void touch(char *from, size_t pages, size_t stride) {
    for (size_t page = 0; page < pages; page++)
        ((volatile char *)from)[page * stride * PAGE] = 1;
}

static void look(char *from, size_t pages, size_t stride) {
    for (size_t page = 0; page < pages; page++)
        (void)((volatile char *)from)[page * stride * PAGE];
}

static char *map_at(char *at, size_t pages, int rights, int flags, int fd) {
    char *got = mmap(at, pages * PAGE, rights, flags, fd, 0);
    if (got == MAP_FAILED)
        fail("mmap");
    if (got != at) {
        errno = EEXIST;
        fail("mmap at a place that should be free");
    }
    return got;
}

static void make_arena(void) {
    const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    base = (char *)0x600100000000;
    arena = base - ((size_t)4 << 20) + (size_t)100 * PAGE;
    map_at(arena, ARENA_PAGES, PROT_READ | PROT_WRITE, anonymous, -1);
    madvise(arena, ARENA_PAGES * PAGE, MADV_NOHUGEPAGE);
    buffer = base + PAGE;
    other = base + ((size_t)16 << 20) + PAGE;
    large = base + ((size_t)1 << 30);
    touch(base, 1, 1);
    touch(base + (size_t)511 * PAGE, 1, 1);
    touch(base + ((size_t)6 << 20), 1, 1);
    touch(other - PAGE, 1, 1);
}

// The neighbour lies below what will be mapped below the arena.
static void make_neighbour(size_t below) {
    if (neighbour != NULL)
        munmap(neighbour, NEIGHBOUR_PAGES * PAGE);
    neighbour_below = below;
    neighbour = arena - (below + NEIGHBOUR_PAGES) * PAGE;
    map_at(neighbour, NEIGHBOUR_PAGES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1);
    place_below = arena - below * PAGE;
}

// ---- programs of one operation in a loop

struct program {
    const char *name;
    const char *phases[PHASES]; // NULL: not named
    void (*prepare)(size_t pages);
    void (*run)(size_t pages, long operation, double *times); // times[0] is the beginning
};

static void prepare_buffer(size_t pages) { touch(buffer, pages, 1); }

static void run_map(size_t pages, double *times, int flags, bool touches) {
    char *at = map_at(place_below, pages, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1);
    times[1] = now();
    if (touches)
        touch(at, pages, 1);
    times[2] = now();
    munmap(at, pages * PAGE);
    times[3] = now();
}

static void run_mmu(size_t pages, long operation, double *times) { (void)operation; run_map(pages, times, MAP_PRIVATE, true); }
static void run_map0(size_t pages, long operation, double *times) { (void)operation; run_map(pages, times, MAP_PRIVATE, false); }
static void run_shrd(size_t pages, long operation, double *times) { (void)operation; run_map(pages, times, MAP_SHARED, true); }

static void run_mprot(size_t pages, long operation, double *times) {
    (void)operation;
    mprotect(buffer, pages * PAGE, PROT_READ);
    times[1] = now();
    mprotect(buffer, pages * PAGE, PROT_READ | PROT_WRITE);
    times[2] = now();
    touch(buffer, pages, 1);
    times[3] = now();
}

static void run_mprot_nt(size_t pages, long operation, double *times) {
    (void)operation;
    mprotect(buffer, pages * PAGE, PROT_READ);
    times[1] = now();
    mprotect(buffer, pages * PAGE, PROT_READ | PROT_WRITE);
    times[2] = times[3] = now();
}

static void run_advice(size_t pages, double *times, int advice) {
    times[1] = times[0];
    touch(buffer, pages, 1);
    times[2] = now();
    madvise(buffer, pages * PAGE, advice);
    times[3] = now();
}

static void run_dontneed(size_t pages, long operation, double *times) { (void)operation; run_advice(pages, times, MADV_DONTNEED); }
static void run_free(size_t pages, long operation, double *times) { (void)operation; run_advice(pages, times, MADV_FREE); }

static void run_mremap(size_t pages, long operation, double *times) {
    char *from = operation % 2 == 0 ? buffer : other, *to = operation % 2 == 0 ? other : buffer;
    if (mremap(from, pages * PAGE, pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
        fail("mremap");
    times[1] = times[2] = now();
    touch(to, pages, 1);
    times[3] = now();
}

static void run_brk(size_t pages, long operation, double *times) {
    static char *start;
    (void)operation;
    if (start == NULL)
        start = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    if (brk(start + pages * PAGE) != 0)
        fail("brk");
    times[1] = now();
    touch(start, pages, 1);
    times[2] = now();
    if (brk(start) != 0)
        fail("brk");
    times[3] = now();
}

static void run_call(size_t pages, long operation, double *times) {
    (void)operation;
    for (size_t call = 0; call < pages; call++)
        syscall(SYS_getppid);
    times[1] = times[2] = times[3] = now();
}

static void run_fork(size_t pages, double *times, bool dies) {
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        if (!dies)
            pause();
        _exit(0);
    }
    if (dies)
        waitpid(child, NULL, 0);
    times[1] = now();
    touch(buffer, pages, 1);
    times[2] = now();
    if (!dies) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    times[3] = now();
}

static void run_cow(size_t pages, long operation, double *times) { (void)operation; run_fork(pages, times, false); }
static void run_cowdead(size_t pages, long operation, double *times) { (void)operation; run_fork(pages, times, true); }

static const struct program programs[] = {
    {"call", {"call"}, NULL, run_call},
    {"map0", {"mmap", NULL, "munmap"}, NULL, run_map0},
    {"mmu", {"mmap", "touch", "munmap"}, NULL, run_mmu},
    {"shrd", {"mmap", "touch", "munmap"}, NULL, run_shrd},
    {"mprot", {"protect-read", "protect-write", "touch"}, prepare_buffer, run_mprot},
    {"mprot-nt", {"protect-read", "protect-write"}, prepare_buffer, run_mprot_nt},
    {"dontneed", {NULL, "touch", "madvise"}, NULL, run_dontneed},
    {"free", {NULL, "touch", "madvise"}, NULL, run_free},
    {"mremap", {"mremap", NULL, "touch"}, prepare_buffer, run_mremap},
    {"brk", {"grow", "touch", "shrink"}, NULL, run_brk},
    {"cow", {"fork", "write", "kill-wait"}, prepare_buffer, run_cow},
    {"cowdead", {"fork-wait", "write"}, prepare_buffer, run_cowdead},
};

static double once(const struct program *program, size_t pages, long operation, double *phases) {
    double times[PHASES + 1];
    times[0] = now();
    program->run(pages, operation, times);
    for (int phase = 0; phase < PHASES; phase++)
        phases[phase] += times[phase + 1] - times[phase];
    return times[PHASES] - times[0];
}

static const struct program *find(const char *name) {
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (strcmp(programs[i].name, name) == 0)
            return &programs[i];
    abort();
}

// Phases that are timed in between carry one reading of the clock, as the simulated ones do.
static double corrected(const struct program *program, int phase, double sum, long operations) {
    (void)program;
    (void)phase;
    return sum / (double)operations - clock_read_ns + CLOCK_NS;
}

// Runs a program and gives the phases' samples; `counts` gets interrupts and faults for one operation, less than 0 for unknown.
static void sample_program(const struct program *program, size_t pages, struct beside *beside, struct sample *phases, struct sample *counts,
                           struct sample *loss) {
    double ignored[PHASES] = {0};
    long operation = 0;
    double estimate = 1e18;
    for (int i = 0; i < 8; i++) {
        double time = once(program, pages, operation++, ignored);
        estimate = time < estimate ? time : estimate;
    }
    long operations = (long)(REPEAT_NS / estimate) & ~1L;
    operations = operations < 8 ? 8 : operations > 600 ? 600 : operations;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double sums[PHASES] = {0};
        hurry(true);
        for (int i = 0; i < 4; i++)
            once(program, pages, operation++, ignored);
        double interrupts = second_cpu >= 0 ? interrupts_of(second_cpu) : -1;
        double faults = minor_faults();
        long long lost = beside->lost;
        for (long i = 0; i < operations; i++)
            once(program, pages, operation++, sums);
        lost = beside->lost - lost;
        faults = minor_faults() - faults;
        double received = interrupts < 0 ? -1 : interrupts_of(second_cpu) - interrupts;
        hurry(false);
        for (int phase = 0; phase < PHASES; phase++)
            if (program->phases[phase] != NULL)
                add(&phases[phase], corrected(program, phase, sums[phase], operations));
        add(&counts[0], interrupts < 0 ? -1 : received / (double)operations);
        add(&counts[1], faults / (double)operations);
        if (loss != NULL && received > 0)
            add(loss, (double)lost / received);
        usleep(1000);
    }
}

static void measure(const char *name, enum mode mode, size_t pages, const char *lost_name) {
    const struct program *program = find(name);
    struct sample phases[PHASES] = {0}, counts[2] = {0}, loss = {0};
    struct beside beside;
    char what[128];
    if (mode != NONE && second_cpu < 0)
        return;
    if (neighbour_below != pages)
        make_neighbour(pages);
    if (program->prepare != NULL)
        program->prepare(pages);
    begin_beside(&beside, mode);
    sample_program(program, pages, &beside, phases, counts, lost_name != NULL ? &loss : NULL);
    end_beside(&beside);
    for (int phase = 0; phase < PHASES; phase++) {
        if (program->phases[phase] == NULL)
            continue;
        snprintf(what, sizeof what, "figure %s,%s,%zu,%s,ns", name, mode_names[mode], pages, program->phases[phase]);
        tell(what, &phases[phase]);
    }
    snprintf(what, sizeof what, "figure %s,%s,%zu,interrupts,count", name, mode_names[mode], pages);
    if (second_cpu >= 0 && counts[0].count > 0 && counts[0].values[0] >= 0)
        tell(what, &counts[0]);
    bool forks = strncmp(name, "cow", 3) == 0;
    snprintf(what, sizeof what, "figure %s,%s,%zu,faults,count", name, mode_names[mode], pages);
    if (!forks && strcmp(name, "call") != 0)
        tell(what, &counts[1]);
    if (lost_name != NULL) {
        snprintf(what, sizeof what, "value %s", lost_name);
        tell(what, &loss);
    }
}

// ---- first touches

enum way { WRITE, READ, WRITE_AFTER_READ };

static void measure_touch(const char *name, size_t pages, size_t stride, int rights, int flags, int fd, int advice, enum way way) {
    struct sample touches = {0}, faults = {0}, unmaps = {0};
    char what[128];
    size_t length = pages * stride;
    bool populates = (flags & MAP_POPULATE) != 0, timed_advice = advice == MADV_POPULATE_WRITE;
    for (int repeat = 0; repeat < 9; repeat++) {
        hurry(true);
        double before = minor_faults(), start = now();
        char *at = map_at(large, length, rights, flags, fd);
        if (advice >= 0 && !timed_advice)
            madvise(at, length * PAGE, advice);
        if (way == WRITE_AFTER_READ)
            look(at, pages, stride);
        if (!populates) {
            before = minor_faults();
            start = now();
        }
        if (timed_advice && madvise(at, length * PAGE, advice) != 0) {
            hurry(false);
            printf("missing %s: the kernel does not know MADV_POPULATE_WRITE\n", name);
            munmap(at, length * PAGE);
            return;
        }
        if (way == READ)
            look(at, pages, stride);
        else
            touch(at, pages, stride);
        double middle = now(), count = minor_faults() - before, unmap = now();
        munmap(at, length * PAGE);
        double end = now();
        hurry(false);
        if (repeat == 0)
            continue;
        add(&touches, middle - start);
        add(&faults, count);
        add(&unmaps, end - unmap);
    }
    snprintf(what, sizeof what, "figure %s,none,%zu,faults,count", name, pages);
    tell(what, &faults);
    snprintf(what, sizeof what, "figure %s,none,%zu,touch,ns", name, pages);
    tell(what, &touches);
    snprintf(what, sizeof what, "figure %s,none,%zu,munmap,ns", name, pages);
    tell(what, &unmaps);
}

static void measure_touches(void) {
    const size_t pages = 4096, huge = 8, small = HUGE / PAGE;
    const int both = PROT_READ | PROT_WRITE, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    measure_touch("anon-private-write", pages, 1, both, anonymous, -1, -1, WRITE);
    measure_touch("anon-private-read-zero-page", pages, 1, both, anonymous, -1, -1, READ);
    measure_touch("anon-private-write-after-zero-read", pages, 1, both, anonymous, -1, -1, WRITE_AFTER_READ);
    measure_touch("anon-shared-write", pages, 1, both, MAP_SHARED | MAP_ANONYMOUS, -1, -1, WRITE);
    measure_touch("anon-populate-write", pages, 1, both, anonymous | MAP_POPULATE, -1, -1, WRITE);
    measure_touch("anon-madv-populate-write", pages, 1, both, anonymous, -1, MADV_POPULATE_WRITE, WRITE);
    if (scratch_fd >= 0) {
        measure_touch("file-private-read-seq", pages, 1, PROT_READ, MAP_PRIVATE, scratch_fd, -1, READ);
        measure_touch("file-private-read-stride16", pages / 16, 16, PROT_READ, MAP_PRIVATE, scratch_fd, -1, READ);
        measure_touch("file-private-write", pages, 1, both, MAP_PRIVATE, scratch_fd, -1, WRITE);
        measure_touch("file-private-write-after-read", pages, 1, both, MAP_PRIVATE, scratch_fd, -1, WRITE_AFTER_READ);
        measure_touch("file-shared-read-seq", pages, 1, both, MAP_SHARED, scratch_fd, -1, READ);
        measure_touch("file-populate-read", pages, 1, PROT_READ, MAP_PRIVATE | MAP_POPULATE, scratch_fd, -1, READ);
    } else {
        printf("missing file-*: the scratch file cannot be written\n");
    }
    measure_touch("anon-thp-write-every-2m", huge, small, both, anonymous, -1, MADV_HUGEPAGE, WRITE);
    measure_touch("anon-thp-write-every-4k", pages, 1, both, anonymous, -1, MADV_HUGEPAGE, WRITE);
    measure_touch("anon-thp-read-every-4k", pages, 1, both, anonymous, -1, MADV_HUGEPAGE, READ);
    measure_touch("anon-thp-write-after-huge-zero-read", pages, 1, both, anonymous, -1, MADV_HUGEPAGE, WRITE_AFTER_READ);
}

// One operation on a page in each of four huge pages; the figure is for one of them.
static void measure_part(const char *name, int kind) {
    struct sample parts = {0};
    char what[128];
    for (int repeat = 0; repeat < 9; repeat++) {
        char *at = map_at(large, 4 * HUGE / PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        pid_t child = -1;
        madvise(at, 4 * HUGE, MADV_HUGEPAGE);
        touch(at, 4, HUGE / PAGE);
        if (kind == 3 && (child = fork()) == 0) {
            pause();
            _exit(0);
        }
        if (kind == 3)
            usleep(1000);
        hurry(true);
        double start = now();
        for (size_t part = 0; part < 4; part++) {
            char *page = at + part * HUGE + (size_t)8 * PAGE;
            if (kind == 0)
                mprotect(page, PAGE, PROT_READ);
            else if (kind == 1)
                madvise(page, PAGE, MADV_DONTNEED);
            else if (kind == 2)
                munmap(page, PAGE);
            else
                touch(page, 1, 1);
        }
        double end = now();
        hurry(false);
        if (child > 0) {
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
        }
        munmap(at, 4 * HUGE);
        if (repeat > 0)
            add(&parts, (end - start) / 4);
    }
    snprintf(what, sizeof what, "figure %s,none,1,split,ns", name);
    tell(what, &parts);
}

// ---- rates of threads and processes

enum rate { PF1, MMAP1, MMAP2, DONTNEED1, MPROT1 };
static const char *const rate_names[] = {"pf1", "mmap1", "mmap2", "dontneed1", "mprot1"};
struct shared { atomic_int waiting; atomic_bool stop; double rates[2]; };
static struct shared *shared;
static enum rate rate;
static bool rate_of_processes;

static void go_round(int task, char *own) {
    const int both = PROT_READ | PROT_WRITE, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    size_t pages = rate == PF1 ? 1024 : rate == MMAP1 ? 32768 : 1;
    char *at = arena - pages * PAGE * (size_t)((rate_of_processes ? 0 : task) + 1);
    if (rate <= MMAP2) {
        if (mmap(at, pages * PAGE, both, anonymous, -1, 0) != at)
            fail("mmap of a task");
        if (rate == PF1)
            touch(at, pages, 1);
        if (rate == MMAP2)
            touch(at, 1, 1);
        munmap(at, pages * PAGE);
    } else if (rate == DONTNEED1) {
        touch(own, 1, 1);
        madvise(own, PAGE, MADV_DONTNEED);
    } else {
        mprotect(own, PAGE, PROT_READ);
        mprotect(own, PAGE, both);
        touch(own, 1, 1);
    }
}

static void *run_task(void *argument) {
    int task = (int)(intptr_t)argument;
    char *own = base + (size_t)((rate_of_processes ? 0 : task) * 8 + 1) * PAGE;
    long rounds = 0;
    pin(task == 0 ? first_cpu : second_cpu);
    hurry(true);
    touch(own - PAGE, 8, 1);
    shared->waiting--;
    while (shared->waiting > 0) {}
    double start = now(), time = start;
    while (time - start < 60e6) {
        go_round(task, own);
        rounds++;
        if (rounds % (rate == PF1 ? 1 : 16) == 0)
            time = now();
    }
    shared->rates[task] = (double)rounds * (rate == PF1 ? 1024 : 1) / (time - start) * 1e9;
    hurry(false);
    return NULL;
}

static void measure_rate(enum rate which, bool processes, int tasks) {
    struct sample rates = {0};
    char what[128];
    rate = which;
    rate_of_processes = processes;
    make_neighbour((size_t)(rate == PF1 ? 1024 : rate == MMAP1 ? 32768 : 1) * (size_t)(processes ? 1 : tasks));
    for (int repeat = 0; repeat < 7; repeat++) {
        shared->waiting = tasks;
        pthread_t threads[2];
        for (intptr_t task = 0; task < tasks; task++) {
            if (!processes) {
                if (pthread_create(&threads[task], NULL, run_task, (void *)task) != 0)
                    fail("pthread_create");
            } else if (fork() == 0) {
                run_task((void *)task);
                _exit(0);
            }
        }
        for (int task = 0; task < tasks; task++) {
            if (processes)
                wait(NULL);
            else
                pthread_join(threads[task], NULL);
        }
        add(&rates, shared->rates[0] + (tasks > 1 ? shared->rates[1] : 0));
        usleep(2000);
    }
    // The best of a rate is its largest.
    for (int i = 0; i < rates.count; i++)
        rates.values[i] = -rates.values[i];
    double best, median;
    summary(&rates, &best, &median);
    snprintf(what, sizeof what, "figure %s,%s,%d,rate,1/s", rate_names[which], processes ? "processes" : "threads", tasks);
    printf("%s %.1f %.1f\n", what, -best, -median);
    fflush(stdout);
}

// ---- a cache line between two processors

static struct { _Alignas(128) atomic_int turn; } line;

static void *answer(void *argument) {
    long rounds = (long)(intptr_t)argument;
    pin(second_cpu);
    hurry(true);
    for (long i = 0; i < rounds; i++) {
        while (line.turn != 1) {}
        line.turn = 0;
    }
    return NULL;
}

static void measure_line(const char *name) {
    struct sample times = {0};
    const long rounds = 20000;
    for (int repeat = 0; repeat < 9; repeat++) {
        pthread_t thread;
        line.turn = 0;
        if (pthread_create(&thread, NULL, answer, (void *)(intptr_t)rounds) != 0)
            fail("pthread_create");
        hurry(true);
        double start = 0;
        for (long i = 0; i < rounds; i++) {
            if (i == 1000)
                start = now();
            line.turn = 1;
            while (line.turn != 0) {}
        }
        add(&times, (now() - start) / (double)(rounds - 1000) / 2);
        hurry(false);
        pthread_join(thread, NULL);
    }
    tell(name, &times);
}

// A store to a fresh page and its MADV_DONTNEED, which interrupts a spinning thread: two of them differ by the way of the interrupt.
static void measure_flush(const char *name) {
    struct sample times = {0};
    struct beside beside;
    const long rounds = 2000;
    volatile char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        fail("mmap");
    begin_beside(&beside, SPIN);
    for (int repeat = 0; repeat < 9; repeat++) {
        hurry(true);
        double start = now();
        for (long i = 0; i < rounds; i++) {
            *page = 1;
            madvise((void *)page, PAGE, MADV_DONTNEED);
        }
        add(&times, (now() - start) / (double)rounds);
        hurry(false);
    }
    end_beside(&beside);
    munmap((void *)page, PAGE);
    tell(name, &times);
}

static void measure_distance(int far_cpu) {
    int near_cpu = second_cpu;
    measure_flush("value flush-near");
    second_cpu = far_cpu;
    measure_line("value line-transfer-remote");
    measure_flush("value flush-far");
    second_cpu = near_cpu;
}

// ---- pointer chases

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

// Links places in an order, and measures one access of going round them.
static void chase(char **places, size_t count, bool shuffles, struct sample *times) {
    for (size_t i = count - 1; shuffles && i > 0; i--) {
        size_t j = (size_t)(next_random() % (i + 1));
        char *swap = places[i];
        places[i] = places[j];
        places[j] = swap;
    }
    for (size_t i = 0; i < count; i++)
        *(char **)places[i] = places[(i + 1) % count];
    size_t steps = count * 4 < 24000 ? 24000 : count * 4;
    steps -= steps % 8;
    char *at = places[0];
    for (size_t i = 0; i < count * 2; i++)
        at = *(char *volatile *)at;
    hurry(true);
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double start = now();
        for (size_t i = 0; i < steps; i += 8) {
            at = *(char *volatile *)at; at = *(char *volatile *)at; at = *(char *volatile *)at; at = *(char *volatile *)at;
            at = *(char *volatile *)at; at = *(char *volatile *)at; at = *(char *volatile *)at; at = *(char *volatile *)at;
        }
        add(times, (now() - start) / (double)steps);
    }
    hurry(false);
    if (at == NULL)
        abort();
}

// The access beyond what the same number of cache lines in few pages takes: what the TLBs cost.
static void measure_point(const char *curve, size_t x, char *memory, size_t count, size_t stride, bool shuffles, char *dense) {
    static char *places[1 << 16];
    struct sample wide = {0}, narrow = {0};
    double low, middle, low_dense, middle_dense;
    for (size_t i = 0; i < count; i++)
        places[i] = memory + i * stride + (i % 64) * 64;
    chase(places, count, shuffles, &wide);
    for (size_t i = 0; i < count; i++)
        places[i] = dense + i * 64;
    chase(places, count, true, &narrow);
    summary(&wide, &low, &middle);
    summary(&narrow, &low_dense, &middle_dense);
    printf("point %s %zu %.4f %.4f\n", curve, x, low - low_dense, middle - low_dense);
    fflush(stdout);
}

static char *room(size_t bytes, int advice) {
    char *got = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED)
        return NULL;
    got = (char *)(((uintptr_t)got + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    madvise(got, bytes, advice);
    return got;
}

static bool has_huge_pages(char *memory) {
    char text[256];
    bool inside = false, found = false;
    FILE *file = fopen("/proc/self/smaps", "r");
    while (file != NULL && fgets(text, sizeof text, file) != NULL) {
        unsigned long from, to;
        long kilobytes;
        if (sscanf(text, "%lx-%lx ", &from, &to) == 2)
            inside = (uintptr_t)memory >= from && (uintptr_t)memory < to;
        else if (inside && sscanf(text, "AnonHugePages: %ld", &kilobytes) == 1)
            found = kilobytes > 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static void measure_tlb(void) {
    enum { MOST = 16384, MOST_HUGE = 256 };
    static const size_t steps[] = {192, 256, 384, 512, 640, 768, 896, 1024, 1152, 1280, 1408, 1536, 1664, 1792, 1920, 2048, 2304, 2560, 2816,
                                   3072, 3584, 4096, 5120, 6144, 8192};
    char *dense = room(HUGE * 2, MADV_HUGEPAGE);
    char *memory = room((size_t)MOST * PAGE * 16, MADV_NOHUGEPAGE);
    if (dense == NULL || memory == NULL) {
        printf("missing tlb: no memory for pointer chases\n");
        return;
    }
    touch(dense, HUGE * 2 / PAGE, 1);
    touch(memory, MOST, 1);
    for (size_t pages = 4; pages <= 160; pages += 4)
        measure_point("tlb-4k", pages, memory, pages, PAGE, true, dense);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        measure_point("tlb-4k", steps[i], memory, steps[i], PAGE, true, dense);
    measure_point("walk-random", 16384, memory, 16384, PAGE, true, dense);
    measure_point("walk-neighbours", 8192, memory, 8192, PAGE, false, dense);
    for (int shift = 4; shift <= 6; shift++) {
        char curve[32];
        snprintf(curve, sizeof curve, "ways-first-%d", 1 << shift);
        touch(memory, 24, (size_t)1 << shift);
        for (size_t pages = 2; pages <= 24; pages++)
            measure_point(curve, pages, memory, pages, (size_t)PAGE << shift, true, dense);
    }
    for (int shift = 9; shift <= 12; shift++) {
        char curve[32];
        snprintf(curve, sizeof curve, "ways-second-%d", 1 << shift);
        touch(memory, 64, (size_t)1 << shift);
        for (size_t pages = 8; pages <= 64; pages += 4)
            measure_point(curve, pages, memory, pages, (size_t)PAGE << shift, true, dense);
    }
    munmap(memory, (size_t)MOST * PAGE * 16);
    size_t free_pages = (size_t)sysconf(_SC_AVPHYS_PAGES), most = MOST_HUGE;
    while (most > 16 && most * (HUGE / PAGE) > free_pages / 2)
        most /= 2;
    memory = room(most * HUGE, MADV_HUGEPAGE);
    if (memory != NULL)
        touch(memory, most, HUGE / PAGE);
    if (memory == NULL || !has_huge_pages(memory)) {
        printf("missing tlb-2m: the kernel gives no huge pages (/sys/kernel/mm/transparent_hugepage/enabled)\n");
        return;
    }
    for (size_t pages = 4; pages <= 64 && pages <= most; pages += 4)
        measure_point("tlb-2m", pages, memory, pages, HUGE, true, dense);
    for (size_t pages = 96; pages <= most; pages += 32)
        measure_point("tlb-2m", pages, memory, pages, HUGE, true, dense);
    for (int shift = 2; shift <= 4; shift++) {
        char curve[32];
        snprintf(curve, sizeof curve, "ways-large-%d", 1 << shift);
        for (size_t pages = 2; pages <= 12 && (pages << shift) <= most; pages++)
            measure_point(curve, pages, memory, pages, HUGE << shift, true, dense);
    }
    munmap(memory, most * HUGE);
}

// ---- the rest

static void measure_clock(void) {
    struct sample reads = {0}, rates = {0};
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double start = now();
        for (int i = 0; i < 1000; i++)
            (void)now();
        add(&reads, (now() - start) / 1001);
        double from = now();
#if HAS_COUNTER
        unsigned long long counter = __rdtsc();
        while (now() - from < 10e6) {}
        add(&rates, (double)(__rdtsc() - counter) / (now() - from));
#else
        // A chain of additions takes one cycle each.
        unsigned long sum = 1;
        for (long i = 0; i < 4000000; i++)
            __asm__ volatile("" : "+r"(sum)), sum += (unsigned long)i;
        add(&rates, 4000000 / (now() - from));
#endif
    }
    double median;
    summary(&reads, &clock_read_ns, &median);
    tell("value clock-read", &reads);
    tell("value ghz", &rates);
}

// One protecting call for each number of pages: where the kernel begins to flush all, the time falls.
static void measure_ceiling(void) {
    const struct program *program = find("mprot-nt");
    make_neighbour(1);
    touch(buffer, 80, 1);
    for (size_t pages = 2; pages <= 80; pages++) {
        struct sample times = {0};
        char what[64];
        for (int repeat = 0; repeat < 7; repeat++) {
            double sums[PHASES] = {0};
            hurry(true);
            for (long i = 0; i < 40; i++)
                once(program, pages, i, sums);
            hurry(false);
            add(&times, sums[0] / 40);
        }
        snprintf(what, sizeof what, "point ceiling %zu", pages);
        tell(what, &times);
    }
}

static void measure_loops(void) {
    static const size_t sizes[] = {1, 2, 8, 16, 32, 64, 128, 256};
    static const char *const names[] = {"map0", "mmu", "shrd", "mprot", "mprot-nt", "dontneed", "free", "mremap", "brk"};
    measure("call", NONE, 64, NULL);
    for (size_t name = 0; name < sizeof names / sizeof *names; name++) {
        for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++) {
            measure(names[name], NONE, sizes[size], NULL);
            if (sizes[size] == 1 || sizes[size] == 8 || sizes[size] == 64 || sizes[size] == 256)
                measure(names[name], SPIN, sizes[size], strcmp(names[name], "dontneed") == 0 && sizes[size] == 1 ? "interrupt-loss" : NULL);
        }
    }
    measure("mmu", SLEEP, 8, NULL);
    measure("mprot", SLEEP, 64, NULL);
    measure("mmu", SYS, 8, NULL);
    measure("mmu", SYS, 64, NULL);
    for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size += size == 0 ? 2 : size == 2 ? 3 : 2) {
        measure("cow", NONE, sizes[size], NULL);
        measure("cowdead", NONE, sizes[size], NULL);
    }
    measure("cow", SPIN, 8, NULL);
    measure("cowdead", SPIN, 8, NULL);
}

static void make_file(void) {
    const size_t piece = 1 << 20;
    char *bytes = malloc(piece);
    scratch_fd = open(scratch, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    memset(bytes, 1, piece);
    for (int i = 0; i < 64 && scratch_fd >= 0; i++) {
        if (write(scratch_fd, bytes, piece) != (ssize_t)piece) {
            close(scratch_fd);
            scratch_fd = -1;
        }
    }
    free(bytes);
}

int main(int count, char **words) {
    if (count < 5) {
        fprintf(stderr, "usage: vmtcal FILE FIRST SECOND FAR [tlb|kernel]\n");
        return 2;
    }
    scratch = words[1];
    first_cpu = atoi(words[2]);
    second_cpu = atoi(words[3]);
    int far_cpu = atoi(words[4]);
    const char *only = count > 5 ? words[5] : "";
    pin(first_cpu);
    measure_clock();
    if (strcmp(only, "kernel") != 0)
        measure_tlb();
    if (strcmp(only, "tlb") == 0)
        return 0;
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    make_arena();
    make_neighbour(1);
    measure_ceiling();
    measure_loops();
    make_file();
    munmap(neighbour, NEIGHBOUR_PAGES * PAGE);
    neighbour = NULL;
    measure_touches();
    measure_part("thp-protect-part", 0);
    measure_part("thp-dontneed-part", 1);
    measure_part("thp-munmap-part", 2);
    measure_part("thp-fork-write-part", 3);
    if (second_cpu >= 0)
        measure_line("value line-transfer");
    if (second_cpu >= 0 && far_cpu >= 0)
        measure_distance(far_cpu);
    for (enum rate which = PF1; which <= MPROT1; which++) {
        for (int processes = 0; processes < 2; processes++) {
            measure_rate(which, processes, 1);
            if (second_cpu >= 0)
                measure_rate(which, processes, 2);
        }
    }
    return 0;
}
