using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using VmSim.Core.Traces;
using VmSim.Host.Files;
using VmSim.Host.Tests.CommandLine;

namespace VmSim.Host.Tests.Files;

/// <summary>Traces of text are kept in their binary form once they have been read; nobody sees a difference but for the time.</summary>
public sealed class ConvertedTracesTests : IDisposable
{
    private const string Good =
        "# vmt 1 a pagesize 4096 filter direct-mapped sets=16\ni 400000 2000 5 2 - 0\nt 0\nI 400 7\nm 7000 3000 3 22 - 0\nW 7 9\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("vmsim-tests-").FullName;

    private string Cache => Path.Combine(_folder, "kept");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_Twice_GivesTheSameRecordsFromTheTextAndFromWhatIsKept(bool isPacked)
    {
        string path = Write("a.vmt", Good, isPacked);
        string[] first = Read(path);
        string kept = Assert.Single(Directory.GetFiles(Cache));
        DateTime old = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(kept, old);
        Assert.Equal(first, Read(path));
        Assert.True(File.GetLastWriteTimeUtc(kept) > old, "what is kept was not used");
        Assert.Equal(["a.vmt"], first[..1]);
        Assert.Contains("W 7 9", first);
    }

    [Fact]
    public void Open_OtherBytes_AreAnotherTrace()
    {
        Read(Write("a.vmt", Good));
        Read(Write("a.vmt", Good.Replace("W 7 9", "W 8 9", StringComparison.Ordinal)));
        Assert.Equal(2, Directory.GetFiles(Cache).Length);
    }

    [Fact]
    public void Open_NotReadToItsEnd_KeepsNothing()
    {
        string path = Write("a.vmt", Good);
        using FileStream file = File.OpenRead(path);
        IVmtSource source = new ConvertedTraces(Cache, least: 1).Open(file, path)!;
        VmtRecord record = default;
        Assert.True(source.Read(ref record));
        ((IDisposable)source).Dispose();
        Assert.Empty(Directory.GetFiles(Cache));
    }

    [Fact]
    public void Open_DamagedText_IsToldByItsLineAndNotKept()
    {
        string path = Write("a.vmt", $"{Good}W what\n");
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => Read(path));
        Assert.Equal(7, error.Line);
        Assert.Empty(Directory.GetFiles(Cache));
    }

    [Fact]
    public void Open_WhatIsKeptIsDamaged_RemovesIt()
    {
        string path = Write("a.vmt", Good);
        string[] first = Read(path);
        string kept = Assert.Single(Directory.GetFiles(Cache));
        byte[] bytes = File.ReadAllBytes(kept);
        bytes[bytes.Length / 2] ^= 0x10;
        File.WriteAllBytes(kept, bytes);
        Assert.Throws<TraceFormatException>(() => Read(path));
        Assert.Empty(Directory.GetFiles(Cache));
        Assert.Equal(first, Read(path));
    }

    [Fact]
    public void Open_SmallOrBinaryOrNowhereToKeep_IsReadAsItIs()
    {
        string path = Write("a.vmt", Good);
        string packed = Path.Combine(_folder, "a.vmtb");
        using (FileStream output = File.Create(packed))
        using (VmtBinaryWriter writer = new(output))
        {
            TraceTools.Copy(TraceSources.Open(new MemoryStream(Encoding.UTF8.GetBytes(Good)), path), writer);
        }

        string file = Write("file", "no folder");
        (ConvertedTraces Kept, string Trace)[] tries =
        [
            (new(Cache), path),
            (new(Cache, least: 1), packed),
            (new(file, least: 1), path),
            (new(Path.Combine(file, "in"), least: 1), path),
        ];
        Assert.All(tries, tried =>
        {
            using FileStream trace = File.OpenRead(tried.Trace);
            Assert.Null(tried.Kept.Open(trace, tried.Trace));
            Assert.Equal(0, trace.Position);
        });
    }

    [Fact]
    public void Open_MoreThanIsKept_ThatWhichWasUsedLastStays()
    {
        Read(Write("a.vmt", Good));
        string old = Assert.Single(Directory.GetFiles(Cache));
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-1));
        string[] aside = [Path.Combine(Cache, ".new.vmtb.12"), Path.Combine(Cache, ".old.vmtb.12")];
        Assert.All(aside, path => File.WriteAllText(path, "half"));
        File.SetLastWriteTimeUtc(aside[1], DateTime.UtcNow.AddDays(-2));
        Read(Write("b.vmt", Good.Replace("W 7", "W 8", StringComparison.Ordinal)), new FileInfo(old).Length + 10);
        string[] left = Directory.GetFiles(Cache);
        Assert.Contains(aside[0], left);
        Assert.NotEqual(old, Assert.Single(left, path => path != aside[0]));
    }

    [Fact]
    public async Task Run_OfALargeTextTwice_IsTheSameRunAndKeepsIt()
    {
        string path = Write("a.vmt", Good + string.Concat(Enumerable.Range(0, 150_000).Select(i => $"W {7 + (i % 3)} 5\nI 400\n")));
        string[] runs = [await RunAsync(path), await RunAsync(path)];
        Assert.Equal(runs[0], runs[1]);
        Assert.Single(Directory.GetFiles(Path.Combine(Cache, "vmsim", "traces")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The report of a run, without what it says of its time.</summary>
    private async Task<string> RunAsync(string path)
    {
        using CommandProcess run = CommandProcess.StartWith([$"XDG_CACHE_HOME={Cache}"], "run", path, "--json", "--threads", "1");
        (int code, string output, string error) = await run.EndAsync();
        Assert.True(code == 0, error);
        return JsonNode.Parse(output)!["fingerprint"]!.ToJsonString();
    }

    private string Write(string name, string text, bool isPacked = false)
    {
        string path = Path.Combine(_folder, name);
        using FileStream file = File.Create(path);
        using Stream bytes = isPacked ? new GZipStream(file, CompressionLevel.Fastest) : file;
        bytes.Write(Encoding.UTF8.GetBytes(text));
        return path;
    }

    /// <summary>The name and the records of a trace, as text.</summary>
    private string[] Read(string path, long most = 1 << 20)
    {
        using FileStream file = File.OpenRead(path);
        IVmtSource source = new ConvertedTraces(Cache, least: 1, most).Open(file, Path.GetFileName(path))!;
        using IDisposable held = (IDisposable)source;
        using MemoryStream text = new();
        using (VmtTextWriter writer = new(text))
        {
            TraceTools.Copy(source, writer);
        }

        return [source.File, .. Encoding.UTF8.GetString(text.ToArray()).Split('\n')];
    }
}
