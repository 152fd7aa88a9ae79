using System.Diagnostics;
using System.Text.Json.Nodes;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.CommandLine;

public sealed class RunTests : IDisposable
{
    private static readonly string Quickstart = CommandRunner.At("config/scenarios/quickstart.conf");
    private static readonly string Threads = CommandRunner.At("config/traces/mt.vmt.gz");
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    [Fact]
    public async Task Run_Quickstart_CountsFaultsLikeARealKernel()
    {
        JsonNode report = await ReportOf("a", Quickstart);
        Assert.InRange(Total(report, "minorFaults"), 1520, 1680);
        Assert.Equal(0, Total(report, "segmentationFaults"));
        Assert.True(Total(report, "shootdowns") > 0);
        Assert.True(Total(report, "ipisSent") > 0);
        Assert.Equal(Total(report, "ipisSent"), Total(report, "invalidationsHandled"));
    }

    /// <summary>A folder hides no shipped scenario of its name; one of another name is named as what it is.</summary>
    [Theory]
    [InlineData("quickstart", 0, "")]
    [InlineData("nothing", 65, "nothing: this is a folder")]
    public async Task Run_WhereAFolderHasTheName_RunsTheScenario(string name, int expected, string words)
    {
        Directory.CreateDirectory(Path.Combine(_folder, name));
        ProcessStartInfo start = new(
            "dotnet", [typeof(CommandLineApp).Assembly.Location, "run", name, "--quiet", "--set", "until=1000"])
        {
            WorkingDirectory = _folder,
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process run = Process.Start(start)!;
        string error = await run.StandardError.ReadToEndAsync();
        await run.WaitForExitAsync();
        Assert.True(run.ExitCode == expected, error);
        Assert.Contains(words, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_AllThreadsOnOneCore_InterruptsNobody()
    {
        JsonNode report = await ReportOf(
            "a", Threads, "--set", "threads.placement=single", "--set", "shootdown.protocol=broadcast", "--set", "machine.cores=4");
        Assert.Equal(0, Total(report, "ipisSent"));
        Assert.InRange(Total(report, "minorFaults"), 1520, 1680);
    }

    [Fact]
    public async Task Run_TwiceOnOtherThreadsAndWindows_DiffersInHostAlone()
    {
        string first = await WithoutHost("a", Threads, "--threads", "1", "--set", "machine.cores=4");
        Assert.Equal(first, await WithoutHost("b", Threads, "--threads", "1", "--set", "machine.cores=4"));
        Assert.Equal(first, await WithoutHost("c", Threads, "--threads", "2", "--set", "machine.cores=4"));
        Assert.Equal(first, await WithoutHost("d", Threads, "--threads", "3", "--window", "123", "--set", "machine.cores=4"));
        Assert.NotEqual(first, await WithoutHost("e", Threads, "--threads", "1", "--set", "machine.cores=3"));
    }

    [Fact]
    public async Task Run_EffectiveConfiguration_GivesTheSameReport()
    {
        string scenario = CommandRunner.At("config/scenarios/many-processes.conf");
        string first = await WithoutHost("a", scenario, "--set", "memory.fault-around=32 KiB", "--set", "until=300us");
        Assert.Equal(first, await WithoutHost("b", Path.Combine(_folder, "a", "effective.conf")));
    }

    [Fact]
    public async Task Run_Output_FitsEightyColumns()
    {
        (int code, string output, _) = await CommandRunner.RunAsync("run", Quickstart);
        Assert.Equal(0, code);
        Assert.All(output.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));
        foreach (string word in (string[])["simulated time", "accesses", "page walks", "minor faults", "shootdowns", "IPIs sent", "p99",
            "idle", "accesses/s"])
        {
            Assert.Contains(word, output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Report_OfARunFolder_ShowsTheSameReport()
    {
        (_, string shown, _) = await CommandRunner.RunAsync("run", Quickstart, "--out", Path.Combine(_folder, "a"));
        (int code, string again, _) = await CommandRunner.RunAsync("report", Path.Combine(_folder, "a"));
        Assert.Equal(0, code);
        Assert.Equal(shown, again);
    }

    [Fact]
    public async Task Run_Stats_ExplainEveryTotal()
    {
        JsonNode report = await ReportOf("a", Quickstart);
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(_folder, "a", "stats.txt"));
        foreach ((string name, JsonNode? value) in report["totals"]!.AsObject())
        {
            Assert.Contains(
                lines,
                line =>
                    line.StartsWith(name + " ", StringComparison.Ordinal) && line.Contains(value!.ToString(), StringComparison.Ordinal)
                        && line.EndsWith('.'));
        }
    }

    [Fact]
    public async Task Run_Shootdowns_AreTheSameBytesOnAnyThreadsAndWindow()
    {
        string[] run = [CommandRunner.At("config/scenarios/jit-patching.conf"), "--set", "until=2ms"];
        string first = await ShootdownsOf("a", [.. run, "--threads", "1"]);
        Assert.Equal(first, await ShootdownsOf("b", [.. run, "--threads", "3"]));
        Assert.Equal(first, await ShootdownsOf("c", [.. run, "--threads", "2", "--window", "123"]));
        string[] lines = first.TrimEnd().Split('\n');
        string[] columns = lines[0].Split(',');
        JsonNode report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "a", "report.json")))!;
        Assert.Equal(Total(report, "shootdowns"), lines.Length - 1);
        Assert.Equal(Total(report, "ipisSent"), SumOf("interrupts"));
        Assert.Equal(Total(report, "refillMisses"), SumOf("refill_miss_walks"));
        Assert.True(SumOf("interrupts") > 0 && SumOf("refill_miss_walks") > 0);
        Assert.Equal((long)report["shootdowns"]!["handlerCycles"]!["sum"]!, SumOf("handler_cycles"));

        long SumOf(string column) =>
            lines.Skip(1).Sum(
                line => long.Parse(line.Split(',')[Array.IndexOf(columns, column)], System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Run_ShootdownsWithoutAFolder_IsAUsageError()
    {
        (int code, _, string error) = await CommandRunner.RunAsync("run", Quickstart, "--shootdowns");
        Assert.Equal(64, code);
        Assert.Contains("--out", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_Quickstart_FindsNoViolation()
    {
        (int code, string output, _) = await CommandRunner.RunAsync("check", Quickstart);
        Assert.Equal(0, code);
        Assert.Contains("completed", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_CheckedUnderLatr_ReportsTheLongestStalenessBesideTheFingerprint()
    {
        string scenario = Path.Combine(_folder, "late.conf");
        await File.WriteAllTextAsync(scenario, """
            name = late
            machine.cores = 3
            shootdown.protocol = latr
            kernel.tick-cycles = 300000
            processes = [{
              name = p, program = compaction, threads = 3, pages = 64, batch = 8, iterations = 20, copy-cycles = 5000, accesses = 100000
            }]

            """);
        string[] settings = [scenario];
        string first = await WithoutHost("a", [.. settings, "--check", "--threads", "1"]);
        Assert.Equal(first, await WithoutHost("b", [.. settings, "--check", "--threads", "2", "--window", "123"]));
        JsonNode report = await ReportOf("c", [.. settings, "--check"]);
        JsonNode unwatched = await ReportOf("d", settings);
        Assert.InRange((long)report["checker"]!["longestStaleness"]!, 1, (long)report["checker"]!["allowedStaleness"]!);
        Assert.Null(unwatched["checker"]);
        Assert.Equal((string)report["fingerprint"]!, (string)unwatched["fingerprint"]!);
        Assert.Null((await ReportOf("e", [.. settings, "--check", "--set", "shootdown.protocol=linux"]))["checker"]);
    }

    [Fact]
    public async Task Run_SegmentationFaults_AreListed()
    {
        string trace = Path.Combine(_folder, "wild.vmt");
        await File.WriteAllTextAsync(trace, "# vmt 1 wild pagesize 4096\nt 0\nR 123 2\n");
        (int code, string output, _) = await CommandRunner.RunAsync("run", trace);
        Assert.Equal(0, code);
        Assert.Contains("0x123000", output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static long Total(JsonNode report, string name) => (long)report["totals"]![name]!;

    private async Task<JsonNode> ReportOf(string name, params string[] args)
    {
        (int code, _, string error) = await CommandRunner.RunAsync(["run", .. args, "--out", Path.Combine(_folder, name)]);
        Assert.True(code == 0, error);
        return JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, name, "report.json")))!;
    }

    private async Task<string> ShootdownsOf(string name, params string[] args)
    {
        await ReportOf(name, [.. args, "--shootdowns"]);
        return await File.ReadAllTextAsync(Path.Combine(_folder, name, "shootdowns.csv"));
    }

    private async Task<string> WithoutHost(string name, params string[] args)
    {
        JsonNode report = await ReportOf(name, args);
        Assert.NotNull(report["host"]);

        // The host block stands last, so that everything before it can be compared byte by byte.
        string text = await File.ReadAllTextAsync(Path.Combine(_folder, name, "report.json"));
        return text[..text.IndexOf("\"host\": {", StringComparison.Ordinal)];
    }

    /// <summary>What is read, how it is simulated, and what is written; the report itself is that of ever.</summary>
    [Fact]
    public async Task Run_Verbose_SaysOnStderrWhatItDoes()
    {
        string folder = Directory.CreateTempSubdirectory("vmsim-verbose-").FullName;
        try
        {
            string[] command = ["run", CommandRunner.At("config/traces/ls.vmt.gz"), "--out", folder];
            (_, string shown, _) = await CommandRunner.RunAsync(command);
            (int code, string output, string error) = await CommandRunner.RunAsync([.. command, "--verbose"]);
            Assert.Equal(ExitCodes.Ok, code);
            Assert.Equal(WithoutHost(shown), WithoutHost(output));
            foreach (string words in (string[])
                ["reads ", "ls.vmt.gz, ", "vmsim: machine ", "simulates 1 process on ", "vmsim: simulated ", $"vmsim: wrote {folder}"])
            {
                Assert.Contains(words, error, StringComparison.Ordinal);
            }

            (code, _, error) = await CommandRunner.RunAsync([.. command, "-v", "-q"]);
            Assert.Equal(ExitCodes.Usage, code);
            Assert.Contains("one of them is needed", error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string WithoutHost(string shown) =>
        string.Join('\n', shown.Split('\n').Where(line => !line.StartsWith("simulated in", StringComparison.Ordinal)));
}
