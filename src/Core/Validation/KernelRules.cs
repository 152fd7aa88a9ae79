using VmSim.Core.Machine;

namespace VmSim.Core.Validation;

/// <summary>
/// Which cost of the kernel follows from which measured program, in the order in which they are derived: a rule uses costs of rules before
/// it. Each cost has one rule, and no figure is fitted by two.
/// </summary>
internal static class KernelRules
{
    private const string None = "none";
    private const long Touches = 4_096;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<KernelRule> All { get; } =
    [
        One("map-cycles", k => k.MapCycles, (k, c) => k with { MapCycles = c }, 1, "map0", 16, "mmap"),
        One("unmap-cycles", k => k.UnmapCycles, (k, c) => k with { UnmapCycles = c }, 1, "map0", 16, "munmap"),
        One("zero-fault-cycles", k => k.ZeroFaultCycles, (k, c) => k with { ZeroFaultCycles = c }, Touches,
            "anon-private-read-zero-page", Touches, "touch"),
        One("zap-unowned-page-cycles", k => k.ZapUnownedPageCycles, (k, c) => k with { ZapUnownedPageCycles = c }, Touches,
            "anon-private-read-zero-page", Touches, "munmap"),
        Slope("anonymous-fault-cycles", k => k.AnonymousFaultCycles, (k, c) => k with { AnonymousFaultCycles = c },
            "mmu", 64, 256, "touch"),
        One("cold-page-cycles", k => k.ColdPageCycles, (k, c) => k with { ColdPageCycles = c }, Touches,
            "anon-private-write", Touches, "touch"),
        Slope("zap-page-cycles", k => k.ZapPageCycles, (k, c) => k with { ZapPageCycles = c }, "dontneed", 64, 256, "madvise"),
        One("advise-cycles", k => k.AdviseCycles, (k, c) => k with { AdviseCycles = c }, 1, "dontneed", 64, "madvise"),
        Slope("shared-fault-cycles", k => k.SharedFaultCycles, (k, c) => k with { SharedFaultCycles = c }, "shrd", 64, 256, "touch"),
        Slope("zap-dirty-page-cycles", k => k.ZapDirtyPageCycles, (k, c) => k with { ZapDirtyPageCycles = c }, "shrd", 64, 256, "munmap"),
        One("map-shared-cycles", k => k.MapSharedCycles, (k, c) => k with { MapSharedCycles = c }, 1, "shrd", 64, "mmap"),
        One("unmap-shared-cycles", k => k.UnmapSharedCycles, (k, c) => k with { UnmapSharedCycles = c }, 1, "shrd", 64, "munmap"),
        Slope("protect-page-cycles", k => k.ProtectPageCycles, (k, c) => k with { ProtectPageCycles = c },
            "mprot", 64, 256, "protect-read"),
        One("protect-cycles", k => k.ProtectCycles, (k, c) => k with { ProtectCycles = c }, 1, "mprot", 64, "protect-read"),
        Slope("move-page-cycles", k => k.MovePageCycles, (k, c) => k with { MovePageCycles = c }, "mremap", 64, 256, "mremap"),
        One("remap-cycles", k => k.RemapCycles, (k, c) => k with { RemapCycles = c }, 1, "mremap", 64, "mremap"),
        Slope("clear-page-cycles", k => k.ClearPageCycles, (k, c) => k with { ClearPageCycles = c }, "free", 64, 256, "madvise"),
        Slope("accessed-dirty-cycles", k => k.AccessedDirtyCycles, (k, c) => k with { AccessedDirtyCycles = c }, "free", 64, 256, "touch"),
        One("break-cycles", k => k.BreakCycles, (k, c) => k with { BreakCycles = c }, 1, "brk", 64, "grow"),
        One("populate-page-cycles", k => k.PopulatePageCycles, (k, c) => k with { PopulatePageCycles = c }, Touches,
            "anon-populate-write", Touches, "touch"),
        One("populate-file-page-cycles", k => k.PopulateFilePageCycles, (k, c) => k with { PopulateFilePageCycles = c }, Touches,
            "file-populate-read", Touches, "touch"),
        One("file-fault-page-cycles", k => k.FileFaultPageCycles, (k, c) => k with { FileFaultPageCycles = c }, Touches,
            "file-private-read-seq", Touches, "touch"),
        One("copy-fault-cycles", k => k.CopyFaultCycles, (k, c) => k with { CopyFaultCycles = c }, Touches,
            "file-private-write", Touches, "touch"),
        Slope("reuse-fault-cycles", k => k.ReuseFaultCycles, (k, c) => k with { ReuseFaultCycles = c }, "cowdead", 8, 256, "write"),
        One("huge-fault-cycles", k => k.HugeFaultCycles, (k, c) => k with { HugeFaultCycles = c }, 8,
            "anon-thp-write-every-2m", 8, "touch"),
        One("zap-huge-page-cycles", k => k.ZapHugePageCycles, (k, c) => k with { ZapHugePageCycles = c }, 8,
            "anon-thp-write-every-2m", 8, "munmap"),
        One("huge-zero-fault-cycles", k => k.HugeZeroFaultCycles, (k, c) => k with { HugeZeroFaultCycles = c }, 8,
            "anon-thp-read-every-4k", Touches, "touch"),
        new("split-cycles", k => k.SplitCycles, (k, c) => k with { SplitCycles = c }, 3,
            Term("thp-protect-part", 1, "split", 1), Term("thp-dontneed-part", 1, "split", 1), Term("thp-munmap-part", 1, "split", 1)),
        One("split-shared-cycles", k => k.SplitSharedCycles, (k, c) => k with { SplitSharedCycles = c }, 1,
            "thp-fork-write-part", 1, "split"),
        Slope("fork-page-cycles", k => k.ForkPageCycles, (k, c) => k with { ForkPageCycles = c }, "cow", 8, 256, "fork"),
        One("fork-cycles", k => k.ForkCycles, (k, c) => k with { ForkCycles = c }, 1, "cow", 8, "fork"),
        One("exit-cycles", k => k.ExitCycles, (k, c) => k with { ExitCycles = c }, 1, "cow", 8, "kill-wait"),
        Slope("invalidate-page-cycles", k => k.InvalidatePageCycles, (k, c) => k with { InvalidatePageCycles = c },
            "dontneed", 8, 32, "madvise"),
        One("invalidate-range-cycles", k => k.InvalidateRangeCycles, (k, c) => k with { InvalidateRangeCycles = c }, 1,
            "dontneed", 8, "madvise"),
        One("fault-after-range-cycles", k => k.FaultAfterRangeCycles, (k, c) => k with { FaultAfterRangeCycles = c }, 1,
            "dontneed", 8, "touch"),
        One("rest-after-range-cycles", k => k.RestAfterRangeCycles, (k, c) => k with { RestAfterRangeCycles = c }, 1,
            "mprot", 8, "protect-read"),
        One("call-after-range-cycles", k => k.CallAfterRangeCycles, (k, c) => k with { CallAfterRangeCycles = c }, 1, "mmu", 8, "mmap"),
        new("ipi-send-cycles", k => k.IpiSendCycles, (k, c) => k with { IpiSendCycles = c }, 1,
            Term("dontneed", 64, "madvise", 1, "spin"), Term("dontneed", 64, "madvise", -1)),
        new("handler-in-call-cycles", k => k.HandlerInCallCycles, (k, c) => k with { HandlerInCallCycles = c }, 1,
            Term("mmu", 64, "munmap", 1, "sys"), Term("mmu", 64, "munmap", -1, "spin")),
    ];

    private static KernelRule One(
        string key,
        Func<KernelProfile, long> get,
        Func<KernelProfile, long, KernelProfile> set,
        double times,
        string program,
        long size,
        string figure) => new(key, get, set, times, Term(program, size, figure, 1));

    /// <summary>A cost of each page, from two sizes of one program.</summary>
    private static KernelRule Slope(
        string key,
        Func<KernelProfile, long> get,
        Func<KernelProfile, long, KernelProfile> set,
        string program,
        long small,
        long large,
        string figure) => new(key, get, set, large - small, Term(program, large, figure, 1), Term(program, small, figure, -1));

    private static RuleTerm Term(string program, long size, string figure, double weight, string beside = None) =>
        new(new MeasuredCase(program, beside, size), figure, weight);
}
