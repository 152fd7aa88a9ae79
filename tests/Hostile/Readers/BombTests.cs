using System.IO.Compression;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;
using VmSim.Core.Traces.Import.Strace;
using VmSim.Host.Tests.CommandLine;
using VmSim.Testing;

namespace VmSim.Hostile.Tests.Readers;

/// <summary>Small inputs that ask for much: what they cost is bounded by their length.</summary>
public sealed class BombTests : Scratch
{
    [Fact]
    public async Task Run_TextThatUnpacksToVeryMuch_IsRefusedEarly()
    {
        string path = At("bomb.vmt.gz");
        using (GZipStream gzip = new(File.Create(path), CompressionLevel.Optimal))
        {
            byte[] lines = [.. Enumerable.Repeat("R 12345\n"u8.ToArray(), 1 << 16).SelectMany(line => line)];
            for (int i = 0; i < 256; i++)
            {
                gzip.Write(lines);
            }
        }

        string error = await RefusedAsync("run", path);
        AssertSays("unpack the file first: gunzip", error);
    }

    [Fact]
    public void Load_ThreadsInALongChain_AreRefused()
    {
        string text = "# vmt 1 x pagesize 4096\n" + string.Concat(Enumerable.Range(1, 15_000).Select(i => $"t {i}\nW {i:x}\n"));
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => Load(text));
        AssertSays("threads start each other in long chains", error.Message);
    }

    [Fact]
    public void Load_TooManyThreads_AreRefused()
    {
        string text = "# vmt 1 x pagesize 4096\nt 1\n" + string.Concat(Enumerable.Repeat("n 1\n", 20_000));
        AssertSays("more than 16,384 threads", Assert.Throws<TraceFormatException>(() => Load(text)).Message);
    }

    [Fact]
    public void Load_KernelAccessesToVeryMuch_AreRefused()
    {
        string text = "# vmt 1 x pagesize 4096\nt 1\nn 2\n"
            + string.Concat(Enumerable.Range(1, 500).Select(i => $"s {(ulong)i << 31:x} 7ffff000 W\n"));
        AssertSays("the kernel's accesses", Assert.Throws<TraceFormatException>(() => Load(text)).Message);
    }

    /// <summary>A few bytes that count a million million accesses; one by one they would take hours.</summary>
    [Fact]
    public async Task Info_ThreadsWithVeryManyAccesses_TakesTheTimeOfItsLines()
    {
        string trace = Write("counts.vmt", "# vmt 1 x pagesize 4096\nt 1\nn 2\n"
            + string.Concat(Enumerable.Repeat("t 1\nW 5 1099511627776\nt 2\nR 9 549755813888\n", 1_000)));
        (int code, string output, string error) = await Task.Run(() => CommandRunner.RunAsync("trace", "info", trace)).OrHangAsync();
        Assert.True(code == 0, error);
        AssertSays("1.5", output);
    }

    [Fact]
    public async Task Import_ProgramNamedLikeAWordOfTheHeader_IsATrace()
    {
        string log = Write("log", "12 brk(NULL) = 0x55d000\n12 brk(0x55e000) = 0x55e000\n");
        Assert.Equal(0, (await CommandRunner.RunAsync("import", "strace", log, "-o", At("out.vmt"), "--name", "pagesize")).Code);
        Assert.Equal(0, (await CommandRunner.RunAsync("trace", "verify", At("out.vmt"))).Code);
    }

    [Fact]
    public void Import_EmptyLog_IsAnErrorOfEachImporter()
    {
        foreach (ITraceImporter importer in TraceImporters.All.Where(importer => importer is not StraceImporter))
        {
            using VmtTextWriter sink = new(Stream.Null);
            AssertSays("empty", Assert.Throws<TraceFormatException>(
                () => importer.Import(new MemoryStream(), sink, new ImportOptions { File = "log", Name = "x" })).Message);
        }
    }

    [Fact]
    public async Task Import_EmptyFile_IsRefusedByEachCommand()
    {
        string log = Write("empty.log", "");
        foreach (ITraceImporter importer in TraceImporters.All)
        {
            string error = await RefusedAsync("import", importer.Name, log, "-o", At("out.vmt"));
            AssertSays("the log is empty", error);
            Assert.Equal([log], Directory.GetFiles(Folder));
        }
    }

    [Fact]
    public async Task Import_PerfLogOfSomethingElse_SaysTheLineOnce()
    {
        string error = await RefusedAsync("import", "perf", Write("log", "what is this\nand that\n"), "-o", At("out.vmt"));
        AssertSays("line 1: found 'what is this'", error);
    }

    [Fact]
    public async Task Import_CutXz_IsRefused()
    {
        if (!File.Exists("/usr/bin/xz"))
        {
            AssertSays("xz", await RefusedAsync("import", "perf", Write("a.xz", "\u00fd7zXZ\0"), "-o", At("o.vmt")));
            return;
        }

        string log = Write("log", string.Concat(Enumerable.Range(0, 20_000).Select(i => $"prog {i} 1.{i}: page-faults: {i * 4096:x}\n")));
        using (System.Diagnostics.Process xz = System.Diagnostics.Process.Start("xz", ["-k", log]))
        {
            await xz.WaitForExitAsync();
        }

        byte[] packed = await File.ReadAllBytesAsync(log + ".xz");
        await File.WriteAllBytesAsync(log + ".xz", packed[..(packed.Length / 2)]);
        string error = await RefusedAsync("import", "perf", log + ".xz", "-o", At("out.vmt"));
        AssertSays("xz", error);
        Assert.False(File.Exists(At("out.vmt")));
    }

    private static LoadedTrace Load(string text) => VmtReader.Load(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)), "text.vmt");
}
