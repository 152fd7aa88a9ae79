using System.Diagnostics;
using System.Text.Json.Nodes;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Running;

public sealed class InterruptTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    /// <summary>Ctrl-C stops at a window's end and still writes the report, up to where the run stopped: long before the scenario's end.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("--local-nodes 2 --set cluster.placement=split --threads 1")]
    public async Task Run_Interrupted_ReportsUpToWhereItStopped(string options)
    {
        string scenario = CommandRunner.At("config/scenarios/throughput-64.conf");
        (int code, string output) = await InterruptAsync(options.Length > 0 ? 10 : 4, $"run '{scenario}' {options} --out '{_folder}'");
        Assert.Equal(0, code);
        Assert.Contains("stopped", output, StringComparison.Ordinal);
        Assert.Contains("accesses/s", output, StringComparison.Ordinal);
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "report.json")))!;
        long cycles = (long)report["totals"]!["cycles"]!;
        Assert.InRange(cycles, 1, (long)(280e6 * (double)report["ghz"]!) / 2);
        foreach (JsonNode? core in report["cores"]!.AsArray())
        {
            Assert.InRange((long)core!["cycles"]!["fault"]!, 0, cycles / 2);
        }
    }

    /// <summary>Ctrl-C ends a search without a failure that nobody has found.</summary>
    [Fact]
    public async Task Fuzz_Interrupted_SaysHowFarItCame()
    {
        (int code, string output) = await InterruptAsync(4, "fuzz --seeds 1..1000000000");
        Assert.Equal(0, code);
        Assert.Matches(@"^stopped at seed \d+; \d+ seeds, no violation, all fingerprints equal\s*$", output);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Runs a command line and interrupts it. The signal is set to its default first: what runs in the background of a script ignores it.</summary>
    private static async Task<(int Code, string Output)> InterruptAsync(int seconds, string arguments)
    {
        string program = typeof(CommandLineApp).Assembly.Location;
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", $"env --default-signal=INT dotnet '{program}' {arguments} & sleep {seconds}; kill -INT $!; wait $!"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        string output = await shell.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        await shell.WaitForExitAsync();
        return (shell.ExitCode, output);
    }
}
