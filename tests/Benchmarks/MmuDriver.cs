using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Benchmarks;

/// <summary>
/// Runs the MMU over addresses that stand in memory. The table maps every page from the start; the first walk of a page counts as its
/// fault. A run of accesses to one page is one look-up, as it is for the cores of a simulation.
/// </summary>
internal static partial class MmuDriver
{
    private const PageFlags Flags = PageFlags.Read | PageFlags.Write | PageFlags.User | PageFlags.Accessed;
    private const int Ahead = 4;
    private const int ThreadCpuClock = 3;

    public static MmuRun Run(MmuSpec spec, int largePercent, ulong largeSeed, ulong[] addresses)
    {
        using PageTable table = Map(largePercent, largeSeed);
        using CoreMmu mmu = new(spec, 1);
        mmu.Load(new Asid(1), table);
        double start = Now();
        MmuRun counts = Loop(mmu, addresses);
        return counts with { Nanoseconds = (Now() - start) / addresses.Length };
    }

    private static MmuRun Loop(CoreMmu mmu, ulong[] addresses)
    {
        ulong[] walked = new ulong[MmuStreams.Pages / 64];
        long first = 0;
        long second = 0;
        long references = 0;
        long faults = 0;
        for (int i = 0; i < addresses.Length; i++)
        {
            ulong address = addresses[i];
            if (i + Ahead < addresses.Length && (addresses[i + Ahead] ^ address) >> PageSizes.BaseShift != 0)
            {
                mmu.Prefetch(addresses[i + Ahead]);
            }

            if (mmu.TryHit(AccessKind.Load, address))
            {
                first++;
            }
            else
            {
                TranslationResult result = mmu.TranslateMissed(AccessKind.Load, address, 0);
                second += result.Outcome == TranslationOutcome.StlbHit ? 1 : 0;
                references += result.References;
                faults += result.Outcome == TranslationOutcome.Walked && IsFirst(walked, address, result.Size) ? 1 : 0;
            }

            // The rest of a run on one page hits at the first level and changes nothing.
            int run = EndOfRun(addresses, i + 1, address);
            first += run - i - 1;
            i = run - 1;
        }

        return new MmuRun(0, first, second, addresses.Length - first - second, references, faults);
    }

    private static bool IsFirst(ulong[] walked, ulong address, PageSize size)
    {
        ulong page = ((address >> (int)size << (int)size) - MmuStreams.Base) >> PageSizes.BaseShift;
        ref ulong word = ref walked[page / 64];
        ulong bit = 1UL << (int)(page % 64);
        bool first = (word & bit) == 0;
        word |= bit;
        return first;
    }

    /// <summary>The first place from one on where an address of another page stands.</summary>
    private static int EndOfRun(ulong[] addresses, int from, ulong address)
    {
        ReadOnlySpan<ulong> rest = addresses.AsSpan(from);
        int at = 0;
        while (at + 3 < rest.Length
            && (
                (rest[at] ^ address) | (rest[at + 1] ^ address) | (rest[at + 2] ^ address)
                    | (rest[at + 3] ^ address)) >> PageSizes.BaseShift == 0)
        {
            at += 4;
        }

        while (at < rest.Length && (rest[at] ^ address) >> PageSizes.BaseShift == 0)
        {
            at++;
        }

        return from + at;
    }

    private static PageTable Map(int largePercent, ulong largeSeed)
    {
        PageTable table = new(PageTableFormats.All.Require("x86-64", "format"));
        ulong large = PageSize.Size2M.Bytes();
        for (ulong at = 0; at < MmuStreams.Pages << 12; at += large)
        {
            VirtAddr start = new(MmuStreams.Base + at);
            if (MmuStreams.IsLarge(start.Value >> 21, largePercent, largeSeed))
            {
                table.Map(start, new PhysAddr(at), PageSize.Size2M, Flags);
                continue;
            }

            for (ulong page = 0; page < large; page += PageSizes.BaseBytes)
            {
                table.Map(start + page, new PhysAddr(at + page), PageSize.Size4K, Flags);
            }
        }

        return table;
    }

    /// <summary>Time this thread has run, in nanoseconds: what else the host runs does not count.</summary>
    private static double Now()
    {
        Timespec time = default;
        _ = ClockGetTime(ThreadCpuClock, ref time);
        return (time.Seconds * 1e9) + time.Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, ref Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
