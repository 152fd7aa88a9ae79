using System.Buffers.Binary;
using System.Text;
using CsCheck;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Core.Tests.Traces.Import;

/// <summary>DynamoRIO's records: files of threads and of cores, on x86-64 and AArch64.</summary>
public class DrMemtraceImporterTests
{
    [Fact]
    public void Import_ArmSample_LosesNothing()
    {
        (ImportSummary summary, string text) = Logs.Import("drmemtrace", Logs.OpenCase("drmemtrace", "a64.trace.zip"));
        Assert.Equal((8, 16, 0), (summary.Fetches, summary.DataReferences, summary.Dropped));
        TraceInfo info = Info(text);
        Assert.Equal((8, 8, 8), (info.Fetches, info.Loads, info.Stores));
    }

    [Fact]
    public void Import_TwoThreadFiles_AreOneProcess()
    {
        (ImportSummary summary, string text) = Logs.Import(
            "drmemtrace",
            Logs.OpenCase("drmemtrace", "x86.100.trace.zip"),
            new ImportOptions { Parts = [new ImportPart("x86.101", () => Logs.OpenCase("drmemtrace", "x86.101.trace.zip"))] });
        Assert.Equal((16, 32, 2, 0), (summary.Fetches, summary.DataReferences, summary.Threads, summary.Dropped));
        Assert.Equal(1, summary.Records["instructions of the kernel"]);
        TraceInfo info = Info(text);
        Assert.Equal((16, 16, 16), (info.Fetches, info.Loads, info.Stores));
        Assert.Equal([24L, 24L], info.Threads.Values.ToList());
    }

