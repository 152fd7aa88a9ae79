using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Shootdown;
using VmSim.Testing;

namespace VmSim.Core.Tests.Shootdown;

/// <summary>Page tables of cores, and a set of cores for each page.</summary>
public sealed class RadixVmProtocolTests
{
    /// <summary>Four cores run the space; those that have not faulted on the pages are not interrupted.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Unmap_InterruptsTheCoresThatFaultedOnThePages(int users)
    {
        RunReport report = TestWorlds.RunThreads(Shared(users, 4), protocol: new RadixVmProtocol());
        Assert.Equal(users, report.Total("ipisSent"));
        Assert.Equal(0, report.Total("spuriousIpis"));
        Assert.Equal(4 * users, report.Total("fillFaults"));

        // with one table for all, every core that runs the space is told
        foreach (string scheme in (string[])["core-tracking", "batched"])
        {
            RunReport shared = TestWorlds.RunThreads(Shared(users, 4), protocol: new RadixVmProtocol { Scheme = scheme });
            Assert.Equal(3, shared.Total("ipisSent"));
            Assert.Equal(0, shared.Total("fillFaults") + shared.Total("coreTablePages"));
        }
    }

    /// <summary>A page that comes back at the same place has a new set.</summary>
    [Fact]
    public void Unmap_OfAPageThatNobodyFaultedOnSince_InterruptsNobody()
    {
        ThreadBuilder giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), 1).Compute(200_000);
        for (int i = 0; i < 5; i++)
        {
            giver.Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Touch(TestWorlds.Page(0), 1);
        }

        ThreadProgram user = new ThreadBuilder("u").Load(TestWorlds.Page(0)).Compute(2_000_000).Build(new CoreId(1));
        RunReport report = TestWorlds.RunThreads(
            TestWorlds.Scenario(2, giver.Build(new CoreId(0)), user), protocol: new RadixVmProtocol());
        Assert.Equal(5, report.Total("shootdowns"));
        Assert.Equal(1, report.Total("ipisSent"));
    }

    /// <summary>Tables hold what their own cores faulted on, and keep their table pages when leaves go.</summary>
    [Fact]
    public void Tables_HoldWhatTheirCoresFaultedOn()
    {
        ThreadProgram first = new ThreadBuilder("a").Touch(TestWorlds.Page(0), 4).Compute(500_000).Build(new CoreId(0));
        ThreadProgram second = new ThreadBuilder("b").Compute(200_000).Touch(TestWorlds.Page(2), 4)
            .Unmap(TestWorlds.Page(0), 512).Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(3, first, second);
        using World world = new(TestWorlds.UpToItsLastThread(scenario, new RadixVmProtocol()), check: true, new RadixVmProtocol());
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Until, report.Outcome);
        PageTableSet tables = world.Spaces[0].Tables;
        Assert.Equal(4, tables.Count);
        Assert.Equal([1, 4, 4, 1], Enumerable.Range(0, 4).Select(table => tables[table].TablePages));
        Assert.All(Enumerable.Range(0, 4), table => Assert.Empty(Leaves(tables[table])));

        // three table pages below the root for each of two cores; pages 2 and 3 were filled, 4 and 5 mapped
        Assert.Equal(6, report.Total("coreTablePages"));
        Assert.Equal(2, report.Total("fillFaults"));

        static List<MappedLeaf> Leaves(PageTable table)
        {
            List<MappedLeaf> leaves = [];
            foreach (MappedLeaf leaf in table.Leaves(new VirtAddr(TestWorlds.Page(0)), 512 << 12))
            {
                leaves.Add(leaf);
            }

            return leaves;
        }
    }

    /// <summary>
    /// A call that finds a page gone, whose set another one has emptied and whose holder has not answered yet, waits for that holder too.
    /// </summary>
    [Fact]
    public void Unmap_BesideAnotherThatWaits_TellsItsCoresToo()
    {
        ThreadProgram first = new ThreadBuilder("a").Compute(200_000).Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Build(new CoreId(0));
        ThreadProgram second =
            new ThreadBuilder("b").Compute(206_000).Advise(TestWorlds.Page(0), 1, Advice.DontNeed).Build(new CoreId(1));
        ThreadBuilder holder = new ThreadBuilder("c").Touch(TestWorlds.Page(0), 1);
        for (int i = 0; i < 400; i++)
        {
            holder.Load(TestWorlds.Page(0)).Compute(1_000);
        }

        ScenarioSpec scenario = TestWorlds.Scenario(3, first, second, holder.Build(new CoreId(2))) with
        {
            Machine = new MachineSpec { Cores = 3, Sockets = 3, IpiRemoteCycles = 60_000 },
        };
        RunReport report = TestWorlds.RunThreads(scenario, protocol: new RadixVmProtocol());
        Assert.Equal(RunOutcomes.Until, report.Outcome);
        Assert.Equal(2, report.Total("ipisSent"));
        Assert.Equal(2, report.Total("remoteShootdowns"));
    }

    /// <summary>A handler takes what clearing and invalidating the pages of its own table takes, not those of the range.</summary>
    [Fact]
    public void Handler_TakesWhatItsOwnPagesTake()
    {
        KernelProfile kernel = new();
        long one = Handler(1);
        Assert.Equal(3 * (kernel.InvalidatePageCycles + new RadixVmProtocol().ClearCycles), Handler(4) - one);
        Assert.Equal(kernel.HandlerCycles + kernel.InvalidatePageCycles + new RadixVmProtocol().ClearCycles, one);

        static long Handler(int pages) =>
            TestWorlds.RunThreads(Shared(1, pages), protocol: new RadixVmProtocol()).Shootdowns
                .Single(figure => figure.Key == "handlerCycles").Value.Max;
    }

    /// <summary>Without tags a core drops everything at each load, and an idle core has nothing.</summary>
    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 0)]
    public void Load_DropsAllUnlessThereAreTags(bool tags, int flushes)
    {
        ThreadProgram sleeper = new ThreadBuilder("s").Touch(TestWorlds.Page(0), 2).Control(ControlKind.Sleep, 100_000)
            .Load(TestWorlds.Page(0)).Build(new CoreId(0));
        RunReport report = TestWorlds.RunThreads(TestWorlds.Scenario(1, sleeper), protocol: new RadixVmProtocol { Tags = tags });
        Assert.Equal(flushes, report.Total("fullFlushes"));
    }

    /// <summary>Of a large page, a core's table has the whole leaf, and who used any page of it is told of each.</summary>
    [Fact]
    public void LargePage_IsTrackedAsOne()
    {
        const ulong Start = 0x7f00_0020_0000;
        ThreadProgram giver = new ThreadBuilder("g").Compute(3_000_000).Advise(Start + (7 << 12), 1, Advice.DontNeed).Build(new CoreId(0));
        ThreadProgram user = new ThreadBuilder("u").Map(Start, 512).Store(Start).Compute(10_000_000).Store(Start + (9 << 12))
            .Build(new CoreId(1));
        ScenarioSpec scenario = TestWorlds.Scenario(2, giver, user) with { Memory = new MemorySpec { TransparentHugePages = "always" } };
        RunReport report = TestWorlds.RunThreads(scenario, protocol: new RadixVmProtocol());
        Assert.Equal(RunOutcomes.Until, report.Outcome);
        Assert.InRange(report.Total("ipisSent"), 1, 2);

        // the split took the large leaf out of the core's table, and the core faults for the small one
        Assert.Equal(1, report.Total("fillFaults"));
    }

    /// <summary>Whatever programs do, a core's table has nothing that the space's own does not allow.</summary>
    [Fact]
    public void Tables_OfRandomPrograms_HaveNothingThatTheSpaceHasNot() => RandomPrograms.Scenario.Sample(
        scenario =>
        {
            using World world = new(TestWorlds.UpToItsLastThread(scenario, new RadixVmProtocol()), check: true, new RadixVmProtocol());
            new SequentialEngine(world).Run();
            foreach (PageTableSet tables in world.Spaces.Select(space => space.Tables))
            {
                for (int table = 1; table < tables.Count; table++)
                {
                    foreach (MappedLeaf leaf in tables[table].Leaves(default, 1UL << (tables.Own.Format.VirtualBits - 1)))
                    {
                        EntryInfo own = tables.Own.Query(leaf.Address);
                        Assert.Equal(tables.Own.Translate(leaf.Address), leaf.Entry.Frame);
                        Assert.Equal(PageFlags.None, leaf.Entry.Flags & PageTableFormat.Rights & ~own.Flags);
                    }
                }
            }
        },
        iter: 40);

    /// <summary>
    /// Each core has touched other pages; users touch the first ones too. Core 0 gives them back.
    /// </summary>
    private static ScenarioSpec Shared(int users, int pages)
    {
        ThreadProgram giver = new ThreadBuilder("g").Touch(TestWorlds.Page(0), pages).Compute(400_000)
            .Advise(TestWorlds.Page(0), pages, Advice.DontNeed).Build(new CoreId(0));
        IEnumerable<ThreadProgram> others = Enumerable.Range(1, 3).Select(core =>
        {
            ThreadBuilder other = new ThreadBuilder($"u{core}").Compute(100_000).Touch(TestWorlds.Page(20 * core), 2);
            for (int page = 0; core <= users && page < pages; page++)
            {
                other.Load(TestWorlds.Page(page));
            }

            return other.Compute(2_000_000).Build(new CoreId(core));
        });
        return TestWorlds.Scenario(4, [giver, .. others]);
    }
}
