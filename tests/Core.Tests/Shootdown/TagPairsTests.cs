using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>What page-table isolation costs, by the rules of arch/x86/mm/tlb.c, sys/amd64/amd64/pmap.c and N. Amit's patches.</summary>
public sealed class TagPairsTests
{
    private static readonly KernelProfile Isolated = new() { PageTableIsolation = true };
    private static readonly KernelProfile WithoutInvpcid = Isolated with { Invpcid = false };

    /// <summary>The protocols that know pairs of tags.</summary>
    public static TheoryData<string> Protocols =>
        [.. ShootdownProtocols.All.Where(protocol => protocol.Isolation != IsolationKind.None).Select(protocol => protocol.Name)];

    [Fact]
    public void Protocols_ThatKnowPairs_AreThoseOfX86() => Assert.Equal(
        ["linux", "latr", "linux-invlpgb", "freebsd", "early-ack", "radixvm", "abis"],
        ShootdownProtocols.All.Where(protocol => protocol.Isolation != IsolationKind.None).Select(protocol => protocol.Name));

    [Fact]
    public void OtherCall_TakesTwoSwitches()
    {
        const int Calls = 100;
        ThreadBuilder thread = new("t");
        for (int i = 0; i < Calls; i++)
        {
            thread.Call(new SystemCall { Kind = SystemCallKind.Other });
        }

        ScenarioSpec scenario = TestWorlds.Scenario(1, thread.Build(new CoreId(0))) with { Shootdown = new() { Protocol = "linux" } };
        RunReport off = TestWorlds.Run(scenario);
        RunReport on = TestWorlds.Run(scenario with { Kernel = Isolated });

        // The thread begins and ends besides.
        Assert.Equal((2 * Calls) + 2, on.Total("tableSwitches"));
        long atTheFirstReturn = Isolated.InvalidateAllCycles - Isolated.TableSwitchCycles;
        Assert.Equal((((2 * Calls) + 2) * Isolated.TableSwitchCycles) + atTheFirstReturn, on.Total("cycles") - off.Total("cycles"));
    }

    [Theory]
    [InlineData("linux")]
    [InlineData("freebsd")]
    public void Pages_WithInvpcid_AreInvalidatedTwice(string protocol)
    {
        RunReport report = Advised(protocol, pages: 8, Isolated);
        Assert.Equal((8, 0, 0), (report.Total("userPagesByTag"), Flushes(report), report.Total("userRangesAtReturn")));
        Assert.Equal(
            8 * (Isolated.InvalidatePageCycles + Isolated.InvpcidExtraCycles) + (2 * Isolated.TableSwitchCycles),
            CallCycles(report) - CallCycles(Advised(protocol, pages: 8, new KernelProfile())));
    }

    [Fact]
    public void Pages_WithoutInvpcid_TakeTheWholeHalfAtTheReturn()
    {
        RunReport report = Advised("linux", pages: 8, WithoutInvpcid);
        Assert.Equal((0, 1), (report.Total("userPagesByTag"), Flushes(report)));

        // The other eight pages, which the thread loads again, are lost with them, and one write of CR3 does both.
        Assert.Equal(8, report.Total("refillMisses"));
        Assert.Equal(
            Isolated.InvalidateAllCycles + Isolated.TableSwitchCycles,
            CallCycles(report) - CallCycles(Advised("linux", pages: 8, new KernelProfile())));
    }

    [Fact]
    public void Pages_WithoutInvpcidOnFreeBsd_AreInvalidatedUnderTheUsersTable()
    {
        RunReport report = Advised("freebsd", pages: 8, WithoutInvpcid);
        Assert.Equal((0, 0, 0), (report.Total("userPagesByTag"), Flushes(report), report.Total("refillMisses")));
        Assert.Equal(
            (8 * Isolated.InvalidatePageCycles) + (4 * Isolated.TableSwitchCycles),
            CallCycles(report) - CallCycles(Advised("freebsd", pages: 8, new KernelProfile())));
    }

    [Theory]
    [InlineData(true, 0, 1)]
    [InlineData(false, 8, 0)]
    public void InContext_TakesTheRangeAtTheReturnByInvlpg(bool inContext, long byTag, long ranges)
    {
        EarlyAckProtocol protocol = new() { InContext = inContext };
        RunReport report = Run(Advising(pages: 8), protocol, Isolated);
        Assert.Equal(
            (byTag, ranges, 0), (report.Total("userPagesByTag"), report.Total("userRangesAtReturn"), report.Total("refillMisses")));
        long spared = inContext ? 8 * Isolated.InvpcidExtraCycles : 0;
        RunReport byTagAlone = Run(Advising(pages: 8), new EarlyAckProtocol { InContext = false }, Isolated);
        Assert.Equal(spared, CallCycles(byTagAlone) - CallCycles(report));
    }

