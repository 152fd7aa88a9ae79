// QEMU user-mode plug-in (plug-in API version 1, system-call callbacks: QEMU 4.2 or later) that writes a page-level .vmt trace.
//   gcc -O2 -shared -fPIC -o vmtplug.so vmtplug.c
//   qemu-x86_64 -plugin ./vmtplug.so,out=FILE,sets=16 PROGRAM ARGUMENTS
// A forked child writes FILE.PID. A program that is executed goes on in the same file: the plug-in starts QEMU again for it.
// An instruction that loads and stores one place (inc, add to memory, xchg) counts as one store, as the processor asks for the right to write at once.
// References are collapsed per thread by a direct-mapped filter; what is pending in any thread is written before a memory call
// begins, and memory calls are serialised, so that the order of records is one in which every page is used while it is mapped.
// Once there are two threads, the first load and the first store of each page since its mapping changed are written at once, with all that the
// thread did before: so a page that one thread stores to before another loads from it is stored to first in the trace too.
// Then what a thread has pending is also written before each call, and a call in which it slept is a w record at its end: the kernel counts
// switches that a thread makes of its own will, from here to there. Waits for locks of this file lie outside, and calls on memory, threads and
// processes are left out: QEMU's own locks and those of this file are taken in them.
// From where memory calls are made: each thread has a stack of the return addresses of the calls that it is in, with the stack pointers at which they
// were pushed. A call and a return leave all that lies below their own stack pointer: so frames that a longjmp or an exception has left are gone too.
// A site is a g record with addresses, the innermost first, and an @ record names it before the call; stacks=0 leaves them out.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// the part of qemu-plugin.h that is used; distributions do not ship that header
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint32_t memory_info;
__attribute__((visibility("default"))) int qemu_plugin_version = 1;
void qemu_plugin_register_vcpu_init_cb(plugin_id, void (*)(plugin_id, unsigned));
void qemu_plugin_register_vcpu_exit_cb(plugin_id, void (*)(plugin_id, unsigned));
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, void (*)(unsigned, memory_info, uint64_t, void *), int, int, void *);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
void qemu_plugin_register_vcpu_syscall_ret_cb(plugin_id, void (*)(plugin_id, unsigned, int64_t, int64_t));
void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
bool qemu_plugin_mem_is_store(memory_info);
unsigned qemu_plugin_mem_size_shift(memory_info);

enum { MAX_THREADS = 4096, PENDING = 4096, MAX_SETS = 4096, OUT_BYTES = 1 << 18, MAX_FILES = 4096, MAX_WORDS = 12, MAX_SCRIPTS = 5, MAX_ARGUMENTS = 65536, NO_SLOT = -1, NO_THREAD = -1 };
enum { FETCH, LOAD, STORE };
enum { PLUGIN_MEM_R = 1, PLUGIN_MEM_W = 2, PLUGIN_MEM_RW = 3, PLUGIN_NO_REGS = 0 };

struct pending { uint64_t page, count; int kind; };

// a load that may turn out to be the first half of an instruction's read-modify-write; cmpxchg16b has two
enum { MAX_HELD = 4 };
struct held { uint64_t instruction, address; uint32_t size; };

enum { MAX_CALLS = 1024, SITE_FRAMES = 32, MAX_SITES = 1 << 16, SITE_SLOTS = 1 << 17 };

// one guest thread; the lock is taken by the thread itself for every reference, and by others only around memory calls
struct thread {
    pthread_mutex_t lock;
    int number, used, is_alive;
    uint64_t call[8];
    struct held held[MAX_HELD];
    int held_count;
    long switches;                  // of its own will, when the call that it is in began
    uint64_t began, waits_at;       // when that was, in nanoseconds; the futex that it waits at, 0 for none
    struct { uint64_t next, stack; } calls[MAX_CALLS];  // where calls go on, and where on the stack that stands, the outermost first
    int call_count;
    uint64_t at;                    // the last system-call instruction
    int woken_by;                   // the thread that woke its futex last, or ended meanwhile; NO_THREAD for none
    struct pending pending[PENDING];
    int fetch_slot[MAX_SETS], data_slot[MAX_SETS];
};

// a stretch of a translated block on one page
struct stretch { uint64_t page, instructions; };

// call sites that have records; out_lock
struct site { int number, count; uint64_t frames[SITE_FRAMES]; };
static struct site *sites[SITE_SLOTS];
static int site_count, site_base, has_stacks = 1;

// What threads have done with each page since its mapping changed, a byte a page, a leaf a GiB; user space has 47 bits.
enum { PAGE_BITS = 12, LEAF_BITS = 18, ROOT_BITS = 17, LEAF_PAGES = 1 << LEAF_BITS };
static uint8_t *used_pages[1 << ROOT_BITS];

