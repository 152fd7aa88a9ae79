using VmSim.Core.Settings;

namespace VmSim.Core.Machine;

/// <summary>
/// What the simulated kernel's work costs. Profiles are HOCON files in config/kernels, every constant with its source or marked calibrated.
/// </summary>
public sealed record KernelProfile
{
    /// <summary>
    /// Most cycles of what an operation does for each page, table, area or batch: with the 2^31 pages of the largest memory all of them
    /// together stay below what is left of 2^63 cycles behind the latest end of a run.
    /// </summary>
    private const double EachMax = 1e7;

    /// <summary>Name of the kernel profile, for reports.</summary>
    [Setting("Name of the kernel profile, for reports.")]
    public string Name { get; init; } = "custom";

    /// <summary>
    /// The kernel whose rules hold where they changed from one version to another: one of <see cref="KernelRelease.All"/>.
    /// </summary>
    [Setting("The kernel whose rules hold where they changed from one version to another.", Choices = KernelRelease.Names)]
    public string Version { get; init; } = "6.18";

    /// <summary><see cref="Version"/>, to compare with the release that changed a rule.</summary>
    public KernelRelease Release => KernelRelease.Parse(Version);

    /// <summary>What a trap does to its core: <c>hold</c> keeps it, as real hardware does, <c>park</c> lets other threads run.</summary>
    [Setting("Whether a trap holds its core, as on real hardware, or lets other threads run (park).", Choices = "hold|park")]
    public string Traps { get; init; } = TrapModes.Hold;

    /// <summary>Most pages that an invalidation drops one by one; more flush the whole address space.</summary>
    [Setting("Most pages invalidated one by one; more flush the whole address space.", Unit = SettingUnit.Pages, Min = 0, Max = 1_048_576)]
    public int FlushCeilingPages { get; init; } = 33;

    /// <summary>Delay from a faulting access to the fault handler's first look at the address space.</summary>
    [Setting("Delay from a faulting access to the fault handler's first look at the address space.", Unit = SettingUnit.Cycles, Min = 1,
        Max = 1e12)]
    public long TrapEntryCycles { get; init; } = 800;

    /// <summary>Delay from a system-call instruction to the call's first look at the address space.</summary>
    [Setting("Delay from a system-call instruction to the call's first look at the address space.", Unit = SettingUnit.Cycles, Min = 1,
        Max = 1e12)]
    public long SystemCallEntryCycles { get; init; } = 500;

