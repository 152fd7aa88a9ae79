namespace VmSim.Core.Traces.Import.Strace;

/// <summary>
/// Calls that strace has a name for (its tables syscallent.h of all machines, 4.8 to 6.16) and that change no mapping, thread or process.
/// </summary>
internal static class StraceOtherNames
{
    private const string Names =
        "_llseek _newselect _sysctl acancel accept accept4 access acct acl_get acl_set add_key adjtime adjtimex adjtimex32 "
        + "afs_syscall alarm aplib arc_gettls arc_settls arc_usr_cmpxchg arch_unimpl atomic_barrier atomic_cmpxchg_32 "
        + "atomic_comxchg_32 attrctl auditsys bdflush bfin_spinlock bind bpf breakpoint cachectl cacheflush capget capset chdir "
        + "chmod chown chown32 chroot clocal clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
        + "clock_gettime64 clock_nanosleep clock_nanosleep_time64 clock_settime clock_settime64 close_range cmpxchg "
        + "cmpxchg_badaddr connect copy_file_range create_module debug_setcontext delete_module dipc dma_memcpy epoll_create "
        + "epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 evsys "
        + "evtrapret faccessat faccessat2 fadvise fadvise64 fadvise64_64 fallocate fanotify_init fanotify_mark fchdir fchmod "
        + "fchmodat fchmodat2 fchown fchown32 fchownat fchroot fdatasync fdsync fgetxattr file_getattr file_setattr finit_module "
        + "flistxattr flock fpathconf fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat fstat64 fstatat fstatat64 "
        + "fstatfs fstatfs64 fstatvfs fsync ftime ftruncate ftruncate64 fusers futex futex_requeue futex_time64 futex_wait "
        + "futex_waitv futex_wake futimesat fxstat get_kernel_syms get_robust_list get_thread_area get_tls getcontext getcpu "
        + "getcwd getdents getdents64 getdirentries getdomainname getdtablesize getegid getegid32 geteuid geteuid32 getgid "
        + "getgid32 getgroups getgroups32 gethostname getitimer getmsg getpagesize getpeername getpgid getpgrp getpid getpmsg "
        + "getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsetgid32 getsid "
        + "getsockname getsockopt gettid gettimeofday getuid getuid32 getunwind getxattr getxattrat getxgid getxpid getxuid gtty "
        + "hrtsys idle init_module inotify_add_watch inotify_init inotify_init1 inotify_rm_watch inst_sync io_cancel io_getevents "
        + "io_pgetevents io_pgetevents_time64 io_submit io_uring_enter io_uring_setup ioperm iopl ioprio_get ioprio_set kcmp "
        + "kern_features kexec_file_load kexec_load keyctl kill landlock_add_rule landlock_create_ruleset landlock_restrict_self "
        + "lchown lchown32 lgetxattr link linkat listen listmount listns listxattr listxattrat llistxattr llseek lookup_dcookie "
        + "lremovexattr lseek lsetxattr lsm_get_self_attr lsm_list_modules lsm_set_self_attr lstat lstat64 lwp_cond_broadcast "
        + "lwp_cond_signal lwp_cond_wait lwp_continue lwp_create lwp_exit lwp_getprivate lwp_info lwp_kill lwp_mutex_lock "
        + "lwp_mutex_unlock lwp_self lwp_sema_post lwp_sema_wait lwp_setprivate lwp_suspend lwp_wait lxstat membarrier "
        + "memory_ordering metag_get_tls metag_set_fpu_flags metag_set_tls metag_setglobalbit mkdir mkdirat mknod mknodat modctl "
        + "modify_ldt mount mount_setattr move_mount mpx mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 "
        + "mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd msgsys multiplexer name_to_handle_at nanosleep "
        + "newfstat newfstatat newlstat newstat newuname nfsservctl nfssys ni_syscall nice old_adjtimex old_getpagesize "
        + "old_getrlimit oldfstat oldgetrlimit oldlstat oldolduname oldselect oldstat oldumount olduname open_by_handle_at "
        + "open_tree open_tree_attr or1k_atomic p_online pathconf pause pciconfig_iobase pciconfig_read pciconfig_write "
        + "perf_event_open perfctr perfmonctl personality pgrpsys pidfd_getfd pidfd_send_signal pipe pipe2 pivot_root plock poll "
        + "ppoll ppoll_time64 pread pread64 preadv preadv2 priocntlsys prlimit64 process_vm_readv process_vm_writev "
        + "processor_bind processor_info prof profil pselect6 pselect6_time64 ptrace putmsg putpmsg pwrite pwrite64 pwritev "
        + "pwritev2 query_module quotactl quotactl_fd read readahead readdir readlink readlinkat readv reboot recv recvfrom "
        + "recvmmsg recvmmsg_time64 recvmsg removexattr removexattrat rename renameat renameat2 request_key reserved177 "
        + "reserved221 reserved82 restart_syscall riscv_flush_icache rmdir rseq rseq_slice_yield rt_sigaction rt_sigpending "
        + "rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo "
        + "rtas s390_guarded_storage s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr s390_sthyi sched_get_affinity "
        + "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler "
        + "sched_rr_get_interval sched_rr_get_interval_time64 sched_set_affinity sched_setaffinity sched_setattr sched_setparam "
        + "sched_setscheduler sched_yield seccomp security select semctl semget semop semsys semtimedop semtimedop_time64 send "
        + "sendfile sendfile64 sendmmsg sendmsg sendto set_dataplane set_robust_list set_thread_area set_tid_address set_tls "
        + "setcontext setdomainname setegid seteuid setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 "
        + "sethae sethostname setitimer setns setpgid setpgrp setpriority setregid setregid32 setresgid setresgid32 setresuid "
        + "setresuid32 setreuid setreuid32 setrlimit setsid setsockopt settimeofday setuid setuid32 setup setxattr setxattrat "
        + "sgetmask sgikopt sginap shutdown sigaction sigaltstack sigcall sigfillset sighold sigignore signal signalfd signalfd4 "
        + "sigpause sigpending sigprocmask sigqueue sigrelse sigreturn sigsendsys sigset sigstack sigsuspend sigtimedwait socket "
        + "socketcall socketpair spcall spcall0 spill splice spu_create spu_run sram_free ssetmask stat stat64 statfs statfs64 "
        + "statmount statvfs statx stime stty swapcontext swapoff swapon switch_endian symlink symlinkat sync sync_file_range "
        + "sync_file_range2 syncfs sys_debug_setcontext sysconfig sysctl sysfs sysfs0 sysfs1 sysfs2 sysfs3 sysinfo syslog sysmips "
        + "sysmp syssun tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime "
        + "timer_settime64 timerfd timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill "
        + "truncate truncate64 tux tuxcall uadmin ugetrlimit ulimit umask umount umount2 uname unlink unlinkat unshare uretprobe "
        + "usr26 usr32 ustat utime utimensat utimensat_time64 utimes utrap_install utssys utssys1 vhangup vm86 vm86old vmsplice "
        + "vserver vtrace wait wait3 wait4 waitid waitpid write writev xenix xmknod xstat xtensa yield";

    /// <summary>All names.</summary>
    public static HashSet<string> All { get; } = new(Names.Split(' '), StringComparer.Ordinal);
}