static struct thread *threads[MAX_THREADS];
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER, call_lock = PTHREAD_MUTEX_INITIALIZER;
static char out_name[3100] = "vmtplug.vmt", family_name[3000], out_buffer[OUT_BYTES];
static char *files[MAX_FILES];
static int out_file = -1, out_used, out_thread = -1, sets = 16, thread_count, has_started, file_count, file_base, first_thread = -1;

static void out_flush(void) {
    for (int done = 0; done < out_used;) {
        ssize_t n = write(out_file, out_buffer + done, out_used - done);
        if (n <= 0) break;
        done += n;
    }
    out_used = 0;
}

static void out_line(const char *format, ...) {
    char line[4400];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (length >= (int)sizeof line) length = sizeof line - 1;
    if (out_used + length > OUT_BYTES) out_flush();
    memcpy(out_buffer + out_used, line, length);
    out_used += length;
}

static void out_header(const char *name) {
    out_line("# vmt 1 %s pagesize 4096 filter direct-mapped sets=%d (separate I and D)\n", name, sets);
}

static int file_id(const char *path) {
    for (int i = 0; i < file_count; i++) if (!strcmp(files[i], path)) return file_base + i + 1;
    if (file_count == MAX_FILES) return file_base + MAX_FILES;
    files[file_count++] = strdup(path);
    out_line("f %d %s\n", file_base + file_count, path);
    return file_base + file_count;
}

// What the guest has mapped before its first instruction. QEMU itself lies above 0x500000000000. QEMU takes the execute right from the guest's
// code on the host; private read-only file mappings get it back.
static void out_initial_maps(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4400], name[4200];
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long long start, end, offset, inode;
        char rights[8] = "", device[16];
        name[0] = 0;
        if (sscanf(line, "%llx-%llx %7s %llx %15s %llu %4199[^\n]", &start, &end, rights, &offset, device, &inode, name) < 6 || start >= 0x500000000000ull) continue;
        char *path = name + strspn(name, " ");
        if (strstr(path, "qemu-")) continue;
        int protection = (rights[0] == 'r') | (rights[1] == 'w') << 1 | (rights[2] == 'x') << 2;
        if (*path == '/') {
            if (protection == 1) protection = 5;
            int id = file_id(path);
            out_line("i %llx %llx %d 2 %d %llx\n", start, end - start, protection, id, offset);
        } else {
            out_line("i %llx %llx %d 22 - 0%s%s\n", start, end - start, protection, *path ? " " : "", path);
        }
    }
    if (maps) fclose(maps);
}

// out_lock held
static void out_use_thread(struct thread *t) {
    if (!has_started) { has_started = 1; out_initial_maps(); }
    if (out_thread != t->number) { out_thread = t->number; out_line("t %d\n", t->number); }
}

static void empty_filter(struct thread *t) {
    for (int i = 0; i < sets; i++) t->fetch_slot[i] = t->data_slot[i] = NO_SLOT;
    t->used = 0;
}

// t->lock held
static void write_records(struct thread *t) {
    if (t->used > 0) {
        pthread_mutex_lock(&out_lock);
        out_use_thread(t);
        for (int i = 0; i < t->used; i++) {
            struct pending *p = &t->pending[i];
            if (p->count == 1) out_line("%c %llx\n", "IRW"[p->kind], (unsigned long long)p->page);
            else out_line("%c %llx %llu\n", "IRW"[p->kind], (unsigned long long)p->page, (unsigned long long)p->count);
        }
        pthread_mutex_unlock(&out_lock);
    }
    empty_filter(t);
}

