using System.Globalization;

namespace VmSim.Host.Hosting;

/// <summary>Memory of the machine that this process runs on.</summary>
internal static class HostMemory
{
    private const string Table = "/proc/meminfo";
    private const string Row = "MemAvailable:";

    /// <summary>Bytes of all memory: the machine's, or those that this process's container may have.</summary>
    public static long Total => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>
    /// Bytes that can be had now: what the kernel says of the machine (proc(5), MemAvailable), or less where this process's container has
    /// less. Where nobody says, as much as may be used in all.
    /// </summary>
    public static long Available()
    {
        GCMemoryInfo info = GC.GetGCMemoryInfo();
        long most = info.TotalAvailableMemoryBytes;
        if (!File.Exists(Table))
        {
            return most - info.MemoryLoadBytes;
        }

        string? row = File.ReadLines(Table).FirstOrDefault(line => line.StartsWith(Row, StringComparison.Ordinal));
        string[] words = (row ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 1 && long.TryParse(words[1], CultureInfo.InvariantCulture, out long kibibytes)
            ? Math.Min(most, kibibytes << 10)
            : most;
    }
}
