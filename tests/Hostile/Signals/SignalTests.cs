using System.Diagnostics;
using VmSim.Host.Capture;
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
                $"env --default-signal=INT,HUP,TERM dotnet {Program} {line} & p=$!; exec 9>{pipe}; kill -{signal} $p; wait $p");
            Assert.Equal(expected, code);
            Assert.Equal([pipe], Directory.GetFiles(Folder));
        }
    }

    /// <summary>Commands that wait for standard input, for a reader of their output, for nodes, or for a coordinator.</summary>
    [Theory]
    [InlineData("trace verify - <PIPE")]
    [InlineData("import strace - -o OUT <PIPE")]
    [InlineData("import champsim - -o OUT <PIPE")]
    [InlineData("replay - <PIPE")]
    [InlineData("tlb PIPE")]
    [InlineData("tlb PIPE -o OUT")]
    [InlineData("trace verify TRACE --maps PIPE")]
    public async Task Command_ThatWaitsForInput_IsEnded(string command)
    {
        string pipe = At("pipe");
        string trace = Write("in.vmt", "# vmt 1 x pagesize 4096\nt 1\nR 5\n");
        await ShellAsync("mkfifo " + pipe);
        string line = command.Replace("PIPE", pipe, StringComparison.Ordinal)
            .Replace("OUT", At("out.vmt"), StringComparison.Ordinal).Replace("TRACE", trace, StringComparison.Ordinal);

        // Until the program has started, the shell's child that becomes it passes the signal over.
        (int code, _) = await ShellAsync(
            $"env --default-signal=INT,HUP,TERM dotnet {Program} {line} & p=$!; exec 9>{pipe}; "
            + "while [ -n \"$(jobs -r)\" ]; do kill -INT $p; sleep 0.2; done; wait $p");
        Assert.Equal(130, code);
        Assert.Equal(2, Directory.GetFiles(Folder).Length);
    }

    [Fact]
    public async Task Cut_IntoAPipeThatNobodyReads_IsEnded()
    {
        string pipe = At("pipe");
        string trace = Write("in.vmt", $"# vmt 1 x pagesize 4096\nt 1\n{string.Concat(Enumerable.Repeat("R 5\n", 100_000))}");
        await ShellAsync("mkfifo " + pipe);

        // It is opened, and nothing is read: the program waits for room.
        (int code, _) = await ShellAsync(
            $"env --default-signal=INT,HUP,TERM dotnet {Program} trace cut {trace} -o {pipe} & p=$!; exec 9<{pipe}; kill -INT $p; wait $p");
        Assert.Equal(130, code);
        Assert.Equal(2, Directory.GetFiles(Folder).Length);
    }

    [Fact]
    public async Task Run_ThatWaitsForNodes_IsEnded()
    {
        Assert.Equal(0, (await CommandRunner.RunAsync("certs", "authority", At("ca"))).Code);
        Assert.Equal(0, (await CommandRunner.RunAsync("certs", "node", At("ca"), "a")).Code);
        string certificate = "cluster.certificate=" + At("ca/a.pem");
        using CommandProcess run = CommandProcess.Start(
            "run", Write("tiny.conf", Tiny), "--nodes", "2", "--set", certificate, "--set", "cluster.port=0", "--out", At("out"));
        await run.SaysAsync("waits for 2 nodes");
        await run.SignalAsync("INT");
        Assert.Equal(130, (await run.EndAsync()).Code);
        Assert.False(Directory.Exists(At("out")));
        using CommandProcess node = CommandProcess.Start("node", "--join", "127.0.0.1:9", "--set", certificate);
        await node.SaysAsync("waits for a run");
        await node.SignalAsync("TERM");
        Assert.Equal(143, (await node.EndAsync()).Code);
    }

    [Theory]
    [InlineData("fuzz --seeds 1..1000000")]
    [InlineData("check web-server --set until=1000s --out OUT")]
    public async Task Command_AtWork_IsEnded(string command)
    {
        string[] words = command.Replace("OUT", At("out"), StringComparison.Ordinal).Split(' ');
        using CommandProcess run = CommandProcess.Start(words);
        if (words[0] == "check")
        {
            await run.SaysAsync(CommandProcess.Simulates);
        }

        await run.SignalAsync("INT");
        (int code, _, string error) = await run.EndAsync();
        Assert.True(code == 130, $"exit code {code}: {error}");
    }

    /// <summary>The program that is captured, its tool and the folder of what the tool writes end with the command.</summary>
    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task Capture_Signalled_EndsTheProgram(string signal, int expected)
    {
        string mark = $"9{Environment.ProcessId}{expected}";
        const string Wait = "until pgrep -f \"^[^ ]*sleep $m\" >/dev/null || ! kill -0 $p 2>/dev/null; do sleep 0.02; done";
        (int code, string error) = await ShellAsync(
            $"m={mark}; export TMPDIR={Folder}; "
            + $"env --default-signal=INT,HUP,TERM dotnet {Program} capture --maps {At("out")} -- sleep $m & p=$!; "
            + $"{Wait}; kill -{signal} $p; wait $p; c=$?; pgrep -f \"^[^ ]*sleep $m\" >&2; exit $c");
        bool hasCompiler = CaptureTools.Find(CaptureTools.Compiler) is not null;
        Assert.True(code == (hasCompiler ? expected : 64), $"exit code {code}: {error}");
        Assert.DoesNotMatch("(?m)^[0-9]+$", error);
        Assert.DoesNotContain(Directory.GetDirectories(Folder), path => path.Contains("vmsim-capture", StringComparison.Ordinal));
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
        Assert.True(!Directory.Exists(At("out")) || File.Exists(At("out/report.json")));
        Assert.True(!Directory.Exists(At("out")) || Directory.GetFiles(At("out")).All(path => !Path.GetFileName(path).StartsWith('.')));
    }

    [Theory]
    [InlineData("list protocols >&-", 65, "standard output cannot be written: it is closed")]
    [InlineData("list protocols >/dev/full", 65, "standard output cannot be written: No space left on device")]
    [InlineData("list protocols 2>&-", 0, "")]
    [InlineData("list nothing 2>&-", 64, "")]
    [InlineData("list nothing 2>/dev/full", 64, "")]
    [InlineData("list protocols <&-", 0, "")]
    [InlineData("replay - <&-", 65, "standard input is closed")]
    [InlineData("import strace - -o /tmp/x.vmt <&-", 65, "standard input is closed")]
    [InlineData("step quickstart <&-", 65, "standard input is closed")]
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
    [InlineData("export DOTNET_GCHeapHardLimit=0x2000000", "run throughput-1024 --set until=10us", "64.0 MiB are needed")]
    [InlineData("export DOTNET_GCHeapHardLimit=0x4000000", "run throughput-1024 --set until=10us", "64.0 MiB can be had")]
    [InlineData("export DOTNET_GCHeapHardLimit=0x4000000", "run throughput-1024 --set until=10us --force", "memory has run out")]
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
