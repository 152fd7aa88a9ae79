using VmSim.Core.Addresses;

namespace VmSim.Core.Mapping;

/// <summary>The areas of a set by rising address, in one sorted array.</summary>
internal sealed class AreaList<TAddr, TFlags, TBackend>
    where TAddr : struct, IMemoryAddress<TAddr>
    where TFlags : struct
    where TBackend : class
{
    private readonly List<MemoryArea<TAddr, TFlags, TBackend>> _areas = [];

    public int Count => _areas.Count;

    public MemoryArea<TAddr, TFlags, TBackend> this[int index]
    {
        get => _areas[index];
        set => _areas[index] = value;
    }

    /// <summary>Index of the first area that ends after an address; the count if there is none.</summary>
    public int FirstEndingAfter(ulong address)
    {
        int low = 0;
        int high = _areas.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_areas[middle].End.Value > address)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }

    public void Insert(int index, in MemoryArea<TAddr, TFlags, TBackend> area) => _areas.Insert(index, area);

    public void RemoveRange(int index, int count) => _areas.RemoveRange(index, count);

    public void Clear() => _areas.Clear();
}