// whether no thread has loaded from the page (stored to it) since its mapping changed; marks it
static bool is_first(int kind, uint64_t page) {
    if (page >> (LEAF_BITS + ROOT_BITS)) return false;
    uint8_t **leaf = &used_pages[page >> LEAF_BITS], *pages = __atomic_load_n(leaf, __ATOMIC_ACQUIRE), bit = 1 << kind;
    if (!pages) {
        uint8_t *fresh = calloc(LEAF_PAGES, 1);
        if (!fresh) return false;
        if (__atomic_compare_exchange_n(leaf, &pages, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) pages = fresh;
        else free(fresh);
    }
    uint8_t *place = &pages[page & (LEAF_PAGES - 1)];
    return !(__atomic_load_n(place, __ATOMIC_RELAXED) & bit) && !(__atomic_fetch_or(place, bit, __ATOMIC_RELAXED) & bit);
}

// the mapping of a range changes
static void forget_uses(uint64_t start, uint64_t length) {
    uint64_t page = start >> PAGE_BITS, end = (start + length + (1 << PAGE_BITS) - 1) >> PAGE_BITS, limit = 1ull << (LEAF_BITS + ROOT_BITS);
    if (end > limit || end < page) end = limit;
    while (page < end) {
        uint64_t leaf_end = (page | (LEAF_PAGES - 1)) + 1, stop = leaf_end < end ? leaf_end : end;
        uint8_t *pages = __atomic_load_n(&used_pages[page >> LEAF_BITS], __ATOMIC_ACQUIRE);
        if (pages) memset(pages + (page & (LEAF_PAGES - 1)), 0, stop - page);
        page = stop;
    }
}

// t->lock held
static void refer(struct thread *t, int kind, uint64_t page, uint64_t count) {
    int *slot = &(kind == FETCH ? t->fetch_slot : t->data_slot)[page & (sets - 1)];
    struct pending *last = *slot == NO_SLOT ? NULL : &t->pending[*slot];
    if (last && last->page == page && (kind != STORE || last->kind == STORE)) {
        last->count += count;
        return;
    }
    if (t->used == PENDING) write_records(t);
    *slot = t->used;
    t->pending[t->used++] = (struct pending){page, count, kind};
    if (thread_count > 1 && kind != FETCH && is_first(kind, page)) write_records(t);
}

// t->lock held
static void refer_data(struct thread *t, int kind, uint64_t address, uint32_t size) {
    uint64_t page = address >> 12, last = (address + size - 1) >> 12;
    refer(t, kind, page, 1);
    if (last != page) refer(t, kind, last, 1);
}

// t->lock held: what was held are loads after all
static void release_held(struct thread *t) {
    for (int i = 0; i < t->held_count; i++) refer_data(t, LOAD, t->held[i].address, t->held[i].size);
    t->held_count = 0;
}

// t->lock held: whether the instruction has just loaded what it stores to; that load is no longer held
static bool take_held(struct thread *t, struct held store) {
    for (int i = 0; i < t->held_count; i++) {
        struct held *load = &t->held[i];
        if (load->instruction == store.instruction && load->address == store.address && load->size == store.size) {
            t->held[i] = t->held[--t->held_count];
            return true;
        }
    }
    return false;
}

// t->lock held
static void write_pending(struct thread *t) {
    release_held(t);
    write_records(t);
}

static void write_all_pending(void) {
    for (int i = 0; i < MAX_THREADS; i++) {
        struct thread *t = threads[i];
        if (!t || !t->is_alive) continue;
        pthread_mutex_lock(&t->lock);
        write_pending(t);
        pthread_mutex_unlock(&t->lock);
    }
}

static struct thread *thread_of(unsigned vcpu) {
    struct thread *t = threads[vcpu % MAX_THREADS];
    if (t && t->is_alive) return t;
    pthread_mutex_lock(&out_lock);
    if (!t) {
        t = calloc(1, sizeof *t);
        pthread_mutex_init(&t->lock, NULL);
    }
    t->number = first_thread >= 0 ? first_thread : thread_count++;
    first_thread = -1;
    t->is_alive = 1;
    t->call_count = 0;
    t->waits_at = 0;
    empty_filter(t);
    threads[vcpu % MAX_THREADS] = t;
    pthread_mutex_unlock(&out_lock);
    return t;
}

static void leave_below(struct thread *t, uint64_t stack) {
    while (t->call_count > 0 && t->calls[t->call_count - 1].stack <= stack) t->call_count--;
}

// A call through memory also loads where it goes, and QEMU 7.2 tells of the load too though stores were asked for: its address is none of the stack.
static void on_call_instruction(unsigned vcpu, memory_info info, uint64_t stack, void *next) {
    struct thread *t = thread_of(vcpu);
    if (!qemu_plugin_mem_is_store(info)) return;
    leave_below(t, stack);
    if (t->call_count == MAX_CALLS) {
        t->call_count = MAX_CALLS / 2;
        memmove(t->calls, t->calls + MAX_CALLS / 2, sizeof t->calls / 2);
    }
    t->calls[t->call_count].next = (uintptr_t)next;
    t->calls[t->call_count++].stack = stack;
}

static void on_return_instruction(unsigned vcpu, memory_info info, uint64_t stack, void *data) { leave_below(thread_of(vcpu), stack); }

static void on_system_call_instruction(unsigned vcpu, void *data) { thread_of(vcpu)->at = (uintptr_t)data; }

enum instruction { OTHER_INSTRUCTION, CALL_INSTRUCTION, RETURN_INSTRUCTION, SYSTEM_CALL_INSTRUCTION };

// E8, FF /2, C3, C2 and 0F 05 behind any prefixes (Intel SDM, volume 2)
static enum instruction kind_of(const uint8_t *bytes, size_t count) {
    size_t i = 0;
    while (i < count && (bytes[i] == 0x66 || bytes[i] == 0xF2 || bytes[i] == 0xF3 || bytes[i] == 0x2E || bytes[i] == 0x3E || (bytes[i] & 0xF0) == 0x40)) i++;
    if (i >= count) return OTHER_INSTRUCTION;
    if (bytes[i] == 0xE8 || (bytes[i] == 0xFF && i + 1 < count && ((bytes[i + 1] >> 3) & 7) == 2)) return CALL_INSTRUCTION;
    if (bytes[i] == 0xC3 || bytes[i] == 0xC2) return RETURN_INSTRUCTION;
    return bytes[i] == 0x0F && i + 1 < count && bytes[i + 1] == 0x05 ? SYSTEM_CALL_INSTRUCTION : OTHER_INSTRUCTION;
}

static void follow_calls(struct qemu_plugin_insn *instruction) {
    uint64_t address = qemu_plugin_insn_vaddr(instruction), next = address + qemu_plugin_insn_size(instruction);
    switch (kind_of(qemu_plugin_insn_data(instruction), qemu_plugin_insn_size(instruction))) {
        case CALL_INSTRUCTION: qemu_plugin_register_vcpu_mem_cb(instruction, on_call_instruction, PLUGIN_NO_REGS, PLUGIN_MEM_W, (void *)(uintptr_t)next); break;
        case RETURN_INSTRUCTION: qemu_plugin_register_vcpu_mem_cb(instruction, on_return_instruction, PLUGIN_NO_REGS, PLUGIN_MEM_R, NULL); break;
        case SYSTEM_CALL_INSTRUCTION: qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_system_call_instruction, PLUGIN_NO_REGS, (void *)(uintptr_t)address); break;
        default: break;
    }
}

