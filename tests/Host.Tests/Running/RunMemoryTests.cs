using System.Text.Json.Nodes;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Running;

/// <summary>What a run says of its memory before it starts.</summary>
public sealed class RunMemoryTests : IDisposable
{
    /// <summary>A scenario that takes some ten tebibytes: 4 million pages in each of 65,536 processes.</summary>
    internal const string Vast =
        "processes = [\n {\n program = pattern\n pages = 4000000\n populate = on\n count = 65536\n }\n]\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-memory-").FullName;

    [Theory]
    [InlineData("run")]
    [InlineData("check")]
    public async Task Run_WithoutTheMemory_IsRefusedWithTheFigure(string command)
    {
        string scenario = Path.Combine(_folder, "vast.conf");
        await File.WriteAllTextAsync(scenario, Vast);
        string folder = Path.Combine(_folder, "out");
        (int code, string output, string error) = await CommandRunner.RunAsync(command, scenario, "--out", folder);
        Assert.Equal(ExitCodes.System, code);
        Assert.Empty(output);
        Assert.Matches(@"the run needs about \d+(\.\d+)? TiB of memory, .* can be had; simulate fewer .* --force", error);
        Assert.False(Directory.Exists(folder));
    }

    /// <summary>It is said before anything else, nothing with --quiet, and the report is the same with --force.</summary>
    [Fact]
    public async Task Run_WithTheMemory_SaysHowMuch()
    {
        (string said, string report) = await RunAsync("one");
        (string nothing, _) = await RunAsync("two", "--quiet");
        (string forced, string same) = await RunAsync("three", "--force");
        Assert.StartsWith("vmsim: the run needs about ", said, StringComparison.Ordinal);
        Assert.StartsWith("vmsim: the run needs about ", forced, StringComparison.Ordinal);
        Assert.Empty(nothing);
        Assert.Equal(report, same);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<(string Error, string Report)> RunAsync(string name, params string[] options)
    {
        string folder = Path.Combine(_folder, name);
        string scenario = CommandRunner.At("config/scenarios/munmap-latr.conf");
        (int code, _, string error) = await CommandRunner.RunAsync(
            ["run", scenario, "--set", "processes.0.iterations=5", "--out", folder, .. options]);
        Assert.True(code == ExitCodes.Ok, error);
        JsonObject report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "report.json")))!.AsObject();
        report.Remove("host");
        return (error, report.ToJsonString());
    }
}
