using VmSim.Core.Programs;
using VmSim.Core.Workloads.Synthetic;

namespace VmSim.Core.Validation;

/// <summary>Programs behind published figures: of protocols, kernels and machines that others have measured.</summary>
internal static class PublishedPrograms
{
    private const string Threads = "threads";

    /// <summary>Pages of the region that a thread of tlb_flush2 maps, uses page by page and unmaps: 1 MiB; a page is a loop of the program.
    /// Source: github.com/antonblanchard/will-it-scale, tests/tlb_flush2.c.</summary>
    private const int FlushedPages = 256;

    /// <summary>A space whose first thread flushes in the first tick is given a tag of the machine then; a tick is 1 ms.</summary>
    private const double Settled = 1_000_000;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<MeasuredProgram> All { get; } =
    [
        new VariantProgram(
            "tlb-flush2", Flushes(), Threads, MeasuredProgram.Rate, Protocol("ipi", "linux"), Protocol("broadcast", "linux-invlpgb")),
        new VariantProgram(
            "concurrent-flush",
            Shipped("pf3"),
            Threads,
            MeasuredProgram.Rate,
            Version("one-by-one", "5.10"),
            Version("concurrent", "5.15")),
        new VariantProgram(
            "area-locks",
            Shipped("pf1"),
            Threads,
            MeasuredProgram.Rate,
            AreaLocks("mmap-lock", on: false),
            AreaLocks("areas", on: true)),
        new VariantProgram(
            "munmap-shared",
            new SharedUnmapProgram("munmap-shared"),
            Beside.None,
            "munmap",
            Protocol("linux", "linux"),
            Protocol("latr", "latr")),
        new FlushProgram("flush", ShootdownPrograms.All.First(program => program.Name == "dontneed"), "madvise"),
    ];

    private static MeasuredProgram Shipped(string name) => RatePrograms.All.First(program => program.Name == name);

    private static RateProgram Flushes() => new("tlb-flush2", FlushedPages, FlushedPages, context =>
    {
        ulong start = ProgramMemory.Mapping(FlushedPages, context.Task);
        return
        [
            context.Script.Map(start, FlushedPages),
            .. Enumerable.Range(0, FlushedPages).SelectMany(page => (ulong[])
            [
                ThreadScript.Store(start + ((ulong)page * ProgramMemory.PageBytes)),
                context.Script.Advise(start + ((ulong)page * ProgramMemory.PageBytes), 1, Advice.DontNeed),
                ThreadScript.Load(start + ((ulong)page * ProgramMemory.PageBytes)),
            ]),
            context.Script.Unmap(start, FlushedPages),
        ];
    })
    {
        SettleNanoseconds = Settled,
    };

    private static Variant Protocol(string name, string protocol) =>
        new(name, machine => machine with { Shootdown = machine.Shootdown with { Protocol = protocol } });

    private static Variant Version(string name, string version) =>
        new(name, machine => machine with { Kernel = machine.Kernel with { Version = version } });

    private static Variant AreaLocks(string name, bool on) =>
        new(name, machine => machine with { Kernel = machine.Kernel with { PerVmaLocks = on } });
}