// out_lock held: says from where the thread makes the call that is written next
static void write_site(struct thread *t) {
    struct site here = {0};
    uint64_t hash = 14695981039346656037u;
    if (!has_stacks) return;
    here.frames[here.count++] = t->at;
    for (int i = t->call_count - 1; i >= 0 && here.count < SITE_FRAMES; i--) here.frames[here.count++] = t->calls[i].next;
    for (int i = 0; i < here.count; i++) hash = (hash ^ here.frames[i]) * 1099511628211u;
    uint64_t slot = (hash ^ hash >> 32) % SITE_SLOTS;
    while (sites[slot] && (sites[slot]->count != here.count || memcmp(sites[slot]->frames, here.frames, sizeof here.frames))) slot = (slot + 1) % SITE_SLOTS;
    if (!sites[slot]) {
        if (site_count == MAX_SITES || !(sites[slot] = malloc(sizeof here))) return;
        here.number = site_base + ++site_count;
        *sites[slot] = here;
        char line[SITE_FRAMES * 18 + 32];
        int used = snprintf(line, sizeof line, "g %d", here.number);
        for (int i = 0; i < here.count; i++) used += snprintf(line + used, sizeof line - used, "%c%llx", i ? ';' : ' ', (unsigned long long)here.frames[i]);
        out_line("%s\n", line);
    }
    out_line("@ %d\n", sites[slot]->number);
}

static void on_fetch(unsigned vcpu, void *data) {
    struct stretch *s = data;
    struct thread *t = thread_of(vcpu);
    pthread_mutex_lock(&t->lock);
    release_held(t);
    refer(t, FETCH, s->page, s->instructions);
    pthread_mutex_unlock(&t->lock);
}

// QEMU reports the load and the store of a read-modify-write one after the other, and of an atomic one both at once, as a store.
static void on_memory(unsigned vcpu, memory_info info, uint64_t address, void *data) {
    struct thread *t = thread_of(vcpu);
    struct held access = {(uintptr_t)data, address, 1u << qemu_plugin_mem_size_shift(info)};
    pthread_mutex_lock(&t->lock);
    if (!qemu_plugin_mem_is_store(info)) {
        if (t->held_count == MAX_HELD || (t->held_count > 0 && t->held[0].instruction != access.instruction)) release_held(t);
        t->held[t->held_count++] = access;
    } else {
        if (!take_held(t, access)) release_held(t);
        refer_data(t, STORE, address, access.size);
    }
    pthread_mutex_unlock(&t->lock);
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *block) {
    struct stretch *s = NULL;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        uint64_t page = qemu_plugin_insn_vaddr(instruction) >> 12;
        if (!s || s->page != page) {
            s = calloc(1, sizeof *s);
            s->page = page;
            if (i == 0) qemu_plugin_register_vcpu_tb_exec_cb(block, on_fetch, PLUGIN_NO_REGS, s);
            else qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_fetch, PLUGIN_NO_REGS, s);
        }
        s->instructions++;
        if (has_stacks) follow_calls(instruction);
        qemu_plugin_register_vcpu_mem_cb(instruction, on_memory, PLUGIN_NO_REGS, PLUGIN_MEM_RW, (void *)(uintptr_t)qemu_plugin_insn_vaddr(instruction));
    }
}

// x86-64 system-call numbers (arch/x86/entry/syscalls/syscall_64.tbl)
enum { SYS_READ = 0, SYS_WRITE = 1, SYS_MMAP = 9, SYS_MPROTECT = 10, SYS_MUNMAP = 11, SYS_BRK = 12, SYS_PREAD = 17, SYS_PWRITE = 18, SYS_MREMAP = 25,
       SYS_MADVISE = 28, SYS_SENDTO = 44, SYS_RECVFROM = 45, SYS_CLONE = 56, SYS_FORK = 57, SYS_VFORK = 58, SYS_EXECVE = 59, SYS_EXECVEAT = 322, SYS_CLONE3 = 435,
       SYS_EXIT = 60, SYS_FUTEX = 202, SYS_WAIT4 = 61, SYS_WAITID = 247, SYS_NANOSLEEP = 35, SYS_CLOCK_NANOSLEEP = 230 };
