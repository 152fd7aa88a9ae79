using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Core.Traces;
using VmSim.Host.Capture;
using VmSim.Host.Terminal;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Commands;

/// <summary>
/// Captures of programs whose threads sleep in one way each (tests/Programs/sleeps.c): the trace says so, and cores idle in the replay.
/// </summary>
public sealed class CaptureSleepTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Naps of a thread in sleeps.c, and the least time of one in nanoseconds.</summary>
    private const int Naps = 20;

    private const long Nap = 2_000_000;

    /// <summary>After so many seconds a program that has done nothing fails its test.</summary>
    private const int LongestSeconds = 256;

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-sleeps-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("sleep", "clock_nanosleep", Naps, 1, null)]
    [InlineData("poll", "poll", Naps, 1, null)]
    [InlineData("wait", "wait4", 1, 0, null)]
    [InlineData("pipe", "clock_nanosleep", Naps, 1, "read")]
    [InlineData("futex", "clock_nanosleep", 2 * Naps, 2, "futex")]
    public async Task Capture_SleepingThreads_SaysWhereAndIdlesTheirCores(string way, string call, int count, int sleepers, string? other)
    {
        if (CaptureTools.Find(CaptureTools.Qemu) is null || CaptureTools.Find(CaptureTools.Compiler) is null)
        {
            output.WriteLine("no capture was looked at, since there is no qemu or no gcc: apt-get install qemu-user gcc libc6-dev");
            Assert.Contains("qemu", CaptureTools.InstallHint);
            return;
        }

        string target = await CaptureAsync(way);
        TraceInfo info = TraceInfo.Compute(() => TraceSources.Open(File.OpenRead(target), target));
        (long calls, long slept) = info.Sleeps[call];
        Assert.Equal(count, calls);
        Assert.True(slept >= (call == "wait4" ? 1 : count * Nap), $"{slept} ns in {calls} calls");
        Assert.True(other is null || info.Sleeps[other].Count > 0, $"no sleep in {other}");
        using World world = new(ScenarioLoader.Load(target, ["machine.ghz=1"]));
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        Assert.Equal(RunOutcomes.Completed, report.Outcome);
        int idle = report.Cores.Count(core => core.CyclesOf(CoreCycles.Idle) >= Naps * Nap && core.CyclesOf(CoreCycles.User) > 0);
        Assert.True(idle >= sleepers, $"{idle} cores idled while their threads slept");
    }

    /// <summary>
    /// A program that goes on for ever is interrupted after the time that it has, and one that is killed leaves all that came before its
    /// last call on memory.
    /// </summary>
    [Theory]
    [InlineData("qemu", "for (;;) step();", 130)]
    [InlineData("qemu", "for (int i = 0; i < 100; i++) step(); __builtin_trap();", 132)]
    [InlineData("qemu", "for (int i = 0; i < 100; i++) step(); kill(getpid(), 9);", 137)]
    [InlineData("perf", "for (;;) step();", null)]
    public async Task Capture_ProgramThatDoesNotEndByItself_HasWhatItDid(string tool, string body, int? exitCode)
    {
        string program = tool == "qemu" ? CaptureTools.Qemu : tool;
        if (CaptureTools.Find(program) is null || CaptureTools.Find(CaptureTools.Compiler) is null)
        {
            output.WriteLine("no capture was looked at: apt-get install qemu-user linux-perf gcc libc6-dev");
            Assert.Contains("qemu", CaptureTools.InstallHint);
            return;
        }

        string source = Path.Combine(_folder, "p.c");
        await File.WriteAllTextAsync(
            source,
            "#include <signal.h>\n#include <sys/mman.h>\n#include <unistd.h>\n"
                + "static void step(void) { char *p = mmap(0, 4096, 3, 0x22, -1, 0); *p = 1; munmap(p, 4096); }\n"
                + $"int main(void) {{ {body} return 0; }}\n");
        string binary = Path.Combine(_folder, "p");
        Assert.Equal(0, CaptureTools.Run(CaptureTools.Compiler, ["-O1", "-o", binary, source]));
        string target = Path.Combine(_folder, "p.vmt");
        bool isEndless = body.StartsWith("for (;;)", StringComparison.Ordinal);

        // A busy machine may need longer before the program has done anything; one that ends by itself has all the time.
        for (int seconds = isEndless ? 1 : 3_600; ; seconds *= 2)
        {
            using StringWriter text = new();
            using StringWriter error = new();
            string limit = seconds.ToString(CultureInfo.InvariantCulture);
            int code =
                await CommandLineApp.RunAsync(["capture", "--with", tool, "--seconds", limit, "-o", target, "--", binary], text, error);
            bool isBarred = error.ToString().Contains("cannot be read: mount -t tracefs", StringComparison.Ordinal);
            if (tool == "perf" && (isBarred || error.ToString().Contains("perf recorded nothing", StringComparison.Ordinal)))
            {
                Assert.Equal(ExitCodes.Usage, code);
                return;
            }

            int unmapped = code == ExitCodes.Ok
                ? (await File.ReadAllLinesAsync(target)).Count(line => line.StartsWith("u ", StringComparison.Ordinal))
                : 0;
            if (unmapped < 100 && isEndless && seconds < LongestSeconds)
            {
                continue;
            }

            Assert.True(code == ExitCodes.Ok, error.ToString());

            // What is interrupted has a second to end, and is killed then: on a busy machine, and in the background of a script, where it
            // takes no notice of Ctrl-C.
            string[] late = isEndless ? ["exit code 137"] : [];
            string[] allowed = exitCode is null ? ["captured with perf"] : [$"exit code {exitCode}", .. late];
            Assert.Contains(allowed, words => error.ToString().Contains(words, StringComparison.Ordinal));
            Assert.InRange(unmapped, 100, int.MaxValue);
            return;
        }
    }

    private async Task<string> CaptureAsync(string way)
    {
        string binary = Path.Combine(_folder, "sleeps");
        string source = Path.Combine(AppContext.BaseDirectory, "Programs", "sleeps.c");
        Assert.Equal(0, CaptureTools.Run(CaptureTools.Compiler, ["-O1", "-pthread", "-o", binary, source]));
        string target = Path.Combine(_folder, $"{way}.vmt");
        using StringWriter text = new();
        using StringWriter error = new();
        int code = await CommandLineApp.RunAsync(["capture", "--with", "qemu", "-o", target, "--", binary, way, "400"], text, error);
        Assert.True(code == ExitCodes.Ok, error.ToString());
        return target;
    }
}
