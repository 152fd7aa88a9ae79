using VmSim.Core.Addresses;
using VmSim.Core.Memory;
using VmSim.Core.Programs;

namespace VmSim.Core.Tests.Memory;

/// <summary>Guard regions as the kernel's own test has them (tools/testing/selftests/mm/guard-regions.c; the names are its).</summary>
public sealed class GuardRegionTests
{
    [Fact]
    public void Basic_PagesAreDroppedAndFaultUntilRemoved()
    {
        TestSpace space = new();
        space.Map(0, 10);
        space.Touch(0, 10, AccessKind.Store);
        MmResult installed = space.Advise(2, 3, Advice.GuardInstall);
        Assert.Equal((3L, 3L, 1), (installed.Dead!.Value.Count, installed.PagesZapped, space.Memory.AreaCount));
        Assert.Equal(new() { [FaultKind.SegmentationFault] = 3 }, space.Touch(0, 10, AccessKind.Load));
        Assert.Null(space.Advise(0, 10, Advice.GuardRemove).Dead);
        Assert.Equal(new() { [FaultKind.ZeroPage] = 3 }, space.Touch(0, 10, AccessKind.Load));
    }

    [Fact]
    public void MultiVma_HolesAreAnsweredAndTheRestIsDone()
    {
        TestSpace space = new();
        space.Map(0, 2);
        space.Map(4, 2, Protection.Read);
        SystemCall call = new() { Kind = SystemCallKind.Advise, Start = TestSpace.At(0), Length = 6 << 12, Advice = Advice.GuardInstall };
        Assert.Equal(Errno.NoMemory, space.Memory.Apply(call).Errno);
        Assert.Equal(new() { [FaultKind.SegmentationFault] = 6 }, space.Touch(0, 6, AccessKind.Load));
    }

    [Fact]
    public void Munmap_TakesGuardsAway()
    {
        TestSpace space = new();
        space.Map(0, 10);
        space.Advise(0, 10, Advice.GuardInstall);
        space.Unmap(3, 1);
        space.Map(3, 1);
        space.Map(6, 2);
        Assert.Equal(new() { [FaultKind.SegmentationFault] = 7, [FaultKind.Anonymous] = 3 }, space.Touch(0, 10, AccessKind.Store));
    }

    [Fact]
    public void MprotectAndDontneed_KeepGuards()
    {
        TestSpace space = new();
        space.Map(0, 10);
        space.Advise(0, 10, Advice.GuardInstall);
        space.Protect(0, 10, Protection.Read);
        space.Protect(0, 10, TestSpace.ReadWrite);
        space.Advise(0, 10, Advice.DontNeed);
        space.Advise(0, 10, Advice.Free);
        Assert.Equal(new() { [FaultKind.SegmentationFault] = 10 }, space.Touch(0, 10, AccessKind.Store));
    }

    [Fact]
    public void Populate_StopsAtAGuard()
    {
        TestSpace space = new();
        space.Map(0, 10);
        space.Advise(4, 1, Advice.GuardInstall);
        MmResult result = space.Memory.Apply(
            new SystemCall { Kind = SystemCallKind.Advise, Start = TestSpace.At(0), Length = 10 << 12, Advice = Advice.PopulateRead });
        Assert.Equal((Errno.BadAddress, 4L), (result.Errno, result.PagesPopulated));
    }

    [Fact]
    public void Fork_CopiesGuards_AndWipesThemWhereAsked()
    {
        TestSpace space = new();
        space.Map(0, 10);
        space.Advise(0, 4, Advice.GuardInstall);
        space.Advise(0, 2, Advice.WipeOnFork);
        TestSpace child = space.Fork(out _);
        Assert.Equal(new() { [FaultKind.SegmentationFault] = 2, [FaultKind.ZeroPage] = 8 }, child.Touch(0, 10, AccessKind.Load));
        child.Advise(2, 1, Advice.GuardRemove);
        Assert.Equal(FaultKind.SegmentationFault, space.Fault(2, AccessKind.Load).Kind);
    }

    [Fact]
    public void MremapMove_TakesGuardsAlong()
    {
        TestSpace space = new();
        space.Map(0, 5);
        space.Advise(0, 1, Advice.GuardInstall);
        space.Advise(4, 1, Advice.GuardInstall);
        space.Ok(new SystemCall
        {
            Kind = SystemCallKind.Remap,
            Start = TestSpace.At(0),
            Length = 5 << 12,
            NewStart = TestSpace.At(100),
            NewLength = 5 << 12,
            RemapFlags = RemapFlags.MayMove | RemapFlags.Fixed,
        });
        space.Map(0, 5);
        Assert.Equal(new() { [FaultKind.SegmentationFault] = 2, [FaultKind.Anonymous] = 3 }, space.Touch(100, 5, AccessKind.Store));
        Assert.Equal(new() { [FaultKind.Anonymous] = 5 }, space.Touch(0, 5, AccessKind.Store));
    }

    [Fact]
    public void Faultaround_PassesGuardsOver()
    {
        TestSpace space = new();
        space.MapFile(TestSpace.FileA, 0, 16);
        space.Advise(3, 2, Advice.GuardInstall);
        Assert.Equal(FaultKind.File, space.Fault(0, AccessKind.Load).Kind);
        Assert.Equal(new() { [FaultKind.SegmentationFault] = 2 }, space.Touch(0, 16, AccessKind.Load));
    }
}
