using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Testing;

namespace VmSim.Core.Tests.Engine;

/// <summary>Processes in virtual machines: what walks and hosts do, what interrupts cost, and who finds out if a host is wrong.</summary>
public sealed class GuestTests
{
    private const ulong Far = 0x20_0000_0000;
    private const int LeastPages = 128;

    [Theory]
    [InlineData(1, 3, 2)]
    [InlineData(2, 8, 1)]
    [InlineData(3, 40, 4)]
    public void Run_OneThread_WalksAsAPlainModelDoes(int seed, int nested, int directories)
    {
        Random random = new(seed);
        ThreadBuilder builder = new("p");
        builder.Map(Far, 2048);
        PlainGuest model = new(tlb: 4, directories, nested);
        for (int i = 0; i < 4_000; i++)
        {
            ulong page = random.Next(2) == 0 ? TestWorlds.Page(random.Next(60)) : Far + ((ulong)random.Next(2048) << 12);
            builder.Store(page);
            model.Store(page >> 12);
        }

        ScenarioSpec scenario = Virtual(TestWorlds.Scenario(1, builder.Build()));
        RunReport report = TestWorlds.Run(scenario with
        {
            Machine = scenario.Machine with
            {
                Mmu = new MmuSpec
                {
                    Data4K = new TlbSpec { Entries = 4, Ways = 4 },
                    DataLarge = new TlbSpec { Entries = 0 },
                    Second = new TlbSpec { Entries = 0 },
                    PdeEntries = directories,
                    PdpteEntries = 0,
                    Pml4eEntries = 0,
                    NestedEntries = nested,
                },
            },
        });
        Assert.Equal(
            (4_000L, model.Hits, model.Walks, model.References, model.Faults, model.HostFaults, 0L),
            (report.Total("accesses"), report.Total("tlbL1Hits"), report.Total("walks"), report.Total("walkReferences"),
                report.Total("minorFaults"), report.Total("kernelHostFaults"), report.Total("hostFaults")));
    }

    [Fact]
    public void Run_PagesOfAFile_FaultInTheHostsTableWhenTheyAreUsed()
    {
        SystemCall map = new()
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(Far),
            Length = 24 << 12,
            Protection = Protection.Read,
            Source = MappingSource.File,
            FileId = 0,
        };
        ThreadBuilder builder = new("p");
        builder.Call(map);
        for (int page = 0; page < 24; page += 4)
        {
            builder.Load(Far + ((ulong)page << 12));
        }

