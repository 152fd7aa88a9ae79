using VmSim.Core.Addresses;
using VmSim.Core.Memory.Backends;
using VmSim.Core.Programs;

namespace VmSim.Core.Memory;

/// <summary>MAP_HUGETLB: memory in huge pages that no call divides (Linux 6.18: mm/hugetlb.c).</summary>
public sealed partial class VirtualMemory
{
    /// <summary>What a mapping without a size gets: default_hugepagesz of x86-64 is 2 MiB.</summary>
    private const int DefaultHugeShift = 21;

    /// <summary>Whether any area has pages that may not be divided, so that calls have to look at the ends of their ranges.</summary>
    private bool _hasHugeTlb;

    /// <summary>Whether a mapping takes huge pages. Of files only the file's kind says so, which nobody knows here.</summary>
    private static bool IsHugeTlb(SystemCall call) =>
        call is { Source: MappingSource.Anonymous, Backend: null } && (call.MappingFlags & MappingFlags.HugePages) != 0;

    /// <summary>The page size that a mapping with MAP_HUGETLB names; false for one that x86-64 does not have (hstate_sizelog).</summary>
    private static bool TryHugeTlbSize(SystemCall call, out PageSize size)
    {
        int shift = call.HugePageShift == 0 ? DefaultHugeShift : call.HugePageShift;
        size = shift == (int)PageSize.Size1G ? PageSize.Size1G : PageSize.Size2M;
        return shift == (int)size;
    }

    /// <summary>Makes the backend of a mapping with MAP_HUGETLB, whose length is a multiple of the page size by now.</summary>
    private MemoryBackend MakeHugeTlb(SystemCall call, ulong bytes, PageSize size)
    {
        _hasHugeTlb = true;
        if (!call.Shared)
        {
            return size == PageSize.Size1G ? HugeTlbBackend.Of1G : HugeTlbBackend.Of2M;
        }

        MemoryObject source = new("shared huge pages", bytes, FrameKind.SharedMemory);
        return new SharedHugeTlbBackend(source, unchecked(0 - call.Start.Value), size);
    }

    /// <summary>Whether an end of a range lies inside a huge page that may not be divided; then a call answers EINVAL
    /// (hugetlb_vm_op_split).</summary>
    private bool DividesHugeTlb(VirtAddr start, ulong size) => _hasHugeTlb && size > 0 && (IsInHugeTlb(start) || IsInHugeTlb(start + size));

    private bool IsInHugeTlb(VirtAddr end) => end.Value != 0
        && _set.TryFind(end - 1, out AreaSet.Area area) && (end.Value & (area.Backend.Granule.Bytes() - 1)) != 0;

    /// <summary>
    /// What mremap answers for huge pages that may not be divided, beyond what it answers for others: they do not grow, and do not stay
    /// (check_prep_vma, mm/mremap.c).
    /// </summary>
    private static Errno HugeTlbRemapError(in AreaSet.Area area, SystemCall call, ulong oldSize, ulong newSize)
    {
        ulong mask = area.Backend.Granule.Bytes() - 1;
        bool isRefused = mask >= PageSizes.BaseBytes
            && (((call.Start.Value | call.NewStart.Value) & mask) != 0 || ((newSize + mask) & ~mask) > ((oldSize + mask) & ~mask)
                || (call.RemapFlags & RemapFlags.DontUnmap) != 0);
        return isRefused ? Errno.InvalidArgument : Errno.None;
    }
}
