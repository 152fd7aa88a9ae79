using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Sweeps;

public sealed class CompareCommandTests : IDisposable
{
    private const StringComparison Exact = StringComparison.Ordinal;
    private static readonly string Scenario = CommandRunner.At("config/scenarios/munmap-latr.conf");
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    [Fact]
    public async Task Compare_TwoRuns_ShowsSettingsAndWhatChanged()
    {
        string first = await RunAsync("a", "--set", "shootdown.protocol=linux");
        string second = await RunAsync("b");
        (int code, string output, string error) = await CommandRunner.RunAsync("compare", first, second);
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Matches(@"(?m)^\s*shootdown\.protocol\s+linux\s+latr\s*$", output);
        Assert.Matches(@"ipisSent +\d+ +0  x0\.000", output);
        Assert.Matches(@"\d+ figures differ", output);

        (code, output, error) = await CommandRunner.RunAsync(
            "compare", first, second, "--metric", "ipisSent", "--metric", "mapOperations", "--fail-on", "ipisSent < -5 %", "--fail-on",
            "mapOperations != +0");
        Assert.Equal(ExitCodes.Broken, code);
        Assert.Contains("1 figure differs; 1 are equal.", output, Exact);
        Assert.Contains($"{second}: --fail-on ipisSent < -5 %: 0 against ", error, Exact);
        Assert.DoesNotContain("mapOperations", error, Exact);
    }

    [Fact]
    public async Task Compare_TheSame_SaysSo()
    {
        string first = await RunAsync("a");
        (int code, string output, _) = await CommandRunner.RunAsync(
            "compare", first, Path.Combine(first, "report.json"), Path.Combine(first, "effective.conf"));
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("No setting differs.", output, Exact);
        Assert.Contains("figures are equal.", output, Exact);
        Assert.Contains("All have the same fingerprint", output, Exact);
    }

    [Fact]
    public async Task Compare_TwoSweeps_ComparesTheirPointsWithIntervals()
    {
        string first = await SweepAsync("a", "shootdown.protocol=linux");
        string second = await SweepAsync("b", "shootdown.protocol=latr");
        (int code, string output, string error) = await CommandRunner.RunAsync("compare", first, second, "--metric", "ipisSent");
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("machine.cores=2", output, Exact);
        Assert.Contains("machine.cores=4", output, Exact);
        Assert.Matches(@"ipisSent +\d+ ± 0 +0 ± 0  x0\.000", output);
        (code, _, error) = await CommandRunner.RunAsync("compare", first, await RunAsync("c"));
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("no point in common", error, Exact);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<string> RunAsync(string name, params string[] options)
    {
        string folder = Path.Combine(_folder, name);
        (int code, _, string error) = await CommandRunner.RunAsync(
            ["run", Scenario, "--set", "processes.0.iterations=3", "--threads", "1", "--out", folder, .. options]);
        Assert.True(code == ExitCodes.Ok, error);
        return folder;
    }

    private async Task<string> SweepAsync(string name, string set)
    {
        string folder = Path.Combine(_folder, name);
        (int code, _, string error) = await CommandRunner.RunAsync(
            "sweep", Scenario, "--set", "processes.0.iterations=3", "--set", "processes.0.threads=2", "--set", set, "--cores", "2,4",
            "--repeat", "2", "--jobs", "1", "--out", folder);
        Assert.True(code == ExitCodes.Ok, error);
        return folder;
    }
}
