using VmSim.Actors.Simulation;
using VmSim.Core.Addresses;
using VmSim.Core.Checking;
using VmSim.Core.Reports;
using VmSim.Core.Shootdown;
using VmSim.Core.Statistics;

namespace VmSim.Actors.Cluster;

/// <summary>The wire form of what a node has counted: for each part a count and its items, numbers low byte first.</summary>
public static class StatisticsCodec
{
    /// <summary>Writes statistics.</summary>
    public static byte[] Encode(RunStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        Write(writer, statistics);
        return stream.ToArray();
    }

    /// <summary>Reads statistics.</summary>
    /// <exception cref="InvalidDataException">The bytes are no statistics.</exception>
    public static RunStatistics Decode(byte[] bytes) => WireFormat.Decode(bytes, "statistics", Read);

    private static void Write(BinaryWriter writer, RunStatistics statistics)
    {
        WriteAll(writer, statistics.Cores, WriteNumbers);
        WriteAll(writer, statistics.Spaces, WriteNumbers);
        WriteAll(writer, statistics.Pools, WriteNumbers);
        WriteAll(writer, statistics.Threads, ReportCodec.Write);
        WriteAll(writer, statistics.Samples, WriteNumbers);
        WriteAll(writer, statistics.Findings, WriteLines);
        WriteAll(writer, statistics.Violations, WriteViolations);
        writer.Write(statistics.LongestStaleness.Value);
        WriteAll(writer, statistics.UnusedDelays, WriteLines);
        WriteAll(writer, statistics.Waits, WriteLines);
        WriteAll(writer, statistics.CoreWaits, WriteLines);
        WriteAll(writer, statistics.Shootdowns, WriteShootdowns);
        writer.Write(statistics.ShootdownsLeftOut);
        WriteAll(writer, statistics.RefillMisses, WriteMisses);
        WriteAll(writer, statistics.Causes, CauseCodec.Write);
        WriteNumbers(writer, statistics.Intervals.Export());
        WriteNumbers(writer, statistics.SpaceIntervals.Export());
        WriteAll(writer, statistics.CoreTime, (to, block) => WriteNumbers(to, block.Export()));
        WriteAll(writer, statistics.Interrupts, WriteNumbers);
        WriteAll(writer, statistics.Operations, ListCodec.Write);
        writer.Write(statistics.OperationsLeftOut);
        WriteAll(writer, statistics.Slices, ListCodec.Write);
        writer.Write(statistics.SlicesLeftOut);
        foreach (LatencyHistogram histogram in statistics.Histograms)
        {
            WriteNumbers(writer, histogram.Export());
        }
    }

    private static RunStatistics Read(BinaryReader reader)
    {
        RunStatistics statistics = new();
        ReadAll(reader, statistics.Cores, ReadNumbers);
        ReadAll(reader, statistics.Spaces, ReadNumbers);
        ReadAll(reader, statistics.Pools, ReadNumbers);
        ReadAll(reader, statistics.Threads, ReportCodec.ReadThread);
        ReadAll(reader, statistics.Samples, ReadNumbers);
        ReadAll(reader, statistics.Findings, ReadLines);
        ReadAll(reader, statistics.Violations, ReadViolations);
        statistics.LongestStaleness = reader.ReadInt64();
        ReadAll(reader, statistics.UnusedDelays, ReadLines);
        ReadAll(reader, statistics.Waits, ReadLines);
        ReadAll(reader, statistics.CoreWaits, ReadLines);
        ReadAll(reader, statistics.Shootdowns, ReadShootdowns);
        statistics.ShootdownsLeftOut = reader.ReadInt64();
        ReadAll(reader, statistics.RefillMisses, ReadMisses);
        ReadAll(reader, statistics.Causes, CauseCodec.Read);
        statistics.Intervals.Import(ReadNumbers(reader));
        statistics.SpaceIntervals.Import(ReadNumbers(reader));
        ReadAll(reader, statistics.CoreTime, ReadCoreTime);
        ReadAll(reader, statistics.Interrupts, ReadNumbers);
        ReadAll(reader, statistics.Operations, ListCodec.ReadOperations);
        statistics.OperationsLeftOut = reader.ReadInt64();
        ReadAll(reader, statistics.Slices, ListCodec.ReadSlices);
        statistics.SlicesLeftOut = reader.ReadInt64();
        foreach (LatencyHistogram histogram in statistics.Histograms)
        {
            histogram.Import(ReadNumbers(reader));
        }

        return statistics;
    }

    private static IntervalSeries ReadCoreTime(BinaryReader reader)
    {
        IntervalSeries block = new(RunCoreTime.Figures);
        block.Import(ReadNumbers(reader));
        return block;
    }

