using System.Diagnostics;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Commands;

/// <summary>What shells complete.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("vmsim swe", "sweep")]
    [InlineData("vmsim run qui", "quickstart")]
    [InlineData("vmsim run quickstart --time", "--timeline", "--timeline-from", "--timeline-for", "--timeline-cores")]
    [InlineData("vmsim run quickstart --set machine.soc", "machine.sockets=")]
    [InlineData("vmsim run quickstart --set shootdown.protocol=la", "shootdown.protocol=latr")]
    [InlineData("vmsim run quickstart --set shootdown.protocol-settings.thr", "shootdown.protocol-settings.threshold=")]
    [InlineData("vmsim run quickstart --set machine-profile=zen", "machine-profile=zen3", "machine-profile=zen4")]
    [InlineData("vmsim sweep quickstart --vary check=o", "check=on", "check=off")]
    [InlineData("vmsim sweep quickstart --protocols linux,fre", "linux,freebsd")]
    [InlineData("vmsim compare a b --metric ipisS", "ipisSent")]
    public async Task Suggestions_ForALine_BeginWithItsLastWord(string line, params string[] expected)
    {
        (int code, string output, _) = await CommandRunner.RunAsync($"[suggest:{line.Length}]", line);
        Assert.Equal(ExitCodes.Ok, code);
        string word = line.Split(' ')[^1];
        string[] found = [.. output.Split('\n').Select(each => each.Trim()).Where(each => each.StartsWith(word, StringComparison.Ordinal))];
        Assert.Equal(expected.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    /// <summary>bash reads the script, and completes options, names, files, and values behind an equals sign, at which it breaks.</summary>
    [Theory]
    [InlineData("vmsim run --wind", "--window")]
    [InlineData("vmsim run quickst", "quickstart")]
    [InlineData("vmsim run --set shootdown.protocol=ra", "radixvm")]
    [InlineData("vmsim run Simulation.s", "Simulation.sln")]
    public async Task Script_InBash_Completes(string line, string expected)
    {
        (_, string script, _) = await CommandRunner.RunAsync("completion", "bash");
        string vmsim = Path.Combine(AppContext.BaseDirectory, "vmsim.dll");
        string test = $$"""
            vmsim() { dotnet "{{vmsim}}" "$@"; }
            compopt() { :; }
            {{script}}
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}} COMP_CWORD=2
            _vmsim
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        ProcessStartInfo start = new("bash", ["-c", test])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            WorkingDirectory = CommandRunner.Root,
        };
        using Process bash = Process.Start(start)!;
        string output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();
        Assert.Equal(expected, output.Trim());
    }

    [Theory]
    [InlineData("zsh", "#compdef vmsim")]
    [InlineData("fish", "complete -c vmsim")]
    public async Task Script_OfAnotherShell_AsksTheProgram(string shell, string words)
    {
        (int code, string script, _) = await CommandRunner.RunAsync("completion", shell);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains(words, script, StringComparison.Ordinal);
        Assert.Contains("[suggest:", script, StringComparison.Ordinal);
    }

    /// <summary>What shells are offered is not what help shows.</summary>
    [Theory]
    [InlineData("run", " run <scenario> [options]")]
    [InlineData("compare", " compare <runs>... [options]")]
    [InlineData("explore", " explore <what> [options]")]
    public async Task Help_OfACommand_HasNamesOfArguments(string command, string usage)
    {
        (_, string help, _) = await CommandRunner.RunAsync(command, "--help");
        Assert.Contains(usage, help, StringComparison.Ordinal);
        (_, string all, _) = await CommandRunner.RunAsync();
        Assert.All(all.Split('\n'), line => Assert.InRange(line.Length, 0, 140));
    }

    [Fact]
    public async Task Completion_OfAnUnknownShell_SaysWhichThereAre()
    {
        (int code, _, string error) = await CommandRunner.RunAsync("completion", "csh");
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("bash", error, StringComparison.Ordinal);
    }
}
