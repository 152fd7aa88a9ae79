using System.Diagnostics;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Hostile.Tests.Signals;

/// <summary>Signals, closed and full streams, and shortages: an exit code that says what happened, and nothing half-written.</summary>
public sealed class SignalTests : Scratch
{
    private static readonly string Program = typeof(VmSim.Host.CommandLineApp).Assembly.Location;

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    public async Task Run_Signalled_ReportsAndSaysBySignal(string signal, int expected)
    {
        using CommandProcess run = CommandProcess.Start(
            "run", CommandRunner.At("config/scenarios/throughput-64.conf"), "--set", "until=1000s", "--out", At("out"));
        await run.SaysAsync(CommandProcess.Simulates);
        await run.SignalAsync(signal);
        (int code, string output, _) = await run.EndAsync();
        Assert.Equal(expected, code);
        AssertSays("stopped", output);
        Assert.True(File.Exists(At("out/report.json")));
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task Command_ThatWaitsForAPipe_IsEnded(string signal, int expected)
    {
        string pipe = At("pipe");
        await ShellAsync("mkfifo " + pipe);
        foreach (string command in (string[])["trace verify PIPE", "run PIPE", "trace cut PIPE -o OUT", "import perf PIPE -o OUT"])
        {
            string line = command.Replace("PIPE", pipe, StringComparison.Ordinal).Replace("OUT", At("out.vmt"), StringComparison.Ordinal);

            // The shell opens the pipe for writing once the program has opened it for reading: then the program waits for what never comes.
            (int code, _) = await ShellAsync(
                $"env --default-signal=INT dotnet {Program} {line} & p=$!; exec 9>{pipe}; kill -{signal} $p; wait $p");
            Assert.Equal(expected, code);
            Assert.Equal([pipe], Directory.GetFiles(Folder));
        }
    }

    [Fact]
    public async Task Command_SignalledTwice_EndsAtOnce()
    {
        using CommandProcess run = CommandProcess.Start(
            "run", CommandRunner.At("config/scenarios/throughput-64.conf"), "--set", "until=1000s", "--out", At("out"));
        await run.SaysAsync(CommandProcess.Simulates);
        await run.SignalAsync("TERM");
        await run.SignalAsync("INT");
        (int code, _, _) = await run.EndAsync();
        Assert.Equal(143, code);
        Assert.True(!Directory.Exists(At("out")) || Directory.GetFiles(At("out")).All(path => !Path.GetFileName(path).StartsWith('.')));
    }

    [Theory]
    [InlineData("list protocols >&-", 65, "standard output cannot be written: it is closed")]
    [InlineData("list protocols >/dev/full", 65, "standard output cannot be written: No space left on device")]
    [InlineData("list protocols 2>&-", 0, "")]
    [InlineData("list nothing 2>&-", 64, "")]
    [InlineData("list nothing 2>/dev/full", 64, "")]
    [InlineData("list protocols <&-", 0, "")]
    public async Task Command_WithoutItsStreams_KeepsItsExitCode(string command, int expected, string message)
    {
        (int code, string error) = await ShellAsync($"dotnet {Program} {command}");
        Assert.Equal(expected, code);
        AssertSays(message, error);
    }

    [Fact]
    public async Task Cat_WhoseReaderLeaves_EndsQuietly()
    {
        string trace = CommandRunner.At("config/traces/ls.vmt.gz");
        (int code, string error) = await ShellAsync(
            $"{{ dotnet {Program} trace cat {trace}; echo $? >{At("code")}; }} | head -1 >/dev/null");
        Assert.Equal(0, code);
        Assert.Equal("", error);
        Assert.Equal("141\n", await File.ReadAllTextAsync(At("code")));
    }

    [Theory]
    [InlineData("ulimit -n 40", "run quickstart", "too many files are open")]
    [InlineData("ulimit -n 160", "run quickstart", "160 files may be open, and 256 are needed")]
    [InlineData("export DOTNET_GCHeapHardLimit=0x3000000", "run throughput-1024 --set until=10us", "memory has run out")]
    public async Task Run_WithoutEnough_SaysWhatIsMissing(string limit, string command, string message)
    {
        (int code, string error) = await ShellAsync($"{limit}; dotnet {Program} {command}");
        Assert.True(code == 71, $"exit code {code}: {error}");
        AssertSays(message, error);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Error)> ShellAsync(string script)
    {
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", script])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        Task<string> output = shell.StandardOutput.ReadToEndAsync();
        string error = await shell.StandardError.ReadToEndAsync().OrHangAsync();
        await output.OrHangAsync();
        await shell.WaitForExitAsync().OrHangAsync();
        return (shell.ExitCode, error);
    }
}
