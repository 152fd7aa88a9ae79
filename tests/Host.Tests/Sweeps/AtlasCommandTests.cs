using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Sweeps;

public sealed class AtlasCommandTests : IDisposable
{
    private const StringComparison Exact = StringComparison.Ordinal;
    private static readonly string Scenario = CommandRunner.At("config/scenarios/munmap-latr.conf");
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    private string Sweeps => Directory.CreateDirectory(Path.Combine(_folder, "in")).FullName;

    private string Page => Path.Combine(_folder, "page.md");

    /// <summary>Two sweeps make a page with their texts, tables, crossings and pictures; the second time nothing is run.</summary>
    [Fact]
    public async Task Atlas_OfTwoSweeps_SaysWhoIsAheadAndSaysItAgain()
    {
        await WriteSweepAsync("1-wide", "2, 4");
        await WriteSweepAsync("2-narrow", "1, 2");
        await File.WriteAllTextAsync(Path.Combine(Sweeps, "head.txt"), "# Mine\n\nWhat it is.\n");
        string[] command = ["atlas", Sweeps, "--out", Page, "--runs", Path.Combine(_folder, "runs")];
        (int code, string output, string error) = await CommandRunner.RunAsync(command);
        Assert.True(code == ExitCodes.Ok, error);
        Assert.Contains("page.md: 8 runs", output, Exact);
        string[] lines = await File.ReadAllLinesAsync(Page);
        Assert.Equal(["# Mine", "", "What it is.", "", "## Who is ahead"], lines.Take(5));
        Assert.Contains("| sweep | 1 | 2 | 4 |", lines);
        Assert.Contains(lines, line => line.StartsWith("| [1-wide](#1-wide) |  | `latr` x0.", Exact));
        Assert.Contains(lines, line => line.StartsWith("| [2-narrow](#2-narrow) | any | `latr` x0.", Exact));
        Assert.Contains("Said of 1-wide.", lines);
        Assert.Contains("**cycles**", lines);
        Assert.Contains("- cycles: `latr` beats `linux` at every machine.cores of the grid", lines);
        Assert.Contains("![cycles](images/atlas-1-wide.svg)", lines);
        Assert.StartsWith("<", await File.ReadAllTextAsync(Path.Combine(_folder, "images", "atlas-2-narrow.svg")), Exact);

        File.Delete(Page);
        await Task.Run(() => Directory.Delete(Path.Combine(_folder, "images"), recursive: true));
        (code, _, _) = await CommandRunner.RunAsync(command);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Equal(lines, await File.ReadAllLinesAsync(Page));
    }

    [Fact]
    public async Task Atlas_WithoutSweeps_SaysWhatIsNeeded()
    {
        (int code, _, string error) = await CommandRunner.RunAsync("atlas", Sweeps, "--out", Page);
        Assert.NotEqual(ExitCodes.Ok, code);
        Assert.Contains("no sweep found; a folder with a file NAME.conf for each sweep is needed", error, Exact);
        Assert.False(File.Exists(Page));
    }

    [Fact]
    public async Task Atlas_TwoSweepsOfOneName_AreRefusedBeforeAnyRun()
    {
        await WriteSweepAsync("a", "1, 2", "same");
        await WriteSweepAsync("b", "1, 2", "same");
        (int code, _, string error) = await CommandRunner.RunAsync("atlas", Sweeps, "--out", Page, "--runs", Path.Combine(_folder, "runs"));
        Assert.NotEqual(ExitCodes.Ok, code);
        Assert.Contains("two sweeps are called same", error, Exact);
        Assert.False(Directory.Exists(Path.Combine(_folder, "runs")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task WriteSweepAsync(string file, string cores, string? name = null) => File.WriteAllTextAsync(
        Path.Combine(Sweeps, $"{file}.conf"),
        $"# Said of {file}.\n\nscenario = \"{Scenario}\"\nname = {name ?? file}\nset {{ processes.0.iterations = 3 }}\n"
        + $"zip {{ machine.cores = [{cores}]\n processes.0.threads = [{cores}] }}\nfit-sockets = on\nbisect = off\n"
        + "protocols = [linux, latr]\nmetrics = [cycles, ipisSent]\nbaseline { shootdown.protocol = linux }\n");
}
