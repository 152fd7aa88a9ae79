using System.Buffers.Binary;
using System.IO.Compression;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

public class OtherImporterTests
{
    [Theory]
    [InlineData("mt", 195, 184, 54, 3, 39, 3)]
    [InlineData("xz2", 37, 5, 8, 4, 0, 2)]
    public void Strace_RealLog_CountsEveryCall(string name, long mmap, long munmap, long mprotect, long brk, long madvise, long clone)
    {
        (ImportSummary summary, string text) = Logs.Import("strace", Logs.Open($"{name}.strace.gz"));
        Assert.Equal(0, summary.Dropped);
        Assert.Equal(mmap, summary.Calls["mmap"]);
        Assert.Equal(munmap, summary.Calls["munmap"]);
        Assert.Equal(mprotect, summary.Calls["mprotect"]);
        Assert.Equal(brk, summary.Calls["brk"]);
        Assert.Equal(clone, summary.Calls["clone"]);
        Assert.Equal(madvise, summary.Calls.GetValueOrDefault("madvise"));
        Assert.Equal(clone + 1, summary.Threads);
        Assert.True(new Replay(TestTraces.LoadText(text).Image, 1).Run());
    }

    [Fact]
    public void Strace_UnfinishedCalls_AreJoined()
    {
        (ImportSummary summary, string text) = Logs.ImportText("strace", """
            10 1700000000.1 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>
            11 1700000000.2 munmap(0x7000, 4096) = 0
            10 1700000000.3 <... mmap resumed>) = 0x5000
            10 1700000000.4 mmap(NULL, 10, PROT_READ, MAP_SHARED, 3</tmp/a, b (c)>, 0x2000) = 0x9000
            10 1700000000.5 madvise(0x5000, 4096, MADV_DONTNEED) = -1 EINVAL (Invalid argument)
            """);
        Assert.Equal(0, summary.Dropped);
        Assert.Equal(
            "t 1\nu 7000 1000\nt 0\nm 5000 2000 3 22 - 0\nf 1 /tmp/a, b (c)\nm 9000 a 1 1 1 2000\n", text[(text.IndexOf('\n') + 1)..]);
    }

    [Fact]
    public void ChampSim_Instruction_IsAFetchLoadsAndStores()
    {
        byte[] record = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(record, 0x401000);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(16), 0x7fff0000);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(32), 0x602008);
        (ImportSummary summary, string text) = Logs.Import("champsim", new MemoryStream([.. record, .. record]));
        Assert.Equal((2, 4), (summary.Fetches, summary.DataReferences));
        Assert.EndsWith("I 401 2\nR 602 2\nW 7fff0 2\n", text);
        Replay replay = new Replay(TestTraces.LoadText(text).Image, 1);
        Assert.True(replay.Run());
        Assert.Equal(0, replay.Unmapped);
    }

    [Fact]
    public void ChampSim_CutRecord_IsAnErrorAtItsByte()
    {
        TraceFormatException error = Assert.Throws<TraceFormatException>(() => Logs.Import("champsim", new MemoryStream(new byte[100])));
        Assert.Equal(64, error.ByteOffset);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("gzip")]
    [InlineData("zip")]
    public void DrMemtrace_Records_BecomeThreadsReferencesAndCalls(string packing)
    {
        byte[] records = [
            .. Record(24, 0, 77), .. Record(22, 0, 77), .. Record(10, 4, 0x401000), .. Record(0, 8, 0x500000), .. Record(47, 4, 0x1234),
            .. Record(28, 4, 0x1_0000_000B), .. Record(28, 6, 0x500000), .. Record(28, 6, 0x1000), .. Record(28, 7, 1),
            .. Record(22, 0, 78), .. Record(1, 8, 0x500010), .. Record(29, 4, 0x401004), .. Record(23, 0, 78)];
        (ImportSummary summary, string text) = Logs.Import("drmemtrace", new MemoryStream(Pack(records, packing)));
        Assert.Equal((1, 2, 2), (summary.Fetches, summary.DataReferences, summary.Threads));
        Assert.Equal(
            ["i 400000 200000 7 22 - 0", "t 0", "I 401", "R 500", "u 500000 1000", "t 1", "m 500000 1000 7 22 - 0", "W 500", "x 1"],
            text.Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..].OrderBy(line => line[0] == 'i' ? 0 : 1));
    }

    [Fact]
    public void Perf_Samples_BecomeStoresByThread()
    {
        (ImportSummary summary, string text) = Logs.ImportText("perf", """
            # comment
             1234/1235  100.000001:  page-faults:u:     7f0000001234
             1234/1236  100.000002:  page-faults:u:     7f0000002234
                ls 99 100.1: minor-faults: 7f0000003234
            nonsense
            """);
        Assert.Equal((3, 1, 3), (summary.DataReferences, summary.Dropped, summary.Threads));
        Assert.EndsWith("t 0\nW 7f0000001\nn 4d4\nt 1\nW 7f0000002\nt 0\nn 63\nt 2\nW 7f0000003\n", text);
    }

    private static byte[] Record(ushort type, ushort size, ulong value)
    {
        byte[] record = new byte[12];
        BinaryPrimitives.WriteUInt16LittleEndian(record, type);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(2), size);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(4), value);
        return record;
    }

    private static byte[] Pack(byte[] bytes, string packing)
    {
        using MemoryStream packed = new MemoryStream();
        switch (packing)
        {
            case "gzip":
                using (GZipStream gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                {
                    gzip.Write(bytes);
                }

                break;
            case "zip":
                using (ZipArchive archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
                {
                    for (int chunk = 0; chunk * 60 < bytes.Length; chunk++)
                    {
                        using Stream entry = archive.CreateEntry($"chunk.{chunk:d4}").Open();
                        entry.Write(bytes.AsSpan(chunk * 60, Math.Min(60, bytes.Length - (chunk * 60))));
                    }
                }

                break;
            default:
                packed.Write(bytes);
                break;
        }

        return packed.ToArray();
    }
}
