using System.Buffers.Binary;
using VmSim.Core.Addresses;

namespace VmSim.Core.VirtualTime;

/// <content>Messages as bytes, for nodes of a cluster: the fields in their order, each low byte first.</content>
public partial struct SimMessage
{
    /// <summary>Writes the message.</summary>
    /// <param name="bytes">At least <see cref="Bytes"/> of them.</param>
    public readonly void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Due.Value);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], Sender);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], Target);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], Sequence);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[24..], (ushort)_kind);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[26..], _flags);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[28..], Space.Value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], _a);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[40..], _b);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[48..], _c);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[56..], _d);
    }

    /// <summary>Reads a message that <see cref="WriteTo"/> wrote.</summary>
    /// <param name="bytes">At least <see cref="Bytes"/> of them.</param>
    public static SimMessage ReadFrom(ReadOnlySpan<byte> bytes) => new(
        (MessageKind)BinaryPrimitives.ReadUInt16LittleEndian(bytes[24..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[40..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[56..]))
    {
        Due = BinaryPrimitives.ReadInt64LittleEndian(bytes),
        Sender = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]),
        Target = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]),
        Sequence = BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
        _flags = BinaryPrimitives.ReadUInt16LittleEndian(bytes[26..]),
        Space = new SpaceId(BinaryPrimitives.ReadInt32LittleEndian(bytes[28..])),
    };
}
