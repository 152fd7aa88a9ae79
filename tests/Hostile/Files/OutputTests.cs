using System.Runtime.Versioning;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Hostile.Tests.Files;

/// <summary>Outputs replace regular files only, follow no link, leave nothing behind, and never are what the command reads.</summary>
[SupportedOSPlatform("linux")]
public sealed class OutputTests : Scratch
{
    private string Trace => Write("in.vmt", "# vmt 1 x pagesize 4096\nt 1\nR 5\n");

    [Fact]
    public async Task Cut_ToTheNullDevice_WritesToIt()
    {
        await SucceedsAsync("trace", "cut", Trace, "-o", "/dev/null");
        Assert.True(File.GetAttributes("/dev/null").HasFlag(FileAttributes.Normal) || File.Exists("/dev/null"));
        Assert.Equal(0, new FileInfo("/dev/null").Length);
    }

    [Fact]
    public async Task Cut_ToALink_LeavesWhatItLeadsTo()
    {
        string kept = Write("kept", "precious");
        File.CreateSymbolicLink(At("link.vmt"), kept);
        string error = await RefusedAsync("trace", "cut", Trace, "-o", At("link.vmt"));
        AssertSays("this is a link to", error);
        Assert.Equal("precious", await File.ReadAllTextAsync(kept));
        Assert.Equal(kept, new FileInfo(At("link.vmt")).LinkTarget);
    }

    [Fact]
    public async Task Cut_OverItsInput_IsRefused()
    {
        string trace = Trace;
        File.CreateSymbolicLink(At("other"), Folder);
        AssertSays(
            "the command reads this file", await RefusedAsync("trace", "cut", trace, "-o", Path.Combine(At("other"), "in.vmt")));
    }

    [Fact]
    public async Task Cut_OfADamagedTrace_LeavesTheOldFileAndNothingElse()
    {
        string old = Write("out.vmt", "old");
        string damaged = Write("bad.vmt", "# vmt 1 x pagesize 4096\nt 1\nR zzz\n");
        await RefusedAsync("trace", "cut", damaged, "-o", old);
        Assert.Equal("old", await File.ReadAllTextAsync(old));
        Assert.Equal(2, Directory.GetFiles(Folder).Length);
    }

    [Fact]
    public async Task Cut_OverAnOldFile_KeepsItsPermissions()
    {
        string old = Write("out.vmt", "old");
        File.SetUnixFileMode(old, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await SucceedsAsync("trace", "cut", Trace, "-o", old);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(old));
    }

    [Fact]
    public async Task Cut_WithPlantedNames_TouchesNone()
    {
        // Names that the program once used for what it had not finished.
        string kept = Write("kept", "precious");
        string trace = Trace;
        foreach (string name in (string[])["out.vmt.partial", "out.vmt.tmp", ".vmsim-probe", "report.json.tmp"])
        {
            File.CreateSymbolicLink(At(name), kept);
        }

        await SucceedsAsync("trace", "cut", trace, "-o", At("out.vmt"));
        await SucceedsAsync("run", Write("tiny.conf", Tiny), "--out", Folder);
        Assert.Equal("precious", await File.ReadAllTextAsync(kept));
    }

