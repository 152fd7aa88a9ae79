using System.Runtime.InteropServices;
using VmSim.Core.Addresses;
using VmSim.Core.Machine;

namespace VmSim.Host.Capture;

/// <summary>What this machine says of itself: processors, sockets, kernel. Linux alone tells.</summary>
internal sealed record HostMachine
{
    private const string Processors = "/sys/devices/system/cpu";

    /// <summary>The processor's name; "this machine" where nobody tells.</summary>
    public required string Model { get; init; }

    /// <summary>The kernel's release, such as 6.18.44.</summary>
    public required string Kernel { get; init; }

    /// <summary>Processors that are on.</summary>
    public required int Cores { get; init; }

    /// <summary>Sockets.</summary>
    public required int Sockets { get; init; }

    /// <summary>Processors that this process may use.</summary>
    public required IReadOnlyList<int> Allowed { get; init; }

    /// <summary>Whether it says that a hypervisor runs it.</summary>
    public bool IsGuest { get; init; }

    /// <summary>The page-table format; null for that of the base profile.</summary>
    public string? PageTable { get; init; }

    /// <summary>When anonymous memory gets huge pages, as the setting has it; null where nobody tells.</summary>
    public string? HugePages { get; init; }

    /// <summary>
    /// The newest release whose rules the simulator has and that is no newer than this kernel; the oldest if there is none.
    /// </summary>
    public KernelRelease Rules
    {
        get
        {
            string[] numbers = Kernel.Split('.', '-');
            KernelRelease release = numbers.Length > 1 && int.TryParse(numbers[0], out int major) && int.TryParse(numbers[1], out int minor)
                ? new KernelRelease(major, minor)
                : KernelRelease.All[^1];
            return KernelRelease.All.LastOrDefault(each => each <= release, KernelRelease.All[0]);
        }
    }

    /// <summary>Reads it.</summary>
    public static HostMachine Read()
    {
        int[] online = [.. ParseList(Line($"{Processors}/online"))];
        int[] allowed = [.. ParseList(After("/proc/self/status", "Cpus_allowed_list:") ?? "")];
        string? flags = After("/proc/cpuinfo", "flags");
        string pages = Line("/sys/kernel/mm/transparent_hugepage/enabled");
        int from = pages.IndexOf('[', StringComparison.Ordinal);
        int to = pages.IndexOf(']', StringComparison.Ordinal);
        return new HostMachine
        {
            Model = After("/proc/cpuinfo", "model name") ?? "this machine",
            Kernel = Line("/proc/sys/kernel/osrelease"),
            Cores = Math.Max(1, online.Length),
            Sockets = Math.Max(1, online.Select(Socket).Distinct().Count()),
            Allowed = allowed.Length > 0 ? allowed : [0],
            IsGuest = flags is not null && flags.Split(' ').Contains("hypervisor"),
            PageTable = RuntimeInformation.OSArchitecture != Architecture.X64 || flags is null ? null
                : flags.Split(' ').Contains("la57") ? "x86-64-la57" : "x86-64",
            HugePages = from >= 0 && to > from ? pages[(from + 1)..to] : null,
        };
    }

    /// <summary>
    /// A second processor to measure with: the next one that this process may use, not on the first one's core, and on its socket if
    /// that is possible.
    /// </summary>
    /// <param name="first">The first one.</param>
    /// <returns>The processor; -1 if there is none.</returns>
    public int Beside(int first)
    {
        int[] siblings = [.. ParseList(Line($"{Processors}/cpu{first}/topology/thread_siblings_list"))];
        int[] others = [.. Allowed.Where(cpu => cpu != first && !siblings.Contains(cpu))];
        return others.Length == 0 ? -1 : others.OrderBy(cpu => Socket(cpu) == Socket(first) ? 0 : 1).First();
    }

    /// <summary>A processor of another socket that this process may use; -1 if there is none.</summary>
    public int Remote(int first) => Allowed.FirstOrDefault(cpu => Socket(cpu) != Socket(first), -1);

    /// <summary>Reads a list as the kernel writes it: 0-3,8.</summary>
    internal static IEnumerable<int> ParseList(string text) =>
        CoreList.TryParse(text, out CoreList? cpus, out _) ? cpus.Cores.Select(cpu => cpu.Value) : [];

    private static int Socket(int cpu) =>
        int.TryParse(Line($"{Processors}/cpu{cpu}/topology/physical_package_id"), out int socket) ? socket : 0;

    /// <summary>What stands behind the colon of the first line that begins so; null if there is none.</summary>
    private static string? After(string path, string start) =>
        Array.Find(Lines(path), line => line.StartsWith(start, StringComparison.Ordinal))?.Split(':', 2)[^1].Trim();

    private static string Line(string path) => Lines(path).FirstOrDefault("").Trim();

    private static string[] Lines(string path) => File.Exists(path) ? File.ReadAllLines(path) : [];
}
