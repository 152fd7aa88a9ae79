using System.Diagnostics;
using System.Globalization;
using System.Text;
using VmSim.Actors.Configuration;
using VmSim.Core.Traces;

namespace VmSim.Benchmarks;

/// <summary>
/// How fast traces are read: the records alone, and up to the program that a run replays. Of each form that a trace has, in memory, best of
/// several by turns. Arguments: a trace, or "drawn"; millions of records if it is drawn; rounds.
/// </summary>
internal static class TraceBenchmark
{
    public static int Run(string[] args)
    {
        string name = args.Length > 0 ? args[0] : "drawn";
        int millions = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 20;
        int rounds = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 3;
        (byte[] text, byte[] packed) = name == "drawn" ? Draw(millions * 1_000_000) : Copy(File.ReadAllBytes(name), name);
        string file = Path.ChangeExtension(Path.GetTempFileName(), ".vmtb");
        File.WriteAllBytes(file, packed);
        double[] best = [.. Enumerable.Repeat(double.MaxValue, 5)];
        (long Records, long Accesses) counted = default;
        for (int round = 0; round < rounds; round++)
        {
            Time(ref best[0], () => counted = Count(text));
            Time(ref best[1], () => counted = Count(packed));
            Time(ref best[2], () => VmtReader.Load(new MemoryStream(text), "a.vmt"));
            Time(ref best[3], () => VmtReader.Load(new MemoryStream(packed), "a.vmtb"));
            Time(ref best[4], () => TraceFiles.Load(file));
        }

        File.Delete(file);

        string sizes = string.Create(CultureInfo.InvariantCulture, $"text {text.Length:N0} bytes, binary {packed.Length:N0}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{name}: {counted.Records:N0} records of {counted.Accesses:N0} accesses, {sizes}"));
        string[] what = ["text, records", "binary, records", "text, program", "binary, program", "a file, ahead"];
        for (int i = 0; i < what.Length; i++)
        {
            double millionths = best[i] * 1e6;
            string speed = string.Create(
                CultureInfo.InvariantCulture,
                $"{counted.Records / millionths,8:F1} M records/s {counted.Accesses / millionths,9:F0} M accesses/s");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what[i],-16} {best[i],8:F3} s {speed}"));
        }

        return 0;
    }

    private static void Time(ref double best, Action work)
    {
        GC.Collect();
        long started = Stopwatch.GetTimestamp();
        work();
        best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private static (long Records, long Accesses) Count(byte[] trace)
    {
        IVmtSource source = TraceSources.Open(new MemoryStream(trace), "a.vmt");
        VmtRecord record = default;
        VmtAccess[] some = new VmtAccess[1024];
        long records = 0;
        ulong accesses = 0;
        while (true)
        {
            int count = source.ReadAccesses(some);
            foreach (VmtAccess access in some.AsSpan(0, count))
            {
                accesses += access.Count;
            }

            records += count;
            if (count == 0 && !source.Read(ref record))
            {
                return (records, (long)accesses);
            }

            bool isAccess = record.Kind is VmtKind.Fetch or VmtKind.Load or VmtKind.Store;
            accesses += count == 0 && isAccess ? record.Count : 0;
            records += count == 0 ? 1 : 0;
        }
    }

    /// <summary>A trace in both forms.</summary>
    private static (byte[] Text, byte[] Packed) Copy(byte[] trace, string name)
    {
        using MemoryStream text = new();
        using (VmtTextWriter writer = new(text))
        {
            TraceTools.Copy(TraceSources.Open(new MemoryStream(trace), name), writer);
        }

        using MemoryStream packed = new();
        using (VmtBinaryWriter writer = new(packed))
        {
            TraceTools.Copy(TraceSources.Open(new MemoryStream(trace), name), writer);
        }

        return (text.ToArray(), packed.ToArray());
    }

    /// <summary>One thread that uses pages near each other, fetches and data in turn, with counts as a filter leaves them.</summary>
    private static (byte[] Text, byte[] Packed) Draw(int records)
    {
        Random random = new(1);
        StringBuilder text = new(
            "# vmt 1 drawn pagesize 4096 filter direct-mapped sets=16\ni 400000 100000 5 2 - 0\ni 10000000 40000000 3 22 - 0\nt 0\n");
        ulong page = 0x10000;
        for (int i = 0; i < records; i++)
        {
            page = random.Next(4) == 0 ? 0x10000 + (ulong)random.Next(0x40000) : Math.Min(page + 1, 0x4FFFF);
            ulong used = i % 3 == 0 ? 0x400 + (ulong)random.Next(0x100) : page;
            char kind = i % 3 == 0 ? 'I' : random.Next(3) == 0 ? 'W' : 'R';
            text.Append(kind).Append(' ').Append(used.ToString("x", CultureInfo.InvariantCulture)).Append(' ')
                .Append(1 + random.Next(60)).Append('\n');
        }

        byte[] bytes = Encoding.ASCII.GetBytes(text.ToString());
        return Copy(bytes, "a.vmt");
    }
}
