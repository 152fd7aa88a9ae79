using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Workloads.Synthetic;

/// <summary>What a step of a random program does.</summary>
public enum RandomStep
{
    /// <summary>Loads from a page, some times.</summary>
    Load,

    /// <summary>Stores to a page, some times.</summary>
    Store,

    /// <summary>Stores once to each of some pages.</summary>
    Touch,

    /// <summary>The thread computes and touches no memory.</summary>
    Compute,

    /// <summary>mmap of anonymous memory.</summary>
    Map,

    /// <summary>An munmap of some pages, mapped or not.</summary>
    Unmap,

    /// <summary>An mprotect of some pages to read-only.</summary>
    Protect,

    /// <summary>mprotect to readable and writable.</summary>
    Unprotect,

    /// <summary>madvise: MADV_DONTNEED, MADV_FREE or MADV_POPULATE_WRITE.</summary>
    Advise,

    /// <summary>mremap: shrinks or grows in place, or moves away, is used there, and moves back.</summary>
    Remap,

    /// <summary>mmap of a file, private or shared, and msync.</summary>
    File,

    /// <summary>Takes a mutex, stores, gives it back.</summary>
    Lock,

    /// <summary>The thread sleeps for a drawn time.</summary>
    Sleep,

    /// <summary>Gives up the core.</summary>
    Yield,

    /// <summary>Moves to another core; the process must be one whose threads may.</summary>
    Migrate,

    /// <summary>Forks a child that does such steps itself.</summary>
    Fork,

    /// <summary>Waits for all threads of the process.</summary>
    Barrier,

    /// <summary>exec: all of the process's memory goes at once, whoever uses it, and new memory is mapped.</summary>
    Exec,

    /// <summary>mmap of huge pages of the pool, used, and given back or made unwritable in part.</summary>
    HugeTlb,

    /// <summary>MADV_HUGEPAGE or MADV_NOHUGEPAGE of 2 MiB that are used then.</summary>
    HugePage,

    /// <summary>MADV_COLLAPSE of 2 MiB, some pages of which are used.</summary>
    Collapse,

    /// <summary>MADV_PAGEOUT of some pages.</summary>
    PageOut,

    /// <summary>MADV_COLD of some pages.</summary>
    Cold,

    /// <summary>MADV_GUARD_INSTALL, or MADV_GUARD_REMOVE.</summary>
    Guard,

    /// <summary>mlock, with or without pages at once, or munlock.</summary>
    Mlock,

    /// <summary>brk up or down, and a store below the new break.</summary>
    Break,
}

/// <summary>Writes steps of random programs, which need nothing but their page, their count and the machine.</summary>
/// <param name="start">First address of the pages.</param>
/// <param name="cores">Cores of the machine.</param>
public sealed class RandomSteps(ulong start, int cores)
{
    /// <summary>The file that <see cref="RandomStep.File"/> maps; pages from its 24th on fault with a bus error.</summary>
    public static readonly ProgramFile SharedFile = new("random-file", 24 * PageSizes.BaseBytes);

    /// <summary>Cycles of a step that computes or sleeps, for each of its count.</summary>
    private const int CyclesEach = 300;

    /// <summary>How far mremap moves: farther than the pages of any program reach.</summary>
    private const int MovePages = 1 << 20;

    /// <summary>Where huge pages lie, from the first page on: farther than mremap moves.</summary>
    private const ulong HugeOffset = 8UL << 30;

    /// <summary>Where the heap begins, from the first page on: behind the huge pages.</summary>
    private const ulong HeapOffset = 16UL << 30;

    /// <summary>What exec unmaps: all that a program can map on x86-64 (TASK_SIZE_MAX, arch/x86/include/asm/page_64_types.h).</summary>
    private const ulong UserBytes = 0x7FFF_FFFF_F000;