        ScenarioSpec scenario = TestWorlds.Scenario(1, builder.Build());
        RunReport report = TestWorlds.Run(Virtual(scenario));
        RunReport bare = TestWorlds.Run(scenario);
        Assert.Equal((6, 2), (report.Total("hostFaults"), report.Total("minorFaults")));
        Assert.Equal(bare.Total("minorFaults"), report.Total("minorFaults"));
        Assert.Equal(0, bare.Total("hostFaults"));
        Assert.True(report.Total("cycles") > bare.Total("cycles") + (6 * new GuestSpec().ExitCycles));
    }

    [Theory]
    [InlineData(GuestInterrupts.Exits, 4)]
    [InlineData(GuestInterrupts.Paravirtual, 2)]
    public void Run_InterruptsOfAGuest_CostTheWaysOutOfIt(string interrupts, int exits)
    {
        long posted = WaitFor(GuestInterrupts.Posted);
        Assert.True(posted > 0);
        Assert.Equal(exits * new GuestSpec().ExitCycles, WaitFor(interrupts) - posted);
    }

    [Fact]
    public void Run_AboveTheHostsLimit_PagesGoAndComeBack()
    {
        ThreadBuilder builder = new("p");
        builder.Map(Far, 400).Touch(Far, 400).Touch(Far, 400);
        ScenarioSpec scenario = Limited(Virtual(TestWorlds.Scenario(1, builder.Build())));
        using World world = new(scenario, check: true);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal((RunOutcomes.Completed, 0), (report.Outcome, report.Findings.Count));
        Assert.True(report.Total("hostPagesReadBack") >= 400);
        Assert.Equal(report.Total("hostFlushes"), report.Total("hostFlushesHandled"));
        GuestMachine guest = world.Pools[0].Guest!;
        Assert.InRange(guest.Resident, 1, LeastPages);

        // The root of the page table was there before counting began.
        Assert.Equal(
            guest.Resident, 1 + report.Total("hostPagesGiven") + report.Total("hostPagesReadBack") - report.Total("hostPagesTaken"));
    }

    [Fact]
    public void Run_AHostsFlush_ReachesEveryCoreThatRanTheGuest()
    {
        ThreadProgram idle = new ThreadBuilder("idle").Touch(TestWorlds.Page(0), 2).Build();
        ThreadProgram busy = new ThreadBuilder("busy").Touch(TestWorlds.Page(4), 2).Compute(50_000_000).Touch(TestWorlds.Page(4), 2)
            .Build();
        ThreadProgram user = new ThreadBuilder("user").Compute(100_000).Map(Far, 400).Touch(Far, 400).Build();
        RunReport report = TestWorlds.Run(Limited(Virtual(TestWorlds.Scenario(4, idle, busy, user))));
        Assert.True(report.Total("hostFlushes") > 5);
        Assert.Equal(3 * report.Total("hostFlushes"), report.Total("hostFlushesHandled"));
    }

    [Fact]
    public void Check_AHostThatFreesMemoryTooEarly_IsFound()
    {
        ScenarioSpec scenario = TestWorlds.UpToItsLastThread(Virtual(TestWorlds.Scenario(1, TestWorlds.Toucher("p", 0, 4))));
        using World world = new(scenario, check: true);
        new SequentialEngine(world).Run();
        Assert.False(world.Checker!.Violated);
        GuestMachine guest = world.Pools[0].Guest!;
        PhysAddr data = world.Spaces[0].Table.Translate(new VirtAddr(TestWorlds.Page(3)))!.Value;
        ulong frame = guest.Table.Translate(new VirtAddr(data.Value))!.Value.PageNumber;
        guest.Watch!.Freed([frame], 1_000_000);
        Assert.Equal(CheckRule.EarlyRelease, Assert.Single(world.Checker.Violations).Rule);
    }

    [Fact]
    public void Check_AHostThatForgetsAFlush_IsFound()
    {
        ThreadBuilder builder = new("p");
        builder.Touch(TestWorlds.Page(0), 1).Compute(100_000_000).Touch(TestWorlds.Page(0), 1);
        using World world = new(Virtual(TestWorlds.Scenario(1, builder.Build())) with { Until = 50_000_000 }, check: true);
        new SequentialEngine(world).Run();
        GuestMachine guest = world.Pools[0].Guest!;
        PhysAddr data = world.Spaces[0].Table.Translate(new VirtAddr(TestWorlds.Page(0)))!.Value;
        ulong frame = guest.Table.Translate(new VirtAddr(data.Value))!.Value.PageNumber;
        HostChecker host = Assert.IsType<HostChecker>(guest.Watch);
        host.Freed([frame + 7], 1_000_000);
        Assert.False(world.Checker!.Violated);
        ulong used = frame + 7;
        Assert.False(host.ToGuest(2_000_000, new CoreId(0), TestWorlds.Page(0) >> 12, ref used));
        Assert.Equal(CheckRule.UnknownTranslation, Assert.Single(world.Checker.Violations).Rule);
    }

    [Fact]
    public void Run_RandomGuests_AnyWindowAndCheckpointGivesOneFingerprint() =>
        Gen.Select(RandomPrograms.Scenario, Gen.Bool, Gen.Bool, Gen.Int[0, 2], Gen.Int[1, 60]).Sample(
        (scenario, large, limited, interrupts, windows) =>
        {
            ScenarioSpec virtually = Virtual(scenario);
            GuestSpec guest = new()
            {
                Interrupts = GuestInterrupts.Choices.Split('|')[interrupts],
                HostPage = large ? "2M" : "4K",
                HostMemory = limited ? (ulong)LeastPages << (large ? 21 : 12) : 0,
            };
            virtually = virtually with { Machine = virtually.Machine with { Guest = guest } };
            RunReport expected = TestWorlds.Run(virtually);
            long bound = WorldParts.DelaysOf(virtually).WindowBound.Value;
            Assert.Equal(expected.Fingerprint, TestWorlds.Run(virtually, bound / 7).Fingerprint);
            Assert.Equal(expected.Fingerprint, PiecewiseRun.Of(virtually, windows, 4).Report.Fingerprint);
        },
        iter: 40);

    /// <summary>Each of two processes does what it does alone, one in a virtual machine and one beside it.</summary>
    [Fact]
    public void Run_OneProcessInAGuest_LeavesTheOtherOnTheMachine()
    {
        ScenarioSpec both = TestWorlds.Scenario(2) with { Processes = [Toucher("guest", true, 40), Toucher("bare", false, 70)] };
        RunReport guest = TestWorlds.Run(both with { Processes = [both.Processes[0]] });
        RunReport bare = TestWorlds.Run(both with { Processes = [both.Processes[1]] });
        RunReport report = TestWorlds.Run(both);
        foreach (string name in (string[])["walks", "walkReferences", "minorFaults", "kernelHostFaults", "framesAllocated"])
        {
            Assert.Equal(guest.Total(name) + (name == "kernelHostFaults" ? 0 : bare.Total(name)), report.Total(name));
        }

        Assert.True(report.Total("kernelHostFaults") > 40);
        Assert.True(guest.Total("walkReferences") > bare.Total("walkReferences"));
        Assert.Equal(0, bare.Total("kernelHostFaults"));
    }

    /// <summary>A process's own word goes before the machine's, and shared memory is that of guests or that of the machine.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void World_SharedMemory_IsOfGuestsOrOfTheMachine(bool machine, bool process)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(4) with
        {
            Processes = [Toucher("a", null, 3), Toucher("b", process, 4), Toucher("c", machine, 5), Toucher("d", process, 6)],
            Memory = new MemorySpec { Shared = true },
        };
        using World world = new(scenario with { Machine = scenario.Machine with { Virtual = machine } }, check: true);
        Assert.True(new SequentialEngine(world).Run());
        Assert.False(world.Checker!.Violated);
        Assert.Equal([machine, process], world.Pools.Select(pool => pool.Guest is not null));
        Assert.Equal(["a", "c"], world.Pools[0].Members.Select(member => member.Name));
        Assert.Equal(["b", "d"], world.Pools[1].Members.Select(member => member.Name));
    }

    [Fact]
    public void Run_RandomProcessesSomeInGuests_AnyWindowAndCheckpointGivesOneFingerprint() =>
        Gen.Select(RandomPrograms.Scenario, Gen.Int[0, 7], Gen.Bool, Gen.Int[1, 60]).Sample(
        (scenario, guests, shared, windows) =>
        {
            scenario = scenario with
            {
                Processes =
                [
                    .. scenario.Processes.Append(Toucher("more", null, 30))
                        .Select((process, index) => process with { Virtual = ((guests >> index) & 1) != 0 }),
                ],
                Memory = scenario.Memory with { Shared = shared },
            };
            RunReport expected = TestWorlds.Run(scenario);
            long bound = WorldParts.DelaysOf(scenario).WindowBound.Value;
            Assert.Equal(expected.Fingerprint, TestWorlds.Run(scenario, bound / 7).Fingerprint);
            Assert.Equal(expected.Fingerprint, PiecewiseRun.Of(scenario, windows, 4).Report.Fingerprint);
        },
        iter: 40);

    [Fact]
    public void UnusedGuestSettings_WithoutAGuest_AreNamed()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(1) with { Processes = [Toucher("a", null, 3)] };
        GuestSpec guest = new() { HostMemory = 1 << 30, ExitCycles = 7 };
        ScenarioSpec changed = scenario with { Machine = scenario.Machine with { Guest = guest } };
        Assert.Equal(["machine.guest.exit-cycles", "machine.guest.host-memory"], changed.UnusedGuestSettings());
        Assert.Empty(scenario.UnusedGuestSettings());
        Assert.Empty((changed with { Processes = [Toucher("a", true, 3)] }).UnusedGuestSettings());
    }

    [Fact]
    public void World_WhatDoesNotFit_SaysSo()
    {
        ScenarioSpec scenario = Virtual(TestWorlds.Scenario(4, TestWorlds.Toucher("p", 0, 4)));
        Assert.Contains(
            "machine.guest.host-memory: 4,096 bytes found; with 4 cores and pages of 4K at least 425,984",
            Refusal(scenario with { Machine = scenario.Machine with { Guest = new GuestSpec { HostMemory = 4096 } } }),
            StringComparison.Ordinal);
        Assert.Contains(
            "a host's table of riscv-sv39 has room for 16 page tables beside 137,438,953,472 bytes",
            Refusal(scenario with
            {
                Machine = scenario.Machine with { PageTable = "riscv-sv39" },
                Memory = new MemorySpec { Bytes = 1UL << 40 },
            }),
            StringComparison.Ordinal);

        static string Refusal(ScenarioSpec scenario) => Assert.Throws<ScenarioException>(() => new World(scenario).Dispose()).Message;
    }

    private static ProcessSpec Toucher(string name, bool? isVirtual, int pages) => new()
    {
        Name = name,
        Virtual = isVirtual,
        Program = _ => TestWorlds.Image(TestWorlds.Toucher(name, 0, pages)),
    };

    private static ScenarioSpec Virtual(ScenarioSpec scenario) => scenario with { Machine = scenario.Machine with { Virtual = true } };

    private static ScenarioSpec Limited(ScenarioSpec scenario) =>
        scenario with { Machine = scenario.Machine with { Guest = new GuestSpec { HostMemory = LeastPages << 12 } } };

    /// <summary>What a shootdown of three cores has its initiator wait, in cycles.</summary>
    private static long WaitFor(string interrupts)
    {
        ThreadProgram user = new ThreadBuilder("user").Touch(TestWorlds.Page(0), 1).Compute(3_000_000).Build();
        ThreadProgram giver = new ThreadBuilder("giver").Touch(TestWorlds.Page(0), 1).Compute(1_000_000)
            .Protect(TestWorlds.Page(0), 1, Protection.Read).Build();
        ScenarioSpec scenario = Virtual(TestWorlds.Scenario(4, giver, user, user, user));
        scenario = scenario with { Machine = scenario.Machine with { Guest = new GuestSpec { Interrupts = interrupts } } };
        RunReport report = TestWorlds.RunThreads(scenario);
        Assert.Equal((1, 3), (report.Total("shootdowns"), report.Total("ipisSent")));
        return report.Cores.Sum(core => core.Cycles.Single(cycles => cycles.Key == "shootdownWait").Value);
    }

    /// <summary>
    /// One core of a guest with lists and sets alone: a first-level TLB, a cache of directory entries and one of nested translations, exact
    /// LRU each. Table pages go by their level and what part of an address leads to them.
    /// </summary>
    private sealed class PlainGuest(int tlb, int directories, int nested)
    {
        private const int Levels = 4;
        private readonly List<(int Level, ulong Number)> _tlb = [];
        private readonly List<(int Level, ulong Number)> _directories = [];
        private readonly List<(int Level, ulong Number)> _nested = [];
        private readonly HashSet<(int Level, ulong Number)> _there = [(Levels - 1, 0)];

        public long Hits { get; private set; }

        public long Walks { get; private set; }

        public long References { get; private set; }

        public long Faults { get; private set; }

        public long HostFaults { get; private set; }

        public void Store(ulong page)
        {
            while (true)
            {
                if (Use(_tlb, (0, page)))
                {
                    Hits++;
                    return;
                }

                Walks++;
                if (Walk(page))
                {
                    Fill(_tlb, (0, page), tlb);
                    return;
                }

                Faults++;
                for (int level = Levels - 2; level >= -1; level--)
                {
                    HostFaults += _there.Add((level, page >> (9 * (level + 1)))) ? 1 : 0;
                }
            }
        }

        /// <summary>A table page of a level, or the page itself at level -1, is found by the address bits above those it decides.</summary>
        private bool Walk(ulong page)
        {
            int level = Use(_directories, (0, page >> 9)) ? 0 : Levels - 1;
            for (; level >= 0; level--)
            {
                Translate((level, page >> (9 * (level + 1))));
                References++;
                (int Level, ulong Number) next = (level - 1, page >> (9 * level));
                if (!_there.Contains(next))
                {
                    return false;
                }

                if (level == 1)
                {
                    Fill(_directories, next, directories);
                }
            }

            Translate((-1, page));
            return true;
        }

        private void Translate((int Level, ulong Number) place)
        {
            if (!Use(_nested, place))
            {
                References += Levels;
                Fill(_nested, place, nested);
            }
        }

        private static bool Use(List<(int Level, ulong Number)> cache, (int Level, ulong Number) key)
        {
            if (!cache.Remove(key))
            {
                return false;
            }

            cache.Add(key);
            return true;
        }

        private static void Fill(List<(int Level, ulong Number)> cache, (int Level, ulong Number) key, int entries)
        {
            cache.Add(key);
            if (cache.Count > entries)
            {
                cache.RemoveAt(0);
            }
        }
    }
}
