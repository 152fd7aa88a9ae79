using VmSim.Core.Addresses;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>Broadcasts through one fabric. The contract is kept with few ASIDs, so that generations end, and all set on.</summary>
public sealed class ArmTlbiProtocolTests : ShootdownProtocolContract
{
    /// <inheritdoc/>
    protected override IEnumerable<IShootdownProtocol> Subjects =>
        [new ArmTlbiProtocol { Asids = 7, Local = true, Repeat = true, RangeOperations = false, StallCycles = 30 }];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(63, 2)]
    [InlineData(64, 1)]
    [InlineData(512, 1)]
    [InlineData(513, 2)]
    [InlineData(2_097_152, 1)]
    [InlineData(2_097_153, -1)]
    public void RangeOperations_AreThoseOfTheKernelsLoop(ulong pages, int operations) =>
        Assert.Equal(operations, ArmTlbiProtocol.RangeOperationsFor(pages));

    [Theory]
    [InlineData(true, 200, 2)]
    [InlineData(false, 200, 200)]
    public void Unmap_TakesAnOperationAPageWithoutRanges(bool ranges, int pages, long operations)
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), pages)
            .Advise(TestWorlds.Page(0), pages, Advice.DontNeed).Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("u").Load(TestWorlds.Page(250)).Compute(2_000_000).Build(new CoreId(1));
        RunReport report = TestWorlds.RunThreads(
            TestWorlds.Scenario(2, giver, user), protocol: new ArmTlbiProtocol { RangeOperations = ranges });
        Assert.Equal(operations, report.Total("tlbiBroadcasts"));
        Assert.Equal(0, report.Total("ipisSent"));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Local_SpaceThatOneCoreAloneHasLoaded_BroadcastsNothing(bool local, bool visited)
    {
        ThreadBuilder worker = new("w");
        for (int i = 0; i < 10; i++)
        {
            worker.Touch(TestWorlds.Page(0), 1).Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Compute(5_000);
        }

        ThreadProgram visitor = new ThreadBuilder("v").Load(TestWorlds.Page(9)).Build(new CoreId(visited ? 1 : 0));
        RunReport report = TestWorlds.RunThreads(
            TestWorlds.Scenario(2, worker.Build(new CoreId(0)), visitor), protocol: new ArmTlbiProtocol { Local = local });
        bool stays = local && !visited;
        Assert.Equal((stays ? 10 : 0, stays ? 0 : 10), (report.Total("tlbiLocal"), report.Total("tlbiBroadcasts")));
    }

    [Fact]
    public void Fabric_ProcessesThatBroadcastAtOnce_WaitForEachOther()
    {
        RunReport one = TestWorlds.Run(Senders(1), protocol: new ArmTlbiProtocol { FabricCycles = 5_000 });
        RunReport eight = TestWorlds.Run(Senders(8), protocol: new ArmTlbiProtocol { FabricCycles = 5_000 });
        RunReport local = TestWorlds.Run(Senders(8), protocol: new ArmTlbiProtocol { FabricCycles = 5_000, Local = true });
        Assert.Equal(0, one.Total("fabricWaitCycles"));
        Assert.True(eight.Total("fabricWaitCycles") > 100 * 5_000);
        Assert.True(eight.Total("cycles") > 2 * one.Total("cycles"));
        Assert.True(local.Total("cycles") < one.Total("cycles"));
    }

    [Fact]
    public void Repeat_TakesAnotherOperationAndWait()
    {
        RunReport once = TestWorlds.Run(Senders(1), protocol: new ArmTlbiProtocol());
        RunReport twice = TestWorlds.Run(Senders(1), protocol: new ArmTlbiProtocol { Repeat = true });
        Assert.Equal(2 * once.Total("tlbiBroadcasts"), twice.Total("tlbiBroadcasts"));
        Assert.True(twice.Total("cycles") > once.Total("cycles"));
    }

    [Fact]
    public void MoreSpacesThanAsids_CoresDropEverythingWhenTheySwitchInTheNewGeneration()
    {
        RunReport few = TestWorlds.Run(Crowd(9), protocol: new ArmTlbiProtocol { Asids = 4 });
        RunReport enough = TestWorlds.Run(Crowd(9), protocol: new ArmTlbiProtocol());
        Assert.True(few.Total("flushesOfNewGenerations") > 2);
        Assert.Equal(0, enough.Total("flushesOfNewGenerations"));
        Assert.Equal(0, enough.Total("fullFlushes"));
    }

    [Fact]
    public void Asids_NoMoreThanCores_AreRefused()
    {
        ScenarioException error = Assert.Throws<ScenarioException>(
            () => TestWorlds.Run(Crowd(3), protocol: new ArmTlbiProtocol { Asids = 2 }));
        Assert.Equal(
            "shootdown.protocol-settings.asids: 2 found; with 2 cores at least 3 are needed, one for each core and one for the space that "
                + "comes",
            error.Message);
    }

    /// <summary>Processes of one thread each, on cores of their own, give pages back one by one.</summary>
    private static ScenarioSpec Senders(int count) => TestWorlds.Scenario(count) with
    {
        Processes = [.. Enumerable.Range(0, count).Select(number =>
        {
            ThreadBuilder thread = new("t");
            for (int i = 0; i < 40; i++)
            {
                thread.Touch(TestWorlds.Page(0), 1).Advise(TestWorlds.Page(0), 1, Advice.DontNeed);
            }

            ThreadProgram program = thread.Build(new CoreId(number));
            return new ProcessSpec { Name = $"p{number}", Program = _ => TestWorlds.Image(program) };
        })],
    };

    /// <summary>Processes that take turns on two cores.</summary>
    private static ScenarioSpec Crowd(int processes) => TestWorlds.Scenario(2) with
    {
        Kernel = new() { TimeSliceCycles = 9_000 },
        Processes = [.. Enumerable.Range(0, processes).Select(number =>
        {
            ThreadBuilder thread = new("t");
            for (int i = 0; i < 20; i++)
            {
                thread.Touch(TestWorlds.Page(0), 3).Compute(4_000).Advise(TestWorlds.Page(i % 3), 1, Advice.DontNeed);
            }

            ThreadProgram program = thread.Build(new CoreId(number % 2));
            return new ProcessSpec { Name = $"p{number}", Program = _ => TestWorlds.Image(program) };
        })],
    };
}
