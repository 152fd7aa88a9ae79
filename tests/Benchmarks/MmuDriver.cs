using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Paging;

namespace VmSim.Benchmarks;

/// <summary>
/// Runs the MMU over addresses that stand in memory. The table maps every page from the start; the first walk of a page, which the accessed bit
/// shows, counts as its fault. A run of accesses to one page is one look-up, as it is for the cores of a simulation.
/// </summary>
internal static partial class MmuDriver
{
    private const PageFlags Flags = PageFlags.Read | PageFlags.Write | PageFlags.User;
    private const int Ahead = 2;
    private const int ThreadCpuClock = 3;

    public static MmuRun Run(MmuSpec spec, int largePercent, ulong largeSeed, ulong[] addresses)
    {
        using PageTable table = Map(largePercent, largeSeed);
        using Mmu mmu = new(spec, 1);
        mmu.Load(new Asid(1), table);
        double start = Now();
        MmuRun counts = Loop(mmu, table, addresses);
        return counts with { Nanoseconds = (Now() - start) / addresses.Length };
    }

    private static MmuRun Loop(Mmu mmu, PageTable table, ulong[] addresses)
    {
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
                if (result.BitsSet != PageFlags.None)
                {
                    faults++;
                    table.SetAccessedDirty(new VirtAddr(address), PageFlags.Accessed);
                }
            }

            // The rest of a run on one page hits at the first level and changes nothing.
            int run = i + 1;
            while (run < addresses.Length && (addresses[run] ^ address) >> PageSizes.BaseShift == 0)
            {
                run++;
            }

            first += run - i - 1;
            i = run - 1;
        }

        return new MmuRun(0, first, second, addresses.Length - first - second, references, faults);
    }

    private static PageTable Map(int largePercent, ulong largeSeed)
    {
        PageTable table = new(PageTableFormats.ByName("x86-64"));
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
