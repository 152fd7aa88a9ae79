using VmSim.Core.Addresses;
using VmSim.Core.Mmu;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>Who is told, by what entries tell. The contract is kept without epochs and with fills that cost nothing, too.</summary>
public sealed class AbisProtocolTests : ShootdownProtocolContract
{
    /// <inheritdoc/>
    protected override IEnumerable<IShootdownProtocol> Subjects => [new AbisProtocol { FillCycles = 0, Epochs = false }];

    [Fact]
    public void Unmap_OfWhatTheInitiatorAloneWasGiven_TellsNobody()
    {
        ThreadProgram giver = Giver(thread => thread.Touch(TestWorlds.Page(0), 4).Compute(300_000));
        AssertTold((0, 0, 1, 0, 0), Run(giver, Other(1, thread => thread), Other(2, thread => thread)));
    }

    [Fact]
    public void Unmap_OfWhatAnotherCoreWasGiven_TellsThatOne()
    {
        ThreadProgram giver = Giver(thread => thread.Compute(300_000));
        AssertTold((1, 0, 0, 1, 0), Run(giver, Other(1, thread => thread.Touch(TestWorlds.Page(0), 4)), Other(2, thread => thread)));
    }

    [Fact]
    public void Unmap_OfWhatAnotherCoreHasWalkedTo_TellsEverybody()
    {
        ThreadProgram giver = Giver(thread => thread.Touch(TestWorlds.Page(0), 4).Compute(300_000));
        AssertTold(
            (2, 0, 0, 0, 1),
            Run(giver, Other(1, thread => thread.Compute(100_000).Load(TestWorlds.Page(2))), Other(2, thread => thread)));
    }

    /// <summary>The kernel has mapped the pages, and nobody has used one.</summary>
    [Fact]
    public void Unmap_OfWhatNobodyHasUsed_InvalidatesNothing()
    {
        ThreadProgram giver = Giver(thread => thread.Advise(TestWorlds.Page(0), 4, Advice.PopulateWrite).Compute(300_000));
        RunReport report = Run(giver, Other(1, thread => thread), Other(2, thread => thread));
        AssertTold((0, 1, 0, 0, 0), report);
        Assert.Equal(0, report.Total("localInvalidations"));
    }

    /// <summary>
    /// The core's own walk, once its translation was pushed out, marks the entry, and the kernel cannot tell whose walk it was.
    /// </summary>
    [Fact]
    public void Unmap_OfWhatItsOwnCoreHadToWalkTo_TellsEverybody()
    {
        ThreadProgram giver =
            Giver(thread => thread.Touch(TestWorlds.Page(0), 4).Touch(TestWorlds.Page(100), 100).Load(TestWorlds.Page(0)).Compute(300_000));
        ScenarioSpec scenario = TestWorlds.Scenario(3, giver, Other(1, thread => thread), Other(2, thread => thread));
        TlbSpec small = new() { Entries = 8, Ways = 4 };
        MmuSpec mmu = scenario.Machine.Mmu with { Data4K = small, Second = small };
        AssertTold(
            (2, 0, 0, 0, 1),
            TestWorlds.RunThreads(scenario with { Machine = scenario.Machine with { Mmu = mmu } }, protocol: new AbisProtocol()));
    }

    /// <summary>It sleeps, so that it needs no interrupt: it flushes when it takes the space up again.</summary>
    [Fact]
    public void Unmap_OfWhatASleepingCoreWasGiven_TellsItWhenItWakes()
    {
        ThreadProgram giver = Giver(thread => thread.Compute(300_000));
        RunReport report = Run(
            giver,
            Other(1, thread => thread.Touch(TestWorlds.Page(0), 4).Control(ControlKind.Sleep, 600_000).Load(TestWorlds.Page(60))),
            Other(2, thread => thread));
        AssertTold((0, 0, 0, 1, 0), report);
        Assert.True(report.Total("fullFlushes") > 0);
    }

    /// <summary>A page is given to one core, given back, and given to another, whose turn it is then.</summary>
    [Fact]
    public void Fault_OfAnotherCore_TakesThePageOver()
    {
        ThreadProgram giver = Giver(
            thread => thread.Touch(TestWorlds.Page(0), 4).Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(600_000));
        RunReport report = Run(
            giver, Other(1, thread => thread.Compute(300_000).Touch(TestWorlds.Page(0), 4)), Other(2, thread => thread));
        AssertTold((1, 0, 1, 1, 0), report);
    }