enum { MAP_IS_ANONYMOUS = 0x20, CLONE_IS_THREAD = 0x10000 };

static bool is_memory_call(int64_t n) { return n == SYS_MMAP || n == SYS_MPROTECT || n == SYS_MUNMAP || n == SYS_BRK || n == SYS_MREMAP || n == SYS_MADVISE; }

static bool is_fork(int64_t n, const uint64_t *a) {
    if (n == SYS_FORK || n == SYS_VFORK) return true;
    if (n == SYS_CLONE) return !(a[0] & CLONE_IS_THREAD);
    return n == SYS_CLONE3 && !(*(uint64_t *)a[0] & CLONE_IS_THREAD);
}

// the calls in which threads sleep most; others are named by their numbers
static const char *const call_names[] = {
    [0] = "read", [1] = "write", [3] = "close", [7] = "poll", [16] = "ioctl", [17] = "pread64", [18] = "pwrite64", [19] = "readv", [20] = "writev",
    [23] = "select", [34] = "pause", [35] = "nanosleep", [42] = "connect", [43] = "accept", [44] = "sendto", [45] = "recvfrom", [46] = "sendmsg",
    [47] = "recvmsg", [61] = "wait4", [65] = "semop", [69] = "msgsnd", [70] = "msgrcv", [72] = "fcntl", [73] = "flock", [74] = "fsync",
    [75] = "fdatasync", [128] = "rt_sigtimedwait", [130] = "rt_sigsuspend", [202] = "futex", [208] = "io_getevents", [220] = "semtimedop",
    [230] = "clock_nanosleep", [232] = "epoll_wait", [242] = "mq_timedsend", [243] = "mq_timedreceive", [247] = "waitid", [270] = "pselect6",
    [271] = "ppoll", [281] = "epoll_pwait", [288] = "accept4", [295] = "preadv", [296] = "pwritev", [299] = "recvmmsg", [307] = "sendmmsg",
    [333] = "io_pgetevents", [426] = "io_uring_enter", [441] = "epoll_pwait2", [449] = "futex_waitv", [455] = "futex_wait",
};

static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// switches of the calling thread that it made of its own will
static long own_switches(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_nvcsw;
}

// A thread wakes a futex, or ends: those that wait there may be awake by that. Which of them the kernel takes does not matter: one that sleeps on
// is woken by another one later, or by none.
static void wake(struct thread *waker, uint64_t address) {
    for (int i = 0; i < thread_count && i < MAX_THREADS; i++) {
        struct thread *t = threads[i];
        uint64_t at = t && t != waker && t->is_alive ? __atomic_load_n(&t->waits_at, __ATOMIC_RELAXED) : 0;
        bool is_met = address ? at == address : at && __atomic_load_n(&t->woken_by, __ATOMIC_RELAXED) == NO_THREAD;
        if (is_met) __atomic_store_n(&t->woken_by, waker->number, __ATOMIC_RELAXED);
    }
}

// futex operations (include/uapi/linux/futex.h)
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE = 4, FUTEX_WAKE_OP = 5, FUTEX_LOCK_PI = 6, FUTEX_UNLOCK_PI = 7,
       FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET = 10, FUTEX_WAIT_REQUEUE_PI = 11, FUTEX_LOCK_PI2 = 13, FUTEX_OPERATION = 127 };

static void note_futex(struct thread *t) {
    switch (t->call[1] & FUTEX_OPERATION) {
        case FUTEX_WAIT: case FUTEX_WAIT_BITSET: case FUTEX_LOCK_PI: case FUTEX_LOCK_PI2: case FUTEX_WAIT_REQUEUE_PI:
            __atomic_store_n(&t->woken_by, NO_THREAD, __ATOMIC_RELAXED);
            __atomic_store_n(&t->waits_at, t->call[0], __ATOMIC_RELAXED);
            break;
        case FUTEX_WAKE_OP:
            wake(t, t->call[4]);
            wake(t, t->call[0]);
            break;
        case FUTEX_WAKE: case FUTEX_WAKE_BITSET: case FUTEX_REQUEUE: case FUTEX_CMP_REQUEUE: case FUTEX_UNLOCK_PI:
            wake(t, t->call[0]);
            break;
    }
}

// A call begins in which the thread may sleep, or by which it may wake another: what it did before stands before that.
static void begin_call(struct thread *t, int64_t n) {
    if (thread_count > 1) {
        pthread_mutex_lock(&t->lock);
        write_pending(t);
        pthread_mutex_unlock(&t->lock);
    }
    if (n == SYS_FUTEX) note_futex(t);
    else if (n == SYS_EXIT) wake(t, 0);
    t->began = nanoseconds();
    t->switches = own_switches();
}

