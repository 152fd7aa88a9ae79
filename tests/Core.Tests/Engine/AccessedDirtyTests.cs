using CsCheck;
using VmSim.Core.Addresses;
using VmSim.Core.Machine;
using VmSim.Core.Mmu;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Engine;

/// <summary>Accessed and dirty bits that hardware, the kernel at a page fault, or a short handler sets.</summary>
public sealed class AccessedDirtyTests
{
    private const int Pages = 48;
    private static readonly ulong Shared = TestWorlds.Page(1024);

    /// <summary>Who sets the bits of each format where a scenario says nothing, and where it does.</summary>
    public static TheoryData<string, string, bool, bool, bool> Machines => new()
    {
        { "x86-64", AccessedDirtySetters.Format, false, false, false },
        { "x86-64", AccessedDirtySetters.Fault, true, true, false },
        { "aarch64", AccessedDirtySetters.Format, false, false, false },
        { "aarch64", AccessedDirtySetters.Accessed, false, true, false },
        { "aarch64", AccessedDirtySetters.Fault, true, true, false },
        { "riscv-sv48", AccessedDirtySetters.Format, true, true, false },
        { "riscv-sv48", AccessedDirtySetters.Hardware, false, false, false },
        { "loongarch64", AccessedDirtySetters.Format, false, false, true },
        { "loongarch64", AccessedDirtySetters.Hardware, false, false, false },
    };

    [Theory]
    [MemberData(nameof(Machines))]
    public void Run_OneThread_FaultsAsAPlainModelDoes(string format, string setter, bool accessed, bool dirty, bool handler)
    {
        for (int seed = 0; seed < 3; seed++)
        {
            PlainPages model = new(accessed, dirty, handler);
            RunReport report = TestWorlds.Run(On(format, setter, TestWorlds.Scenario(1, Program(new Random(seed), model))));
            Assert.Equal(
                (model.Faults, model.Faults + model.BitFaults, model.BitFaults, model.Handlers),
                (report.Total("zeroPageFaults") + report.Total("anonymousFaults") + report.Total("copyFaults") + report.Total("fileFaults"),
                    report.Total("minorFaults"), report.Total("accessedDirtyFaults"), report.Total("accessedDirtyHandlers")));
            Assert.Equal(accessed || dirty, model.BitFaults > 0);
            Assert.Equal(handler, model.Handlers > 0);
        }
    }

    /// <summary>A fork gives the child pages that were not accessed (pte_mkold in __copy_present_ptes, mm/memory.c).</summary>
    [Theory]
    [InlineData("x86-64", 0)]
    [InlineData("riscv-sv48", 24)]
    public void Run_AChildThatReads_FaultsOnceAPage(string format, long expected)
    {
        ThreadBuilder parent = new("parent");
        parent.Touch(TestWorlds.Page(0), 24).Control(ControlKind.Fork, 0).Compute(4_000_000);
        ThreadBuilder child = new("child");
        for (int turn = 0; turn < 2; turn++)
        {
            for (int page = 0; page < 24; page++)
            {
                child.Load(TestWorlds.Page(page));
            }
        }

        ProgramImage forked = new() { Name = "c", Threads = [child.Build()] };
        ProgramImage image = TestWorlds.Image(parent.Build()) with { Children = [forked] };
        ScenarioSpec scenario = TestWorlds.Scenario(2) with { Processes = [new ProcessSpec { Name = "p", Program = _ => image }] };

        RunReport report = TestWorlds.Run(On(format, AccessedDirtySetters.Format, scenario));

        Assert.Equal((expected, 24 + expected), (report.Total("accessedDirtyFaults"), report.Total("minorFaults")));
    }

    [Fact]
    public void Run_ABitThatTheKernelSets_CostsAFaultThatFindsItsPage()
    {
        MachineSpec machine = new();
        KernelProfile kernel = new();

        // the walk that faults, the trap with its ways there and back, and the access's next walk, beside that of the hardware
        long byFault = CyclesOf(AccessedDirtySetters.Fault);
        long byHardware = CyclesOf(AccessedDirtySetters.Hardware);
        Assert.InRange(byFault - byHardware, kernel.SpuriousFaultCycles, kernel.SpuriousFaultCycles + 5_000);
        Assert.Equal(machine.Mmu.AccessedDirtyHandlerCycles, CyclesOf(AccessedDirtySetters.Handler) - byHardware);
    }