    private static void WriteAll<T>(BinaryWriter writer, SortedDictionary<int, T> items, Action<BinaryWriter, T> write)
    {
        writer.Write(items.Count);
        foreach ((int number, T item) in items)
        {
            writer.Write(number);
            write(writer, item);
        }
    }

    private static void ReadAll<T>(BinaryReader reader, SortedDictionary<int, T> items, Func<BinaryReader, T> read)
    {
        int count = reader.ReadCount(2 * sizeof(int));
        for (int i = 0; i < count; i++)
        {
            int number = reader.ReadInt32();
            items.Add(number, read(reader));
        }
    }

    private static void WriteNumbers(BinaryWriter writer, long[] numbers)
    {
        writer.Write(numbers.Length);
        foreach (long number in numbers)
        {
            writer.Write(number);
        }
    }

    private static long[] ReadNumbers(BinaryReader reader)
    {
        long[] numbers = new long[reader.ReadCount(sizeof(long))];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = reader.ReadInt64();
        }

        return numbers;
    }

    private static void WriteLines(BinaryWriter writer, string[] lines)
    {
        writer.Write(lines.Length);
        foreach (string line in lines)
        {
            writer.Write(line);
        }
    }

    private static string[] ReadLines(BinaryReader reader)
    {
        int count = reader.ReadCount(1);
        List<string> lines = [];
        for (int i = 0; i < count; i++)
        {
            lines.Add(reader.ReadString());
        }

        return [.. lines];
    }

    private static void WriteViolations(BinaryWriter writer, Violation[] violations)
    {
        writer.Write(violations.Length);
        foreach (Violation violation in violations)
        {
            writer.Write((int)violation.Rule);
            writer.Write(violation.Time.Value);
            writer.Write(violation.Space.Value);
            writer.Write(violation.Message);
            WriteLines(writer, [.. violation.Trace]);
        }
    }

    private static Violation[] ReadViolations(BinaryReader reader)
    {
        Violation[] violations = new Violation[reader.ReadCount(sizeof(int) + sizeof(long) + sizeof(int) + 1 + sizeof(int))];
        for (int i = 0; i < violations.Length; i++)
        {
            violations[i] = new Violation(
                (CheckRule)reader.ReadInt32((int)CheckRule.DeadTranslation, (int)CheckRule.WrongValue, "rule"),
                reader.ReadPositive("time"),
                new SpaceId(reader.ReadInt32(0, int.MaxValue, "space")),
                reader.ReadString(),
                ReadLines(reader));
        }

        return violations;
    }

    private static void WriteShootdowns(BinaryWriter writer, ShootdownTally tally)
    {
        writer.Write(tally.First);
        writer.Write(tally.Count);
        writer.Write(tally.Records.Count);
        foreach (ShootdownRecord record in tally.Records)
        {
            writer.Write(record);
        }

        writer.Write(tally.Folded.Count > 0);
        foreach (LatencyHistogram histogram in tally.Folded)
        {
            WriteNumbers(writer, histogram.Export());
        }
    }

    private static ShootdownTally ReadShootdowns(BinaryReader reader)
    {
        int first = reader.ReadInt32(1, ShootdownLog.RecordsMax, "first shootdown");
        int count = reader.ReadInt32(0, ShootdownLog.RecordsMax - first, "shootdowns");
        ShootdownRecord[] records = new ShootdownRecord[reader.ReadCount(ReportCodec.ShootdownBytes)];
        for (int i = 0; i < records.Length; i++)
        {
            records[i] = reader.ReadShootdown();
        }

        LatencyHistogram[] folded = reader.ReadFlag("folded") ? [.. ShootdownFigure.All.Select(_ => new LatencyHistogram())] : [];
        foreach (LatencyHistogram histogram in folded)
        {
            histogram.Import(ReadNumbers(reader));
        }

        return new ShootdownTally(first, count, records, folded);
    }

    private static void WriteMisses(BinaryWriter writer, Dictionary<int, int> misses)
    {
        writer.Write(misses.Count);
        foreach ((int shootdown, int count) in misses)
        {
            writer.Write(shootdown);
            writer.Write(count);
        }
    }

    private static Dictionary<int, int> ReadMisses(BinaryReader reader)
    {
        int count = reader.ReadCount(2 * sizeof(int));
        Dictionary<int, int> misses = new(count);
        for (int i = 0; i < count; i++)
        {
            int shootdown = reader.ReadInt32();
            misses.Add(shootdown, reader.ReadInt32());
        }

        return misses;
    }
}