    /// <summary>
    /// Kinds to draw from, those that are to come more often more than once; without those that concern the whole process.
    /// </summary>
    public static IReadOnlyList<RandomStep> Weighted { get; } =
    [
        RandomStep.Load, RandomStep.Load, RandomStep.Load, RandomStep.Store, RandomStep.Store, RandomStep.Store, RandomStep.Touch,
            RandomStep.Compute,
        RandomStep.Unmap, RandomStep.Map, RandomStep.Protect, RandomStep.Unprotect, RandomStep.Advise, RandomStep.Remap, RandomStep.File,
            RandomStep.Lock,
        RandomStep.Sleep, RandomStep.Yield, RandomStep.Migrate,
    ];

    /// <summary>Kinds that few programs do, for searches.</summary>
    public static IReadOnlyList<RandomStep> Rare { get; } =
    [
        RandomStep.Exec, RandomStep.HugeTlb, RandomStep.HugePage, RandomStep.Collapse, RandomStep.PageOut, RandomStep.Cold,
        RandomStep.Guard, RandomStep.Mlock, RandomStep.Break,
    ];

    /// <summary>Where the heap of a program begins whose pages begin at an address.</summary>
    public static VirtAddr HeapOf(ulong start) => new(start + HeapOffset);

    /// <summary>Writes a step; forks and barriers concern the whole process and are written by whoever knows it.</summary>
    /// <param name="thread">Where to.</param>
    /// <param name="step">What it does.</param>
    /// <param name="page">Its first page, from 0.</param>
    /// <param name="count">Its pages, or how often, 1 or more.</param>
    public void Write(ThreadBuilder thread, RandomStep step, int page, int count)
    {
        ArgumentNullException.ThrowIfNull(thread);
        ulong address = start + ((ulong)page << PageSizes.BaseShift);
        switch (step)
        {
            case RandomStep.Load:
                thread.Load(address, count);
                break;
            case RandomStep.Store:
                thread.Store(address, count);
                break;
            case RandomStep.Touch:
                thread.Touch(address, count);
                break;
            case RandomStep.Compute:
                thread.Compute(count * CyclesEach);
                break;
            case RandomStep.Lock:
                thread.Control(ControlKind.Lock, 0).Store(address).Control(ControlKind.Unlock, 0);
                break;
            case RandomStep.Sleep:
                thread.Control(ControlKind.Sleep, (ulong)count * CyclesEach);
                break;
            case RandomStep.Yield:
                thread.Control(ControlKind.Yield);
                break;
            case RandomStep.Migrate:
                thread.Control(ControlKind.Migrate, (ulong)((page + count) % cores));
                break;
            default:
                WriteCall(thread, step, address, count);
                break;
        }
    }

