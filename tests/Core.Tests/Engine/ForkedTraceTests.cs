using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Core.Tests.Kernel;
using VmSim.Core.Tests.Traces;

namespace VmSim.Core.Tests.Engine;

/// <summary>
/// A real program that fills 256 pages and forks three children: each child rewrites 64 of them and reads all; the parent rewrites 32 while
/// the children live.
/// </summary>
public sealed class ForkedTraceTests
{
    private const int ChildWrites = 64;
    private const int ParentWrites = 32;

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Run_OfAForkingProgram_CopiesThePagesThatAreWritten(int cores)
    {
        ProgramImage image = TestTraces.LoadFile("forkcow.vmt.gz").Image;
        ScenarioSpec scenario = new()
        {
            Machine = new MachineSpec { Cores = cores },
            Processes = [new ProcessSpec { Name = "forkcow", Program = _ => image }],
        };
        using World world = new(scenario, check: true);
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.True(report.Outcome == RunOutcomes.Completed, string.Join("\n", report.Findings));
        Assert.Equal(4, world.Spaces.Count);
        AddressSpace parent = world.Spaces[0];
        Assert.Equal(3, parent.Counters[SpaceCounters.Forks]);

        // Who writes a page after a fork copies it, or finds that all who shared it have ended, as children on one core do.
        long made = FileCopies(image);
        Assert.InRange(Copies(parent) + Reuses(parent) - made, ParentWrites, ParentWrites + 16);
        Assert.All(world.Spaces.Skip(1), child => Assert.InRange(Copies(child) + Reuses(child), ChildWrites, ChildWrites + 16));
        bool lives = cores > 1;
        Assert.InRange(Copies(parent) - made, lives ? ParentWrites : 0, ParentWrites + 16);
        Assert.All(world.Spaces.Skip(1), child => Assert.InRange(Copies(child), lives ? ChildWrites : 0, ChildWrites + 16));
        Assert.True(lives || world.Spaces.Sum(Reuses) >= ChildWrites, "nobody has found a page to be his own");
        Assert.Equal(0, report.Total("segmentationFaults"));
    }

    /// <summary>Pages of its files that the parent writes to, each copied once whatever is forked.</summary>
    private static long FileCopies(ProgramImage image)
    {
        SpaceReplay replay = new(image);
        Assert.True(replay.Run());
        return replay.Count(FaultKind.FilePrivateCopy);
    }

    private static long Reuses(AddressSpace space) => space.Counters[SpaceCounters.ReuseFaults];

    private static long Copies(AddressSpace space) => space.Counters[SpaceCounters.CopyFaults];
}
