using System.IO.Compression;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Hostile.Tests.Readers;

/// <summary>Inputs without an end and without lines: each command gives them up, or refuses what it must read whole or twice.</summary>
public sealed class EndlessTests : Scratch
{
    private const string Trace = "# vmt 1 x pagesize 4096\nt 1\nR 5\n";

    [Theory]
    [InlineData("more than 65,536 characters", "tlb", "/dev/zero")]
    [InlineData("more than 65,536 characters", "replay", "/dev/zero")]
    [InlineData("at most 65536 bytes", "trace", "verify", "/dev/zero")]
    [InlineData("at most 65536 bytes", "import", "perf", "/dev/zero", "-o", "OUT")]
    [InlineData("line 1: found", "import", "strace", "/dev/zero", "-o", "OUT")]
    [InlineData("a file is needed", "report", "/dev/zero")]
    [InlineData("read twice", "trace", "info", "/dev/zero")]
    [InlineData("others than its owner", "certs", "show", "/dev/zero")]
    public async Task AnyCommand_DeviceWithoutEnd_IsRefused(string expected, params string[] command)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(
            [.. command.Select(word => word == "OUT" ? At("out.vmt") : word)]);
        Assert.Equal(65, code);
        AssertSays(expected, output + error);
    }

    [Fact]
    public async Task Verify_MapsWithoutLines_AreRefused()
    {
        string path = At("maps.gz");
        using (GZipStream gzip = new(File.Create(path), CompressionLevel.Optimal))
        {
            byte[] nothing = new byte[1 << 20];
            for (int i = 0; i < 64; i++)
            {
                gzip.Write(nothing);
            }
        }

        string trace = Write("a.vmt", Trace);
        AssertSays("line 1: more than 65,536 characters", await RefusedAsync("trace", "verify", trace, "--maps", path));
        AssertSays("line 1: more than 65,536 characters", await RefusedAsync("trace", "verify", trace, "--maps", "/dev/zero"));
    }

    [Fact]
    public async Task Run_PlugInWithoutEnd_IsRefused()
    {
        string scenario = Write("plugged.conf", $"plug-ins = [ \"/dev/zero\" ]\n{Tiny}");
        AssertSays("this is no .NET assembly", await RefusedAsync("run", scenario));
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public async Task Replay_LinesOfAnyKind_AreLines(string end)
    {
        string script = Write("a.ops", $"# nothing{end}{end}what{end}");
        AssertSays("line 3", await RefusedAsync("replay", script));
    }

    /// <summary>A trace that can be read once has no digest, and nobody waits for it a second time.</summary>
    [Fact]
    public async Task Run_TraceThatIsAPipe_IsReadOnce()
    {
        string pipe = await PipeAsync("pipe.vmt");
        string folder = At("run");
        Task<(int Code, string Output, string Error)> run = Task.Run(() => CommandRunner.RunAsync("run", pipe, "--out", folder, "-q"));
        await File.WriteAllTextAsync(pipe, Trace);
        (int code, _, string error) = await run;
        Assert.True(code == 0, error);
        string report = await File.ReadAllTextAsync(Path.Combine(folder, "report.json"));
        Assert.Contains("\"digest\": \"\"", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_CertificateThatIsAPipe_IsRefused()
    {
        string pipe = await PipeAsync("pipe");
        Task<string> refused = Task.Run(() => RefusedAsync("certs", "show", pipe));

        // Whoever opens a pipe for reading waits for somebody who opens it for writing.
        await using (FileStream writer = new(pipe, FileMode.Open, FileAccess.Write))
        {
            AssertSays("a pipe or a device", await refused);
        }
    }

    private async Task<string> PipeAsync(string name)
    {
        string pipe = At(name);
        using System.Diagnostics.Process make = System.Diagnostics.Process.Start("mkfifo", ["-m", "600", pipe]);
        await make.WaitForExitAsync();
        return pipe;
    }
}
