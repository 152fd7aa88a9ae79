using System.Diagnostics;
using System.Globalization;
using VmSim.Actors.Configuration;
using VmSim.Core.Engine;
using VmSim.Core.Reports;
using VmSim.Host.Capture;
using VmSim.Host.Terminal;
using Xunit.Abstractions;

namespace VmSim.Host.Tests.Commands;

/// <summary>
/// Programs of tests/Programs that use fresh pages in one way each: the replay of a capture faults as often as getrusage says that the
/// program did. What a program does besides is left out by a second run that uses none.
/// </summary>
public sealed class CaptureFaultTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>
    /// Faults by which the two may differ: pages of code that only one of two runs comes by, and which window of a file was mapped before.
    /// </summary>
    private const int Tolerance = 12;

    private static readonly string[] ReadModifyWrites =
    [
        "inc", "lock", "xchg", "cmpxchg", "cmpxchg16", "bts", "addreg", "xadd", "stos", "movs", "vector", "load", "loadstore", "split",
        "splitinc", "splitlock", "splitload", "push", "pushmem",
    ];

    private static readonly string[] Others = ["plain", "stack", "signals", "fork", "vectors", "threads"];

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-faults-").FullName;

    public static TheoryData<string, string, string> Cases { get; } = AllCases();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("qemu")]
    [InlineData("valgrind")]
    public async Task Capture_LockedIncrements_FaultAsTheProgram(string tool) => await CompareAsync(tool, "readmodifywrite", "lock");

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Cases))]
    public async Task Capture_AnyWayToUsePages_FaultsAsTheProgram(string tool, string program, string way) =>
        await CompareAsync(tool, program, way);

    private static TheoryData<string, string, string> AllCases()
    {
        TheoryData<string, string, string> cases = [];
        foreach (string tool in new[] { "qemu", "valgrind" })
        {
            Array.ForEach(ReadModifyWrites, way => cases.Add(tool, "readmodifywrite", way));
            Array.ForEach(Others, way => cases.Add(tool, "faults", way));
        }

        // Valgrind writes the log of a process anew when it executes another program.
        cases.Add("qemu", "faults", "exec");
        return cases;
    }

    private async Task CompareAsync(string tool, string program, string way)
    {
        if (CaptureTools.Find(tool == "qemu" ? CaptureTools.Qemu : CaptureTools.Valgrind) is null)
        {
            (int code, string error) = await CaptureAsync(tool, Path.Combine(_folder, "true.vmt"), ["/bin/true"]);
            Assert.Equal(ExitCodes.Usage, code);
            Assert.Contains("apt-get install", error);
            output.WriteLine($"no capture was compared, since there is no {tool}: {error}");
            return;
        }

        if (CaptureTools.Find(CaptureTools.Compiler) is null)
        {
            output.WriteLine($"no capture was compared, since there is no {CaptureTools.Compiler}: apt-get install gcc libc6-dev");
            Assert.Contains("gcc", CaptureTools.InstallHint);
            return;
        }

        string binary = Path.Combine(_folder, program);
        string source = Path.Combine(AppContext.BaseDirectory, "Programs", $"{program}.c");
        Assert.Equal(0, CaptureTools.Run(CaptureTools.Compiler, ["-O1", "-o", binary, source]));
        string[] used = program == "faults" ? [way, "400"] : [way];
        string[] unused = program == "faults" ? [way, "0"] : ["none"];
        long native = Native(binary, used) - Native(binary, unused);
        long replayed = await ReplayedAsync(tool, binary, used) - await ReplayedAsync(tool, binary, unused);
        output.WriteLine($"{tool} {program} {way}: {native} faults of the program, {replayed} of the replay");
        Assert.InRange(replayed, native - Tolerance, native + Tolerance);
    }

    /// <summary>The faults that a program prints behind its way.</summary>
    private static long Native(string binary, string[] arguments)
    {
        ProcessStartInfo start = new(binary, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string printed = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return long.Parse(printed.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    private async Task<long> ReplayedAsync(string tool, string binary, string[] arguments)
    {
        string target = Path.Combine(_folder, $"{string.Join('-', arguments)}.vmt");
        (int code, string error) = await CaptureAsync(tool, target, [binary, .. arguments]);
        Assert.True(code == ExitCodes.Ok, error);
        using World world = new(ScenarioLoader.Load(target, []));
        RunReport report = ReportBuilder.Build(world, new SequentialEngine(world).Run());
        return report.Total("minorFaults");
    }

    private static async Task<(int Code, string Error)> CaptureAsync(string tool, string target, string[] command)
    {
        using StringWriter text = new();
        using StringWriter error = new();
        int code = await CommandLineApp.RunAsync(["capture", "--with", tool, "-o", target, "--", .. command], text, error);
        return (code, error.ToString());
    }
}
