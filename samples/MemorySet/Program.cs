using Samples.MemorySet;
using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

const GuestRights ReadWrite = GuestRights.Read | GuestRights.Write;
AddrRange<GuestAddr> ram = AddrRange.Of(new GuestAddr(0x0010_0000), 0x0100_0000);
GuestSet set = new();
GuestTable table = new();

// Eight pages at the lowest free place of the guest's memory.
GuestAddr heap = set.FindFreeArea(hint: ram.Start, 0x8000, ram, align: 0x1000)
    ?? throw new InvalidOperationException("the guest's memory is full");
Check(set.TryMap(new(heap, 0x8000, ReadWrite, default), table, out MappingError<GuestAddr> error), error);

// The third and fourth page become read-only, and the fifth goes.
Check(set.TryProtect(new GuestAddr(heap.Number + 0x2000), 0x2000, _ => GuestRights.Read, table, out error), error);
Check(set.TryUnmap(new GuestAddr(heap.Number + 0x4000), 0x1000, table, out error), error);
foreach (GuestSet.Area area in set)
{
    Console.WriteLine($"{area.Start} {area.Size / PageSizes.BaseBytes} pages: {area.Flags}");
}

// What is mapped stays: the call says no, and neither areas nor table have changed.
if (!set.TryMap(new(heap, 0x1000, GuestRights.Execute, default), table, out error))
{
    Console.WriteLine($"refused: {error}");
}

Console.WriteLine($"{set.Count} areas, {table.Count} pages, the first with {table[heap]}");

static void Check(bool done, MappingError<GuestAddr> error)
{
    if (!done)
    {
        throw new InvalidOperationException(error.ToString());
    }
}
