using VmSim.Core.Programs;
using VmSim.Core.Reports;
using VmSim.Host.Capture;
using VmSim.Host.Reporting;
using VmSim.Host.Terminal;
using VmSim.Host.Tests.CommandLine;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Commands;

/// <summary>From a program to the lines that interrupt its threads: capture, run, report.</summary>
public sealed class CallSiteCaptureTests(ITestOutputHelper output) : IDisposable
{
    private const int Rounds = 10;
    private const string Source = "pools.c";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-sites-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Report_OfACapturedProgram_NamesTheLinesThatInterrupt()
    {
        string[] tools = [CaptureTools.Qemu, CaptureTools.Compiler, "addr2line"];
        if (tools.FirstOrDefault(tool => CaptureTools.Find(tool) is null) is { } none)
        {
            output.WriteLine($"no program was captured, since there is no {none}: apt-get install qemu-user gcc libc6-dev binutils");
            Assert.Contains("apt-get install", CaptureTools.InstallHint);
            return;
        }

        string source = CommandRunner.At(Path.Combine("tests", "Programs", Source));
        string program = Path.Combine(_folder, "pools");
        Assert.Equal(0, CaptureTools.Run(CaptureTools.Compiler, ["-g", "-O1", "-pthread", "-o", program, source], output.WriteLine));
        string trace = Path.Combine(_folder, "pools.vmtb");
        await RunAsync("capture", "--with", "qemu", "-o", trace, "--", program, $"{Rounds}");
        string run = Path.Combine(_folder, "run");
        await RunAsync(
            "run", trace, "--set", "machine.cores=8", "--set", "threads.placement=spread", "--shootdowns", "--out", run);

        RunReport report = ReadReport(Path.Combine(run, RunFolder.ReportName));
        string release = $"pool_release {Source}:{LineOf(source, "/* pool_release */")}";
        foreach ((string call, string place, int least) in new[]
        {
            ("munmap", release, 4 * Rounds),
            ("mprotect", $"log_rotate {Source}:{LineOf(source, "/* log_rotate */")}", Rounds / 8),
            ("madvise(MADV_DONTNEED)", $"cache_trim {Source}:{LineOf(source, "/* cache_trim */")}", Rounds / 10),
        })
        {
            CauseReport[] causes = [.. report.Causes.Where(
                cause => cause.Row.Call == call && cause.Row.Site?.Place == place)];
            Assert.InRange(causes.Sum(cause => cause.Row.Values[0]), least, 2 * least);
        }

        // What left its stack without returns is in no call any more.
        CallSite trim = report.Causes.First(cause => cause.Row.Call == "madvise(MADV_DONTNEED)" && cause.Row.Site is not null).Row.Site!;
        Assert.DoesNotContain(trim.Frames, frame => frame.StartsWith("leave ", StringComparison.Ordinal));
        Assert.Contains(trim.Frames, frame => frame.StartsWith($"trim {Source}:", StringComparison.Ordinal));

        // A thread begins by a call through memory, which is one call.
        Assert.Equal(trim.Frames.Distinct(), trim.Frames);

        string shown = await RunAsync("report", run, "--by", "site");
        Assert.Contains("munmap in pool", shown, StringComparison.Ordinal);
        string whole = string.Join(' ', (await RunAsync("report", run)).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($" % of the interrupts come from munmap in {release}: 4 threads, 8 pages and ", whole, StringComparison.Ordinal);
        Assert.Contains(",munmap,", await File.ReadAllTextAsync(Path.Combine(run, ListFile.Shootdowns.FileName)), StringComparison.Ordinal);

        string bare = Path.Combine(_folder, "bare.vmt");
        await RunAsync("capture", "--with", "qemu", "--no-stacks", "-o", bare, "--", program, "2");
        Assert.DoesNotContain(await File.ReadAllLinesAsync(bare), line => line.StartsWith('@') || line.StartsWith('g'));
    }

    private async Task<string> RunAsync(params string[] args)
    {
        (int code, string written, string error) = await CommandRunner.RunAsync(args);
        output.WriteLine($"{string.Join(' ', args)}\n{written}{error}");
        Assert.Equal(ExitCodes.Ok, code);
        return written;
    }

    private static RunReport ReadReport(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return ReportJson.Read(stream, path);
    }

    private static int LineOf(string source, string mark) => File.ReadAllLines(source).TakeWhile(line => !line.Contains(mark)).Count() + 1;
}
