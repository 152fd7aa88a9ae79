using VmSim.Core.Addresses;
using VmSim.Core.Mapping;

namespace VmSim.Core.Tests.Mapping;

/// <summary>An address type of one's own: a guest-physical address of 32 bits.</summary>
public readonly record struct GuestAddr(uint Number) : IMemoryAddress<GuestAddr>
{
    public static ulong MaxValue => uint.MaxValue;

    public ulong Value => Number;

    public static GuestAddr FromValue(ulong value) => new(checked((uint)value));

    public int CompareTo(GuestAddr other) => Number.CompareTo(other.Number);

    public override string ToString() => $"0x{Number:x}";
}

/// <summary>A page table that is an array of one byte per address, from a base address on. Refuses the call it is told to.</summary>
public class ByteTable(ulong origin, int size)
{
    public byte[] Cells { get; } = new byte[size];

    public ulong Origin { get; } = origin;

    /// <summary>Calls until one is refused; negative for none. The refusal happens once.</summary>
    public int RefuseAfter { get; set; } = -1;

    /// <summary>Whether the refusal is an exception.</summary>
    public bool Throws { get; set; }

    /// <summary>Whether a refused call has changed half of its range by then.</summary>
    public virtual bool RefusesHalfWay => false;

    public bool Apply(ulong start, ulong count, bool present, Func<byte, byte> change)
    {
        Span<byte> cells = Cells.AsSpan((int)(start - Origin), (int)count);
        bool refused = RefuseAfter == 0;
        RefuseAfter = RefuseAfter >= 0 ? RefuseAfter - 1 : -1;
        foreach (byte cell in cells)
        {
            Assert.Equal(present, cell != 0);
        }

        Span<byte> changed = refused ? RefusesHalfWay ? cells[..((cells.Length + 1) / 2)] : [] : cells;
        foreach (ref byte cell in changed)
        {
            cell = change(cell);
        }

        return refused && Throws ? throw new InjectedException() : !refused;
    }
}

/// <summary>The same with a journal: whole copies, newest last.</summary>
public sealed class UndoableByteTable(ulong origin, int size) : ByteTable(origin, size), IUndoablePageTable
{
    private readonly List<byte[]> _copies = [];

    public override bool RefusesHalfWay => true;

    public int OpenMarks => _copies.Count;

    public int Mark()
    {
        _copies.Add([.. Cells]);
        return _copies.Count - 1;
    }

    public void Rollback(int mark)
    {
        _copies[mark].CopyTo(Cells, 0);
        Commit(mark);
    }

    public void Commit(int mark)
    {
        Assert.Equal(_copies.Count - 1, mark);
        _copies.RemoveAt(mark);
    }
}

public sealed class InjectedException : Exception;

/// <summary>Writes a cell that tells its flags and its backend's number (1 to 3).</summary>
public record ByteBackend<TAddr>(int Number) : IMappingBackend<TAddr, byte, ByteTable>
    where TAddr : struct, IMemoryAddress<TAddr>
{
    public const byte FlagBits = 0x07;
    public const byte TouchedBit = 0x08;

    public byte CellOf(byte flags) => (byte)(0x80 | (Number << 4) | flags);

    public bool Map(TAddr start, ulong size, byte flags, ByteTable pageTable) =>
        pageTable.Apply(start.Value, size, present: false, _ => CellOf(flags));

    public bool Unmap(TAddr start, ulong size, ByteTable pageTable) => pageTable.Apply(start.Value, size, present: true, _ => 0);

    public bool Protect(TAddr start, ulong size, byte newFlags, ByteTable pageTable) =>
        pageTable.Apply(start.Value, size, present: true, cell => (byte)((cell & ~FlagBits) | newFlags));
}

/// <summary>A memory set over such a table.</summary>
public sealed class ByteSet<TAddr> : MemorySet<TAddr, byte, ByteTable, ByteBackend<TAddr>>
    where TAddr : struct, IMemoryAddress<TAddr>
{
    public ByteSet()
    {
    }

    public ByteSet(MemorySetOptions options)
        : base(options)
    {
    }
}

/// <summary>A backend that depends on addresses, as a file's does, and moves cells as they are.</summary>
public sealed record MovableByteBackend<TAddr>(int Number, long Delta)
    : ByteBackend<TAddr>(Number), IMovableBackend<TAddr, byte, ByteTable, ByteBackend<TAddr>>
    where TAddr : struct, IMemoryAddress<TAddr>
{
    public ByteBackend<TAddr> MovedTo(TAddr from, TAddr to) => this with { Delta = Delta + (long)(to.Value - from.Value) };

    public bool Move(TAddr from, TAddr to, ulong size, byte flags, ByteTable pageTable)
    {
        byte[] cells = pageTable.Cells.AsSpan((int)(from.Value - pageTable.Origin), (int)size).ToArray();
        int next = 0;
        if (!pageTable.Apply(from.Value, size, present: true, _ => 0))
        {
            return false;
        }

        int refuseAfter = pageTable.RefuseAfter;
        pageTable.RefuseAfter = -1;
        pageTable.Apply(to.Value, size, present: false, _ => cells[next++]);
        pageTable.RefuseAfter = refuseAfter;
        return true;
    }
}