    [Fact]
    public async Task Run_OverAnOldRun_LeavesNoMixture()
    {
        string scenario = Write("tiny.conf", Tiny);
        await SucceedsAsync("run", scenario, "--out", At("run"), "--shootdowns");
        Assert.True(File.Exists(At("run/shootdowns.csv")));
        await SucceedsAsync("run", scenario, "--out", At("run"), "--seed", "77");
        Assert.Equal(
            ["effective.conf", "report.json", "stats.txt"],
            Directory.GetFiles(At("run")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        AssertSays("seed = 77", await File.ReadAllTextAsync(At("run/effective.conf")));
    }

    [Fact]
    public async Task Run_IntoAFolderThatCannotTakeAllFiles_ChangesNone()
    {
        string scenario = Write("tiny.conf", Tiny);
        await SucceedsAsync("run", scenario, "--out", At("run"));
        string before = await File.ReadAllTextAsync(At("run/report.json"));
        File.Delete(At("run/stats.txt"));
        Directory.CreateDirectory(At("run/stats.txt"));
        AssertSays("this is a folder", await RefusedAsync("run", scenario, "--seed", "5", "--out", At("run")));
        Assert.Equal(before, await File.ReadAllTextAsync(At("run/report.json")));
    }

    [Fact]
    public async Task Run_OfTheRunsOwnConfiguration_IsRefused()
    {
        await SucceedsAsync("run", Write("tiny.conf", Tiny), "--out", At("run"));
        AssertSays(
            "the command reads this file", await RefusedAsync("run", At("run/effective.conf"), "--out", At("run")));
    }

    [Fact]
    public async Task Run_ThatIsRefused_LeavesNoFolder()
    {
        // A trace that faults until the end of virtual time comes to be simulated; a window that is not allowed does not.
        string error = await RefusedAsync("run", Write("tiny.conf", Tiny), "--window", "999999999999", "--out", At("new/run"));
        AssertSays("window", error);
        Assert.False(Directory.Exists(At("new")));
    }

    [Fact]
    public async Task Tlb_NamesThatAreFormulas_BecomeTexts()
    {
        string table = Write(
            "tlb.csv", "name,stream,pages\n\"=HYPERLINK(\"\"http://x\"\")\",uniform,16\n@SUM(1),uniform,16\n-5,uniform,16\n");
        await SucceedsAsync("tlb", table, "-o", At("out.csv"));
        string[] lines = await File.ReadAllLinesAsync(At("out.csv"));
        Assert.StartsWith("\"'=HYPERLINK", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("'@SUM(1),", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("-5,", lines[3], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("trace", "info")]
    [InlineData("trace", "verify")]
    public async Task Trace_NameWithControlCharacters_IsShownWithout(params string[] command)
    {
        string path = At("a\u001b[31mb.vmt");
        File.Copy(Data("esc-in-header.vmt"), path);
        (_, string output, string error) = await CommandRunner.RunAsync([.. command, path]);
        Assert.DoesNotContain('\u001b', output + error);
        AssertSays("a?[31mb", output + error);
    }

    [Theory]
    [InlineData("esc-report.json")]
    [InlineData("report-overflow.json")]
    public async Task Report_OfAHostileFile_IsShown(string name)
    {
        string page = At("page.html");
        (int code, string output, string error) = await CommandRunner.RunAsync("report", Data(name), "--html", page);
        Assert.True(code == 0, error);
        Assert.DoesNotContain('\u001b', output + error + await File.ReadAllTextAsync(page));
    }

    [Fact]
    public async Task Report_TwoOutputsOfOneName_AreRefused()
    {
        string twice = At("twice.txt");
        string error = await RefusedAsync("report", Data("report-overflow.json"), "--html", twice, "--figure", $"cores={twice}");
        AssertSays("two options name this file", error);
        Assert.False(File.Exists(twice));
    }

    [Fact]
    public async Task Report_FindingsThatSteerATerminal_AreShownPlainly()
    {
        // A terminal with colours, which script makes: what is written to it comes back.
        string report = await File.ReadAllTextAsync(Data("esc-report.json"));
        string path = Write("report.json", report.Replace(
            "\"findings\": [", "\"findings\": [\"bad\\u001b[31m\\nvmsim: all is well\\u009b2J\", ", StringComparison.Ordinal));
        AssertSays("all is well", await File.ReadAllTextAsync(path));
        string program = typeof(VmSim.Host.CommandLineApp).Assembly.Location;
        using System.Diagnostics.Process terminal = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "script", ["-qec", $"dotnet {program} report {path}", "/dev/null"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        string shown = await terminal.StandardOutput.ReadToEndAsync();
        AssertSays("bad?[31m?vmsim: all is well?2J", shown);
    }

    [Fact]
    public async Task Report_OfADevice_IsRefused() =>
        AssertSays("a file is needed", await RefusedAsync("report", "/dev/zero"));

    private static async Task SucceedsAsync(params string[] args)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(args);
        Assert.True(code == 0, $"exit code {code}: {output}{error}");
    }
}
