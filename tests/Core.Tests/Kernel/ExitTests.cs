using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel;

/// <summary>The end of a process while another one of its pool runs on (Linux: exit_mmap).</summary>
public sealed class ExitTests
{
    [Fact]
    public void Exit_OfAProcessOnOneCore_FreesAllAndInterruptsNobody()
    {
        using World world = Run(300, out RunReport report, TestWorlds.Toucher("t", 0, 40));

        Assert.Equal((40L, 40L), (report.Total("framesAllocated"), report.Total("framesFreed")));
        Assert.Equal((0L, 0L), (report.Total("shootdowns"), report.Total("ipisSent")));
        Assert.Equal((0, 0L), (world.Spaces[0].Memory!.AreaCount, world.Spaces[0].Memory!.MappedPages));
        Assert.Equal(1, world.Spaces[0].Table.TablePages);
    }

    /// <summary>A core that idles with the process may hold table pages in its caches, unless a hypervisor keeps watch.</summary>
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public void Exit_OfAProcessThatRanOnTwoCores_FlushesTheOther(bool paravirtual, long interrupts)
    {
        ThreadProgram last = new ThreadBuilder("last").Compute(1_000_000).Touch(TestWorlds.Page(0), 4).Build();
        KernelProfile kernel = new() { ParavirtualFlush = paravirtual };

        Run(300, out RunReport report, kernel, last, TestWorlds.Toucher("first", 10, 4)).Dispose();

        Assert.Equal((1L, interrupts), (report.Total("shootdowns"), report.Total("ipisSent")));
        Assert.Equal(8, report.Total("framesFreed"));
    }

    /// <summary>Memory that one process gives up is there for another that could not have it before.</summary>
    [Fact]
    public void Exit_WhileOthersRun_GivesThemItsFrames()
    {
        ThreadProgram later = new ThreadBuilder("later").Compute(2_000_000).Touch(TestWorlds.Page(0), 250).Build();

        Run(300, out RunReport report, new KernelProfile(), [TestWorlds.Toucher("early", 0, 250)], later).Dispose();

        Assert.Equal((500L, 250L), (report.Total("framesAllocated"), report.Total("framesFreed")));
        Assert.Equal(0, report.Total("segmentationFaults"));
    }

    /// <summary>The core that takes the memory apart does nothing else meanwhile, and its time is the kernel's.</summary>
    [Fact]
    public void Exit_CostsWhatItsPagesCost()
    {
        long few = Syscall(10);
        long many = Syscall(210);
        KernelProfile kernel = new();

        Assert.InRange(few, kernel.ExitCycles, kernel.ExitCycles + 20_000);
        Assert.Equal(200 * kernel.ZapPageCycles, many - few);
    }

    /// <summary>A thread that ends while others of its process run is answered at once.</summary>
    [Fact]
    public void Exit_OfAThread_LeavesTheMemoryToOthers()
    {
        ThreadProgram stays = new ThreadBuilder("stays").Compute(1_000_000).Touch(TestWorlds.Page(0), 20).Unmap(TestWorlds.Page(0), 20)
            .Build();
        using World world = Run(300, out RunReport report, stays, TestWorlds.Toucher("goes", 0, 20));

        Assert.Equal((20L, 20L), (report.Total("framesAllocated"), report.Total("framesFreed")));
        Assert.Equal(1, world.Spaces[0].Counters[SpaceCounters.UnmapOperations]);
    }

    /// <summary>The last process of a pool leaves its memory as it was, for those who look at it.</summary>
    [Fact]
    public void Exit_OfTheLastProcess_LeavesItsMemory()
    {
        ThreadProgram later = new ThreadBuilder("later").Compute(2_000_000).Touch(TestWorlds.Page(0), 7).Build();
        using World world = Run(300, out RunReport report, new KernelProfile(), [TestWorlds.Toucher("early", 0, 20)], later);

        Assert.Equal((7L, 1), (world.Spaces[1].Memory!.MappedPages, world.Spaces[1].Memory!.AreaCount));
        Assert.Equal(20, report.Total("framesFreed"));
    }

    private static long Syscall(int pages)
    {
        Run(300, out RunReport report, TestWorlds.Toucher("t", 0, pages)).Dispose();
        return report.Cores[0].CyclesOf(CoreCycles.Syscall);
    }

    private static World Run(int frames, out RunReport report, params ThreadProgram[] threads) =>
        Run(frames, out report, new KernelProfile(), threads);

    private static World Run(int frames, out RunReport report, KernelProfile kernel, params ThreadProgram[] threads) =>
        Run(frames, out report, kernel, threads, new ThreadBuilder("witness").Compute(5_000_000).Build());

    /// <summary>Runs a process beside a second one of the same pool that ends later, on the last core.</summary>
    private static World Run(int frames, out RunReport report, KernelProfile kernel, ThreadProgram[] threads, ThreadProgram witness)
    {
        World world = new(
            new ScenarioSpec
            {
                Name = "test",
                Machine = new MachineSpec { Cores = threads.Length + 1 },
                Kernel = kernel,
                Shootdown = new ShootdownSpec { Protocol = "linux" },
                Memory = new MemorySpec { Bytes = (ulong)frames << 12, Shared = true },
                Processes =
                [
                    new ProcessSpec { Name = "p", Program = _ => TestWorlds.Image(threads) },
                    new ProcessSpec { Name = "witness", Program = _ => TestWorlds.Image(witness) },
                ],
            },
            check: true);
        report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.True(report.Outcome == RunOutcomes.Completed, $"{report.Outcome}: {string.Join('\n', report.Findings)}");
        return world;
    }
}
