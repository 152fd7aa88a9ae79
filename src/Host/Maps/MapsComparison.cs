using VmSim.Core.Memory;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Host.Maps;

/// <summary>A range that the kernel and the replay describe differently.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">The address behind the last one.</param>
/// <param name="Kernel">What the kernel has there.</param>
/// <param name="Replay">What the replay has there.</param>
internal readonly record struct MapsDifference(ulong Start, ulong End, string Kernel, string Replay);

/// <summary>
/// Compares a snapshot of the kernel with a replayed memory, page by page of their ranges. Where the borders between equal neighbours lie
/// does not count: the kernel keeps neighbours apart for reasons that are no program's business (anon_vma, mm/vma.c).
/// </summary>
/// <remarks>
/// Areas that the kernel makes have rules of their own. <see cref="KernelMade"/> areas are left out. The stack begins
/// where faults took it, so only what both have of it is compared. A file whose path the log did not give is equal to any file.
/// </remarks>
internal static class MapsComparison
{
    private const string SharedMemory = "shared memory";

    /// <summary>Names of areas that the kernel makes for itself.</summary>
    public static IReadOnlyList<string> KernelMade { get; } = ["[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]"];

    /// <summary>The ranges that differ, by rising address.</summary>
    public static List<MapsDifference> Compare(KernelSnapshot snapshot, VirtualMemory memory)
    {
        List<Segment> kernel = [.. snapshot.Areas.Where(area => !KernelMade.Contains(area.Name)).Select(Segment.Of)];
        List<Segment> replay = WithoutKernelMade(snapshot, memory.Areas.Select(Segment.Of));
        MeetAtTheStack(snapshot, kernel, replay);
        ulong[] borders = [.. kernel.Concat(replay).SelectMany(segment => (ulong[])[segment.Start, segment.End]).Distinct().Order()];
        List<MapsDifference> differences = [];
        (int k, int r) = (0, 0);
        for (int i = 0; i + 1 < borders.Length; i++)
        {
            Segment? left = At(kernel, ref k, borders[i]);
            Segment? right = At(replay, ref r, borders[i]);
            if (!AreAlike(left, right))
            {
                Add(differences, new MapsDifference(borders[i], borders[i + 1], Text(left, borders[i]), Text(right, borders[i])));
            }
        }

        return differences;
    }

    /// <summary>The kernel's resident bytes of the areas that are compared: of no file, and of files and shared memory.</summary>
    public static (ulong Anonymous, ulong Other) Resident(KernelSnapshot snapshot)
    {
        (ulong anonymous, ulong other) = (0, 0);
        foreach (KernelArea area in snapshot.Areas.Where(area => !KernelMade.Contains(area.Name)))
        {
            anonymous += area.AnonymousBytes;
            other += area.ResidentBytes - Math.Min(area.AnonymousBytes, area.ResidentBytes);
        }

        return (anonymous, other);
    }

    /// <summary>Rights as maps writes them.</summary>
    public static string RightsText(Protection rights, bool isShared) =>
        $"{((rights & Protection.Read) != 0 ? 'r' : '-')}{((rights & Protection.Write) != 0 ? 'w' : '-')}"
        + $"{((rights & Protection.Execute) != 0 ? 'x' : '-')}{(isShared ? 's' : 'p')}";

    /// <summary>Leaves them out of the replay too: a trace may have them, and neighbours that are alike are one area there.</summary>
    private static List<Segment> WithoutKernelMade(KernelSnapshot snapshot, IEnumerable<Segment> replay)
    {
        foreach (KernelArea area in snapshot.Areas.Where(area => KernelMade.Contains(area.Name)))
        {
            replay = replay.SelectMany(segment => new[]
            {
                segment with { End = Math.Min(segment.End, area.Start) },
                segment with { Start = Math.Max(segment.Start, area.End) },
            }.Where(part => part.Start < part.End));
        }

        return [.. replay];
    }

