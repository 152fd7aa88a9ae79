using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.Scenarios;

/// <summary>Every scenario that ships runs with the checker on, and what its header promises holds.</summary>
public class ScenarioTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "config", "scenarios");

    public static TheoryData<string> Names =>
        [.. Directory.GetFiles(Folder, "*.conf").Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Run_BeginningOfAnyScenario_PassesTheChecker(string name)
    {
        // the checker notes every page at the start, of which the scenario with 1,024 cores has ten million
        bool isHuge = name == "throughput-1024";
        RunReport report = await RunAsync(
            name,
            [
                .. isHuge ? Array.Empty<string>() : ["--check"],
                "--set",
                name.StartsWith("throughput", StringComparison.Ordinal) ? "until=20000" : "until=1000000",
            ]);
        Assert.Contains(report.Outcome, new[] { RunOutcomes.Completed, RunOutcomes.Until });
        Assert.Equal(0, report.Total("segmentationFaults"));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Header_AnyScenario_SaysWhatToLookAt(string name)
    {
        string[] header = [.. File.ReadLines(Path.Combine(Folder, name + ".conf")).TakeWhile(line => line.StartsWith('#'))];
        Assert.True(header.Length >= 2);
        Assert.Contains(header, line => line.StartsWith("# Look at: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Quickstart_RealTrace_FaultsAsOnARealKernel()
    {
        RunReport report = await RunAsync("quickstart");
        Assert.InRange(report.Total("minorFaults"), 1520, 1680);
        Assert.Equal(0, report.Total("segmentationFaults"));
        Assert.True(report.Total("ipisSent") > 0);
    }

    [Fact]
    public async Task LsServer_SeparateProcesses_FaultAlikeAndSendNothing()
    {
        RunReport report = await RunAsync("ls-server");
        Assert.Equal(16, report.AddressSpaces.Count);
        Assert.InRange(report.Total("minorFaults"), 16 * 110, 16 * 130);
        Assert.Equal(0, report.Total("ipisSent"));
    }

    [Fact]
    public async Task FaultLocks_WithoutAreaLocks_FaultsWaitForOneLineAndMoveIt()
    {
        RunReport areas = await RunAsync("fault-locks");
        RunReport map = await RunAsync("fault-locks", "--set", "kernel.per-vma-locks=off");
        RunReport spread = await RunAsync("fault-locks", "--set", "kernel.per-vma-locks=off", "--set", "threads.placement=spread");
        Assert.Equal((64_000, 64_000, 64_000), (areas.Total("minorFaults"), map.Total("minorFaults"), spread.Total("minorFaults")));
        Assert.Equal((0, 0), (areas.Total("areaLockWaits"), areas.Total("areaLockLocalTransfers")));
        Assert.InRange(map.Total("mmapLockLocalTransfers"), 100_000, 2 * map.Total("mmapLockAcquisitions"));
        Assert.Equal(0, map.Total("mmapLockRemoteTransfers"));
        Assert.True(spread.Total("mmapLockRemoteTransfers") > 0);
        Assert.True(areas.Total("cycles") < map.Total("cycles") && map.Total("cycles") < spread.Total("cycles"));
    }

    [Fact]
    public async Task Mmap1_UntouchedMappings_CauseNoFaultAndNoShootdown()
    {
        RunReport report = await RunAsync("mmap1");
        Assert.Equal(
            (8000, 8000, 0, 0),
            (report.Total("mapOperations"), report.Total("unmapOperations"), report.Total("minorFaults"), report.Total("ipisSent")));
    }

    [Fact]
    public async Task Malloc1_EachRound_IsOneFaultAndOneShootdown()
    {
        RunReport report = await RunAsync("malloc1", "--set", "kernel-profile=linux-6.18");
        Assert.Equal((4800, 4800), (report.Total("minorFaults"), report.Total("shootdowns")));
        AssertTellsAllThatRun(report);

        // In a guest readers have mmap_lock for longer than writers spin: these sleep, and Linux leaves out their idle cores.
        RunReport guest = await RunAsync("malloc1");
        Assert.Equal((4800, 4800), (guest.Total("minorFaults"), guest.Total("shootdowns")));
        Assert.InRange(guest.Total("lockSleeps"), 1, long.MaxValue);
        Assert.InRange(guest.Total("ipisSent"), 1, report.Total("ipisSent") / 2);
    }

    [Fact]
    public async Task TlbFlush2_EachPage_IsOneShootdown()
    {
        RunReport report = await RunAsync("tlb-flush2");
        Assert.Equal((16 * 128) + 16, report.Total("shootdowns"));
        Assert.Equal(2 * 16 * 128, report.Total("minorFaults"));
    }

    [Fact]
    public async Task MapTouchUnmap_EachRound_FaultsEveryPageAndTellsEveryCore()
    {
        RunReport report = await RunAsync("map-touch-unmap", "--set", "kernel-profile=linux-6.18", "--set", "processes.0.pages=8");
        Assert.Equal((16 * 200 * 8, 16 * 200), (report.Total("minorFaults"), report.Total("shootdowns")));
        Assert.Equal(0, report.Total("lockSleeps"));
        AssertTellsAllThatRun(report);

        // With more pages threads sleep for mmap_lock, and Linux leaves out cores that idle meanwhile. Broadcast tells them, too.
        RunReport sleeps = await RunAsync("map-touch-unmap", "--set", "kernel-profile=linux-6.18");
        Assert.Equal((16 * 200 * 16, 16 * 200), (sleeps.Total("minorFaults"), sleeps.Total("shootdowns")));
        Assert.True(sleeps.Total("lockSleeps") > 0, "nobody slept");
        Assert.InRange(sleeps.Total("ipisSent"), 1, (16 * 200 * 15) - 1);
        RunReport broadcast =
            await RunAsync("map-touch-unmap", "--set", "kernel-profile=linux-6.18", "--set", "shootdown.protocol=broadcast");
        AssertTellsAllThatRun(broadcast);
    }

    /// <summary>15 interrupts a shootdown, but for the last ones: cores whose threads have ended idle, and Linux leaves them out.</summary>
    private static void AssertTellsAllThatRun(RunReport report)
    {
        long all = report.Total("shootdowns") * 15;
        Assert.InRange(report.Total("ipisSent"), all - (16 * 15), all);
    }

    [Fact]
    public async Task WebServer_EachRequestAndTheEnd_IsOneShootdown()
    {
        RunReport report = await RunAsync("web-server");
        Assert.Equal((16 * 200) + 1, report.Total("shootdowns"));
    }

    [Fact]
    public async Task MunmapLatr_AgainstLinux_InterruptsNobodyAndReturnsSooner()
    {
        RunReport latr = await RunAsync("munmap-latr");
        RunReport linux = await RunAsync("munmap-latr", "--set", "shootdown.protocol=linux");
        Assert.Equal((300, 300, 0), (latr.Total("shootdowns"), latr.Total("deferredShootdowns"), latr.Total("ipisSent")));
        Assert.Equal((300, 0, 300 * 15), (linux.Total("shootdowns"), linux.Total("deferredShootdowns"), linux.Total("ipisSent")));
        Assert.Equal(300, latr.Total("framesFreed"));
        Assert.True(Kernel(latr.Cores[0]) < Kernel(linux.Cores[0]) / 2);

        static long Kernel(CoreReport core) => core.CyclesOf(CoreCycles.Syscall) + core.CyclesOf(CoreCycles.ShootdownWait);
    }

    [Fact]
    public async Task SharedRegionFaults_EveryPage_FaultsOnce()
    {
        RunReport report = await RunAsync("shared-region-faults");
        Assert.Equal(65_536, report.Total("minorFaults"));
    }

    // faults that a real kernel took: ls 117, gitlog 277, mt 1,600; allowed is 8 % more or less
    [Theory]
    [InlineData("ls", 117)]
    [InlineData("gitlog", 277)]
    [InlineData("mt", 1600)]
    public async Task Run_RealTrace_FaultsAsOnARealKernel(string name, int faults)
    {
        RunReport report = await RunFileAsync(
            Path.Combine(AppContext.BaseDirectory, "TestData", "traces", name + ".vmt.gz"), "--check", "--set", "machine.cores=4");
        Assert.InRange(report.Total("minorFaults"), faults * 0.92, faults * 1.08);
        Assert.Equal(0, report.Total("segmentationFaults"));
    }

    [Fact]
    public async Task Run_ForkingTrace_CopiesWhatEachProcessWrites()
    {
        RunReport report = await RunFileAsync(
            Path.Combine(AppContext.BaseDirectory, "TestData", "traces", "forkcow.vmt.gz"), "--check", "--set", "machine.cores=8");
        Assert.Equal(4, report.AddressSpaces.Count);
        Assert.Equal(0, report.Total("segmentationFaults"));

        // each child writes 64 of the 256 shared pages and a few of its stack and libraries; the parent writes 32 while they live
        foreach (AddressSpaceReport child in report.AddressSpaces.Skip(1))
        {
            Assert.InRange(Copies(child), 64, 64 + 10);
        }

        Assert.InRange(Copies(report.AddressSpaces[0]), 32, 32 + 30);

        static long Copies(AddressSpaceReport space) => space.Counters.First(counter => counter.Key == "copyFaults").Value;
    }

    private static Task<RunReport> RunAsync(string name, params string[] options) =>
        RunFileAsync(Path.Combine(Folder, name + ".conf"), options);

    private static async Task<RunReport> RunFileAsync(string path, params string[] options)
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-test-").FullName;
        try
        {
            using StringWriter output = new StringWriter();
            using StringWriter error = new StringWriter();
            int code = await CommandLineApp.RunAsync(["run", path, "--out", folder, .. options], output, error);
            Assert.True(code == ExitCodes.Ok, $"exit code {code}: {error}{output}");
            using FileStream stream = File.OpenRead(Path.Combine(folder, RunFolder.ReportName));
            return ReportJson.Read(stream, "report.json");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
