using VmSim.Core.Addresses;
using VmSim.Core.Paging;
using static VmSim.Core.Tests.Paging.TableProbe;

namespace VmSim.Core.Tests.Paging;

/// <summary>Tables and changes of tables as bytes, and bytes that are damaged.</summary>
public sealed class PageTableTransferTests
{
    private const PageFlags UserData = PageFlags.Read | PageFlags.Write | PageFlags.User;
    private const ulong Megabyte2 = 2UL << 20;

    private static readonly VirtAddr Here = new(0x4000_0000);

    [Fact]
    public void Import_OfDamagedData_SaysSo()
    {
        using PageTable table = New("x86-64");
        table.VisibleAt = 9;
        table.MapRange(Here, new PhysAddr(0x5000), 0x3000, UserData);
        byte[] data = Exported(table);
        Assert.Throws<InvalidDataException>(() => PageTable.Import(new MemoryStream(new byte[64])));
        for (int length = 0; length < data.Length; length += 97)
        {
            Assert.Throws<EndOfStreamException>(() => PageTable.Import(new MemoryStream(data, 0, length)));
        }

        byte[] other = [.. data];
        other[4] = 99;
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => PageTable.Import(new MemoryStream(other)));
        Assert.Contains("version 99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ApplyChanges_OfDamagedData_SaysSo()
    {
        using PageTable table = New("x86-64");
        table.LogsChanges = true;
        table.VisibleAt = 9;
        table.MapRange(Here, new PhysAddr(0x5000), 0x3000, UserData);
        table.ProtectRange(Here + 0x1000, 0x1000, PageFlags.Read);
        byte[] changes = table.TakeChanges();
        Assert.Empty(table.TakeChanges());
        using PageTable replica = New("x86-64");
        replica.ApplyChanges(changes);
        Assert.False(IsMapped(replica, Here, 8));
        Assert.True(IsMapped(replica, Here, 9));
        Assert.Equal(table.Query(Here + 0x1000), replica.Query(Here + 0x1000));
        Assert.Throws<InvalidDataException>(() => replica.ApplyChanges([42]));
        for (int at = 0; at < changes.Length; at++)
        {
            byte[] damaged = [.. changes];
            damaged[at] ^= 0x55;
            using PageTable other = New("x86-64");
            Exception? error = Record.Exception(() => other.ApplyChanges(damaged));
            Assert.True(error is null or InvalidDataException, $"{error}");
        }
    }

    [Fact]
    public void TakeChanges_OfARangeMap_IsCompact()
    {
        using PageTable table = New("riscv-sv39");
        table.LogsChanges = true;
        table.MapRange(Here, new PhysAddr(0x8000_0000), 64 * Megabyte2, UserData);
        byte[] mapped = table.TakeChanges();
        Assert.InRange(mapped.Length, 1, 64 * 50);
        Unmap(table, Here, 64 * Megabyte2);
        Assert.InRange(table.TakeChanges().Length, 1, 64 * 24);
        table.LogsChanges = false;
        Assert.Throws<InvalidOperationException>(() => table.TakeChanges());
    }
}