    /// <summary>An initiator that waits for others has time for INVPCID; the others have not.</summary>
    [Fact]
    public void InContext_WithOthersToTell_IsForThem()
    {
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(100), 1).Compute(2_000_000).Build(new CoreId(1));
        RunReport report = Run(Advising(pages: 8, user), new EarlyAckProtocol(), Isolated);
        Assert.Equal((1, 8, 1), (report.Total("ipisSent"), report.Total("userPagesByTag"), report.Total("userRangesAtReturn")));
    }

    [Fact]
    public void InContext_FreedTables_GoAtOnce()
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 8).Unmap(TestWorlds.Page(0), 512).Build(new CoreId(0));
        RunReport report = Run(TestWorlds.Scenario(1, giver), new EarlyAckProtocol(), Isolated with { FlushCeilingPages = 1_000 });
        Assert.Equal((0, 0), (report.Total("userRangesAtReturn"), Flushes(report)));
        Assert.True(report.Total("userPagesByTag") >= 8);
    }

    [Fact]
    public void MoreThanTheCeiling_GoesAtTheReturn()
    {
        RunReport report = Advised("linux", pages: 40, Isolated);
        Assert.Equal((0, 1), (report.Total("userPagesByTag"), Flushes(report)));
    }

    /// <summary>What a core is interrupted for costs two switches, if the interrupt meets user mode.</summary>
    [Fact]
    public void Interrupt_OfUserMode_TakesTwoSwitches()
    {
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(100), 1).Compute(2_000_000).Build(new CoreId(1));
        RunReport report = Run(Advising(pages: 1, user), new LinuxProtocol(), Isolated);
        CoreReport target = report.Cores.Single(core => core.Id.Value == 1);

        // To begin, to fault, and to be interrupted.
        Assert.Equal(1 + 2 + 2, target.Counters.Single(counter => counter.Key == "tableSwitches").Value);
    }

    [Fact]
    public void KernelAccess_HasAHalfOfItsOwn()
    {
        ThreadBuilder thread = new ThreadBuilder("t").Touch(TestWorlds.Page(0), 1);
        for (int i = 0; i < 5; i++)
        {
            thread.Control(ControlKind.KernelStore, TestWorlds.Page(0) >> PageSizes.BaseShift).Store(TestWorlds.Page(0));
        }

        ScenarioSpec scenario = TestWorlds.Scenario(1, thread.Build(new CoreId(0))) with { Shootdown = new() { Protocol = "linux" } };
        long off = TestWorlds.Run(scenario).Total("walks");
        Assert.Equal(off + 1, TestWorlds.Run(scenario with { Kernel = Isolated }).Total("walks"));
    }

    [Fact]
    public void Broadcasts_NameBothTags()
    {
        OwnSettings eager = new([new("sample", "1"), new("active-cores", "2")]);
        long off = Broadcasts(new KernelProfile());
        Assert.True(off > 0);
        Assert.Equal(2 * off, Broadcasts(Isolated));

        long Broadcasts(KernelProfile kernel)
        {
            ThreadBuilder giver = new("g");
            for (int i = 0; i < 6; i++)
            {
                giver.Touch(TestWorlds.Page(0), 4).Advise(TestWorlds.Page(0), 4, Advice.DontNeed).Compute(50_000);
            }

            ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(100), 1).Compute(3_000_000).Build(new CoreId(1));
            ScenarioSpec scenario = TestWorlds.Scenario(2, giver.Build(new CoreId(0)), user);
            return Run(scenario, eager.ApplyTo(new LinuxInvlpgbProtocol(), "", ghz: 1), kernel).Total("broadcasts");
        }
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Off_ChangesNothing(string protocol)
    {
        ThreadProgram user = new ThreadBuilder("u").Touch(TestWorlds.Page(100), 1).Compute(2_000_000).Build(new CoreId(1));
        ScenarioSpec scenario = Advising(pages: 8, user) with { Shootdown = new ShootdownSpec { Protocol = protocol } };
        RunReport plain = TestWorlds.Run(scenario);
        KernelProfile others = new() { Invpcid = false, TableSwitchCycles = 7, InvpcidExtraCycles = 9 };
        RunReport off = TestWorlds.Run(scenario with { Kernel = others });
        Assert.Equal(plain.Fingerprint, off.Fingerprint);
        Assert.DoesNotContain(plain.Totals, total => total.Key == "tableSwitches");
    }

    [Fact]
    public void UnusedSettings_WithoutIsolation_AreNamed()
    {
        ScenarioSpec scenario = Advising(pages: 1) with { Kernel = new KernelProfile { Invpcid = false, TableSwitchCycles = 7 } };
        Assert.Equal(["kernel.invpcid", "kernel.table-switch-cycles"], scenario.UnusedIsolationSettings());
        Assert.Empty((scenario with { Kernel = WithoutInvpcid }).UnusedIsolationSettings());
        Assert.Empty((scenario with { Kernel = new KernelProfile() }).UnusedIsolationSettings());
    }

    [Theory]
    [InlineData("broadcast", "x86-64", true, "knows no pairs of tags; it goes with linux, latr")]
    [InlineData("arm-tlbi", "aarch64", true, "knows no pairs of tags")]
    [InlineData("linux", "riscv-sv39", false, "set shootdown.hypothetical = on")]
    public void Isolation_WhereThereIsNone_IsRefused(string protocol, string format, bool hypothetical, string part)
    {
        ScenarioSpec scenario = Advising(pages: 1) with
        {
            Kernel = Isolated,
            Machine = new MachineSpec { PageTable = format },
            Shootdown = new ShootdownSpec { Protocol = protocol, Hypothetical = hypothetical },
        };
        Assert.Contains(
            part, Assert.Throws<ScenarioException>(() => WorldParts.ProtocolOf(scenario)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public void Pieces_GiveTheSameAsOneRun(string protocol)
    {
        foreach (KernelProfile kernel in (KernelProfile[])[Isolated, WithoutInvpcid])
        {
            ThreadBuilder[] threads = [new("a"), new("b"), new("c")];
            for (int i = 0; i < 30; i++)
            {
                threads[i % 3].Touch(TestWorlds.Page(10 * (i % 4)), 12).Advise(TestWorlds.Page(10 * (i % 4)), 12, Advice.DontNeed);
            }

            ScenarioSpec scenario = TestWorlds.Scenario(2, [.. threads.Select(thread => thread.Build())]) with
            {
                Kernel = kernel with { TimeSliceCycles = 20_000 },
                Shootdown = new ShootdownSpec { Protocol = protocol },
            };
            (RunReport pieces, int checkpoints) = PiecewiseRun.Of(scenario, windows: 3, pieces: 40);
            RunReport whole = TestWorlds.Run(scenario);
            Assert.Equal((whole.Fingerprint, RunOutcomes.Completed), (pieces.Fingerprint, pieces.Outcome));
            Assert.Equal(whole.Fingerprint, TestWorlds.Run(scenario, window: 100).Fingerprint);
            Assert.InRange(checkpoints, 5, 40);
        }
    }

    /// <summary>Random programs, with all kinds of calls: nobody uses what is dead, and no window or piece changes anything.</summary>
    [Theory]
    [MemberData(nameof(Protocols))]
    public void AnyRun_Isolated_IsCleanAndTheSameInWindowsAndPieces(string protocol) => RandomPrograms.Scenario.Sample(
        drawn =>
        {
            foreach (bool invpcid in (bool[])[true, false])
            {
                ScenarioSpec scenario = drawn with
                {
                    Kernel = drawn.Kernel with { PageTableIsolation = true, Invpcid = invpcid },
                    Shootdown = new ShootdownSpec { Protocol = protocol },
                };
                string whole = TestWorlds.Run(scenario).Fingerprint;
                Assert.Equal(whole, TestWorlds.Run(scenario, window: 150).Fingerprint);
                Assert.Equal(whole, PiecewiseRun.Of(scenario, windows: 40, pieces: 4).Report.Fingerprint);
            }
        },
        iter: 12);

    /// <summary>Sixteen pages are used, some of the first are given back, and the others are used again.</summary>
    private static ScenarioSpec Advising(int pages, params ThreadProgram[] others)
    {
        ThreadBuilder giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), Math.Max(16, pages)).Compute(100_000)
            .Advise(TestWorlds.Page(0), pages, Advice.DontNeed);
        for (int i = pages; i < 16; i++)
        {
            giver.Load(TestWorlds.Page(i));
        }

        return TestWorlds.Scenario(1 + others.Length, [giver.Build(new CoreId(0)), .. others]);
    }

    private static RunReport Advised(string protocol, int pages, KernelProfile kernel) =>
        Run(Advising(pages), ShootdownProtocols.All.Find(protocol)!, kernel);

    private static RunReport Run(ScenarioSpec scenario, IShootdownProtocol protocol, KernelProfile kernel) =>
        TestWorlds.RunThreads(scenario with { Kernel = kernel }, protocol: protocol);

    /// <summary>Returns at which the whole half went, but for those behind a load under a new tag.</summary>
    private static long Flushes(RunReport report) => report.Total("userFlushesAtReturn") - report.Total("spaceLoads");

    /// <summary>The latency of the one call that gives memory back.</summary>
    private static long CallCycles(RunReport report) =>
        report.LatencyCycles.Single(latency => latency.Key == LatencyKind.OtherCall.Info.Name).Value.Max;
}