    private void WriteCall(ThreadBuilder thread, RandomStep step, ulong address, int count)
    {
        switch (step)
        {
            case RandomStep.Exec:
                thread.Call(new SystemCall { Kind = SystemCallKind.Unmap, Length = UserBytes }).Map(address, count).Store(address);
                break;
            case RandomStep.HugeTlb or RandomStep.HugePage or RandomStep.Collapse:
                WriteHuge(thread, step, address, count);
                break;
            case RandomStep.PageOut:
                thread.Advise(address, count, Advice.PageOut);
                break;
            case RandomStep.Cold:
                thread.Advise(address, count, Advice.Cold);
                break;
            case RandomStep.Guard:
                thread.Advise(address, count, (count & 3) == 0 ? Advice.GuardInstall : Advice.GuardRemove);
                break;
            case RandomStep.Mlock:
                thread.Call(new SystemCall
                {
                    Kind = (count & 1) == 0 ? SystemCallKind.Lock : SystemCallKind.Unlock,
                    Start = new VirtAddr(address),
                    Length = (ulong)count << PageSizes.BaseShift,
                    Locking = (count & 2) == 0 ? Locking.None : Locking.OnFault,
                });
                break;
            case RandomStep.Break:
                ulong end = HeapOf(start).Value + ((ulong)count << PageSizes.BaseShift);
                thread.Call(new SystemCall { Kind = SystemCallKind.SetBreak, Start = new VirtAddr(end) });
                thread.Store(end - PageSizes.BaseBytes);
                break;
            case RandomStep.Map:
                thread.Map(address, count);
                break;
            case RandomStep.Unmap:
                thread.Unmap(address, count);
                break;
            case RandomStep.Protect:
                thread.Protect(address, count, Protection.Read);
                break;
            case RandomStep.Unprotect:
                thread.Protect(address, count, Protection.Read | Protection.Write);
                break;
            case RandomStep.Advise:
                thread.Advise(address, count, (count & 3) switch { 0 => Advice.Free, 1 => Advice.PopulateWrite, _ => Advice.DontNeed });
                break;
            case RandomStep.Remap when (count & 1) == 0:
                thread.Call(Remap(address, count, address, (count / 2) + (count & 2)));
                break;
            case RandomStep.Remap:
                ulong away = address + ((ulong)MovePages << PageSizes.BaseShift);
                thread.Call(Remap(address, count, away, count)).Touch(away, count).Call(Remap(away, count, address, count));
                break;
            case RandomStep.File:
                thread.Call(MapFile(address, count)).Load(address).Store(address + ((ulong)(count / 2) << PageSizes.BaseShift));
                thread.Call(
                    new SystemCall
                    {
                        Kind = SystemCallKind.Sync,
                        Start = new VirtAddr(address),
                        Length = (ulong)count << PageSizes.BaseShift
                    });
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(step), step, "not a step of one thread");
        }
    }

    /// <summary>One of two huge pages, which every thread of the process uses.</summary>
    private void WriteHuge(ThreadBuilder thread, RandomStep step, ulong address, int count)
    {
        ulong bytes = PageSize.Size2M.Bytes();
        ulong huge = ((start + HugeOffset) & ~(bytes - 1)) + ((count & 1) == 0 ? 0 : bytes);
        ulong inside = huge + (address & (bytes - 1));
        SystemCall map = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(huge),
            Length = bytes,
            Protection = Protection.Read | Protection.Write,
            MappingFlags = step == RandomStep.HugeTlb ? MappingFlags.HugePages : MappingFlags.None,
        };
        bool mapsAnew = step == RandomStep.HugeTlb || (count & 2) == 0;
        _ = mapsAnew ? thread.Call(map) : thread;
        int pages = (int)PageSize.Size2M.BasePages();
        switch (step)
        {
            case RandomStep.HugeTlb when (count & 4) == 0:
                thread.Store(inside).Protect(huge, pages, Protection.Read).Load(inside);
                break;
            case RandomStep.HugeTlb:
                thread.Store(inside).Advise(huge, pages, Advice.DontNeed).Load(inside);
                break;
            case RandomStep.HugePage:
                thread.Advise(huge, pages, (count & 4) == 0 ? Advice.NoHugePage : Advice.HugePage).Store(inside);
                thread.Advise(huge, count, Advice.DontNeed).Load(huge);
                break;
            default:
                thread.Touch(huge, count).Advise(huge, pages, Advice.Collapse).Store(huge).Protect(huge, count, Protection.Read).Load(huge);
                break;
        }
    }

    private static SystemCall Remap(ulong from, int pages, ulong to, int newPages) => new()
    {
        Kind = SystemCallKind.Remap,
        Start = new VirtAddr(from),
        Length = (ulong)pages << PageSizes.BaseShift,
        NewStart = new VirtAddr(to),
        NewLength = (ulong)Math.Max(1, newPages) << PageSizes.BaseShift,
        RemapFlags = RemapFlags.MayMove,
    };

    private static SystemCall MapFile(ulong address, int pages) => new()
    {
        Kind = SystemCallKind.Map,
        Start = new VirtAddr(address),
        Length = (ulong)pages << PageSizes.BaseShift,
        Protection = Protection.Read | Protection.Write,
        Source = MappingSource.File,
        FileId = 0,
        Shared = (pages & 1) == 0,
        Offset = (ulong)(pages & 7) << PageSizes.BaseShift,
    };
}
