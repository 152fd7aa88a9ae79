using VmSim.Host.Capture;
using VmSim.Host.Terminal;

namespace VmSim.Host.Tests.Commands;

/// <summary>import, trace and capture from the command line.</summary>
public sealed class TraceCommandTests : IDisposable
{
    private static readonly string Trace = Path.Combine(AppContext.BaseDirectory, "config", "traces", "ls.vmt.gz");

    /// <summary>A trace of two threads with 100 stores each, packed by xz 5.4.</summary>
    private const string PairXz =
        "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AA4ADJdABGIC0ciI2l4tW+NlIC/WXRineWmocJsPHgv"
        + "Olwy09ncuoS7O94iSNIwuN6lgUVkqcgAAAAAT6+oIPPKFrYAAU45qF95ER+2830BAAAAAARZWg==";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Info_RealTrace_ShowsCountsAndChart()
    {
        (int code, string output, _) = await RunAsync("trace", "info", Trace);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("1,655,052", output);
        Assert.Contains("34 mmap", output);
        Assert.Contains("working set", output);
    }

    [Fact]
    public async Task Info_TraceOfSeveralThreads_SaysHowManyRunAtOnce()
    {
        string trace = Path.Combine(_folder, "pair.vmt");
        await File.WriteAllTextAsync(trace, "# vmt 1 pair pagesize 4096\nt 0\nn 1\nW 10 100\nt 1\nW 20 100\n");
        (int code, string output, _) = await RunAsync("trace", "info", trace);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("2.0 threads on average in the order of the trace, 2.0 without it", string.Join(' ', output.Split(
            [' ', '\n'], StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task Folios_FilesOfATrace_AreSettingsThatAScenarioIncludes()
    {
        // How large the folios are is the kernel's and the file system's business.
        string data = Path.Combine(_folder, "a,b*.bin");
        await File.WriteAllBytesAsync(data, new byte[3 << 20]);
        string trace = Path.Combine(_folder, "x.vmt");
        await File.WriteAllTextAsync(
            trace, $"# vmt 1 x pagesize 4096\nf 0 {data}\nf 1 /no/such/file\nm 7f0000000000 300000 1 2 0 0\nt 0\nR 7f0000000\n");
        string settings = Path.Combine(_folder, "x.folios.conf");
        (int code, string output, string error) = await RunAsync("trace", "folios", trace, "-o", settings);
        Assert.Equal((ExitCodes.Ok, ""), (code, output));
        Assert.Contains("note: no regular file here: /no/such/file", error);
        string text = await File.ReadAllTextAsync(settings);
        Assert.Contains("pages in memory\nmemory.folios = \"", text);

        // Without a file it goes to the terminal; what lies in memory may be less by then.
        Assert.Contains("pages in memory\n", (await RunAsync("trace", "folios", trace)).Output);
        string scenario = Path.Combine(_folder, "x.conf");
        await File.WriteAllTextAsync(scenario, "include \"x.folios.conf\"\nprocesses = [ { trace = \"x.vmt\" } ]\n");
        Assert.Equal(ExitCodes.Ok, (await RunAsync("run", scenario)).Code);
        (code, _, error) = await RunAsync("run", scenario, "--set", "memory.folios=\"libc.so.*=64 KiB\"");
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("memory.folios: no file of the run is left for \"libc.so.*\"", error);
    }

    [Fact]
    public async Task Info_TraceThatXzPacked_IsReadAsAnyOther()
    {
        string packed = Path.Combine(_folder, "pair.vmt.xz");
        await File.WriteAllBytesAsync(packed, Convert.FromBase64String(PairXz));
        (int code, string output, string error) = await RunAsync("trace", "info", packed);
        if (CaptureTools.Find("xz") is null)
        {
            Assert.Equal(ExitCodes.BadInput, code);
            Assert.Contains("xz", error);
            return;
        }

        Assert.Equal((ExitCodes.Ok, ""), (code, error));
        Assert.Contains("2.0 threads on average", string.Join(' ', output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task Cut_ToBinary_CanBeVerifiedAndRun()
    {
        string binary = Path.Combine(_folder, "part.vmtb");
        Assert.Equal(ExitCodes.Ok, (await RunAsync("trace", "cut", Trace, "--to", "100000", "-o", binary)).Code);
        (int code, string output, _) = await RunAsync("trace", "verify", binary);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("100,000 accesses", output);
        Assert.Equal(ExitCodes.Ok, (await RunAsync("run", binary)).Code);
    }

    [Fact]
    public async Task Verify_CutOffTrace_NamesTheByteAndSalvageUsesTheRest()
    {
        string cut = Path.Combine(_folder, "cut.vmt.gz");
        byte[] whole = await File.ReadAllBytesAsync(Trace);
        await File.WriteAllBytesAsync(cut, whole[..20_000]);
        (int code, string output, _) = await RunAsync("trace", "verify", cut);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("cut.vmt.gz, byte ", output);
        Assert.Equal(ExitCodes.BadInput, (await RunAsync("trace", "info", cut)).Code);
        Assert.Equal(ExitCodes.Ok, (await RunAsync("trace", "info", cut, "--salvage")).Code);
    }

    [Fact]
    public async Task Import_Lackey_WritesATraceAndSaysWhatItLeftOut()
    {
        string log = Path.Combine(_folder, "p.log");
        string target = Path.Combine(_folder, "p.vmt");
        await File.WriteAllTextAsync(log, "I  00001000,3\nnoise\n S 00002000,8\n");
        (int code, _, string error) = await RunAsync("import", "lackey", log, "-o", target);
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("line 2: noise", error);
        Assert.EndsWith("t 0\nI 1\nW 2\n", await File.ReadAllTextAsync(target));
    }

    [Fact]
    public async Task Import_StraceLogsThatNoCallMade_AreNamed()
    {
        string log = Path.Combine(_folder, "log.10");
        string other = Path.Combine(_folder, "log.12");
        await File.WriteAllTextAsync(log, "brk(NULL) = 0x5000\n");
        await File.WriteAllTextAsync(other, "brk(NULL) = 0x7000\n");
        (int code, _, string error) = await RunAsync("import", "strace", log, "-o", Path.Combine(_folder, "first.vmt"));
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains($"no call in the logs made them: {other} (import", error);

        // strace -ff -o NAME writes NAME.PID; who gives NAME is told which that is.
        (code, _, error) = await RunAsync("import", "strace", Path.Combine(_folder, "log"), "-o", Path.Combine(_folder, "first.vmt"));
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains($"no such file, but {log}, as strace -ff names", error);
    }

    [Fact]
    public async Task Import_FolderOfThreadFiles_IsOneProcess()
    {
        // Records of drmemtrace: type, size, value; a thread, its process and a store.
        string inside = Directory.CreateDirectory(Path.Combine(_folder, "app.dir", "trace")).FullName;
        foreach (byte thread in new byte[] { 7, 8 })
        {
            byte[] records = [
                22, 0, 0, 0, thread, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, thread, 0, 0, 0, 0, 0, 0];
            await File.WriteAllBytesAsync(Path.Combine(inside, $"app.{thread}.trace"), records);
        }

        await File.WriteAllTextAsync(Path.Combine(inside, "cpu_schedule.txt"), "no trace");
        string target = Path.Combine(_folder, "app.vmt");
        string folder = Path.Combine(_folder, "app.dir");
        Assert.Equal(ExitCodes.Ok, (await RunAsync("import", "drmemtrace", folder, "-o", target)).Code);
        Assert.EndsWith("t 0\nW 0\nt 1\nW 0\n", await File.ReadAllTextAsync(target));

        Directory.Move(inside, Path.Combine(folder, "raw"));
        (int code, _, string error) = await RunAsync("import", "drmemtrace", folder, "-o", target);
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("raw data alone", error);
        Assert.Contains("this is a folder", (await RunAsync("import", "perf", folder, "-o", target)).Error);
    }

    [Theory]
    [InlineData(ExitCodes.BadInput, "import", "lackey", "/nowhere/x.log", "-o", "x.vmt")]
    [InlineData(ExitCodes.BadInput, "trace", "info", "/nowhere/x.vmt")]
    [InlineData(ExitCodes.Usage, "trace", "cut", "x.vmt")]
    [InlineData(ExitCodes.Usage, "import", "nosuch", "x.log", "-o", "x.vmt")]
    [InlineData(ExitCodes.Usage, "capture", "-o", "x.vmt", "--", "no-such-program-anywhere")]
    [InlineData(ExitCodes.Usage, "capture", "--sets", "3", "-o", "x.vmt", "--", "ls")]
    [InlineData(ExitCodes.Usage, "capture", "--maps", "x.maps", "-o", "x.vmt", "--", "ls")]
    public async Task Run_BadInput_HasAMessageAndAnExitCode(int code, params string[] args)
    {
        (int found, string output, string error) = await RunAsync(args);
        Assert.Equal(code, found);
        Assert.StartsWith("vmsim: ", error);
        Assert.DoesNotContain("   at ", error + output);
    }

    [Fact]
    public async Task Import_BadLog_LeavesNoFile()
    {
        string log = Path.Combine(_folder, "bad");
        await File.WriteAllBytesAsync(log, new byte[70]);
        (int code, _, string error) = await RunAsync("import", "champsim", log, "-o", Path.Combine(_folder, "bad.vmt"));
        Assert.Equal(ExitCodes.BadInput, code);
        Assert.Contains("byte 64", error);
        Assert.Equal([log], Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData("qemu")]
    [InlineData("valgrind")]
    public async Task Capture_Program_RunsWithoutSegmentationFaults(string tool)
    {
        bool isThere = tool == "qemu"
            ? CaptureTools.Find(CaptureTools.Qemu) is not null && CaptureTools.Find(CaptureTools.Compiler) is not null
            : CaptureTools.Find(CaptureTools.Valgrind) is not null;
        string target = Path.Combine(_folder, "true.vmt.gz");
        (int code, _, string error) = await RunAsync("capture", "--with", tool, "-o", target, "--", "/bin/true");
        if (!isThere)
        {
            // without the tool there is the line that installs it
            Assert.Equal(ExitCodes.Usage, code);
            Assert.Contains("apt-get install", error);
            return;
        }

        Assert.Equal(ExitCodes.Ok, code);
        Assert.Equal(ExitCodes.Ok, (await RunAsync("trace", "verify", target)).Code);
        Assert.Equal(ExitCodes.Ok, (await RunAsync("run", target, "--check")).Code);
    }

    [Fact]
    public async Task Capture_QemuOfAProgramThatExecutesAnother_HasBothAddressSpaces()
    {
        if (CaptureTools.Find(CaptureTools.Qemu) is null || CaptureTools.Find(CaptureTools.Compiler) is null)
        {
            Assert.NotEqual("", CaptureTools.InstallHint);
            return;
        }

        string target = Path.Combine(_folder, "exec.vmt");
        string script = Path.Combine(_folder, "wrapper");
        await File.WriteAllTextAsync(script, "#!/bin/sh\nexec /bin/true\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        (int code, _, string error) = await RunAsync(
            "capture", "--with", "qemu", "--no-aslr", "-o", target, "--", "/bin/sh", "-c", $"exec {script}");
        if (CaptureTools.Find(CaptureTools.SetArch) is null)
        {
            Assert.Equal(ExitCodes.Usage, code);
            Assert.Contains("util-linux", error);
            return;
        }

        Assert.Equal(ExitCodes.Ok, code);
        Assert.Equal(2, (await File.ReadAllLinesAsync(target)).Count(line => line == "k exec"));
        (int runCode, string output, _) = await RunAsync("run", target, "--check");
        Assert.Equal(ExitCodes.Ok, runCode);
        Assert.DoesNotContain("not mapped", output, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using StringWriter output = new StringWriter();
        using StringWriter error = new StringWriter();
        int code = await CommandLineApp.RunAsync(args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