// Whether what ended a sleep lies outside of the process: its time was over, or it waited for another process.
static bool is_outside(int64_t n, int64_t result) {
    enum { EAGAIN_ANSWER = -11, ETIMEDOUT_ANSWER = -110 };
    if (n == SYS_NANOSLEEP || n == SYS_CLOCK_NANOSLEEP) return result == 0;
    if (n == SYS_WAIT4 || n == SYS_WAITID) return true;
    bool polls = n == 7 || n == 23 || n == 232 || n == 270 || n == 271 || n == 281 || n == 441;
    return (polls && result == 0) || (n == SYS_FUTEX && result == ETIMEDOUT_ANSWER) || (n == 128 && result == EAGAIN_ANSWER);
}

// A call has ended that began with begin_call. Nothing may come before this: a lock would count as sleep.
static void end_call(struct thread *t, int64_t n, int64_t result) {
    long switches = own_switches();
    uint64_t ended = nanoseconds();
    __atomic_store_n(&t->waits_at, 0, __ATOMIC_RELAXED);
    if (switches == t->switches) return;
    const char *name = n >= 0 && n < (int64_t)(sizeof call_names / sizeof *call_names) ? call_names[n] : NULL;
    char number[32], waker[16] = "*";
    snprintf(number, sizeof number, "syscall_%lld", (long long)n);
    int woken_by = n == SYS_FUTEX ? __atomic_load_n(&t->woken_by, __ATOMIC_RELAXED) : NO_THREAD;
    if (is_outside(n, result)) strcpy(waker, "-");
    else if (woken_by != NO_THREAD) snprintf(waker, sizeof waker, "%d", woken_by);
    pthread_mutex_lock(&t->lock);
    write_pending(t);
    pthread_mutex_unlock(&t->lock);
    pthread_mutex_lock(&out_lock);
    out_use_thread(t);
    out_line("w %s %llu %s\n", name ? name : number, (unsigned long long)(ended - t->began), waker);
    pthread_mutex_unlock(&out_lock);
}

// whether begin_call and end_call stand around a call
static bool is_measured(int64_t n, const uint64_t *a) {
    return !is_memory_call(n) && !is_fork(n, a) && n != SYS_CLONE && n != SYS_CLONE3 && n != SYS_EXECVE && n != SYS_EXECVEAT;
}

// What the kernel would start: the ELF program at the end of a chain of scripts. Fills the words that stand before the program's own arguments and
// gives their number; 0 when the call will fail, -1 when the program is not one for this QEMU.
static int resolve(const char *path, char words[MAX_WORDS][4200]) {
    static char head[512];
    int used = 0;
    snprintf(words[0], sizeof words[0], "%s", path);
    for (int depth = 0; depth < MAX_SCRIPTS; depth++) {
        int file = access(words[0], X_OK) ? -1 : open(words[0], O_RDONLY | O_CLOEXEC);
        if (file < 0) return depth == 0 && access(words[0], X_OK) == 0 ? -1 : 0;
        ssize_t length = read(file, head, sizeof head - 1);
        close(file);
        if (length < 20) return 0;
        head[length] = 0;
        if (!memcmp(head, "\177ELF", 4)) return head[4] == 2 && head[18] == 62 ? used + 1 : -1;
        if (memcmp(head, "#!", 2)) return 0;
        head[strcspn(head, "\n")] = 0;
        char *interpreter = head + 2 + strspn(head + 2, " \t"), *argument = interpreter + strcspn(interpreter, " \t");
        if (*argument) *argument++ = 0;
        argument += strspn(argument, " \t");
        for (size_t end = strlen(argument); end > 0 && strchr(" \t\r", argument[end - 1]); ) argument[--end] = 0;
        int added = *argument ? 2 : 1;
        if (!*interpreter || used + added + 1 >= MAX_WORDS) return -1;
        for (int i = used; i >= 0; i--) memcpy(words[i + added], words[i], sizeof words[i]);
        snprintf(words[0], sizeof words[0], "%s", interpreter);
        if (added == 2) snprintf(words[1], sizeof words[1], "%s", argument);
        used += added;
    }
    return 0;
}