    /// <summary>
    /// Delay from the end of a fault or system call to the thread's next instruction; page-table stores are visible to every walker by
    /// then.
    /// </summary>
    [Setting("Delay from the end of a fault or system call to the thread's next instruction; page-table stores are visible to every "
        + "walker by then.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e12)]
    public long TrapReturnCycles { get; init; } = 500;

    /// <summary>Delay from the end of an invalidation handler to its acknowledgement being seen.</summary>
    [Setting("Delay from the end of an invalidation handler to its acknowledgement being seen.", Unit = SettingUnit.Cycles, Min = 1,
        Max = 1e12)]
    public long AckCycles { get; init; } = 500;

    /// <summary>Least time the kernel works on any message before it says anything.</summary>
    [Setting("Least time the kernel works on any message before it says anything.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e12)]
    public long ServiceCycles { get; init; } = 400;

    /// <summary>A first write to anonymous memory: allocate, clear and map one page.</summary>
    [Setting("A first write to anonymous memory: allocate, clear and map one page.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long AnonymousFaultCycles { get; init; } = 1_300;

    /// <summary>A new page that the core has not freed lately, and so does not have in its caches.</summary>
    [Setting("A new page that the core has not freed lately, and so does not have in its caches.",
        Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ColdPageCycles { get; init; }

    /// <summary>A first touch of a page of shared memory: allocate, clear and map it.</summary>
    [Setting("A first touch of a page of shared memory: allocate, clear and map it.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long SharedFaultCycles { get; init; } = 1_500;

    /// <summary>A first read of anonymous memory: map the zero page.</summary>
    [Setting("A first read of anonymous memory: map the zero page.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long ZeroFaultCycles { get; init; } = 600;

    /// <summary>A write to a shared page: allocate, copy and map one page.</summary>
    [Setting("A write to a shared page: allocate, copy and map one page.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long CopyFaultCycles { get; init; } = 1_900;

    /// <summary>A write to a page whose sharing has ended: make it writable.</summary>
    [Setting("A write to a page whose sharing has ended: make it writable.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long ReuseFaultCycles { get; init; } = 700;

    /// <summary>A fault on a file page in the page cache.</summary>
    [Setting("A fault on a file page in the page cache.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long FileFaultCycles { get; init; } = 1_500;

    /// <summary>Each further page that fault-around maps.</summary>
    [Setting("Each further page that fault-around maps.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long FileFaultPageCycles { get; init; } = 45;

    /// <summary>A fault that maps a 2 MiB page, clearing included.</summary>
    [Setting("A fault that maps a 2 MiB page, clearing included.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long HugeFaultCycles { get; init; } = 185_000;

    /// <summary>A read that maps the 2 MiB page of zeros.</summary>
    [Setting("A read that maps the 2 MiB page of zeros.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long HugeZeroFaultCycles { get; init; } = 3_000;

    /// <summary>A store that splits a large page that others share, on top of the copy.</summary>
    [Setting("A store that splits a large page that others share, on top of the copy.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long SplitSharedCycles { get; init; }

    /// <summary>A fault that finds the translation already in place.</summary>
    [Setting("A fault that finds the translation already in place.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long SpuriousFaultCycles { get; init; } = 400;

    /// <summary>A fault on an address that may not be used so.</summary>
    [Setting("A fault on an address that may not be used so.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long SegmentationFaultCycles { get; init; } = 1_500;

    /// <summary>A major fault's read from the device.</summary>
    [Setting("A major fault's read from the device.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long DeviceReadCycles { get; init; } = 230_000;

    /// <summary>mmap of one area.</summary>
    [Setting("mmap of one area.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long MapCycles { get; init; } = 1_900;

    /// <summary>mmap of new shared memory, on top: make the object behind it.</summary>
    [Setting("mmap of new shared memory, on top: make the object behind it.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long MapSharedCycles { get; init; }

    /// <summary>munmap, before pages and table pages.</summary>
    [Setting("munmap, before pages and table pages.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long UnmapCycles { get; init; } = 1_700;

    /// <summary>Unmapping shared memory for the last time, on top: take the object away.</summary>
    [Setting("Unmapping shared memory for the last time, on top: take the object away.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long UnmapSharedCycles { get; init; }

    /// <summary>Cycles of one mprotect, without what it does to pages.</summary>
    [Setting("mprotect, before pages.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long ProtectCycles { get; init; } = 1_300;

    /// <summary>Cycles of one madvise, without what it does to pages.</summary>
    [Setting("madvise, before pages.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long AdviseCycles { get; init; } = 800;

    /// <summary>Cycles of one brk, without what it does to pages.</summary>
    [Setting("brk, before pages.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long BreakCycles { get; init; } = 900;

    /// <summary>Cycles of one mremap, without what it does to pages.</summary>
    [Setting("mremap, before pages.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long RemapCycles { get; init; } = 2_600;

    /// <summary>A system call that touches no mapping.</summary>
    [Setting("A system call that touches no mapping.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long OtherCallCycles { get; init; } = 300;

    /// <summary>Cycles of one fork, without what it does to pages.</summary>
    [Setting("fork, before pages.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long ForkCycles { get; init; } = 60_000;

    /// <summary>Each page that fork shares.</summary>
    [Setting("Each page that fork shares.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ForkPageCycles { get; init; } = 60;

    /// <summary>The end of a process, without what it does to pages. The default is that of linux-6.18-kvm; calibrated there.</summary>
    [Setting("The end of a process, before pages.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long ExitCycles { get; init; } = 40_000;

    /// <summary>Each mapped page that an operation unmaps and frees.</summary>
    [Setting("Each mapped page that an operation unmaps and frees.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ZapPageCycles { get; init; } = 150;

    /// <summary>Each mapped page of zeros or clean page of a file that an operation unmaps.</summary>
    [Setting("Each mapped page of zeros or clean page of a file that an operation unmaps.",
        Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ZapUnownedPageCycles { get; init; } = 150;

    /// <summary>Each mapped dirty page of a shared mapping that an operation unmaps.</summary>
    [Setting("Each mapped dirty page of a shared mapping that an operation unmaps.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ZapDirtyPageCycles { get; init; } = 150;

    /// <summary>Each mapped large page that an operation unmaps and frees.</summary>
    [Setting("Each mapped large page that an operation unmaps and frees.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ZapHugePageCycles { get; init; } = 150;

    /// <summary>Each large page that a call splits.</summary>
    [Setting("Each large page that a call splits.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long SplitCycles { get; init; }

    /// <summary>Each mapped page whose accessed and dirty bits advice takes away.</summary>
    [Setting("Each mapped page whose accessed and dirty bits advice takes away.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ClearPageCycles { get; init; }

    /// <summary>Each mapped page whose rights an operation changes.</summary>
    [Setting("Each mapped page whose rights an operation changes.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ProtectPageCycles { get; init; } = 40;

    /// <summary>Each page that MAP_POPULATE or MADV_POPULATE maps, clearing included.</summary>
    [Setting("Each page that MAP_POPULATE or MADV_POPULATE maps, clearing included.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long PopulatePageCycles { get; init; } = 1_260;

    /// <summary>Each file page in the page cache that MAP_POPULATE or MADV_POPULATE maps.</summary>
    [Setting("Each file page in the page cache that MAP_POPULATE or MADV_POPULATE maps.",
        Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long PopulateFilePageCycles { get; init; } = 100;

    /// <summary>Each mapped page that mremap moves.</summary>
    [Setting("Each mapped page that mremap moves.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long MovePageCycles { get; init; } = 60;

    /// <summary>Each table page allocated or freed.</summary>
    [Setting("Each table page allocated or freed.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long TablePageCycles { get; init; } = 300;

    /// <summary>Each further area that an operation splits, removes or changes.</summary>
    [Setting("Each further area that an operation splits, removes or changes.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long AreaCycles { get; init; } = 200;

    /// <summary>The initiator's cost to send one inter-processor interrupt within its socket.</summary>
    [Setting("The initiator's cost to send one inter-processor interrupt within its socket.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long IpiSendCycles { get; init; } = 200;

    /// <summary>The initiator's cost to send one inter-processor interrupt to another socket.</summary>
    [Setting("The initiator's cost to send one inter-processor interrupt to another socket.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long IpiSendRemoteCycles { get; init; } = 200;

    /// <summary>Whether one sending reaches all of an <see cref="MachineSpec.IpiCluster"/>; a host sends to each (kvm/lapic.c).</summary>
    [Setting("Whether one sending reaches a cluster of machine.ipi-cluster cores; off in a virtual machine, whose host sends to each.")]
    public bool IpiClusters { get; init; } = true;

    /// <summary>Lines that an initiator takes from each target before it interrupts: csd_lock and llist_add (kernel/smp.c).</summary>
    [Setting("Cache lines that the initiator of interrupts takes from each target first, to queue its call.", Min = 0, Max = 1_000)]
    public int CallLines { get; init; }

    /// <summary>Interrupt entry and exit of an invalidation handler, before the invalidations.</summary>
    [Setting("Interrupt entry and exit of an invalidation handler, before the invalidations.", Unit = SettingUnit.Cycles, Min = 0,
        Max = 1e12)]
    public long HandlerCycles { get; init; } = 1_000;

    /// <summary>What an invalidation handler takes longer on a core that is in a system call which touches no mapping.</summary>
    [Setting("What an invalidation handler takes longer on a core that is in a system call which touches no mapping.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long HandlerInCallCycles { get; init; }

    /// <summary>Invalidating one page in the TLB.</summary>
    [Setting("Invalidating one page in the TLB.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long InvalidatePageCycles { get; init; } = 249;

    /// <summary>Invalidating a range, before its pages.</summary>
    [Setting("Invalidating a range, before its pages.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long InvalidateRangeCycles { get; init; }

    /// <summary>Invalidating the whole TLB of an address space.</summary>
    [Setting("Invalidating the whole TLB of an address space.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long InvalidateAllCycles { get; init; } = 700;

    /// <summary>
    /// Whether user mode runs on a page table without the kernel, against Meltdown (arch/x86/mm/pti.c). Off, since processors that say
    /// RDCL_NO, and all of AMD, need none (cpu_set_bug_bits, arch/x86/kernel/cpu/common.c).
    /// </summary>
    [Setting("Whether user mode has a page table and a TLB tag of its own, which has nothing of the kernel (page-table isolation).")]
    public bool PageTableIsolation { get; init; }

    /// <summary>Whether the kernel has INVPCID: since Haswell (Intel SDM vol. 2, INVPCID), and not with Linux's noinvpcid.</summary>
    [Setting("Whether the kernel has INVPCID, to drop a page under the user's tag; does nothing without page-table-isolation.")]
    public bool Invpcid { get; init; } = true;

    /// <summary>
    /// Writing CR3 so that all stays: "on the order of a hundred" (Documentation/arch/x86/pti.rst). K. Belousov's 139 ns a system call for
    /// both ways, on a Haswell (FreeBSD, reviews.freebsd.org/D13985), are more.
    /// </summary>
    [Setting("Switching between the tables of user and kernel, at each entry and return.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e7)]
    public long TableSwitchCycles { get; init; } = 100;

    /// <summary>
    /// Calibrated on N. Amit's figures for Skylake ("x86/mm/tlb: Defer TLB flushes with PTI", linux-kernel, 23 Aug 2019): with INVLPG in
    /// place of INVPCID, madvise of 1 and 10 pages takes 133 and 1,374 cycles less.
    /// </summary>
    [Setting("What INVPCID takes longer than INVLPG for one page.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long InvpcidExtraCycles { get; init; } = 138;

    /// <summary>The rest of a call that changes areas after it has invalidated a range.</summary>
    [Setting("The rest of a call that changes areas after it has invalidated a range.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long RestAfterRangeCycles { get; init; }

    /// <summary>A core's next call that changes areas after it has invalidated a range, on top.</summary>
    [Setting("A core's next call that changes areas after it has invalidated a range, on top.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long CallAfterRangeCycles { get; init; }

    /// <summary>A core's next fault after it has invalidated a range, on top.</summary>
    [Setting("A core's next fault after it has invalidated a range, on top.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long FaultAfterRangeCycles { get; init; }

    /// <summary>Setting accessed or dirty bits in a page walk.</summary>
    [Setting("Setting accessed or dirty bits in a page walk.", Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long AccessedDirtyCycles { get; init; }

    /// <summary>
    /// From the moment a writer that waited for mmap_lock on its core could have it to the moment it goes on: it sees the lock free
    /// (kernel/locking/rwsem.c). The lock is nobody's meanwhile. The transfer of the line is counted apart, and the way of one that slept.
    /// </summary>
    [Setting("From the moment a writer that waited for mmap_lock on its core could have it to the moment it goes on; the lock is nobody's "
        + "meanwhile.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e9)]
    public long MapLockHandoverCycles { get; init; }

    /// <summary>
    /// Whether readers that find mmap_lock taken spin as writers do, as in Linux 5.3 to 5.10 (until commit 617f3ef95177, "locking/rwsem:
    /// Remove reader optimistic spinning"), or sleep at once.
    /// </summary>
    [Setting("Whether readers that find mmap_lock taken spin as writers do, as in Linux 5.3 to 5.10, or sleep at once.")]
    public bool ReaderSpinning { get; init; }

    /// <summary>
    /// Whether a hypervisor flushes for halted cores when they run again, so that no flush interrupts them (KVM_FEATURE_PV_TLB_FLUSH;
    /// kvm_flush_tlb_multi, arch/x86/kernel/kvm.c).
    /// </summary>
    [Setting("Whether no flush interrupts an idle core, since a hypervisor flushes for it when it runs again (KVM); off, as on bare metal, "
        + "those that free page tables do.")]
    public bool ParavirtualFlush { get; init; }

    /// <summary>
    /// What locks an address space: <c>semaphore</c>, or <c>ranges</c>, where an operation waits for those alone that concern a page of its
    /// own, and there are no locks of areas. Locks of pages are counted as mmap_lock.
    /// </summary>
    [Setting("What locks an address space: mmap_lock (semaphore), or a lock for each page, so that operations on disjoint ranges run at "
        + "the same time (ranges).", Choices = "semaphore|ranges")]
    public string MapLock { get; init; } = MapLocks.Semaphore;

    /// <summary>Whether <see cref="MapLock"/> is <see cref="MapLocks.Ranges"/>.</summary>
    public bool LocksRanges => MapLock == MapLocks.Ranges;

    /// <summary>Whether faults take locks of areas: <see cref="PerVmaLocks"/>, where the space has one lock besides.</summary>
    public bool LocksAreas => PerVmaLocks && !LocksRanges;

    /// <summary>Whether faults take the lock of their area alone, as Linux does since 6.4, or mmap_lock.</summary>
    [Setting("Whether faults take the lock of their area alone, as Linux does since 6.4, or the whole address space's (mmap_lock).")]
    public bool PerVmaLocks { get; init; } = true;

    /// <summary>
    /// How long an atomic operation keeps a cache line that its core has (about 20 on x86: Agner Fog, instruction tables, LOCK XADD).
    /// </summary>
    [Setting("How long an atomic operation keeps a cache line that its core has.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long AtomicCycles { get; init; } = 20;

    /// <summary>Part of a fault that holds the page-table lock; calibrated. 0 for a kernel without such locks.</summary>
    [Setting("Part of a fault that holds the lock of its table page; 0 for a kernel without such locks.",
        Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long PageTableLockCycles { get; init; } = 150;

    /// <summary>How long the LRU lock is held for one batch of pages; calibrated. 0 for a kernel without such a lock.</summary>
    [Setting("How long the LRU lock is held for one batch of pages; 0 for a kernel without such a lock.",
        Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long LruLockCycles { get; init; } = 600;

    /// <summary>
    /// How long the zone lock is held for one batch of free pages; calibrated. 0 for a kernel whose cores share no list of free pages.
    /// </summary>
    [Setting("How long the zone lock is held for one batch of free pages; 0 for a kernel without such a lock.",
        Unit = SettingUnit.Cycles, Min = 0, Max = EachMax)]
    public long ZoneLockCycles { get; init; } = 900;

    /// <summary>Pages that take the LRU lock once (PAGEVEC_SIZE, include/linux/pagevec.h: 31).</summary>
    [Setting("Pages that are put on or taken off the LRU lists under one hold of their lock.", Unit = SettingUnit.Pages, Min = 1,
        Max = 1_048_576)]
    public int LruBatch { get; init; } = 31;

    /// <summary>Whether calls that give up pages first list the core's new ones, as before Linux 6.14 (zap_page_range_single).</summary>
    [Setting("Whether a call that gives up pages first puts the core's batch of new pages on the LRU lists, as Linux did before 6.14.")]
    public bool LruDrain { get; init; }

    /// <summary>
    /// Pages that a core's list of free pages takes or gives back under one hold of the zone lock (zone_batchsize, mm/page_alloc.c: 63).
    /// </summary>
    [Setting("Pages that a core's list of free pages takes or gives back under one hold of the zone lock.", Unit = SettingUnit.Pages,
        Min = 1, Max = 1_048_576)]
    public int FreePageBatch { get; init; } = 63;

    /// <summary>Switching a core from one thread to another.</summary>
    [Setting("Switching a core from one thread to another.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long ContextSwitchCycles { get; init; } = 2_000;

    /// <summary>Loading another address space on a core, on top of the thread switch.</summary>
    [Setting("Loading another address space on a core, on top of the thread switch.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long SpaceSwitchCycles { get; init; } = 500;

    /// <summary>Making a sleeping thread runnable.</summary>
    [Setting("Making a sleeping thread runnable.", Unit = SettingUnit.Cycles, Min = 0, Max = 1e12)]
    public long WakeCycles { get; init; } = 1_500;

    /// <summary>A thread's time slice while others wait for its core.</summary>
    [Setting("A thread's time slice while others wait for its core.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e12)]
    public long TimeSliceCycles { get; init; } = 6_900_000;

    /// <summary>Period of a core's timer tick.</summary>
    [Setting("Period of a core's timer tick.", Unit = SettingUnit.Cycles, Min = 1, Max = 1e12)]
    public long TickCycles { get; init; } = 2_300_000;
}