    [Fact]
    public void Import_FilesOfThreads_AreInTheOrderOfTheirTimestamps() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[0, 1_000_000], Gen.Bool).Sample((files, seed, isByCore) =>
        {
            Random random = new Random(seed);
            int threads = isByCore ? 5 : files;
            List<byte>[] bytes = [.. Enumerable.Range(0, files).Select(_ => new List<byte>())];
            for (int file = 0; file < files; file++)
            {
                bytes[file].AddRange([.. Record(25, 0, 5), .. Record(22, 0, 100 + (ulong)file), .. Record(24, 0, 100)]);
            }

            StringBuilder expected = new StringBuilder();
            for (int step = 1; step <= 60; step++)
            {
                int file = random.Next(files);
                int thread = isByCore ? random.Next(threads) : file;
                bytes[file].AddRange(Record(28, 2, (ulong)step));
                bytes[file].AddRange(isByCore ? [.. Record(22, 0, 100 + (ulong)thread), .. Record(24, 0, 100)] : []);
                bytes[file].AddRange(Record(1, 8, (ulong)step << 12));
                expected.Append($"{100 + thread}:{step:x} ");
            }

            (ImportSummary summary, string text) = Logs.Import(
                "drmemtrace",
                new MemoryStream([.. bytes[0]]),
                Parts(bytes.Skip(1).Select(part => part.ToArray())));
            Assert.Equal((60, 0), (summary.DataReferences, summary.Dropped));
            Assert.Equal(Threads(expected.ToString()), Threads(Stores(text)));
        }, iter: 200);

    [Fact]
    public void Import_LoadsAndStoresInAnyOrder_AreCountedAsWhatTheyAre() =>
        Gen.Select(Gen.Int[0, 6], Gen.Bool).Array[1, 2000].Sample(references =>
        {
            byte[] bytes = [.. references.SelectMany(one => Record((ushort)(one.Item2 ? 1 : 0), 8, (ulong)one.Item1 << 14))];
            (_, string text) = Logs.Import("drmemtrace", new MemoryStream(bytes), new ImportOptions { Sets = 4 });
            TraceInfo info = Info(text);
            Assert.Equal((references.Count(one => !one.Item2), references.Count(one => one.Item2)), (info.Loads, info.Stores));
        }, iter: 100);

    [Fact]
    public void Import_Markers_AreUsedOrCountedByName()
    {
        byte[] records = [
            .. Record(28, 9, 0x40), .. Record(22, 0, 7), .. Record(24, 0, 7), .. Record(28, 15, 0x1000), .. Record(28, 17, 0x7000),
            .. Record(10, 4, 0x401000), .. Record(28, 25, 11), .. Record(28, 26, 0), .. Record(28, 27, 1),
            .. Record(10, 4, 0xffffffff81000000), .. Record(1, 8, 0xffff888000000000), .. Record(1, 8, 0x500000), .. Record(28, 28, 1),
            .. Record(28, 32, 0), .. Record(28, 33, 0), .. Record(28, 31, 9), .. Record(28, 34, 0), .. Record(10, 2, 0xffffffff81000010),
            .. Record(28, 35, 0), .. Record(4, 8, 0x500000), .. Record(29, 2, 0x401004), .. Record(20, 64, 0x500000), .. Record(28, 77, 0),
            .. Record(28, 200, 0), .. Record(24, 0, 8), .. Record(0, 8, 0x500000), .. Record(23, 0, 7)];
        (ImportSummary summary, string text) = Logs.Import("drmemtrace", new MemoryStream(records));
        Assert.Equal((1, 0, 0), (summary.Fetches, summary.DataReferences, summary.Dropped));
        Assert.Contains("s 500000 8 W\n", text);
        Assert.Equal(2, summary.Records["instructions of the kernel"]);
        foreach (string name in new[]
        {
            "references of the kernel to its own memory", "physical addresses", "system call markers", "maybe-blocking system call markers",
            "system call traces", "core wait markers", "core idle markers", "direct thread switch markers", "context switch traces",
            "prefetches", "instructions without a fetch", "data cache flushes", "markers 77", "markers 200",
            "references of other processes",
        })
        {
            Assert.True(summary.Records.GetValueOrDefault(name) == 1, $"{name}: {summary.Records.GetValueOrDefault(name)}");
        }

        Assert.Equal(1, summary.WithoutResult["munmap without its arguments"]);
    }

    [Fact]
    public void Import_Calls_AreUsedFailedOrWithoutResult()
    {
        byte[] records = [
            .. Record(28, 9, 0x08), .. Record(22, 0, 7), .. Record(24, 0, 7), .. Record(0, 8, 0x500000),
            .. Call(215, 1, 0x500000, 0x1000), .. Call(215, 0, 0x600000, 0x1000), .. Call(222, 1, 0, 0x1000, 3, 0x22),
            .. Call(228, 1, 0x500000, 0x1000), .. Call(98, 1, 1), .. Record(0, 8, 0xb400_0000_0050_0000),
            .. Record(0, 8, 0x000f_ffff_0000_0000)];
        (ImportSummary summary, string text) = Logs.Import("drmemtrace", new MemoryStream(records));
        Assert.Equal(0, summary.Dropped);
        Assert.Contains("u 500000 1000\n", text);
        Assert.Contains("c mlock 500000 1000 0\n", text);
        Assert.Equal(1, summary.Failed["munmap"]);
        Assert.Equal(1, summary.WithoutResult["mmap"]);
        Assert.Equal(1, summary.OtherCalls);
        Assert.Contains(summary.Notes, note => note.StartsWith("Addresses have up to 52 bits", StringComparison.Ordinal));
    }

    [Fact]
    public void Import_RecordingOfA32BitProgram_IsRefused()
    {
        byte[] marked = [.. Record(28, 9, 0x20), .. Record(22, 0, 7)];
        Assert.Contains("32-bit", Assert.Throws<TraceFormatException>(() => Logs.Import("drmemtrace", new MemoryStream(marked))).Message);
        byte[] narrow = [25, 0, 0, 0, 5, 0, 0, 0, 28, 0, 12, 0, 5, 0, 0, 0];
        Assert.Contains("32-bit", Assert.Throws<TraceFormatException>(() => Logs.Import("drmemtrace", new MemoryStream(narrow))).Message);
    }

    [Fact]
    public void Import_FilesOfTwoMachines_AreRefusedByTheSecondsName()
    {
        byte[] intel = [.. Record(28, 9, 0x40), .. Record(22, 0, 7), .. Record(24, 0, 7), .. Record(0, 8, 0x500000)];
        byte[] arm = [.. Record(28, 9, 0x08), .. Record(22, 0, 8), .. Record(24, 0, 7), .. Record(0, 8, 0x500000)];
        TraceFormatException error = Assert.Throws<TraceFormatException>(
            () => Logs.Import("drmemtrace", new MemoryStream(intel), Parts([arm])));
        Assert.StartsWith("part 0, byte 0: a recording of another machine", error.Message);
    }

    [Fact]
    public void Import_FilesOfTwoProcesses_HaveTheFirstOnesReferencesAndCountTheOthers()
    {
        byte[] unnamed = [.. Record(22, 0, 7), .. Record(0, 8, 0x500000)];
        byte[] first = [.. Record(22, 0, 8), .. Record(24, 0, 8), .. Record(0, 8, 0x500000)];
        byte[] second = [.. Record(22, 0, 9), .. Record(24, 0, 9), .. Record(0, 8, 0x500000), .. Record(1, 8, 0x500000)];
        (ImportSummary summary, _) = Logs.Import("drmemtrace", new MemoryStream(unnamed), Parts([first, second]));
        Assert.Equal((2, 2, 0), (summary.DataReferences, summary.Threads, summary.Dropped));
        Assert.Equal(2, summary.Records["references of other processes"]);
    }

    [Fact]
    public void Import_ReferenceThatLeavesUserSpace_SaysSo()
    {
        byte[] records = [.. Record(22, 0, 7), .. Record(0, 8, 0x500000), .. Record(1, 8, (1UL << 56) - 4)];
        (ImportSummary summary, _) = Logs.Import("drmemtrace", new MemoryStream(records));
        Assert.Equal(1, summary.Dropped);
        Assert.Contains("is not in user space", Assert.Single(summary.DroppedExamples));
    }

    [Fact]
    public void Import_AHundredThreadFiles_HaveAllTheirRecords()
    {
        byte[][] files = [.. Enumerable.Range(0, 100).Select(thread =>
        {
            List<byte> bytes = [.. Record(25, 0, 5), .. Record(22, 0, 100 + (ulong)thread), .. Record(24, 0, 100)];
            for (int step = 0; step < 40; step++)
            {
                bytes.AddRange(Record(28, 2, (ulong)((step * 100) + thread + 1)));
                bytes.AddRange([.. Record(10, 4, 0x401000), .. Record(0, 8, 0x7f0000000000)]);
            }

            return bytes.ToArray();
        })];
        (ImportSummary summary, string text) = Logs.Import(
            "drmemtrace",
            new MemoryStream(files[0]),
            Parts(files.Skip(1)));
        Assert.Equal((4000, 4000, 100, 0), (summary.Fetches, summary.DataReferences, summary.Threads, summary.Dropped));
        Assert.Equal(100, TestTraces.LoadText(text).Image.Threads.Count);
    }

    [Fact]
    public void Import_MutatedSample_EndsWellOrWithAnError()
    {
        using MemoryStream plain = new MemoryStream();
        using (System.IO.Compression.ZipArchive archive = new(Logs.OpenCase("drmemtrace", "x86.101.trace.zip")))
        {
            using Stream entry = archive.Entries[0].Open();
            entry.CopyTo(plain);
        }

        Logs.Mutate(plain.ToArray()).Sample(bytes => Logs.EndsWell("drmemtrace", bytes), iter: 300);
        Logs.Mutate(Logs.ReadCase("drmemtrace", "a64.trace.zip")).Sample(bytes => Logs.EndsWell("drmemtrace", bytes), iter: 200);
    }

    private static ImportOptions Parts(IEnumerable<byte[]> files) => new()
    {
        Parts = [.. files.Select((file, index) => new ImportPart($"part {index}", () => new MemoryStream(file)))],
    };

    private static TraceInfo Info(string text) =>
        TraceInfo.Compute(() => TraceSources.Open(new MemoryStream(Encoding.UTF8.GetBytes(text)), "test.vmt"));

    /// <summary>The stores of a trace, each with its thread's number.</summary>
    private static string Stores(string text)
    {
        StringBuilder stores = new StringBuilder();
        string thread = "";
        foreach (string line in text.Split('\n'))
        {
            thread = line.StartsWith("t ", StringComparison.Ordinal) ? line[2..] : thread;
            stores.Append(line.StartsWith("W ", StringComparison.Ordinal) ? $"{thread}:{line[2..]} " : "");
        }

        return stores.ToString();
    }

    /// <summary>Numbers threads in the order of their first stores.</summary>
    private static string Threads(string stores)
    {
        Dictionary<string, int> numbers = [];
        return string.Join(' ', stores.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(store =>
        {
            string[] parts = store.Split(':');
            numbers.TryAdd(parts[0], numbers.Count);
            return $"{numbers[parts[0]]}:{parts[1]}";
        }));
    }

    private static byte[] Call(ulong number, ulong result, params ulong[] arguments) => [
        .. Record(28, 4, 0x1_0000_0000 + number), .. arguments.SelectMany(argument => Record(28, 6, argument)), .. Record(28, 7, result)];

    private static byte[] Record(ushort type, ushort size, ulong value)
    {
        byte[] record = new byte[12];
        BinaryPrimitives.WriteUInt16LittleEndian(record, type);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(2), size);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(4), value);
        return record;
    }
}
