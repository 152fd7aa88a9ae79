using VmSim.Core.Reports;

namespace VmSim.Actors.Cluster;

/// <summary>The wire form of what a node has counted: counts, then numbers of 8 bytes, low byte first.</summary>
internal static class StatisticsCodec
{
    public static void Write(BinaryWriter writer, RunStatistics statistics)
    {
        WriteAll(writer, statistics.Cores, WriteNumbers);
        WriteAll(writer, statistics.Spaces, WriteNumbers);
        WriteAll(writer, statistics.Groups, WriteNumbers);
        WriteAll(writer, statistics.Threads, WriteThread);
        WriteAll(writer, statistics.BadAccesses, WriteLines);
        WriteAll(writer, statistics.Waits, WriteLines);
        foreach (LatencyHistogram histogram in statistics.Histograms)
        {
            WriteNumbers(writer, histogram.Export());
        }
    }

    public static RunStatistics Read(BinaryReader reader)
    {
        RunStatistics statistics = new();
        ReadAll(reader, statistics.Cores, ReadNumbers);
        ReadAll(reader, statistics.Spaces, ReadNumbers);
        ReadAll(reader, statistics.Groups, ReadNumbers);
        ReadAll(reader, statistics.Threads, ReadThread);
        ReadAll(reader, statistics.BadAccesses, ReadLines);
        ReadAll(reader, statistics.Waits, ReadLines);
        foreach (LatencyHistogram histogram in statistics.Histograms)
        {
            histogram.Import(ReadNumbers(reader));
        }

        return statistics;
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
        int count = reader.ReadInt32();
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
        int count = reader.ReadInt32();
        if (count < 0 || (long)count * sizeof(long) > reader.BaseStream.Length - reader.BaseStream.Position)
        {
            throw new InvalidDataException($"statistics: {count} numbers announced, {reader.BaseStream.Length - reader.BaseStream.Position} bytes are left");
        }

        long[] numbers = new long[count];
        for (int i = 0; i < count; i++)
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
        int count = reader.ReadInt32();
        List<string> lines = [];
        for (int i = 0; i < count; i++)
        {
            lines.Add(reader.ReadString());
        }

        return [.. lines];
    }

    private static void WriteThread(BinaryWriter writer, ThreadReport thread)
    {
        writer.Write(thread.Id);
        writer.Write(thread.Name);
        writer.Write(thread.AddressSpace);
        writer.Write(thread.Core);
        writer.Write(thread.Started);
        writer.Write(thread.Ended);
        writer.Write(thread.Accesses);
        writer.Write(thread.Faults);
    }

    private static ThreadReport ReadThread(BinaryReader reader) => new()
    {
        Id = reader.ReadInt32(),
        Name = reader.ReadString(),
        AddressSpace = reader.ReadInt32(),
        Core = reader.ReadInt32(),
        Started = reader.ReadInt64(),
        Ended = reader.ReadInt64(),
        Accesses = reader.ReadInt64(),
        Faults = reader.ReadInt64(),
    };
}
