using System.Text.Json.Nodes;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Running;

public sealed class InterruptTests : IDisposable
{
    private const double UntilSeconds = 100;
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    /// <summary>
    /// Ctrl-C stops at a window's end and still writes the report, up to where the run stopped: long before the scenario's end.
    /// </summary>
    [Theory]
    [InlineData()]
    [InlineData("--local-nodes", "2", "--set", "cluster.placement=split", "--set", "cluster.join-seconds=600", "--threads", "1")]
    public async Task Run_Interrupted_ReportsUpToWhereItStopped(params string[] options)
    {
        using CommandProcess run = CommandProcess.Start(
            [
                "run",
                CommandRunner.At("config/scenarios/throughput-64.conf"),
                "--set",
                $"until={UntilSeconds}s",
                .. options,
                "--out",
                _folder,
            ]);
        await run.SaysAsync(CommandProcess.Simulates);
        await run.SignalAsync("INT");
        (int code, string output, _) = await run.EndAsync();
        Assert.Equal(130, code);
        Assert.Contains("stopped", output, StringComparison.Ordinal);
        Assert.Contains("accesses/s", output, StringComparison.Ordinal);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "report.json")))!;
        long cycles = (long)report["totals"]!["cycles"]!;
        Assert.InRange(cycles, 1, (long)(UntilSeconds * 1e9 * (double)report["ghz"]!) / 2);
        foreach (JsonNode? core in report["cores"]!.AsArray())
        {
            Assert.InRange((long)core!["cycles"]!["fault"]!, 0, cycles / 2);
        }
    }

    /// <summary>Ctrl-C ends a search without a failure that nobody has found.</summary>
    [Fact]
    public async Task Fuzz_Interrupted_SaysHowFarItCame()
    {
        using CommandProcess fuzz = CommandProcess.Start("fuzz", "--seeds", "1..1000000000");
        await fuzz.SaysAsync("seed 2,");
        await fuzz.SignalAsync("INT");
        (int code, string output, _) = await fuzz.EndAsync();
        Assert.Equal(130, code);
        Assert.Matches(@"^stopped at seed \d+; \d+ seeds, no violation, all fingerprints equal\s*$", output);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
