using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Checkpoints;
using VmSim.Core.Engine;
using VmSim.Core.Kernel;
using VmSim.Core.Machine;
using VmSim.Core.Memory;
using VmSim.Core.Paging;
using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Core.Scenarios;
using VmSim.Testing;

namespace VmSim.Core.Tests.Kernel;

/// <summary>The end of a process (Linux: exit_mmap), beside another one of its pool and alone.</summary>
public sealed class ExitTests
{
    [Fact]
    public void Exit_OfAProcessOnOneCore_FreesAllAndInterruptsNobody()
    {
        using World world = Run(300, out RunReport report, TestWorlds.Toucher("t", 0, 40));

        Assert.Equal((40L, 40L), (report.Total("framesAllocated"), report.Total("framesFreed")));
        Assert.Equal((1, 40L), (world.Spaces[0].AtExit!.Areas.Count, world.Spaces[0].AtExit!.Resident.Anonymous));
        Assert.Equal(4, world.Spaces[0].AtExit!.TablePages);
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

        Assert.Equal((500L, 500L), (report.Total("framesAllocated"), report.Total("framesFreed")));
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

    /// <summary>The last process of a pool ends as the others do, and what it had can still be asked for.</summary>
    [Fact]
    public void Exit_OfTheLastProcess_FreesAllAndSaysWhatItHad()
    {
        ThreadProgram later = new ThreadBuilder("later").Compute(2_000_000).Touch(TestWorlds.Page(0), 7).Build();
        using World world = Run(300, out RunReport report, new KernelProfile(), [TestWorlds.Toucher("early", 0, 20)], later);

        Assert.Equal((0L, 0), (world.Spaces[1].Memory!.MappedPages, world.Spaces[1].Memory!.AreaCount));
        MemoryAtExit last = world.Spaces[1].AtExit!;
        Assert.Equal((7L, TestWorlds.Base), (last.Resident.ResidentSet, Assert.Single(last.Areas).Range.Start.Value));
        Assert.Equal(27, report.Total("framesFreed"));
    }

    /// <summary>A process that is alone ends so too, and the run with it: its time counts, and its thread has ended before.</summary>
    [Theory]
    [InlineData(TrapModes.Hold)]
    [InlineData(TrapModes.Park)]
    public void Exit_OfALoneProcess_EndsTheRun(string traps)
    {
        ScenarioSpec scenario = TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 40));
        scenario = scenario with { Kernel = new KernelProfile { Traps = traps } };
        RunReport whole = TestWorlds.Run(scenario);
        RunReport threads = TestWorlds.RunThreads(scenario);
        RunReport middle = TestWorlds.Run(scenario with { Until = whole.Threads[0].Ended.Value + 20_000 });
        long exit = scenario.Kernel.ExitCycles + (40 * scenario.Kernel.ZapPageCycles);

        Assert.Equal((RunOutcomes.Completed, RunOutcomes.Until, RunOutcomes.Until), (whole.Outcome, threads.Outcome, middle.Outcome));
        Assert.Equal((40L, 0L, 0L), (whole.Total("framesFreed"), threads.Total("framesFreed"), middle.Total("framesFreed")));
        Assert.InRange(whole.Total("cycles") - threads.Total("cycles"), exit, exit + 20_000);
        Assert.Equal(threads.Total("cycles") + 20_000, middle.Total("cycles"));
    }

    /// <summary>A run goes on from the middle of an end as if it had never stopped, with what the process had.</summary>
    [Fact]
    public void Exit_FromACheckpointInItsMiddle_EndsAlike()
    {
        ScenarioSpec scenario = TestWorlds.Scenario(2, TestWorlds.Toucher("t", 0, 200), TestWorlds.Toucher("u", 20, 90));
        using World whole = new(scenario);
        SequentialEngine engine = new(whole);
        Assert.True(engine.Run());
        using World first = new(scenario);
        SequentialEngine begun = new(first);
        while (first.Spaces[0].AtExit is null)
        {
            Assert.False(begun.Run(windows: 1));
        }

        using MemoryStream stream = new();
        Checkpoint.Save(first, stream);
        stream.Position = 0;
        using World second = new(scenario);
        Checkpoint.Restore(second, stream);

        Assert.Equal(whole.Spaces[0].AtExit!.Areas, second.Spaces[0].AtExit!.Areas);
        Assert.Equal(200, second.Spaces[0].AtExit!.Resident.Anonymous);
        Assert.True(new SequentialEngine(second).Run());
        Assert.Equal(ReportBuilder.Build(whole, finished: true).Fingerprint, ReportBuilder.Build(second, finished: true).Fingerprint);
    }

    /// <summary>What is wrong with the page table of a process is found before the page table is gone.</summary>
    [Fact]
    public void Exit_OfAProcessWhoseTableIsWrong_IsCaught()
    {
        using World world = new(TestWorlds.Scenario(1, TestWorlds.Toucher("t", 0, 4)), check: true);
        world.Spaces[0].Table.Map(
            new VirtAddr(TestWorlds.Page(100)), new PhysAddr(0x7000), PageSize.Size4K, PageFlags.Read | PageFlags.User);
        new SequentialEngine(world).Run();

        Violation found = Assert.Single(world.Checker!.Violations);
        Assert.Equal(CheckRule.TableDisagrees, found.Rule);
        Assert.InRange(found.Time.Value, world.Threads[0].Ended.Value, world.Threads[0].Ended.Value + 10_000);
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
