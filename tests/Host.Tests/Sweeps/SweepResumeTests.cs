using System.Diagnostics;
using VmSim.Host.Sweeps;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Host.Tests.Sweeps;

/// <summary>A sweep that is ended in the middle, in whatever way, goes on where it stood: no run is lost, and none is made twice.</summary>
public sealed class SweepResumeTests : IDisposable
{
    private const int Runs = 3 * 2 * 2;
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    private string[] Command =>
    [
        "sweep", CommandRunner.At("config/scenarios/munmap-latr.conf"), "--set", "processes.0.iterations=30", "--cores", "16..48+16",
        "--protocols", "linux,latr", "--repeat", "2", "--no-bisect", "--jobs", "2", "--out", _folder,
    ];

    [Fact]
    public async Task Sweep_KilledAndInterrupted_IsResumedWithoutALostOrDoubledRun()
    {
        using (CommandProcess killed = CommandProcess.Start(Command))
        {
            await killed.SaysAsync(" runs (");
            await killed.SignalAsync("KILL");
            await killed.ExitAsync();
        }

        Dictionary<string, DateTime> afterKill = Reports();
        Assert.InRange(afterKill.Count, 1, Runs - 1);
        Assert.False(File.Exists(Path.Combine(_folder, "table.csv")));

        using (CommandProcess interrupted = CommandProcess.Start(Command))
        {
            await interrupted.SaysAsync(" runs (");
            await interrupted.SignalAsync("INT");
            (int code, _, string error) = await interrupted.EndAsync();
            Assert.Equal(130, code);
            Assert.Contains($"of {Runs} runs are done and kept in {_folder}; the same command goes on", error, StringComparison.Ordinal);
        }

        (int ended, string output, string said) = await CommandRunner.RunAsync(Command);
        Assert.True(ended == ExitCodes.Ok, said);
        Dictionary<string, DateTime> atTheEnd = Reports();
        Assert.All(afterKill, report => Assert.Equal(report.Value, atTheEnd[report.Key]));
        Assert.Contains(" 0 failed", output, StringComparison.Ordinal);
        CsvTable table = CsvTable.Read(Path.Combine(_folder, "table.csv"));
        Assert.Equal(Runs, table.Rows.Count);
        Assert.Equal(Runs, table.Rows.DistinctBy(row => string.Join(',', row.Take(3))).Count());
        Assert.Equal(
            atTheEnd.Keys.Order(StringComparer.Ordinal),
            table.Rows.Select(row => row[table.Column("run")]["runs/".Length..]).Order(StringComparer.Ordinal));
        Assert.Empty(Directory.GetFiles(_folder, ".*", SearchOption.AllDirectories));
    }

    /// <summary>
    /// A run whose process dies is made by another one; nobody notices but for the time. One that died when its run was written and not
    /// yet told of has left nothing to make.
    /// </summary>
    [Fact]
    public async Task Sweep_WhoseProcessDies_MakesTheRunAgain()
    {
        using CommandProcess sweep = CommandProcess.Start(Command);
        List<Process> children = [];
        HangGuard.Until(() => (children = sweep.Children()).Count > 0 || sweep.HasExited);
        Assert.NotEmpty(children);
        children[0].Kill();
        (int code, string output, string error) = await sweep.EndAsync();
        Assert.True(code == ExitCodes.Ok, error);
        Assert.True(
            output.Contains($"{Runs} runs made, 0 there before, 0 failed", StringComparison.Ordinal)
                || output.Contains($"{Runs - 1} runs made, 1 there before, 0 failed", StringComparison.Ordinal),
            output);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The runs that are whole, with the time of their report.</summary>
    private Dictionary<string, DateTime> Reports() => Directory
        .GetFiles(Path.Combine(_folder, "runs"), "report.json", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetFileName(Path.GetDirectoryName(file))!, File.GetLastWriteTimeUtc, StringComparer.Ordinal);
}
