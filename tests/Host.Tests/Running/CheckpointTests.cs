using System.Text;
using System.Text.Json.Nodes;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Running;

/// <summary>A run that is written down and goes on from there ends as if nothing had happened.</summary>
public sealed class CheckpointTests : IDisposable
{
    private static readonly string[] Short =
    [
        CommandRunner.At("config/scenarios/munmap-latr.conf"), "--set", "processes.0.iterations=40", "--quiet",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-checkpoint-").FullName;

    private string File => Path.Combine(_folder, "run.checkpoint");

    [Fact]
    public async Task Run_WrittenDownAndResumed_GivesTheSameReport()
    {
        string undisturbed = await ReportOf("plain", Short);
        string written = await ReportOf("written", [.. Short, "--checkpoint-virtual", "20us", "--checkpoint-to", File]);
        Assert.Equal(undisturbed, written);

        // The last checkpoint lies in the middle of the run; it serves another number of threads, and another window.
        Assert.Equal(undisturbed, await ReportOf("resumed", [.. Short, "--threads", "2", "--window", "100", "--resume", File]));

        // What goes on may write over what it goes on from.
        string early = Path.Combine(_folder, "early.checkpoint");
        await ReportOf("early", [.. Short, "--checkpoint-virtual", "500us", "--checkpoint-to", early]);
        byte[] bytes = await System.IO.File.ReadAllBytesAsync(early);
        Assert.Equal(
            undisturbed,
            await ReportOf("again", [.. Short, "--resume", early, "--checkpoint-virtual", "20us", "--checkpoint-to", early]));
        Assert.NotEqual(bytes, await System.IO.File.ReadAllBytesAsync(early));
        Assert.Equal(
            ["early.checkpoint", "run.checkpoint"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    /// <summary>A run that ended with <c>until</c> goes on to a later end.</summary>
    [Fact]
    public async Task Run_ResumedWithALaterEnd_GoesOn()
    {
        string whole = await ReportOf("whole", Short);
        await ReportOf("part", [.. Short, "--set", "until=90us", "--checkpoint-virtual", "40us", "--checkpoint-to", File]);
        Assert.Equal(whole, await ReportOf("rest", [.. Short, "--resume", File]));
    }

    [Theory]
    [InlineData("of another run", "--set", "seed=99")]
    [InlineData("of another run", "--set", "machine.cores=17")]
    [InlineData("--shootdowns", "--shootdowns")]
    [InlineData("lies before it", "--set", "until=1us")]
    [InlineData("checker", "--check")]
    public async Task Resume_OfAnotherRun_IsRefused(string words, params string[] options)
    {
        await WriteAsync();
        (int code, _, string error) = await CommandRunner.RunAsync(
            ["run", .. Short, "--resume", File, "--out", Path.Combine(_folder, "refused"), .. options]);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains($"--resume {File}: ", error, StringComparison.Ordinal);
        Assert.Contains(words, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "refused")));
    }

    [Fact]
    public async Task Resume_DamagedOrNone_IsRefused()
    {
        await WriteAsync();
        byte[] whole = await System.IO.File.ReadAllBytesAsync(File);
        int line = Array.IndexOf(whole, (byte)'\n') + 1;
        foreach (int at in new[] { line, line + 3, line + 40, whole.Length / 2, whole.Length - 1 })
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            await RefusedAsync(damaged, "Checkpoint: ");
        }

        await RefusedAsync(whole[..^1], "damaged or cut short");
        await RefusedAsync(whole[..(line + 7)], "cut short");
        await RefusedAsync(whole[..line], "the data are none");
        await RefusedAsync([], "no checkpoint of vmsim");
        await RefusedAsync(Encoding.UTF8.GetBytes(new string('x', 1000)), "no checkpoint of vmsim");
        string head = Encoding.ASCII.GetString(whole, 0, line);
        string build = head.Split(' ')[1];
        await RefusedAsync(
            [.. Encoding.ASCII.GetBytes(head.Replace(build, "9.9.9-0", StringComparison.Ordinal)), .. whole[line..]], "of build 9.9.9-0");
        await RefusedAsync([.. whole, 0], "damaged");
    }

    [Theory]
    [InlineData("--checkpoint-to FILE", "--checkpoint", "60s")]
    [InlineData("1 second to 7 days", "--checkpoint", "0s")]
    [InlineData("1 second to 7 days", "--checkpoint", "60")]
    [InlineData("1 second to 7 days", "--checkpoint", "8000h")]
    [InlineData("\"soon\" found", "--checkpoint-virtual", "soon", "--checkpoint-to", "x")]
    [InlineData("\"0\" found", "--checkpoint-virtual", "0", "--checkpoint-to", "x")]
    public async Task Run_WrongOptions_IsAUsageError(string words, params string[] options)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(["run", .. Short, .. options]);
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_PlacesThatCannotBe_AreSaidBeforeTheRun()
    {
        string nowhere = Path.Combine(_folder, "none", "file");
        foreach ((string words, string[] options) in new (string, string[])[]
        {
            ("there is no folder", ["--checkpoint-to", nowhere]),
            ("a pipe or a device", ["--checkpoint-to", "/dev/null"]),
            ("a pipe or a device", ["--resume", "/dev/null"]),
            ("no such file", ["--resume", nowhere]),
            ("--checkpoint-virtual", ["--checkpoint-virtual", "1ms", "--checkpoint-to", File, "--local-nodes", "2"]),
            ("a checker watches", ["--check", "--checkpoint-to", File, "--local-nodes", "2"]),
        })
        {
            (int code, _, string error) = await CommandRunner.RunAsync(["run", .. Short, .. options]);
            Assert.Equal(ExitCodes.BadInput, code);
            Assert.Contains(words, error, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    /// <summary>What SIGTERM stops goes on from its last checkpoint.</summary>
    [Fact]
    [Trait("Category", "Long")]
    public async Task Run_Terminated_GoesOnFromItsLastCheckpoint()
    {
        string[] run = [CommandRunner.At("config/scenarios/throughput-64.conf"), "--set", "until=30ms", "--quiet"];
        using (CommandProcess stopped = CommandProcess.Start(
            ["run", run[0], "--set", "until=30ms", "--checkpoint", "3s", "--out", Path.Combine(_folder, "stopped")]))
        {
            await stopped.SaysAsync(CommandProcess.Simulates);
            await stopped.SignalAsync("TERM");
            (int code, _, string error) = await stopped.EndAsync();
            Assert.True(code == 143, error);
        }

        string last = Path.Combine(_folder, "stopped", "run.checkpoint");
        Assert.Equal(await ReportOf("whole", run), await ReportOf("rest", [.. run, "--resume", last]));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task WriteAsync() => await ReportOf("w", [.. Short, "--checkpoint-virtual", "50us", "--checkpoint-to", File]);

    private async Task RefusedAsync(byte[] bytes, string words)
    {
        string file = Path.Combine(_folder, "damaged");
        await System.IO.File.WriteAllBytesAsync(file, bytes);
        (int code, _, string error) = await CommandRunner.RunAsync(["run", .. Short, "--resume", file]);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    /// <summary>The report that a run writes, without what is of this machine.</summary>
    private async Task<string> ReportOf(string name, string[] arguments)
    {
        string folder = Path.Combine(_folder, name);
        (int code, _, string error) = await CommandRunner.RunAsync(["run", .. arguments, "--out", folder]);
        Assert.True(code == ExitCodes.Ok, error);
        JsonObject report = JsonNode.Parse(await System.IO.File.ReadAllTextAsync(Path.Combine(folder, "report.json")))!.AsObject();
        report.Remove("host");
        return report.ToJsonString();
    }
}