// Starts QEMU with this plug-in again for the program that a thread executes, in the same process; the trace goes on in the same file. Returns only when
// the call is left to QEMU: because it will fail, or because the program cannot be followed, which the trace then says.
static void execute(struct thread *t, int64_t n) {
    static char words[MAX_WORDS][4200], options[9000], *arguments[MAX_ARGUMENTS];
    uint64_t *a = t->call + (n == SYS_EXECVEAT);
    char *path = (char *)a[0], **old = (char **)a[1], **environment = (char **)a[2];
    bool is_known = path && *path && old && (n == SYS_EXECVE || *path == '/' || (int)t->call[0] == AT_FDCWD);
    int before = is_known ? resolve(path, words) : -1, count = 0, old_count = 0;
    Dl_info self;
    if (before == 0) return;
    while (is_known && old[old_count]) old_count++;
    write_all_pending();
    pthread_mutex_lock(&out_lock);
    out_use_thread(t);
    if (before < 0 || old_count + before + 8 > MAX_ARGUMENTS || !dladdr(&files, &self)) {
        out_line("# exec: what runs from here is not in this trace\n");
        out_flush();
        pthread_mutex_unlock(&out_lock);
        return;
    }
    snprintf(options, sizeof options, "%s,out=%s,family=%s,sets=%d,thread=%d,threads=%d,files=%d,sites=%d,stacks=%d", self.dli_fname, out_name, family_name, sets, t->number,
             thread_count, file_base + file_count, site_base + site_count, has_stacks);
    arguments[count++] = "qemu-x86_64";
    arguments[count++] = "-plugin";
    arguments[count++] = options;
    if (before == 1 && old_count > 0) {
        arguments[count++] = "-0";
        arguments[count++] = old[0];
    }
    for (int i = 0; i < before; i++) arguments[count++] = words[i];
    for (int i = 1; i < old_count; i++) arguments[count++] = old[i];
    arguments[count] = NULL;
    for (int i = 0; i < MAX_THREADS; i++) if (threads[i] && threads[i] != t && threads[i]->is_alive && threads[i]->number) out_line("x %d\n", threads[i]->number);
    out_line("k exec\n");
    out_flush();
    execve("/proc/self/exe", arguments, environment ? environment : (char *[]){NULL});
    out_line("# exec: QEMU cannot be started again\n");
    pthread_mutex_unlock(&out_lock);
}

static void on_call(plugin_id id, unsigned vcpu, int64_t n, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
    struct thread *t = thread_of(vcpu);
    uint64_t arguments[8] = {a, b, c, d, e, f, g, h};
    memcpy(t->call, arguments, sizeof arguments);
    if (is_memory_call(n)) {
        pthread_mutex_lock(&call_lock);
        write_all_pending();
    } else if (is_fork(n, t->call)) {
        write_all_pending();
        pthread_mutex_lock(&call_lock);
        pthread_mutex_lock(&out_lock);
        out_flush();
    } else if (n == SYS_EXECVE || n == SYS_EXECVEAT) {
        execute(t, n);
    } else if (n == SYS_CLONE || n == SYS_CLONE3) {
        pthread_mutex_lock(&t->lock);
        write_pending(t);
        pthread_mutex_unlock(&t->lock);
    } else {
        begin_call(t, n);
    }
}