    [Fact]
    public void Run_RandomPrograms_AnyWindowAndCheckpointGivesOneFingerprint() =>
        Gen.Select(RandomPrograms.Scenario, Gen.Int[0, 2], Gen.Int[1, 60]).Sample(
        (scenario, setter, windows) =>
        {
            scenario = On(scenario.Machine.PageTable, AccessedDirtySetters.Choices.Split('|')[2 + setter], scenario);
            RunReport expected = TestWorlds.Run(scenario);
            long bound = Core.Engine.WorldParts.DelaysOf(scenario).WindowBound.Value;
            Assert.Equal(expected.Fingerprint, TestWorlds.Run(scenario, bound / 7).Fingerprint);
            Assert.Equal(expected.Fingerprint, PiecewiseRun.Of(scenario, windows, 4).Report.Fingerprint);
        },
        iter: 30);

    /// <summary>Cycles of user accesses, walks and traps of one store to a page that advice has made old and clean.</summary>
    private static long CyclesOf(string setter)
    {
        ThreadBuilder builder = new("t");
        builder.Touch(TestWorlds.Page(0), 1).Advise(TestWorlds.Page(0), 1, Advice.Free).Store(TestWorlds.Page(0));
        RunReport report = TestWorlds.Run(On("x86-64", setter, TestWorlds.Scenario(1, builder.Build())));
        return report.Total("cycles");
    }

    private static ScenarioSpec On(string format, string setter, ScenarioSpec scenario) => scenario with
    {
        Machine = scenario.Machine with { PageTable = format, Mmu = scenario.Machine.Mmu with { AccessedDirty = setter } },
        Memory = scenario.Memory with { FaultAround = PageSizes.BaseBytes },
    };

    /// <summary>Loads, stores and advice on private and shared pages, in any order; the model makes each as well.</summary>
    private static ThreadProgram Program(Random random, PlainPages model)
    {
        ThreadBuilder builder = new("t");
        builder.Call(new SystemCall
        {
            Kind = SystemCallKind.Map,
            Start = new VirtAddr(Shared),
            Length = Pages << 12,
            Protection = Protection.Read | Protection.Write,
            Source = MappingSource.Anonymous,
            Shared = true,
        });
        for (int i = 0; i < 3_000; i++)
        {
            bool shared = random.Next(2) == 0;
            int page = random.Next(Pages);
            ulong address = (shared ? Shared : TestWorlds.Page(0)) + ((ulong)page << 12);
            int action = random.Next(20);
            if (action < 10)
            {
                builder.Load(address);
                model.Load(shared, page);
            }
            else if (action < 18)
            {
                builder.Store(address);
                model.Store(shared, page);
            }
            else
            {
                int pages = 1 + random.Next(Pages - page);
                bool frees = action == 18 && !shared;
                builder.Advise(address, pages, frees ? Advice.Free : Advice.Cold);
                model.MakeOld(shared, page, pages, cleans: frees);
            }
        }

        return builder.Build();
    }

    /// <summary>
    /// What each page is, and nothing of TLBs: who clears a bit drops the translations that have it. A load maps the zero page or the
    /// shared object's page, a store one that is dirty; both are accessed.
    /// </summary>
    private sealed class PlainPages(bool accessed, bool dirty, bool handler)
    {
        private readonly Dictionary<(bool Shared, int Page), (bool Zero, bool Accessed, bool Dirty)> _pages = [];

        public long Faults { get; private set; }

        public long BitFaults { get; private set; }

        public long Handlers { get; private set; }

        public void Load(bool shared, int page)
        {
            if (!_pages.TryGetValue((shared, page), out (bool Zero, bool Accessed, bool Dirty) found))
            {
                Faults++;
                _pages[(shared, page)] = (!shared, true, false);
                return;
            }

            Set((shared, page), found, found.Accessed, found.Dirty, needsDirty: false);
        }

        public void Store(bool shared, int page)
        {
            if (!_pages.TryGetValue((shared, page), out (bool Zero, bool Accessed, bool Dirty) found) || found.Zero)
            {
                Faults++;
                _pages[(shared, page)] = (false, true, true);
                return;
            }

            Set((shared, page), found, found.Accessed, found.Dirty, needsDirty: true);
        }

        public void MakeOld(bool shared, int first, int pages, bool cleans)
        {
            for (int page = first; page < first + pages; page++)
            {
                if (_pages.TryGetValue((shared, page), out (bool Zero, bool Accessed, bool Dirty) found) && !found.Zero)
                {
                    _pages[(shared, page)] = (false, false, found.Dirty && !cleans);
                }
            }
        }

        private void Set((bool, int) key, (bool Zero, bool Accessed, bool Dirty) found, bool wasAccessed, bool wasDirty, bool needsDirty)
        {
            bool clear = !wasAccessed || (needsDirty && !wasDirty);
            if ((!wasAccessed && accessed) || (needsDirty && !wasDirty && dirty))
            {
                BitFaults++;
            }
            else if (clear && handler)
            {
                Handlers++;
            }

            _pages[key] = (found.Zero, true, wasDirty || needsDirty);
        }
    }
}
