using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace VmSim.Core.Paging;

/// <summary>What happens to a page table, in the order in which it happens. The numbers are part of the encoded form.</summary>
internal enum ChangeKind : byte
{
    /// <summary>The changes that follow become visible at another time: the time.</summary>
    VisibleAt = 0,

    /// <summary>Entries got one value: page, first index, count, value.</summary>
    Uniform = 1,

    /// <summary>Entries got evenly spaced values: page, first index, count, first value, step.</summary>
    Stepped = 2,

    /// <summary>Entries got values: page, first index, count, values.</summary>
    Values = 3,

    /// <summary>A table page was allocated: page, level, node.</summary>
    Allocated = 4,

    /// <summary>A table page left the tree: page.</summary>
    Retired = 5,

    /// <summary>The table pages freed so far were taken.</summary>
    Taken = 6,

    /// <summary>A freed table page was released: page.</summary>
    Released = 7,

    /// <summary>A table page moved to another node: page, node.</summary>
    Node = 8,
}

/// <summary>
/// Writes changes as bytes: the kind, then numbers, then entries. A number has 7 bits a byte, low first, with the high bit set on all but
/// the last; an entry has 8 bytes, low first.
/// </summary>
internal sealed class ChangeWriter
{
    private byte[] _bytes = new byte[256];
    private long _visibleAt = -1;

    /// <summary>Bytes written since the last <see cref="Take"/>.</summary>
    public int Length { get; private set; }

    /// <summary>What was written since the last <see cref="Take"/>.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>Adds what another log held; what is written next says again when it becomes visible.</summary>
    public void Append(ReadOnlySpan<byte> written)
    {
        Reserve(written.Length);
        written.CopyTo(_bytes.AsSpan(Length));
        Truncate(Length + written.Length);
    }

    public byte[] Take()
    {
        byte[] taken = _bytes[..Length];
        Truncate(0);
        return taken;
    }

    public void Truncate(int length)
    {
        Length = length;
        _visibleAt = -1;
    }

    public void Write(ChangeKind kind, int page = -1, int first = -1, int second = -1)
    {
        Reserve(1 + (3 * 10));
        _bytes[Length++] = (byte)kind;
        foreach (int number in (ReadOnlySpan<int>)[page, first, second])
        {
            if (number >= 0)
            {
                WriteNumber((ulong)number);
            }
        }
    }

    public void WriteRetired(long time, int page)
    {
        WriteTime(time);
        Write(ChangeKind.Retired, page);
    }

    public void WriteEntries(long time, int page, int index, ReadOnlySpan<ulong> entries)
    {
        WriteTime(time);
        ulong step = entries.Length > 1 ? entries[1] - entries[0] : 0;
        ChangeKind kind = !IsEven(entries, step) ? ChangeKind.Values : step == 0 ? ChangeKind.Uniform : ChangeKind.Stepped;
        Write(kind, page, index, entries.Length);
        switch (kind)
        {
            case ChangeKind.Uniform:
                WriteEntry(entries[0]);
                break;
            case ChangeKind.Stepped:
                WriteEntry(entries[0]);
                WriteEntry(step);
                break;
            default:
                Reserve(entries.Length * sizeof(ulong));
                foreach (ulong entry in entries)
                {
                    WriteEntry(entry);
                }

                break;
        }
    }

    private static bool IsEven(ReadOnlySpan<ulong> entries, ulong step)
    {
        for (int i = 2; i < entries.Length; i++)
        {
            if (entries[i] - entries[i - 1] != step)
            {
                return false;
            }
        }

        return true;
    }

    private void WriteTime(long time)
    {
        if (time != _visibleAt)
        {
            _visibleAt = time;
            Write(ChangeKind.VisibleAt);
            WriteNumber((ulong)time);
        }
    }

    private void WriteEntry(ulong entry)
    {
        Reserve(sizeof(ulong));
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(Length), entry);
        Length += sizeof(ulong);
    }

    private void WriteNumber(ulong number)
    {
        Reserve(10);
        while (number >= 0x80)
        {
            _bytes[Length++] = (byte)(number | 0x80);
            number >>= 7;
        }

        _bytes[Length++] = (byte)number;
    }

    private void Reserve(int more)
    {
        if (_bytes.Length - Length < more)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, Length + more));
        }
    }
}

/// <summary>Reads what <see cref="ChangeWriter"/> wrote.</summary>
internal ref struct ChangeReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public ChangeKind ReadKind() => (ChangeKind)ReadByte();

    /// <summary>A number from 0 to <paramref name="most"/>.</summary>
    public int ReadNumber(int most)
    {
        ulong number = ReadNumber();
        return number <= (ulong)most ? (int)number : throw new InvalidDataException($"Page-table changes: {number} is more than {most}.");
    }

    public ulong ReadNumber()
    {
        ulong number = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = ReadByte();
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return number;
            }
        }

        throw new InvalidDataException("Page-table changes: a number is too long.");
    }

    public ulong ReadEntry()
    {
        Span<ulong> entry = stackalloc ulong[1];
        ReadEntries(entry);
        return entry[0];
    }

    public void ReadEntries(scoped Span<ulong> entries)
    {
        int length = entries.Length * sizeof(ulong);
        if (_rest.Length < length)
        {
            throw new InvalidDataException("Page-table changes: the data end too early.");
        }

        _rest[..length].CopyTo(MemoryMarshal.AsBytes(entries));
        _rest = _rest[length..];
        if (!BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(entries, entries);
        }
    }

    /// <summary>The entries of a run, behind its page, first index and count.</summary>
    public void ReadRun(ChangeKind kind, scoped Span<ulong> entries)
    {
        if (kind == ChangeKind.Values)
        {
            ReadEntries(entries);
            return;
        }

        ulong entry = ReadEntry();
        ulong step = kind == ChangeKind.Stepped ? ReadEntry() : 0;
        for (int i = 0; i < entries.Length; i++)
        {
            entries[i] = entry + ((ulong)i * step);
        }
    }

    private byte ReadByte()
    {
        if (_rest.IsEmpty)
        {
            throw new InvalidDataException("Page-table changes: the data end too early.");
        }

        byte next = _rest[0];
        _rest = _rest[1..];
        return next;
    }
}