static void begin_child(unsigned vcpu) {
    struct thread *own = threads[vcpu % MAX_THREADS];
    for (int i = 0; i < MAX_THREADS; i++) if (threads[i]) threads[i]->is_alive = threads[i] == own;
    own->number = 0;
    thread_count = 1;
    out_thread = -1;
    out_used = 0;
    file_count = 0;
    for (int i = 0; i < SITE_SLOTS; i++) {
        free(sites[i]);
        sites[i] = NULL;
    }
    site_count = site_base = 0;
    has_started = 1;
    file_base = 0;
    snprintf(out_name, sizeof out_name, "%s.%d", family_name, (int)getpid());
    close(out_file);
    out_file = open(out_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    out_header("child");
}

static void write_map(uint64_t *a, uint64_t result) {
    char link[64], path[4200];
    int file = 0;
    if (!(a[3] & MAP_IS_ANONYMOUS)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", (int)a[4]);
        ssize_t length = readlink(link, path, sizeof path - 1);
        path[length > 0 ? length : 0] = 0;
        file = file_id(length > 0 ? path : "unknown");
    }
    if (file) out_line("m %llx %llx %d %llx %d %llx\n", (unsigned long long)result, (unsigned long long)a[1], (int)a[2] & 7, (unsigned long long)a[3], file, (unsigned long long)a[5]);
    else out_line("m %llx %llx %d %llx - 0\n", (unsigned long long)result, (unsigned long long)a[1], (int)a[2] & 7, (unsigned long long)a[3]);
}

static void write_memory_call(struct thread *t, int64_t n, uint64_t *a, int64_t result) {
    bool is_error = result < 0 && result > -4096;
    unsigned long long x = a[0], y = a[1], z = a[2];
    static uint64_t last_break;
    if (n == SYS_BRK) {
        uint64_t low = (uint64_t)result < last_break ? (uint64_t)result : last_break;
        if (last_break) forget_uses(low, (uint64_t)result + last_break - 2 * low);
        last_break = result;
        write_site(t);
        out_line("b %llx\n", (unsigned long long)result);
        return;
    }
    if (is_error) return;
    forget_uses(n == SYS_MMAP ? (uint64_t)result : x, y);
    if (n == SYS_MREMAP) forget_uses(result, z);
    write_site(t);
    if (n == SYS_MMAP) write_map(a, result);
    else if (n == SYS_MUNMAP) out_line("u %llx %llx\n", x, y);
    else if (n == SYS_MPROTECT && y) out_line("p %llx %llx %d\n", x, y, (int)z & 7);
    else if (n == SYS_MADVISE && y) out_line("d %llx %llx %d\n", x, y, (int)z);
    else if (n == SYS_MREMAP && y && z) out_line("r %llx %llx %llx %llx %llx\n", x, y, z, (unsigned long long)a[3], (unsigned long long)result);
}

static void on_return(plugin_id id, unsigned vcpu, int64_t n, int64_t result) {
    struct thread *t = thread_of(vcpu);
    if (is_measured(n, t->call)) end_call(t, n, result);
    if (is_memory_call(n)) {
        pthread_mutex_lock(&t->lock);
        write_pending(t);
        pthread_mutex_unlock(&t->lock);
        pthread_mutex_lock(&out_lock);
        out_use_thread(t);
        write_memory_call(t, n, t->call, result);
        out_flush(); // what kills the program leaves all that came before its last call on memory
        pthread_mutex_unlock(&out_lock);
        pthread_mutex_unlock(&call_lock);
    } else if (is_fork(n, t->call)) {
        if (result == 0) begin_child(vcpu);
        else if (result > 0) { out_use_thread(t); out_line("k fork %lld\n", (long long)result); }
        pthread_mutex_unlock(&out_lock);
        pthread_mutex_unlock(&call_lock);
    } else {
        bool is_thread = (n == SYS_CLONE || n == SYS_CLONE3) && result > 0;
        bool reads = n == SYS_WRITE || n == SYS_PWRITE || n == SYS_SENDTO, writes = n == SYS_READ || n == SYS_PREAD || n == SYS_RECVFROM;
        if (!is_thread && !((reads || writes) && result > 0)) return;
        pthread_mutex_lock(&t->lock);
        write_pending(t);
        pthread_mutex_unlock(&t->lock);
        pthread_mutex_lock(&out_lock);
        out_use_thread(t);
        if (is_thread) out_line("n %llx\n", (long long)result);
        else out_line("s %llx %llx %c\n", (unsigned long long)t->call[1], (long long)result, writes ? 'W' : 'R');
        pthread_mutex_unlock(&out_lock);
    }
}

static void on_thread_start(plugin_id id, unsigned vcpu) { thread_of(vcpu); }

static void on_thread_end(plugin_id id, unsigned vcpu) {
    struct thread *t = threads[vcpu % MAX_THREADS];
    if (!t || !t->is_alive) return;
    pthread_mutex_lock(&t->lock);
    write_pending(t);
    t->is_alive = 0;
    pthread_mutex_unlock(&t->lock);
    if (t->number == 0) return;
    pthread_mutex_lock(&out_lock);
    out_line("x %d\n", t->number);
    pthread_mutex_unlock(&out_lock);
}

static void on_end(plugin_id id, void *data) {
    write_all_pending();
    pthread_mutex_lock(&out_lock);
    out_flush();
    pthread_mutex_unlock(&out_lock);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int count, char **options) {
    const char *name = "program";
    bool goes_on = false;
    for (int i = 0; i < count; i++) {
        if (!strncmp(options[i], "out=", 4)) snprintf(out_name, sizeof out_name, "%s", options[i] + 4);
        if (!strncmp(options[i], "sets=", 5)) sets = atoi(options[i] + 5);
        if (!strncmp(options[i], "name=", 5)) name = options[i] + 5;
        if (!strncmp(options[i], "family=", 7)) { goes_on = true; snprintf(family_name, sizeof family_name, "%s", options[i] + 7); }
        if (!strncmp(options[i], "thread=", 7)) first_thread = atoi(options[i] + 7);
        if (!strncmp(options[i], "threads=", 8)) thread_count = atoi(options[i] + 8);
        if (!strncmp(options[i], "files=", 6)) file_base = atoi(options[i] + 6);
        if (!strncmp(options[i], "sites=", 6)) site_base = atoi(options[i] + 6);
        if (!strncmp(options[i], "stacks=", 7)) has_stacks = atoi(options[i] + 7);
    }
    if (!goes_on) snprintf(family_name, sizeof family_name, "%s", out_name);
    out_file = open(out_name, O_WRONLY | O_CREAT | (goes_on ? O_APPEND : O_TRUNC) | O_CLOEXEC, 0644);
    if (out_file < 0 || sets < 1 || sets > MAX_SETS || (sets & (sets - 1))) return 1;
    if (!goes_on) out_header(name);
    qemu_plugin_register_vcpu_init_cb(id, on_thread_start);
    qemu_plugin_register_vcpu_exit_cb(id, on_thread_end);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_vcpu_syscall_cb(id, on_call);
    qemu_plugin_register_vcpu_syscall_ret_cb(id, on_return);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
