using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using VmSim.Core.Traces;
using VmSim.Core.Traces.Import;

namespace VmSim.Benchmarks;

/// <summary>
/// The import of a drmemtrace recording with one file a thread, on one core: bytes of uncompressed records a second, best of several, and
/// the process's memory at its peak. Arguments: files, MiB of each, rounds.
/// </summary>
internal static class ImportBenchmark
{
    private const int RecordBytes = 12;
    private const int Instructions = 4000;
    private const ulong Text = 0x40_1000;
    private const ulong Data = 0x7F00_0000_0000;

    public static int Run(string[] args)
    {
        int files = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 100;
        int mebibytes = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5;
        int rounds = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 3;
        ITraceImporter importer = TraceImporters.All.Require("drmemtrace", "importer");
        double seconds = double.MaxValue;
        long bytes = 0;
        for (int round = 0; round < rounds; round++)
        {
            Recording[] threads = [.. Enumerable.Range(0, files).Select(thread => new Recording(thread, (long)mebibytes << 20))];
            using VmtBinaryWriter writer = new(Stream.Null);
            long started = Stopwatch.GetTimestamp();
            ImportSummary summary = importer.Import(threads[0], writer, new ImportOptions
            {
                Parts = [.. threads.Skip(1).Select(thread => new ImportPart($"thread {thread.Thread}", () => thread))],
            });
            seconds = Math.Min(seconds, Stopwatch.GetElapsedTime(started).TotalSeconds);
            bytes = summary.Lines * RecordBytes;
        }

        using Process self = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"drmemtrace: {files} files, {bytes / 1e6:F0} MB of records: {bytes / 1e6 / seconds:F0} MB/s, "
                + $"peak of memory {self.PeakWorkingSet64 / 1048576.0:F0} MiB"));
        return 0;
    }

    /// <summary>A thread's file: a header, then a timestamp and the same instructions again and again.</summary>
    private sealed class Recording : ReadOnlyStream
    {
        private readonly byte[] _block;
        private byte[] _piece;
        private long _left;
        private ulong _time;
        private int _at;

        public Recording(int thread, long bytes)
        {
            Thread = thread;
            _left = bytes;
            _time = (ulong)thread + 1;
            _piece = [.. Record(25, 0, 5), .. Record(22, 0, 1000 + (ulong)thread), .. Record(24, 0, 1000)];
            _block = [.. Record(28, 2, 0), .. Block(new Random(thread), Data + ((ulong)thread << 24))];
        }

        public int Thread { get; }

        public override int Read(Span<byte> buffer)
        {
            if (_at == _piece.Length)
            {
                if (_left <= 0)
                {
                    return 0;
                }

                _piece = _block;
                _at = 0;
                _left -= _block.Length;
                _time += 1000;
                BinaryPrimitives.WriteUInt64LittleEndian(_block.AsSpan(4), _time);
            }

            int count = Math.Min(buffer.Length, _piece.Length - _at);
            _piece.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }

        /// <summary>Encodings, fetches along 64 pages of code, and in half of the instructions a load or a store.</summary>
        private static IEnumerable<byte> Block(Random random, ulong data)
        {
            ulong next = Text;
            for (int i = 0; i < Instructions; i++)
            {
                next = random.Next(50) == 0 ? Text + ((ulong)random.Next(64) << 12) : next + 4;
                IEnumerable<byte> records = Record(47, 4, 0).Concat(Record(10, 4, next));
                ulong page = (ulong)Math.Min(-40 * Math.Log(1 - random.NextDouble()), 4095);
                ulong address = data + (page << 12) + ((ulong)random.Next(512) << 3);
                int kind = random.Next(10);
                records = kind < 5 ? records.Concat(Record((ushort)(kind < 3 ? 0 : 1), 8, address)) : records;
                foreach (byte one in records)
                {
                    yield return one;
                }
            }
        }

        private static byte[] Record(ushort type, ushort size, ulong value)
        {
            byte[] record = new byte[RecordBytes];
            BinaryPrimitives.WriteUInt16LittleEndian(record, type);
            BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(2), size);
            BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(4), value);
            return record;
        }
    }
}