    /// <summary>A core that reads the page of zeros still does when another's store replaces it.</summary>
    [Fact]
    public void Copy_OfWhatAnotherCoreWasGiven_TellsThatOneAndTakesThePageOver()
    {
        ThreadProgram giver = Giver(thread => thread.Compute(300_000).Store(TestWorlds.Page(0)).Compute(300_000));
        RunReport report = Run(giver, Other(1, thread => thread.Load(TestWorlds.Page(0))), Other(2, thread => thread));
        AssertTold((1, 0, 1, 1, 0), report);
    }

    [Theory]
    [InlineData(true, 1, 0)]
    [InlineData(false, 0, 1)]
    public void Epochs_AfterAFlushOfTheSpace_WhatWasGivenBeforeIsCachedByNobody(bool epochs, long uncached, long held)
    {
        // All three cores read the pages from 100 on: more than the kernel drops one by one.
        ThreadProgram giver = Giver(
            thread =>
            {
                Read(thread).Compute(900_000);
                return thread.Advise(TestWorlds.Page(100), 40, Advice.DontNeed).Compute(300_000);
            });
        RunReport report = Run(
            new AbisProtocol { Epochs = epochs },
            giver,
            Other(1, thread => Read(thread.Touch(TestWorlds.Page(0), 4).Compute(400_000))),
            Other(2, thread => Read(thread.Compute(500_000))));
        AssertTold((epochs ? 2 : 3, uncached, 0, held, 1), report);

        static ThreadBuilder Read(ThreadBuilder thread)
        {
            for (int page = 100; page < 140; page++)
            {
                thread.Load(TestWorlds.Page(page));
            }

            return thread;
        }
    }

    [Fact]
    public void FillCycles_AreWhatEachFaultTakesLonger()
    {
        ThreadProgram giver = Giver(thread => thread.Touch(TestWorlds.Page(8), 20));
        RunReport free = Run(new AbisProtocol { FillCycles = 0 }, giver);
        RunReport dear = Run(new AbisProtocol { FillCycles = 1_000 }, giver);
        Assert.Equal((20, 20), (free.Total("primedFills"), dear.Total("primedFills")));
        Assert.Equal(20 * 1_000, dear.Total("cycles") - free.Total("cycles"));
    }

    /// <summary>A page that is primed is not walked to.</summary>
    [Fact]
    public void Fault_PrimesTheTlb_SoThatTheAccessHits()
    {
        ThreadProgram giver = Giver(thread => thread.Touch(TestWorlds.Page(8), 20));
        long linux = Run(new LinuxProtocol(), giver).Total("walks");
        Assert.Equal(20, linux - Run(new AbisProtocol(), giver).Total("walks"));
    }

    /// <summary>Large pages that are split, and machines on which the kernel marks entries.</summary>
    [Theory]
    [InlineData("always", "x86-64")]
    [InlineData("never", "riscv-sv48")]
    public void ColdAndProtectedPages_OnOtherMachines_BreakNoRule(string hugePages, string format)
    {
        ThreadProgram giver = Giver(
            thread => thread.Touch(TestWorlds.Page(0), 64).Advise(TestWorlds.Page(0), 64, Advice.Cold).Store(TestWorlds.Page(3))
                .Protect(TestWorlds.Page(0), 8, Protection.Read).Load(TestWorlds.Page(3)).Compute(300_000));
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, Other(1, thread => thread.Touch(TestWorlds.Page(0), 64)));
        RunReport report = TestWorlds.Run(
            scenario with
            {
                Machine = scenario.Machine with { PageTable = format },
                Memory = new MemorySpec
                {
                    TransparentHugePages = hugePages,
                },
            },
            protocol: new AbisProtocol());
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
    }

    private static ThreadProgram Giver(Func<ThreadBuilder, ThreadBuilder> before) =>
        before(new ThreadBuilder("giver")).Unmap(TestWorlds.Page(0), 4).Compute(10_000).Build(new CoreId(0));

    private static ThreadProgram Other(int core, Func<ThreadBuilder, ThreadBuilder> does) =>
        does(new ThreadBuilder($"other{core}")).Compute(2_000_000).Build(new CoreId(core));

    private static RunReport Run(params ThreadProgram[] threads) => Run(new AbisProtocol(), threads);

    private static RunReport Run(IShootdownProtocol protocol, params ThreadProgram[] threads) =>
        TestWorlds.RunThreads(TestWorlds.Scenario(threads.Length, threads), protocol: protocol);

    private static void AssertTold((long Interrupts, long Uncached, long Local, long Held, long Shared) expected, RunReport report) =>
        Assert.Equal(
            expected,
            (report.Total("ipisSent"), report.Total("uncachedShootdowns"), report.Total("localShootdowns"),
                report.Total("heldShootdowns"), report.Total("sharedShootdowns")));
}
