using System.Buffers.Binary;
using System.Text;

namespace VmSim.Host.Reporting;

/// <summary>
/// The fields of a protobuf message, written one after the other (protobuf.dev/programming-guides/encoding): a tag of field number and
/// kind, then a number of seven bits a byte, eight bytes low byte first, or a length and as many bytes.
/// </summary>
internal sealed class ProtoMessage
{
    private const int KindNumber = 0;
    private const int KindFixed64 = 1;
    private const int KindBytes = 2;
    private const int FirstBytes = 64;

    private byte[] _bytes = new byte[FirstBytes];
    private int _length;

    /// <summary>What was written since the last <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Begins another message in the same memory.</summary>
    public ProtoMessage Clear()
    {
        _length = 0;
        return this;
    }

    /// <summary>Writes a number; one below 0 takes ten bytes, as int64 has it.</summary>
    public ProtoMessage Number(int field, long value)
    {
        Tag(field, KindNumber);
        Varint((ulong)value);
        return this;
    }

    /// <summary>Writes a number of eight bytes.</summary>
    public ProtoMessage Fixed64(int field, ulong value)
    {
        Tag(field, KindFixed64);
        BinaryPrimitives.WriteUInt64LittleEndian(Room(sizeof(ulong)), value);
        return this;
    }

    /// <summary>Writes a text as UTF-8.</summary>
    public ProtoMessage Text(int field, string value)
    {
        int bytes = Encoding.UTF8.GetByteCount(value);
        Tag(field, KindBytes);
        Varint((ulong)bytes);
        Encoding.UTF8.GetBytes(value, Room(bytes));
        return this;
    }

    /// <summary>Writes a message as a field of this one.</summary>
    public ProtoMessage Message(int field, ProtoMessage inner)
    {
        Tag(field, KindBytes);
        Varint((ulong)inner._length);
        inner.Bytes.CopyTo(Room(inner._length));
        return this;
    }

    private void Tag(int field, int kind) => Varint(((ulong)field << 3) | (uint)kind);

    private void Varint(ulong value)
    {
        while (value >= 0x80)
        {
            Room(1)[0] = (byte)(value | 0x80);
            value >>= 7;
        }

        Room(1)[0] = (byte)value;
    }

    private Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes)
        {
            Array.Resize(ref _bytes, Math.Max(_length + bytes, 2 * _bytes.Length));
        }

        _length += bytes;
        return _bytes.AsSpan(_length - bytes, bytes);
    }
}
