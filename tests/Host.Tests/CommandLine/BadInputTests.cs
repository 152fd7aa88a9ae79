using System.Diagnostics;
using System.IO.Compression;
using VmSim.Testing;

namespace VmSim.Host.Tests.CommandLine;

/// <summary>
/// Whatever is wrong with the input: a message that says what was found and what is allowed, exit code 64 or 65, no stack trace.
/// </summary>
public sealed class BadInputTests : IDisposable
{
    private static readonly string Quickstart = CommandRunner.At("config/scenarios/quickstart.conf");
    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    public static TheoryData<string, string> BadSettings => new()
    {
        { "machine.cores=0", "1 to 65,536" },
        { "machine.cores=10000000", "1 to 65,536" },
        { "machine.cores=four", "\"four\" found" },
        { "machine.coers=4", "did you mean cores?" },
        { "memory.bytes=-5 MiB", "\"-5 MiB\" found" },
        { "memory.bytes=5 parsec", "\"5 parsec\" found" },
        { "kernel.trap-entry-cycles=0", "1 to" },
        { "kernel.traps=sometimes", "hold, park" },
        { "memory.zero-page=maybe", "on or off" },
        { "shootdown.protocol=linx", "did you mean linux?" },
        { "machine.page-table=x87", "there are x86-64" },
        { "machine-profile=serwer-2s", "did you mean server-2s?" },
        { "machine.mmu.second.ways=7", "multiple of ways" },
        { "machine.sockets=9", "at most machine.cores" },
        { "nonsense", "key=value is needed" },
        { "processes=none", "a list" },
    };

