// Runs a program and writes what the kernel says of its memory, /proc/PID/smaps, for it and all that it starts:
//   gcc -O2 -o vmtmaps vmtmaps.c
//   vmtmaps OUT CALLS PROGRAM ARGUMENTS
// A snapshot is taken when a program has begun (before its first brk or arch_prctl, one of which every C library and Go calls first), before a program is replaced by exec, when a process ends by itself,
// and before each call that CALLS names, separated by commas ("-" for none).
// A seccomp filter stops the process at those calls and tells this program (seccomp_unotify(2), Linux 5.5), which lets the call go on when
// it has read. So the program may be strace or perf: what they record is the same run.
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CALLS = 64, MAX_PROCESSES = 1 << 16 };

struct call { const char *name; int number, number32; };

// number32: the same call of a 32-bit program (arch/x86/entry/syscalls/syscall_32.tbl); -1 for none
static const struct call known[] = {
    {"mmap", SYS_mmap, 192}, {"munmap", SYS_munmap, 91}, {"mprotect", SYS_mprotect, 125}, {"mremap", SYS_mremap, 163},
    {"madvise", SYS_madvise, 219}, {"mlock", SYS_mlock, 150}, {"munlock", SYS_munlock, 151}, {"mlockall", SYS_mlockall, 152},
    {"munlockall", SYS_munlockall, 153}, {"msync", SYS_msync, 144}, {"shmat", SYS_shmat, 397}, {"shmdt", SYS_shmdt, 398},
    {"remap_file_pages", SYS_remap_file_pages, 257}, {"pkey_mprotect", SYS_pkey_mprotect, 380}, {"clone", SYS_clone, 120},
    {"fork", SYS_fork, 2}, {"vfork", SYS_vfork, 190}, {"clone3", SYS_clone3, 435},
};
static const struct call always[] = {
    {"brk", SYS_brk, 45}, {"exit", SYS_exit, 1}, {"exit_group", SYS_exit_group, 252}, {"execve", SYS_execve, 11},
    {"execveat", SYS_execveat, 358}, {"arch_prctl", SYS_arch_prctl, 384},
};
enum { KNOWN = sizeof known / sizeof *known, ALWAYS = sizeof always / sizeof *always };

static struct call wanted[MAX_CALLS];
static int wanted_count;
static bool is_brk_wanted;
static FILE *out;
static struct { pid_t id; bool has_begun; } processes[MAX_PROCESSES];

static void fail(const char *what) {
    fprintf(stderr, "vmtmaps: %s: %s\n", what, strerror(errno));
    exit(127);
}

static void read_names(char *names) {
    memcpy(wanted, always, sizeof always);
    wanted_count = ALWAYS;
    if (!strcmp(names, "-")) return;
    for (char *name = strtok(names, ","); name; name = strtok(NULL, ",")) {
        bool is_known = !strcmp(name, "brk");
        is_brk_wanted |= is_known;
        for (int i = 0; i < KNOWN && !is_known; i++)
            if (!strcmp(name, known[i].name)) { wanted[wanted_count++] = known[i]; is_known = true; }
        if (!is_known || wanted_count == MAX_CALLS) {
            fprintf(stderr, "vmtmaps: %s is no call that snapshots can be taken at; these can be: brk", name);
            for (int i = 0; i < KNOWN; i++) fprintf(stderr, ",%s", known[i].name);
            fputc('\n', stderr);
            exit(126);
        }
    }
}

// What the filter does: a wanted call of either table is told, any other is allowed.
static int install_filter(void) {
    static struct sock_filter code[2 * MAX_CALLS + 8];
    int n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, wanted_count + 2);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < wanted_count; i++) code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted[i].number, 2 * wanted_count - i + 2, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < wanted_count; i++) code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted[i].number32, wanted_count - i, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog filter = {n, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
}

static void send_file(int socket, int file) {
    char byte = 0, control[CMSG_SPACE(sizeof file)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof file)};
    memcpy(CMSG_DATA(head), &file, sizeof file);
    if (sendmsg(socket, &message, 0) != 1) fail("sendmsg");
}

static int receive_file(int socket) {
    int file = -1;
    char byte, control[CMSG_SPACE(sizeof file)];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message)) memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof file);
    return file;
}

static long status_field(pid_t thread, const char *name) {
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/status", thread);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status)) if (!strncmp(line, name, strlen(name))) value = atol(line + strlen(name));
    if (status) fclose(status);
    return value;
}

// minflt of /proc/PID/stat: the third number after the state and six more (proc(5)); a name may hold blanks and brackets
static long minor_faults(pid_t process) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *stat = fopen(path, "re");
    if (!stat) return -1;
    size_t length = fread(text, 1, sizeof text - 1, stat);
    fclose(stat);
    text[length] = 0;
    char *end = strrchr(text, ')');
    long faults = -1;
    if (end) sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %ld", &faults);
    return faults;
}

