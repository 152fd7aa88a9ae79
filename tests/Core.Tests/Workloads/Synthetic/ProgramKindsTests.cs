using System.Reflection;
using VmSim.Core.Engine;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Settings;
using VmSim.Core.Tests.Traces;
using VmSim.Core.Workloads;
using VmSim.Core.Workloads.Synthetic;
using VmSim.Core.Workloads.Synthetic.Behaviours;
using VmSim.Testing;

namespace VmSim.Core.Tests.Workloads.Synthetic;

public class ProgramKindsTests
{
    public static TheoryData<string> Names => [.. ProgramKinds.All.Names];

    /// <summary>The programs that use mapped memory alone.</summary>
    public static TheoryData<string> TidyNames => [.. ProgramKinds.All.Names.Where(name => name != "random")];

    [Theory]
    [MemberData(nameof(TidyNames))]
    public void Build_SmallProgram_RunsToItsEndOnMappedMemory(string name)
    {
        SyntheticProgram program = Small(name);
        for (int seed = 1; seed <= 3; seed++)
        {
            Replay replay = new Replay(program.Build(new ProgramContext(name, 0, 1, 4)), seed);
            Assert.True(replay.Run(), "the threads left all wait");
            Assert.Equal(0, replay.Unmapped);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Build_SameSeed_GivesTheSameOperationsInAnyBlockSize(string name)
    {
        SyntheticProgram program = Small(name);
        ProgramImage one = program.Build(new ProgramContext(name, 0, 1, 4));
        ProgramImage other = program.Build(new ProgramContext(name, 0, 1, 4));
        Assert.Equal(3, one.Threads.Count);
        for (int thread = 0; thread < one.Threads.Count; thread++)
        {
            Assert.Equal(ReadAll(one.Threads[thread], 512), ReadAll(other.Threads[thread], 7));
            Assert.Equal(ReadAll(one.Threads[thread], 1), ReadAll(one.Threads[thread], 4096));
            Assert.Equal(one.Threads[thread].SystemCalls, other.Threads[thread].SystemCalls);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Build_AnyKind_HasDistinctThreadNamesAndValidCalls(string name)
    {
        ProgramImage image = ProgramKinds.All.Find(name)!.CreateDefaults().Build(new ProgramContext(name, 0, 1, 8));
        Assert.Equal(image.Threads.Count, image.Threads.Select(thread => thread.Name).Distinct().Count());
        foreach (SystemCall call in image.Threads.SelectMany(thread => thread.SystemCalls).Concat(image.InitialMappings))
        {
            Assert.True(call.Source != MappingSource.File || call.FileId < image.Files.Count);
            Assert.Equal(0UL, call.Start.Value & 0xFFF);
        }
    }

    [Fact]
    public void All_SettingsAndNames_AreWellFormed()
    {
        Assert.Equal(ProgramKinds.All.Count, ProgramKinds.All.Names.Distinct().Count());
        foreach (ProgramKind kind in ProgramKinds.All)
        {
            SyntheticProgram defaults = kind.CreateDefaults();
            Assert.Matches("^[a-z0-9]+(-[a-z0-9]+)*$", kind.Name);
            foreach (PropertyInfo property in kind.SettingsType.GetProperties()
                .Where(property => property.GetCustomAttribute<SettingAttribute>() is not null))
            {
                SettingAttribute setting = property.GetCustomAttribute<SettingAttribute>()!;
                if (property.GetValue(defaults) is IConvertible value and not string and not bool)
                {
                    Assert.InRange(Convert.ToDouble(value), setting.Min, setting.Max);
                }
            }
        }
    }

    [Theory]
    [InlineData("pattern")]
    [InlineData("throughput-mix")]
    [InlineData("page-fault1")]
    public void Read_AfterTheFirstBlock_AllocatesNothing(string name)
    {
        ProgramImage image = ProgramKinds.All.Find(name)!.CreateDefaults().Build(new ProgramContext(name, 0, 1, 4));
        IOperationStream stream = image.Threads[0].Open();
        ulong[] buffer = new ulong[512];
        stream.Read(buffer);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int read = 0;
        for (int i = 0; i < 50; i++)
        {
            read += stream.Read(buffer);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(50 * 512, read);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void ThroughputMix_Defaults_KeepFaultsAndShootdownsGoing()
    {
        ThroughputMix program = new ThroughputMix { Threads = 16, Accesses = 1_000_000, RunLength = 16 };
        foreach (ThreadProgram thread in program.Build(new ProgramContext("mix", 0, 1, 16)).Threads)
        {
            Operation[] operations = [.. ReadAll(thread, 512).Select(word => new Operation(word))];
            long references = operations.Where(operation => !operation.IsControl).Sum(operation => (long)operation.Count);
            int calls = operations.Count(operation => operation.IsControl);

            // 16 pages fault after each call, and 15 other threads have to be told
            Assert.InRange(references, 1_000_000, 1_001_000);
            Assert.True(calls * 16 >= 400, $"{calls} calls");
            Assert.True(calls * 15 >= 400, $"{calls} calls");
        }
    }

    [Fact]
    public void Random_EveryKindOfStep_RunsToItsEndUnderTheChecker()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            RunReport report = Run(new RandomProgram { Threads = 3 }, seed);
            Assert.Equal(RunOutcomes.Completed, report.Outcome);
        }

        Assert.Contains("child0", string.Join(' ', Run(new RandomProgram { Threads = 3 }, 1).AddressSpaces.Select(space => space.Name)));
    }

    /// <summary>What few programs do is done, and breaks no rule.</summary>
    [Fact]
    public void Random_RareKinds_AreDoneAndRunToTheirEnd()
    {
        RandomProgram program = new() { Threads = 3, Operations = string.Join(' ', Enum.GetNames<RandomStep>()).ToLowerInvariant() };
        List<SystemCall> calls = [];
        for (ulong seed = 0; seed < 10; seed++)
        {
            RunReport report = Run(program, seed);
            Assert.True(report.Outcome == RunOutcomes.Completed, $"seed {seed}: {string.Join('\n', report.Findings)}");
            calls.AddRange(program.Build(new ProgramContext("r", 0, seed, 4)).Threads.SelectMany(thread => thread.SystemCalls));
        }

        Advice[] advices =
        [
            Advice.HugePage, Advice.NoHugePage, Advice.Collapse, Advice.PageOut, Advice.Cold, Advice.GuardInstall, Advice.GuardRemove,
        ];
        Assert.Empty(advices.Except(calls.Select(call => call.Advice)));
        SystemCallKind[] kinds = [SystemCallKind.Lock, SystemCallKind.Unlock, SystemCallKind.SetBreak];
        Assert.Empty(kinds.Except(calls.Select(call => call.Kind)));
        Assert.Contains(calls, call => (call.MappingFlags & MappingFlags.HugePages) != 0);
        Assert.Contains(calls, call => call.Kind == SystemCallKind.Unmap && call.Start.Value == 0);
    }

    [Fact]
    public void Random_OneKind_DoesNothingElse()
    {
        ProgramImage image = new RandomProgram { Threads = 2, Operations = "load yield" }.Build(new ProgramContext("r", 0, 1, 4));
        Assert.False(image.MayMigrate);
        Assert.Empty(image.Children);
        Assert.All(image.Threads, thread => Assert.Empty(thread.SystemCalls));
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => new RandomProgram { Operations = "load fly" }.Build(new ProgramContext("r", 0, 1, 4)));
        Assert.Contains("\"fly\" found", error.Message);
    }

    [Fact]
    public void Wander_Threads_VisitEveryCore()
    {
        RunReport report = Run(new Wander { Threads = 1, Iterations = 8, Accesses = 50 }, 1);
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        Assert.All(report.Cores, core => Assert.True(core.CyclesOf(CoreCycles.User) > 0));
    }

    private static RunReport Run(SyntheticProgram program, ulong seed) => TestWorlds.Run(new ScenarioSpec
    {
        Name = "r",
        Machine = new MachineSpec { Cores = 4, Sockets = 2 },
        Processes = [new ProcessSpec { Name = "r", Program = copy => program.Build(new ProgramContext("r", copy, seed, 4)) }],
    });

    [Fact]
    public void Build_RegionsThatDoNotFit_AreRefused()
    {
        PatternProgram program = new PatternProgram { Pages = 1L << 32, Threads = 4096, Shared = false };
        ArgumentException error = Assert.Throws<ArgumentException>(() => program.Build(new ProgramContext("big", 0, 1, 4096)));
        Assert.Contains("do not fit", error.Message);
    }

    /// <summary>A program of a kind with three threads and small numbers.</summary>
    private static SyntheticProgram Small(string name)
    {
        SyntheticProgram program = ProgramKinds.All.Find(name)!.CreateDefaults();
        Set(program, "Threads", 3);
        Set(program, "Iterations", 3);
        Set(program, "Accesses", 3000);
        Set(program, "Pages", 50);
        Set(program, "RegionPages", 16);
        Set(program, "ChurnEvery", 1000);
        Set(program, "Compute", 5);
        return program;
    }

    private static void Set(SyntheticProgram program, string property, int value)
    {
        PropertyInfo? info = program.GetType().GetProperty(property);
        info?.SetValue(program, Convert.ChangeType(value, info.PropertyType));
    }

    private static List<ulong> ReadAll(ThreadProgram thread, int block)
    {
        IOperationStream stream = thread.Open();
        List<ulong> words = new List<ulong>();
        ulong[] buffer = new ulong[block];
        for (int count = stream.Read(buffer); count > 0; count = stream.Read(buffer))
        {
            words.AddRange(buffer.AsSpan(0, count));
        }

        Assert.Equal(0, stream.Read(buffer));
        return words;
    }
}
