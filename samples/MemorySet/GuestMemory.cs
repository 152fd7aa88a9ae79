using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace Samples.MemorySet;

/// <summary>A guest-physical address of 32 bits. The set asks for a number and its limit, and keeps addresses apart from all others.</summary>
public readonly record struct GuestAddr(uint Number) : IMemoryAddress<GuestAddr>
{
    public static ulong MaxValue => uint.MaxValue;

    public ulong Value => Number;

    public static GuestAddr FromValue(ulong value) => new(checked((uint)value));

    public int CompareTo(GuestAddr other) => Number.CompareTo(other.Number);

    public override string ToString() => $"0x{Number:x8}";
}

/// <summary>What the guest may do with memory.</summary>
[Flags]
public enum GuestRights
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,
}

/// <summary>The page table: the rights of each mapped page, by its number.</summary>
public sealed class GuestTable
{
    private readonly Dictionary<ulong, GuestRights> _pages = [];

    public int Count => _pages.Count;

    public GuestRights? this[GuestAddr address] => _pages.TryGetValue(NumberOf(address), out GuestRights rights) ? rights : null;

    /// <summary>Whether all pages of a range are mapped, or none is.</summary>
    public bool Are(bool mapped, GuestAddr start, ulong size) => Numbers(start, size).All(page => _pages.ContainsKey(page) == mapped);

    public void Set(GuestAddr start, ulong size, GuestRights rights)
    {
        foreach (ulong page in Numbers(start, size))
        {
            _pages[page] = rights;
        }
    }

    public void Remove(GuestAddr start, ulong size)
    {
        foreach (ulong page in Numbers(start, size))
        {
            _pages.Remove(page);
        }
    }

    private static ulong NumberOf(GuestAddr address) => address.Value / PageSizes.BaseBytes;

    private static IEnumerable<ulong> Numbers(GuestAddr start, ulong size)
    {
        for (ulong done = 0; done < size; done += PageSizes.BaseBytes)
        {
            yield return NumberOf(start) + (done / PageSizes.BaseBytes);
        }
    }
}

/// <summary>Refuses to map what is mapped, and to unmap or protect what is not; then it has changed nothing.</summary>
public readonly record struct GuestBackend : IMappingBackend<GuestAddr, GuestRights, GuestTable>
{
    public bool Map(GuestAddr start, ulong size, GuestRights flags, GuestTable pageTable)
    {
        bool free = pageTable.Are(mapped: false, start, size);
        if (free)
        {
            pageTable.Set(start, size, flags);
        }

        return free;
    }

    public bool Unmap(GuestAddr start, ulong size, GuestTable pageTable)
    {
        bool mapped = pageTable.Are(mapped: true, start, size);
        if (mapped)
        {
            pageTable.Remove(start, size);
        }

        return mapped;
    }

    public bool Protect(GuestAddr start, ulong size, GuestRights newFlags, GuestTable pageTable)
    {
        bool mapped = pageTable.Are(mapped: true, start, size);
        if (mapped)
        {
            pageTable.Set(start, size, newFlags);
        }

        return mapped;
    }
}

/// <summary>The four types are named here and nowhere else.</summary>
public sealed class GuestSet() : MemorySet<GuestAddr, GuestRights, GuestTable, GuestBackend>(
    new MemorySetOptions { Granule = PageSizes.BaseBytes, MergeNeighbours = true });