    [Theory]
    [MemberData(nameof(BadSettings))]
    public async Task Run_BadSetting_SaysWhatIsAllowed(string setting, string expected)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(
            "run", Quickstart, "--set", "machine.cores=8", "--set", setting);
        Assert.Equal(65, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("run", "a", "b")]
    [InlineData("frobnicate")]
    [InlineData("run", "x.conf", "--bogus")]
    [InlineData("run", "x.conf", "--threads", "many")]
    [InlineData("list", "everything")]
    public async Task AnyCommand_WrongUsage_Is64(params string[] args)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(args);
        Assert.Equal(64, code);
        AssertReadable(output, error);
    }

    [Theory]
    [InlineData("--threads", "-1", 64, "0 to 256")]
    [InlineData("--threads", "100000", 64, "0 to 256")]
    [InlineData("--threads", "1.5", 64, "0 for one per processor")]
    [InlineData("--window", "-1", 64, "0 for the scenario's bound")]
    [InlineData("--window", "99999999999999999999", 64, "0 to 1,000,000,000,000")]
    [InlineData("--window", "1000000", 65, "this scenario's bound")]
    [InlineData("--seed", "-1", 64, "0 to 9,200,000,000,000,000,000")]
    [InlineData("--seed", "many", 64, "\"many\" found")]
    [InlineData("--nodes", "0", 64, "1 to 256")]
    [InlineData("--local-nodes", "0", 64, "1 to 256")]
    public async Task Run_OptionOutOfRange_SaysWhatIsAllowed(string option, string value, int expected, string words)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync("run", Quickstart, option, value);
        Assert.Equal(expected, code);
        Assert.Contains(option, error, StringComparison.Ordinal);
        Assert.Contains(words, error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    /// <summary>Found out before a node starts, which takes seconds.</summary>
    [Fact]
    public async Task Run_WindowAboveTheBoundOnNodes_StartsNone()
    {
        (int code, string output, string error) = await CommandRunner.RunAsync(
            "run", Quickstart, "--nodes", "1", "--window", "5000", "--set", "cluster.port=0");
        Assert.Equal(65, code);
        Assert.Contains("--window: 5000 cycles found", error, StringComparison.Ordinal);
        Assert.DoesNotContain("waits for", error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    [Fact]
    public async Task Run_AFolder_SaysThatItIsOne()
    {
        (int code, string output, string error) = await CommandRunner.RunAsync("run", _folder);
        Assert.Equal(65, code);
        Assert.Contains("this is a folder", error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    [Fact]
    public async Task Run_WarmupBeyondTheEnd_IsWarnedOf()
    {
        (int code, _, string error) = await CommandRunner.RunAsync("run", Quickstart, "--set", "warmup=100s");
        Assert.Equal(0, code);
        Assert.Contains("vmsim: warmup: the run ended within its warm-up", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_FullDiskBehindStandardOutput_NamesIt()
    {
        using Process run =
            Process.Start(new ProcessStartInfo("bash",
                ["-c", $"dotnet '{typeof(CommandLineApp).Assembly.Location}' list protocols > /dev/full"])
            {
                UseShellExecute = false,
                RedirectStandardError = true,
            })!;
        string error = await run.StandardError.ReadToEndAsync().OrHangAsync();
        await run.WaitForExitAsync().OrHangAsync();
        Assert.Equal(65, run.ExitCode);
        Assert.Contains("vmsim: standard output cannot be written", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere.conf")]
    [InlineData("nowhere.vmt.gz")]
    public async Task Run_MissingFile_Is65(string file)
    {
        (int code, string output, string error) = await CommandRunner.RunAsync("run", Path.Combine(_folder, file));
        Assert.Equal(65, code);
        Assert.Contains(file, error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    [Fact]
    public async Task Run_TruncatedGzip_NamesTheFile()
    {
        byte[] whole = await File.ReadAllBytesAsync(CommandRunner.At("config/traces/mt.vmt.gz"));
        string path = Path.Combine(_folder, "cut.vmt.gz");
        await File.WriteAllBytesAsync(path, whole[..(whole.Length / 2)]);
        (int code, string output, string error) = await CommandRunner.RunAsync("run", path);
        Assert.Equal(65, code);
        Assert.Contains("cut.vmt.gz", error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    [Fact]
    public async Task Run_BadLineInATrace_NamesFileAndLine()
    {
        string path = Path.Combine(_folder, "bad.vmt");
        await using (FileStream source = File.OpenRead(CommandRunner.At("config/traces/ls.vmt.gz")))
        await using (GZipStream text = new(source, CompressionMode.Decompress))
        using (StreamReader reader = new(text))
        {
            List<string> lines = [];
            for (int i = 0; i < 30; i++)
            {
                lines.Add((await reader.ReadLineAsync())!);
            }

            lines.Add("W what is this");
            await File.WriteAllLinesAsync(path, lines);
        }

        (int code, string output, string error) = await CommandRunner.RunAsync("run", path);
        Assert.Equal(65, code);
        Assert.Matches(@"bad\.vmt\D*\b31\b", error);
        AssertReadable(output, error);
    }

    [Theory]
    [InlineData("{ { {")]
    [InlineData("name = x")]
    [InlineData("processes = []")]
    [InlineData("processes = [\n {\n name = x\n }\n]")]
    [InlineData("processes = [\n {\n program = no-such-program\n }\n]")]
    [InlineData("processes = [\n {\n program = pattern\n count = 0\n }\n]")]
    [InlineData("processes = [\n {\n program = pattern\n threds = 3\n }\n]")]
    [InlineData("processes = [\n {\n trace = \"no-such.vmt\"\n }\n]")]
    [InlineData("")]
    public async Task Run_BadScenario_Is65(string text)
    {
        string path = Path.Combine(_folder, "bad.conf");
        await File.WriteAllTextAsync(path, text);
        (int code, string output, string error) = await CommandRunner.RunAsync("run", path);
        Assert.Equal(65, code);
        AssertReadable(output, error);
    }

    [Fact]
    public async Task Run_RandomBytesAsScenario_IsNeverAnInternalError()
    {
        Random random = new(1);
        for (int i = 0; i < 30; i++)
        {
            byte[] bytes = new byte[random.Next(1, 400)];
            random.NextBytes(bytes);
            string path = Path.Combine(_folder, $"random{i}.conf");
            await File.WriteAllBytesAsync(path, bytes);
            (int code, string output, string error) = await CommandRunner.RunAsync("run", path);
            Assert.Equal(65, code);
            AssertReadable(output, error);
        }
    }

    [Fact]
    public async Task Run_OutThatIsAFile_Is65()
    {
        string path = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(path, "in the way");
        (int code, string output, string error) = await CommandRunner.RunAsync("run", Quickstart, "--out", path);
        Assert.Equal(65, code);
        Assert.Contains("this is a file; a folder is needed", error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    [Fact]
    public async Task Run_OutWithoutAName_IsAUsageError()
    {
        (int code, string output, string error) = await CommandRunner.RunAsync("run", Quickstart, "--out", "");
        Assert.Equal(64, code);
        Assert.Contains("--out", error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    /// <summary>Nobody, root included, can make files in /proc.</summary>
    [Fact]
    public async Task Run_OutThatCannotBeWritten_IsFoundBeforeTheRun()
    {
        (int code, string output, string error) = await CommandRunner.RunAsync("run", Quickstart, "--out", "/proc");
        Assert.Equal(65, code);
        Assert.Contains("--out /proc: files cannot be written there", error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    [Fact]
    public async Task Report_NotAReport_Is65()
    {
        string path = Path.Combine(_folder, "report.json");
        await File.WriteAllTextAsync(path, "{ \"schemaVersion\": 7 }");
        (int code, string output, string error) = await CommandRunner.RunAsync("report", path);
        Assert.Equal(65, code);
        Assert.Contains("schemaVersion", error, StringComparison.Ordinal);
        Assert.Contains(path, error, StringComparison.Ordinal);
        AssertReadable(output, error);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void AssertReadable(string output, string error)
    {
        Assert.Equal("", output);
        Assert.StartsWith("vmsim: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", error, StringComparison.Ordinal);
        Assert.DoesNotContain("internal error", error, StringComparison.Ordinal);
    }
}