static bool is_kept(const char *line) {
    static const char *const fields[] = {"Rss:", "Shared_Clean:", "Shared_Dirty:", "Anonymous:", "AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:", "Locked:"};
    if (isdigit((unsigned char)*line) || (*line >= 'a' && *line <= 'f')) return true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t length = strlen(fields[i]);
        if (!strncmp(line, fields[i], length)) return strtol(line + length, NULL, 10) != 0;
    }
    return false;
}

// Several lines that a file's name with line feeds would make cannot arise: the kernel writes them as \012.
static void snapshot(pid_t process, const char *event) {
    char path[64], program[4200], line[8400];
    snprintf(path, sizeof path, "/proc/%d/exe", process);
    ssize_t length = readlink(path, program, sizeof program - 1);
    program[length > 0 ? length : 0] = 0;
    for (char *at = program; *at; at++) if (*at == '\n') *at = '?';
    fprintf(out, "@ %d %ld %s %s\n", process, status_field(process, "PPid:"), event, program);
    fprintf(out, "MinorFaults: %ld\nThreads: %ld\n", minor_faults(process), status_field(process, "Threads:"));
    snprintf(path, sizeof path, "/proc/%d/smaps", process);
    FILE *areas = fopen(path, "re");
    while (areas && fgets(line, sizeof line, areas)) if (is_kept(line)) fputs(line, out);
    if (areas) fclose(areas);
    fputs(".\n", out);
}

static unsigned place_of(pid_t process) {
    unsigned at = (unsigned)process % MAX_PROCESSES;
    for (int i = 0; i < MAX_PROCESSES && processes[at].id != process && processes[at].id != 0; i++) at = (at + 1) % MAX_PROCESSES;
    return at;
}

// A process is met first at a call of its own: a child that no exec has replaced yet goes on with its parent's program.
static bool *begun(pid_t process) {
    unsigned at = place_of(process);
    if (processes[at].id != process) {
        unsigned parent = place_of((pid_t)status_field(process, "PPid:"));
        processes[at].has_begun = processes[parent].id != 0 && processes[parent].has_begun;
        processes[at].id = process;
    }
    return &processes[at].has_begun;
}

static void take(const struct seccomp_notif *call) {
    pid_t process = (pid_t)status_field(call->pid, "Tgid:");
    bool is_32 = call->data.arch != AUDIT_ARCH_X86_64;
    const struct call *c = NULL;
    if (process <= 0) return;
    for (int i = 0; i < wanted_count && !c; i++) if (call->data.nr == (is_32 ? wanted[i].number32 : wanted[i].number)) c = &wanted[i];
    if (!c) return;
    bool *has_begun = begun(process);
    bool is_first = !strcmp(c->name, "arch_prctl") || (!strcmp(c->name, "brk") && call->data.args[0] == 0);
    if (is_first && !*has_begun) {
        *has_begun = true;
        snapshot(process, "start");
    } else if (!strcmp(c->name, "arch_prctl") || (!strcmp(c->name, "brk") && !is_brk_wanted)) {
        return;
    } else if (!strcmp(c->name, "exit_group") || (!strcmp(c->name, "exit") && status_field(process, "Threads:") == 1)) {
        snapshot(process, "exit");
    } else if (!strncmp(c->name, "execve", 6)) {
        *has_begun = false;
        snapshot(process, "exec");
    } else if (strcmp(c->name, "exit")) {
        char event[256];
        const __u64 *a = call->data.args;
        snprintf(event, sizeof event, "call:%s:%llx:%llx:%llx:%llx:%llx:%llx", c->name, (long long)a[0], (long long)a[1], (long long)a[2], (long long)a[3], (long long)a[4], (long long)a[5]);
        snapshot(process, event);
    }
}

static void serve(int listener) {
    static union { struct seccomp_notif call; char room[4096]; } request;
    static union { struct seccomp_notif_resp answer; char room[4096]; } response;
    struct pollfd wait = {listener, POLLIN, 0};
    while (poll(&wait, 1, -1) >= 0 || errno == EINTR) {
        if (wait.revents & POLLIN) {
            memset(&request, 0, sizeof request);
            if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request)) continue;
            take(&request.call);
            memset(&response, 0, sizeof response);
            response.answer.id = request.call.id;
            response.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
            ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
        } else if (wait.revents) {
            return;
        }
    }
}

int main(int count, char **arguments) {
    int pair[2], status = 0;
    if (count < 4) { fprintf(stderr, "vmtmaps OUT CALLS PROGRAM ARGUMENTS\n"); return 126; }
    read_names(arguments[2]);
    out = fopen(arguments[1], "we");
    if (!out) fail(arguments[1]);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) fail("socketpair");
    fprintf(out, "# vmaps 1 pagesize 4096\n");
    fflush(out);
    pid_t child = fork();
    if (child == 0) {
        int listener = install_filter();
        if (listener < 0) fail("seccomp");
        send_file(pair[1], listener);
        close(listener);
        execvp(arguments[3], arguments + 3);
        fail(arguments[3]);
    }
    close(pair[1]);
    signal(SIGINT, SIG_IGN);
    int listener = receive_file(pair[0]);
    if (listener >= 0) serve(listener);
    fclose(out);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) { }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
