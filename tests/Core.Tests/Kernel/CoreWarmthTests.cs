using VmSim.Core.Addresses;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Memory;

namespace VmSim.Core.Tests.Kernel;

public sealed class CoreWarmthTests
{
    private static readonly KernelProfile Kernel = new()
    {
        ColdPageCycles = 1,
        FaultAfterRangeCycles = 10,
        CallAfterRangeCycles = 100,
        RestAfterRangeCycles = 1_000,
        FreePageBatch = 2,
    };

    private static readonly FaultResult NewPage = new() { Kind = FaultKind.Anonymous };
    private static readonly DeadTranslations Range = Dead(33);
    private static readonly DeadTranslations All = Dead(34);
    private readonly CoreWarmth _warmth = new();

    [Fact]
    public void Fault_NewPage_IsColdUnlessTheCoreFreedOne()
    {
        _warmth.Free(new CoreId(1), 2, Kernel);

        Assert.Equal([0, 0, 1], Enumerable.Range(0, 3).Select(_ => Fault(1, NewPage)));
        Assert.Equal(1, Fault(0, NewPage));
    }

    [Fact]
    public void Free_MoreThanACoreKeeps_LeavesFourBatchesWarm()
    {
        _warmth.Free(new CoreId(0), 1_000, Kernel);

        Assert.Equal([.. Enumerable.Repeat(0L, 8), 1], Enumerable.Range(0, 9).Select(_ => Fault(0, NewPage)));
    }

    [Fact]
    public void Fault_WithoutNewPage_IsNeverCold() => Assert.Equal(0, Fault(0, new FaultResult { Kind = FaultKind.ReuseWrite }));

    /// <summary>After a range each way into the kernel is slow once, on the core that invalidated.</summary>
    [Fact]
    public void AfterRange_NextFaultAndNextCall_AreSlowOnceEach()
    {
        Assert.Equal(1_000, Call(0, Range));

        Assert.Equal([11, 1], [Fault(0, NewPage), Fault(0, NewPage)]);
        Assert.Equal([100, 0], [Call(0, null), Call(0, null)]);
        Assert.Equal(1, Fault(1, NewPage));
    }

    [Fact]
    public void AfterFullFlush_NothingIsSlow() => Assert.Equal([0, 0, 1], [Call(0, All), Call(0, null), Fault(0, NewPage)]);

    /// <summary>Advice changes no areas: it has no rest to do, and what is slow waits for a call that does.</summary>
    [Fact]
    public void Advice_RangeOrAfterIt_IsNotSlow()
    {
        Assert.Equal([0, 0], [Call(0, Range, exclusive: false), Call(0, Range, exclusive: false)]);
        Assert.Equal(100, Call(0, null));
    }

    /// <summary>A copy invalidates its page, so the next fault is slow.</summary>
    [Fact]
    public void Fault_ThatCopies_MakesTheNextSlow() =>
        Assert.Equal([1, 11], [Fault(0, new FaultResult { Kind = FaultKind.CopyOnWrite }, Dead(1)), Fault(0, NewPage)]);

    private static DeadTranslations Dead(ulong pages) => new(
        DeadRange.Between(VirtAddr.OfPage(1), VirtAddr.OfPage(pages), PageSize.Size4K), (long)pages, FreesMemory: false);

    private long Fault(int core, FaultResult fault, DeadTranslations? dead = null) =>
        _warmth.OfFault(Operation(OperationKind.Fault, core, dead, exclusive: false), fault, Kernel);

    private long Call(int core, DeadTranslations? dead, bool exclusive = true) =>
        _warmth.OfCall(Operation(OperationKind.Call, core, dead, exclusive), Kernel);

    private static KernelOperation Operation(OperationKind kind, int core, DeadTranslations? dead, bool exclusive) => new()
    {
        Kind = kind,
        Thread = new ThreadId(0),
        Core = new CoreId(core),
        Dead = dead,
        Exclusive = exclusive,
    };
}