    private static void MeetAtTheStack(KernelSnapshot snapshot, List<Segment> kernel, List<Segment> replay)
    {
        foreach (KernelArea stack in snapshot.Areas.Where(area => area.Name == "[stack]"))
        {
            int own = kernel.FindIndex(segment => segment.Start == stack.Start);
            int other = replay.FindIndex(segment => segment.End == stack.End);
            if (own >= 0 && other >= 0)
            {
                ulong start = Math.Max(kernel[own].Start, replay[other].Start);
                kernel[own] = kernel[own] with { Start = start };
                replay[other] = replay[other] with { Start = start };
            }
        }
    }

    private static Segment? At(List<Segment> segments, ref int index, ulong address)
    {
        while (index < segments.Count && segments[index].End <= address)
        {
            index++;
        }

        return index < segments.Count && segments[index].Start <= address ? segments[index] : null;
    }

    private static bool AreAlike(Segment? left, Segment? right)
    {
        if (left is not { } kernel || right is not { } replay)
        {
            return left is null && right is null;
        }

        bool isUnnamed = replay.Source.Length > 0 && replay.Source[0] is not '/' and not '[' && replay.Source != SharedMemory;
        bool isSameSource = isUnnamed
            ? kernel.Source.Length > 0
            : kernel.Source == replay.Source && (kernel.Delta == replay.Delta || kernel.Source is "" or SharedMemory);
        return kernel.Rights == replay.Rights && kernel.IsShared == replay.IsShared && isSameSource;
    }

    private static string Text(Segment? segment, ulong address) => segment is not { } found
        ? "nothing"
        : $"{RightsText(found.Rights, found.IsShared)} "
            + (found.Source is "" or SharedMemory
                ? found.Source.Length == 0 ? "anonymous memory" : found.Source
                : $"{found.Source} from {unchecked(address + found.Delta):x}");

    private static void Add(List<MapsDifference> differences, MapsDifference next)
    {
        if (differences.Count > 0 && differences[^1] is { } last && last.End == next.Start && last.Kernel == next.Kernel
            && last.Replay == next.Replay)
        {
            differences[^1] = last with { End = next.End };
        }
        else
        {
            differences.Add(next);
        }
    }

    /// <summary>A range with one description.</summary>
    private readonly record struct Segment(ulong Start, ulong End, Protection Rights, bool IsShared, string Source, ulong Delta)
    {
        private const string Deleted = " (deleted)";

        public static Segment Of(KernelArea area) =>
            Of(area.Start, area.End, area.Rights, area.IsShared, area.Name, unchecked(area.Offset - area.Start));

        public static Segment Of(AreaInfo area)
        {
            Protection rights = ((area.Flags & AreaFlags.Read) != 0 ? Protection.Read : 0)
                | ((area.Flags & AreaFlags.Write) != 0 ? Protection.Write : 0)
                | ((area.Flags & AreaFlags.Execute) != 0 ? Protection.Execute : 0);
            ulong start = area.Range.Start.Value;
            bool isShared = (area.Flags & AreaFlags.Shared) != 0;
            return Of(start, area.Range.Last.Value + 1, rights, isShared, area.Source, unchecked(area.Offset - start));
        }

        /// <summary>
        /// Anonymous memory has many names: [heap], [stack], [anon:NAME] of prctl(PR_SET_VMA). So has shared memory without a file:
        /// /dev/zero, /SYSV and the key of shmget, [anon_shmem:NAME].
        /// </summary>
        /// <remarks>The kernel says of all mappings of a file that it is deleted; a trace of those that were made after that.</remarks>
        private static Segment Of(ulong start, ulong end, Protection rights, bool isShared, string path, ulong delta)
        {
            string source = path.EndsWith(Deleted, StringComparison.Ordinal) ? path[..^Deleted.Length] : path;
            bool isSharedMemory = isShared && (source is "" or "/dev/zero" || source.StartsWith("/SYSV", StringComparison.Ordinal)
                || source.StartsWith("[anon_shmem", StringComparison.Ordinal) || source.StartsWith("shared ", StringComparison.Ordinal));
            bool isAnonymous = source is "[heap]" or "[stack]" or "[bss]" || source.StartsWith("[anon:", StringComparison.Ordinal);
            string name = isSharedMemory ? SharedMemory : isAnonymous ? "" : source;
            return new Segment(start, end, rights, isShared, name, name.Length == 0 || isSharedMemory ? 0 : delta);
        }
    }
}
