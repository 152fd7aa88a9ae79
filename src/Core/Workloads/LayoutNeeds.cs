using VmSim.Core.Addresses;
using VmSim.Core.Programs;

namespace VmSim.Core.Workloads;

/// <summary>
/// Which areas of a program have to stay aligned when they move, since the kernel or the program aligns them wherever they come to lie:
/// areas of huge pages to those; areas of 2 MiB and more that begin at a multiple of it (thp_get_unmapped_area, mm/huge_memory.c, and
/// allocators, which cut the ends off); files to what the linker says.
/// </summary>
public static class LayoutNeeds
{
    private const ulong Huge = 2UL << 20;

    /// <summary>The areas, each by its first address, with the power of two bytes that it is aligned to.</summary>
    /// <param name="calls">Calls and initial mappings of the program.</param>
    /// <param name="fileAlignment">To what files are aligned; a power of two, at least a page.</param>
    public static IReadOnlyList<(ulong Address, ulong Bytes)> Of(IEnumerable<SystemCall> calls, ulong fileAlignment)
    {
        ArgumentNullException.ThrowIfNull(calls);
        List<(ulong Address, ulong Bytes)> needs = [];
        List<(ulong First, ulong End)> large = [];
        List<ulong> cuts = [];
        foreach (SystemCall call in calls)
        {
            ulong start = call.Start.Value;
            switch (call.Kind)
            {
                case SystemCallKind.Map when call.MappingFlags.HasFlag(MappingFlags.HugePages):
                    needs.Add((start, call.HugePageShift == 0 ? Huge : 1UL << call.HugePageShift));
                    break;
                case SystemCallKind.Map:
                    Add(start, call.Length, call.Source == MappingSource.File ? call.Offset : 0, call.Source == MappingSource.File);
                    break;
                case SystemCallKind.Remap when call.NewLength > 0:
                    Add(call.NewStart.Value, call.NewLength, 0, isFile: false);
                    break;
                case SystemCallKind.Unmap when (start + call.Length) % Huge == 0:
                    cuts.Add(start + call.Length);
                    break;
            }
        }

        return [.. needs, .. CutAt(cuts, large)];

        void Add(ulong start, ulong length, ulong offset, bool isFile)
        {
            ulong place = start - offset;
            if (length >= Huge)
            {
                large.Add((start, start + length));
            }

            if (length >= Huge && place % Huge == 0)
            {
                needs.Add((start, Huge));
            }
            else if (isFile && fileAlignment > PageSizes.BaseBytes && place % fileAlignment == 0)
            {
                needs.Add((start, fileAlignment));
            }
        }
    }

    /// <summary>Ends that were cut off areas at a multiple of 2 MiB, of which as much is left behind it.</summary>
    private static IEnumerable<(ulong Address, ulong Bytes)> CutAt(List<ulong> cuts, List<(ulong First, ulong End)> large)
    {
        large.Sort();
        ulong[] firsts = [.. large.Select(area => area.First)];
        ulong furthest = 0;
        ulong[] ends = [.. large.Select(area => furthest = Math.Max(furthest, area.End))];
        foreach (ulong cut in cuts)
        {
            // The areas that begin before the cut are those before this place.
            int found = Array.BinarySearch(firsts, cut);
            int before = found >= 0 ? found : ~found;
            while (before > 0 && firsts[before - 1] == cut)
            {
                before--;
            }

            if (before > 0 && ends[before - 1] >= cut + Huge)
            {
                yield return (cut, Huge);
            }
        }
    }
}
