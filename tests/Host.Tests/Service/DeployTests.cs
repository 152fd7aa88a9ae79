using System.Diagnostics;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Host.Tests.Service;

/// <summary>The units of systemd and the container file: what they must say, and that the command lines in them are ours.</summary>
public sealed class DeployTests : IDisposable
{
    private const string Analyzer = "/usr/bin/systemd-analyze";

    /// <summary>How long a command that is asked to end may be at work (Interruption), in seconds.</summary>
    private const int PatienceSeconds = 120;

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    public static TheoryData<string> Units => ["vmsim-serve.service", "vmsim-node.service"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Units))]
    public async Task Unit_IsHardenedAndLetsJobsEnd(string name)
    {
        ILookup<string, string> unit = Settings(await ReadAsync(name));
        Assert.Equal(["vmsim"], unit["User"]);
        Assert.Equal(["vmsim"], unit["StateDirectory"]);
        foreach (string flag in (string[])["NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID"])
        {
            Assert.Equal(["yes"], unit[flag]);
        }

        Assert.Equal(["strict"], unit["ProtectSystem"]);
        Assert.Equal([""], unit["CapabilityBoundingSet"]);

        // The runtime compiles into memory that it executes, and what memory can be had stands in /proc/meminfo.
        Assert.Empty(unit["MemoryDenyWriteExecute"]);
        Assert.Empty(unit["ProcSubset"]);

        // One signal, to the process that asks the others; its exit code is no failure; jobs have the time that they may take.
        Assert.Equal(["mixed"], unit["KillMode"]);
        Assert.Equal(["SIGTERM"], unit["KillSignal"]);
        Assert.Equal(["143"], unit["SuccessExitStatus"]);
        Assert.True(int.Parse(Assert.Single(unit["TimeoutStopSec"]), null) > PatienceSeconds);
        Assert.Equal(["on-failure"], unit["Restart"]);
        Assert.Equal(["continue"], unit["OOMPolicy"]);
    }

    [Theory]
    [InlineData("vmsim-serve.service", "serve")]
    [InlineData("vmsim-node.service", "node")]
    [InlineData("Containerfile", "serve")]
    public async Task CommandLine_HasOptionsThatThereAre(string name, string command)
    {
        string text = await ReadAsync(name);
        string line = name == "Containerfile"
            ? text.Split('\n').Single(one => one.StartsWith("CMD ", StringComparison.Ordinal))
            : Assert.Single(Settings(text)["ExecStart"]);
        string[] words = line.Split([' ', '"', ',', '[', ']'], StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(command, words);
        (_, string help, _) = await CommandRunner.RunAsync(command, "--help");
        string[] options = [.. words.Where(word => word.StartsWith("--", StringComparison.Ordinal))];
        Assert.NotEmpty(options);
        Assert.All(options, option => Assert.Contains(option, help, StringComparison.Ordinal));
    }

    /// <summary>What it serves is asked as the service answers it, by somebody who is not root.</summary>
    [Fact]
    public async Task Container_RunsAsNobodySpecialAndIsAskedForItsHealth()
    {
        string[] lines = await File.ReadAllLinesAsync(CommandRunner.At("config/deploy/Containerfile"));
        Assert.Equal(2, lines.Count(line => line.StartsWith("FROM mcr.microsoft.com/dotnet/", StringComparison.Ordinal)));
        Assert.Contains("USER $APP_UID", lines);
        Assert.Contains("VOLUME /var/lib/vmsim", lines);
        Assert.Contains(lines, line => line.StartsWith("HEALTHCHECK ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("4980/health/live", StringComparison.Ordinal));
        string built = lines.Single(line => line.StartsWith("RUN dotnet publish ", StringComparison.Ordinal)).Split(' ')[3];
        Assert.True(File.Exists(CommandRunner.At(built)), built);
    }

    /// <summary>systemd's own judgement, where it is installed: nothing is unknown in a unit, and little is open without need.</summary>
    [Theory]
    [MemberData(nameof(Units))]
    public async Task Unit_IsWhatSystemdReads(string name)
    {
        if (!File.Exists(Analyzer))
        {
            Assert.Contains("ExecStart=/opt/vmsim/vmsim ", await ReadAsync(name), StringComparison.Ordinal);
            return;
        }

        // The program is not installed here; all else stands as it is.
        string unit = Path.Combine(_folder, name);
        await File.WriteAllTextAsync(unit, (await ReadAsync(name)).Replace("/opt/vmsim/vmsim", "/bin/true", StringComparison.Ordinal));
        Assert.Equal((0, ""), await AnalyzeAsync("verify", unit));
        Assert.Equal(0, (await AnalyzeAsync("security", "--offline=yes", "--threshold=20", unit)).Code);
        await File.AppendAllTextAsync(unit, "NoSuchSetting=yes\n");
        Assert.Contains("NoSuchSetting", (await AnalyzeAsync("verify", unit)).Error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Error)> AnalyzeAsync(params string[] arguments)
    {
        using Process analyzer = Process.Start(new ProcessStartInfo(Analyzer, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> output = analyzer.StandardOutput.ReadToEndAsync();
        string error = await analyzer.StandardError.ReadToEndAsync().OrHangAsync();
        await output;
        await analyzer.WaitForExitAsync().OrHangAsync();
        return (analyzer.ExitCode, error.Trim());
    }

    private static Task<string> ReadAsync(string name) => File.ReadAllTextAsync(CommandRunner.At($"config/deploy/{name}"));

    private static ILookup<string, string> Settings(string unit) => unit.Split('\n')
        .Where(line => line.Contains('=', StringComparison.Ordinal) && !line.StartsWith('#'))
        .Select(line => line.Split('=', 2)).ToLookup(pair => pair[0], pair => pair[1]);
}
